"""Questions about all records of a filter as SQL: how many, over time, by value.

Each may read the counts of whole days from a table of `sums.py` and the rest from the rows, as if both were one table.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from clew.core.clock import DAY_MS
from clew.core.record import STATUSES
from clew.log.query import Filter
from clew.log.sql import Conditions, Statement, narrow, within
from clew.log.sums import Cover
from clew.log.windows import Window

_OF_PRODUCT = ("source_product", "target_product")
_BEYOND_COLUMNS = frozenset({"workspace", "from_ms", "to_ms", "product"})


class Source(msgspec.Struct, frozen=True):
    """What is read, and how it is counted: `total` all, `failed` the failures, by SQL expressions."""

    text: str
    total: str
    counted_if: str
    conditions: Conditions

    def with_status(self, status: str) -> str:
        """How many have a status."""
        return f"{self.counted_if}status = '{status}')"


def columns_of_filter(filter: Filter) -> set[str]:
    """The columns by which a filter narrows, by their names in the log or, where it has no such column, its own."""
    named = {name for name in filter.__struct_fields__ if getattr(filter, name) not in ((), None)}
    return (named - _BEYOND_COLUMNS) | set(_OF_PRODUCT if filter.product else ())


def columns_of_facet(name: str) -> tuple[str, ...]:
    """The columns that hold the values of one of `FACET_NAMES`."""
    return _OF_PRODUCT if name == "product" else (name,)


def count(filter: Filter, window: Window, cover: Cover | None, *, budget_s: float) -> Statement:
    """How many records of a window match."""
    source = _source(filter, window, cover)
    return _statement(f"SELECT {source.total} AS count FROM {source.text}", source, budget_s)  # noqa: S608  # values are bound


def bars(filter: Filter, window: Window, cover: Cover | None, step_ms: int, *, budget_s: float) -> Statement:
    """How many records of each status a window has, by steps of time."""
    source = _source(filter, window, cover)
    step = source.conditions.bind(step_ms, "Int64")
    counts = ", ".join(f"{source.with_status(status)} AS {status}" for status in STATUSES)
    return _statement(
        f"SELECT intDiv(time, {step}) * {step} AS bar, {counts} FROM {source.text} GROUP BY bar ORDER BY bar",  # noqa: S608
        source,
        budget_s,
    )


def frequent_values(
    filter: Filter, window: Window, cover: Cover | None, columns: Sequence[str], limit: int, *, budget_s: float
) -> Statement:
    """The most frequent values of columns in a window, all in one go. `place` tells the column, see `column_at`."""
    source = _source(filter, window, cover)
    listed, sets = ", ".join(columns), ", ".join(f"({column})" for column in columns)
    # a column that is not of the set is empty there, so together they are the value of the one that is
    return _statement(
        f"SELECT grouping({listed}) AS place, concat('', {listed}) AS value, {source.total} AS count, "  # noqa: S608
        f"{source.with_status('failure')} AS failures FROM {source.text} GROUP BY GROUPING SETS ({sets}) "
        f"HAVING value != '' ORDER BY place, count DESC, value LIMIT {limit:d} BY place",
        source,
        budget_s,
    )


def column_at(columns: Sequence[str], place: int) -> str:
    """The column of a row of `frequent_values`: the one bit that is not set, the first column's the highest."""
    return next(name for bit, name in enumerate(reversed(columns)) if not place >> bit & 1)


def frequent_products(filter: Filter, window: Window, cover: Cover | None, limit: int, *, budget_s: float) -> Statement:
    """The most frequent products, source or target: first by pairs, for these are few."""
    source = _source(filter, window, cover)
    pair = ", ".join(_OF_PRODUCT)
    return _statement(
        f"SELECT 0 AS place, arrayJoin(arrayDistinct([{pair}])) AS value, sum(of_pair) AS count, "  # noqa: S608
        f"sum(failed_of_pair) AS failures FROM (SELECT {pair}, {source.total} AS of_pair, "
        f"{source.with_status('failure')} AS failed_of_pair FROM {source.text} GROUP BY {pair}) "
        f"GROUP BY value HAVING value != '' ORDER BY count DESC, value LIMIT {limit:d}",
        source,
        budget_s,
    )


def _statement(text: str, source: Source, budget_s: float) -> Statement:
    return Statement(f"{text} SETTINGS max_execution_time = {budget_s:f}", source.conditions.values)


def _source(filter: Filter, window: Window, cover: Cover | None) -> Source:
    if cover is None:
        conditions = within(filter, window)
        return Source(f"log WHERE {conditions.where()}", "count()", "countIf(", conditions)
    sums = Conditions()
    narrow(sums, filter)
    days = sums.bind(list(cover.days), "Array(Int64)")
    columns = ", ".join(["time", *sorted(cover.table.columns)])
    texts = [
        f"SELECT {columns}, records FROM {cover.table.name} "  # noqa: S608  # conditions bind all values
        f"WHERE {sums.where()} AND intDiv(time, {DAY_MS}) IN {days}"
    ]
    if rest := _rest(window, cover.days):
        rows = Conditions(sums.values)
        narrow(rows, filter)
        ranges = " OR ".join(f"({rows.range_of(range_)})" for range_ in rest)
        texts.append(f"SELECT {columns}, toUInt64(1) AS records FROM log WHERE {rows.where()} AND ({ranges})")  # noqa: S608
    return Source(f"({' UNION ALL '.join(texts)})", "sum(records)", "sumIf(records, ", sums)


def _rest(window: Window, days: Sequence[int]) -> list[Window]:
    """What of a window lies beside its covered days."""
    rest: list[Window] = []
    from_ms = window.from_ms
    for day in days:
        begin_ms = day * DAY_MS
        if from_ms is None or from_ms < begin_ms:
            rest.append(Window(from_ms, begin_ms))
        from_ms = begin_ms + DAY_MS
    if window.to_ms is None or from_ms is None or from_ms < window.to_ms:
        rest.append(Window(from_ms, window.to_ms))
    return rest
