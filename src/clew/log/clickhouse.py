"""The log in ClickHouse: embedded (chDB, one directory), behind `clickhouse-connect`, which also speaks to a server.

Rules that measurements taught, and that this file keeps: one process owns the directory and never forks after it is
open; one connection inserts; a few connections read, each in one thread at a time; lists look at the latest hour first.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Sequence
from pathlib import Path

from clew.core.clock import DAY_MS, Clock, SystemClock
from clew.core.errors import Unavailable
from clew.core.ids import time_of
from clew.core.record import Record, Summary
from clew.log import sql
from clew.log.engine import (
    READER_SETTINGS,
    WRITER_SETTINGS,
    DirectoryLock,
    LimitReached,
    ReaderPool,
    ask,
    directory_of,
    open_client,
    raise_open_files_limit,
)
from clew.log.export import (
    EXPORTS_AT_ONCE,
    ExportFormat,
    columns_of,
    csv_cells_sql,
    csv_header,
    json_line_sql,
    parquet_cells_sql,
)
from clew.log.query import Filter, Page, Query, Sort
from clew.log.rows import (
    read_bars,
    read_count,
    read_parts,
    read_records,
    read_summaries,
    read_times,
    read_values,
)
from clew.log.schema import apply_schema
from clew.log.store import Bar, Count, Facets, FacetValue, Histogram
from clew.log.streams import stream_csv, stream_parquet, stream_text
from clew.log.windows import Window, windows_back, windows_of_days, windows_on
from clew.log.writer import Writer

NEAR_MS = 2 * DAY_MS
"""How far around its known time a trace is looked for first."""

DAYS_FRESH_S = 1.0
"""How long the list of days that hold records is believed. It saves questions and decides nothing."""

_PARTS = sql.Statement(
    "SELECT partition, count() AS parts FROM system.parts "
    "WHERE database = currentDatabase() AND table = 'log' AND active GROUP BY partition",
    {},
)
_ALIVE = sql.Statement("SELECT count() AS count FROM log", {})


class ClickHouseStore:
    """A `LogStore` in a directory.

    `max_memory_bytes` and `timeout_s` bound one question. Where one of them ends a page or a count, the answer holds
    what was found until then and is marked truncated.
    Raises `DataDirInUse` where another process has the directory, `SettingsError` for an address it cannot open.
    """

    def __init__(
        self,
        url: str | Path,
        *,
        max_memory_bytes: int = 1_000_000_000,
        timeout_s: float = 30,
        readers: int = 4,
        clock: Clock | None = None,
    ) -> None:
        directory = directory_of(url)
        directory.mkdir(parents=True, exist_ok=True)
        raise_open_files_limit()
        self._clock = clock or SystemClock()
        self._timeout_s = timeout_s
        self._days: frozenset[int] = frozenset()
        self._days_until_s = 0.0
        self._closed = False
        self._lock = DirectoryLock(directory)
        limits = {"max_memory_usage": max_memory_bytes, "max_execution_time": timeout_s}
        self._clients = []
        try:
            writing = open_client(directory, WRITER_SETTINGS)
            self._clients.append(writing)
            apply_schema(writing)
            for _ in range(readers + EXPORTS_AT_ONCE):
                self._clients.append(open_client(directory, READER_SETTINGS | limits))
        except BaseException:
            self.close()
            raise
        self._readers = ReaderPool(self._clients[1 : readers + 1], timeout_s)
        self._exporters = ReaderPool(self._clients[readers + 1 :], timeout_s)
        self._writer = Writer(writing, self._ask)

    def insert(self, lines: bytes, token: str) -> None:
        """One block, one part for each day in it, synced to disk."""
        self._writer.insert(lines, token)
        self._days_until_s = 0.0

    def page(self, query: Query) -> Page:
        """The page, window by window until it is full."""
        later = (query.sort == "asc") != query.backward
        deadline_s = time.monotonic() + self._timeout_s
        found: list[Summary] = []
        reached_ms: int | None = None
        truncated = False
        for window in self._windows(query.filter, query.place.time if query.place else None, later=later):
            question = sql.summaries(
                query.filter,
                window,
                query.place,
                later=later,
                limit=query.limit + 1 - len(found),
                budget_s=_left(deadline_s),
            )
            try:
                found += read_summaries(self._ask(question))
            except LimitReached:
                truncated = True
                break
            reached_ms = window.to_ms if later else window.from_ms
            if len(found) > query.limit:
                break
        return _page(query, found, truncated=truncated, reached_ms=reached_ms)

    def count(self, filter: Filter) -> Count:
        """All at once; where that is too much, the windows from the latest on, as far as they go."""
        deadline_s = time.monotonic() + self._timeout_s
        whole = Window(filter.from_ms, filter.to_ms)
        try:
            return Count(self._count(filter, whole, budget_s=self._timeout_s / 2))
        except LimitReached:
            total = 0
        try:
            for window in self._windows(filter, None, later=False)[:-1]:
                total += self._count(filter, window, budget_s=_left(deadline_s))
        except LimitReached:
            pass
        return Count(total, truncated=True)

    def histogram(self, filter: Filter, step_ms: int) -> Histogram:
        """As `count` does it. Windows meet within a bar: what each has of it is added."""
        whole = Window(filter.from_ms, filter.to_ms)
        deadline_s = time.monotonic() + self._timeout_s
        try:
            return Histogram(tuple(self._bars(filter, whole, step_ms, budget_s=self._timeout_s / 2)), step_ms)
        except LimitReached:
            found: dict[int, Bar] = {}
            reached_ms: int | None = None
        try:
            for window in self._windows(filter, None, later=False)[:-1]:
                for bar in self._bars(filter, window, step_ms, budget_s=_left(deadline_s)):
                    found[bar.time] = _added(found.get(bar.time), bar)
                reached_ms = window.from_ms
        except LimitReached:
            pass
        return Histogram(tuple(found[ms] for ms in sorted(found)), step_ms, truncated=True, reached_ms=reached_ms)

    def facets(self, filter: Filter, names: Sequence[str], limit: int) -> Facets:
        """All at once; where that is too much, the longest of the ranges up to the latest time that is not."""
        deadline_s = time.monotonic() + self._timeout_s
        half_s = time.monotonic() + self._timeout_s / 2
        whole = Window(filter.from_ms, filter.to_ms)
        try:
            return Facets(self._facets(filter, whole, names, limit, half_s))
        except LimitReached:
            found = Facets(dict.fromkeys(names, ()), truncated=True)
        try:
            for window in self._windows(filter, None, later=False)[:-1]:
                latest = Window(window.from_ms, filter.to_ms)
                found = Facets(self._facets(filter, latest, names, limit, deadline_s), True, window.from_ms)
        except LimitReached:
            pass
        return found

    def export(self, filter: Filter, format: ExportFormat, sort: Sort) -> Generator[bytes, None, None]:
        """A few days at a time, so that few parts are open; a Parquet file in one go, part by part."""
        whole, later = Window(filter.from_ms, filter.to_ms), sort == "asc"
        with self._exporters.borrow() as client:
            if format == "parquet":
                question = sql.rows(parquet_cells_sql(), filter, whole, later=None)
                yield from stream_parquet(client, question, end=self._ask)
                return
            columns = columns_of(filter)
            if format == "csv":
                yield csv_header(columns)
            for window in windows_of_days(whole, read_parts(self._ask_whole(_PARTS)), later=later):
                if format == "csv":
                    yield from stream_csv(client, sql.rows(csv_cells_sql(columns), filter, window, later=later))
                else:
                    yield from stream_text(client, sql.rows(json_line_sql(), filter, window, later=later))

    def find(self, workspace: str, record_id: str) -> Record | None:
        """The record of the id. Its time is in the id, so this is one look-up in the table's key."""
        wanted = record_id.lower()
        return next(iter(self._records(sql.record_of_id(workspace, wanted, time_of(wanted)))), None)

    def trace(self, workspace: str, trace_id: str, near_ms: int | None = None, limit: int = 5_000) -> list[Record]:
        """The trace: first around the known time, else over all time by the bloom filter."""
        if near_ms is not None:
            around = Window(near_ms - NEAR_MS, near_ms + NEAR_MS + 1)
            if found := self._records(sql.records_of_trace(workspace, trace_id, around, limit)):
                return found
        return self._records(sql.records_of_trace(workspace, trace_id, Window(), limit))

    def oldest_ms(self, workspace: str) -> int | None:
        """The time of the oldest record."""
        return next(iter(read_times(self._ask_whole(sql.oldest_time(workspace)))), None)

    def check(self) -> None:
        """Ask something small."""
        self._ask_whole(_ALIVE)

    def close(self) -> None:
        """Close every connection; the last one ends the engine."""
        if self._closed:
            return
        self._closed = True
        for client in self._clients:
            client.close()
        self._lock.release()

    def _windows(self, filter: Filter, place_ms: int | None, *, later: bool) -> list[Window]:
        whole = Window(filter.from_ms, filter.to_ms)
        if filter.trace_id or any(key.value is not None for key in filter.keys):
            # So few records, and found by a bloom filter: widening would ask in vain each time.
            return [whole]
        if later:
            return windows_on(whole, place_ms, self._known_days())
        return windows_back(whole, self._clock.now_ms() if place_ms is None else place_ms, self._known_days())

    def _known_days(self) -> frozenset[int]:
        now_s = time.monotonic()
        if now_s >= self._days_until_s:
            self._days_until_s = now_s + DAYS_FRESH_S
            self._days = frozenset(read_parts(self._ask_whole(_PARTS)))
        return self._days

    def _count(self, filter: Filter, window: Window, *, budget_s: float) -> int:
        return read_count(self._ask(sql.count(filter, window, budget_s=budget_s)))

    def _bars(self, filter: Filter, window: Window, step_ms: int, *, budget_s: float) -> list[Bar]:
        return read_bars(self._ask(sql.bars(filter, window, step_ms, budget_s=budget_s)))

    def _facets(
        self, filter: Filter, window: Window, names: Sequence[str], limit: int, deadline_s: float
    ) -> dict[str, tuple[FacetValue, ...]]:
        return {
            name: tuple(
                read_values(self._ask(sql.frequent_values(filter, window, name, limit, budget_s=_left(deadline_s))))
            )
            for name in names
        }

    def _records(self, question: sql.Statement) -> list[Record]:
        return read_records(self._ask_whole(question))

    def _ask_whole(self, question: sql.Statement) -> bytes:
        """Ask what has no half answer."""
        try:
            return self._ask(question)
        except LimitReached as error:
            raise Unavailable(
                f"The log needs more time or memory for this than it may have: {error}",
                hint="Raise CLEW_LOG_MEMORY_BYTES or CLEW_LOG_TIMEOUT_S.",
            ) from error

    def _ask(self, question: sql.Statement) -> bytes:
        if self._closed:
            raise Unavailable("The log is closed.")
        with self._readers.borrow() as client:
            return ask(client, question)


def _added(one: Bar | None, other: Bar) -> Bar:
    if one is None:
        return other
    return Bar(one.time, one.info + other.info, one.success + other.success, one.failure + other.failure)


def _left(deadline_s: float) -> float:
    """The time left. Never 0, which would mean no limit."""
    return max(deadline_s - time.monotonic(), 0.001)


def _page(query: Query, found: list[Summary], *, truncated: bool, reached_ms: int | None) -> Page:
    """The page of what a scan found, at most one more than asked for."""
    has_more = len(found) > query.limit or (truncated and bool(found))
    items = found[: query.limit]
    if query.backward:
        items.reverse()
    has_place = query.place is not None
    return Page(
        items=tuple(items),
        has_next=has_place if query.backward else has_more,
        has_prev=has_more if query.backward else has_place,
        truncated=truncated,
        reached_ms=reached_ms if truncated else None,
    )
