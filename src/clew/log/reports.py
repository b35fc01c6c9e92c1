"""What is told about all records of a filter: how many, over time, by value; within bounds of time and memory."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from clew.log import report_sql
from clew.log.engine import LimitReached
from clew.log.query import Filter
from clew.log.report_sql import column_at, columns_of_facet, columns_of_filter
from clew.log.rows import read_bars, read_count, read_values
from clew.log.sql import Statement
from clew.log.store import Bar, Count, Facets, FacetValue, Histogram
from clew.log.sums import Cover, Sums
from clew.log.windows import Window

Found = TypeVar("Found")
Values = dict[str, tuple[FacetValue, ...]]


class Reports:
    """Asks for everything at once; where that is too much, for the longest of the latest ranges that is not.

    `windows` gives those of a list of a filter, the latest first: their far ends are the ranges that are tried.
    """

    def __init__(
        self,
        ask: Callable[[Statement], bytes],
        windows: Callable[[Filter], Sequence[Window]],
        sums: Sums,
        timeout_s: float,
    ) -> None:
        self._ask = ask
        self._windows = windows
        self._sums = sums
        self._timeout_s = timeout_s

    def count(self, filter: Filter, budget_ms: int | None = None) -> Count:
        """See `LogStore.count`."""
        found, whole, reached_ms = self._report(
            filter, lambda window, end_s: self._count(filter, window, end_s), budget_ms
        )
        return Count(found or 0, truncated=not whole, reached_ms=reached_ms)

    def histogram(self, filter: Filter, step_ms: int) -> Histogram:
        """See `LogStore.histogram`."""
        found, whole, reached_ms = self._report(
            filter, lambda window, end_s: self._bars(filter, window, step_ms, end_s)
        )
        return Histogram(tuple(found or ()), step_ms, truncated=not whole, reached_ms=reached_ms)

    def facets(self, filter: Filter, names: Sequence[str], limit: int) -> Facets:
        """See `LogStore.facets`."""
        found, whole, reached_ms = self._report(
            filter, lambda window, end_s: self._facets(filter, window, names, limit, end_s)
        )
        return Facets(found or dict.fromkeys(names, ()), truncated=not whole, reached_ms=reached_ms)

    def _report(
        self, filter: Filter, ask: Callable[[Window, float], Found], budget_ms: int | None = None
    ) -> tuple[Found | None, bool, int | None]:
        """What was found, whether in the whole range, and if not, from when on (None: nowhere)."""
        begun_s = time.monotonic()
        budget_s = self._timeout_s if budget_ms is None else min(budget_ms / 1000, self._timeout_s)
        try:
            return ask(Window(filter.from_ms, filter.to_ms), begun_s + budget_s / 2), True, None
        except LimitReached:
            found, reached_ms = None, None
        with contextlib.suppress(LimitReached):
            for window in self._windows(filter)[:-1]:
                latest = Window(window.from_ms, filter.to_ms)
                found, reached_ms = ask(latest, begun_s + budget_s), latest.from_ms
        return found, False, reached_ms

    def _count(self, filter: Filter, window: Window, end_s: float) -> int:
        def ask(cover: Cover | None) -> bytes:
            return self._ask(report_sql.count(filter, window, cover, budget_s=left_s(end_s)))

        return read_count(self._sums.ask(ask, self._cover(filter, (), window)))

    def _bars(self, filter: Filter, window: Window, step_ms: int, end_s: float) -> list[Bar]:
        def ask(cover: Cover | None) -> bytes:
            return self._ask(report_sql.bars(filter, window, cover, step_ms, budget_s=left_s(end_s)))

        return read_bars(self._sums.ask(ask, self._cover(filter, (), window, step_ms)))

    def _facets(self, filter: Filter, window: Window, names: Sequence[str], limit: int, end_s: float) -> Values:
        found: Values = dict.fromkeys(names, ())
        for columns in self._together(filter, names, window):
            for name, value in self._values(filter, window, columns, limit, end_s):
                found[name] += (value,)
        return found

    def _together(self, filter: Filter, names: Sequence[str], window: Window) -> list[list[str]]:
        """Names that are asked in one question: those that are read from the same table; `product` by itself."""
        groups: dict[str, list[str]] = {}
        for name in names:
            cover = self._cover(filter, columns_of_facet(name), window)()
            table = "product" if name == "product" else cover.table.name if cover else "log"
            groups.setdefault(table, []).append(name)
        return list(groups.values())

    def _values(
        self, filter: Filter, window: Window, names: list[str], limit: int, end_s: float
    ) -> Iterable[tuple[str, FacetValue]]:
        def ask(cover: Cover | None) -> bytes:
            budget_s = left_s(end_s)
            if names == ["product"]:
                return self._ask(report_sql.frequent_products(filter, window, cover, limit, budget_s=budget_s))
            return self._ask(report_sql.frequent_values(filter, window, cover, names, limit, budget_s=budget_s))

        columns = [column for name in names for column in columns_of_facet(name)]
        for place, value in read_values(self._sums.ask(ask, self._cover(filter, columns, window))):
            yield column_at(names, place), value

    def _cover(
        self, filter: Filter, columns: Iterable[str], window: Window, step_ms: int | None = None
    ) -> Callable[[], Cover | None]:
        asked = columns_of_filter(filter).union(columns)
        return lambda: self._sums.cover(asked, window, step_ms)


def left_s(deadline_s: float) -> float:
    """The time left. Never 0, which would mean no limit."""
    return max(deadline_s - time.monotonic(), 0.001)
