"""The log in ClickHouse: embedded (chDB, one directory), behind `clickhouse-connect`, which also speaks to a server.

Rules that measurements taught, and that this file keeps: one process owns the directory and never forks after it is
open; one connection inserts; a few connections read, each in one thread at a time; lists look at the latest hour first.
"""

from __future__ import annotations

import math
import time
from collections.abc import Generator, Sequence
from pathlib import Path

from clickhouse_connect.driver.client import Client

from clew.core.clock import Clock, SystemClock
from clew.core.errors import Unavailable
from clew.core.ids import time_of
from clew.core.record import Kind, Record, Status, Summary
from clew.log import sql
from clew.log.day_values import is_told
from clew.log.days import Days
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
from clew.log.forgetting import FORGETTING_SETTINGS, Forgetting
from clew.log.merging import Merging
from clew.log.query import Filter, Page, Query, Sort
from clew.log.reports import Reports, left_s
from clew.log.rows import read_records, read_summaries, read_times, read_traces
from clew.log.schema import apply_schema
from clew.log.store import Count, DayUse, Facets, Histogram, Kept, KindUse, Traces
from clew.log.streams import give_back, stream_csv, stream_parquet, stream_text
from clew.log.sums import Sums
from clew.log.widening import Stepping, Widening
from clew.log.windows import Window, join_first, windows_back, windows_of_days, windows_of_scan, windows_on
from clew.log.writer import Writer

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
        self._closed = False
        self._lock = DirectoryLock(directory)
        limits = {"max_memory_usage": max_memory_bytes, "max_execution_time": timeout_s}
        self._clients = []
        try:
            writing = open_client(directory, WRITER_SETTINGS)
            self._clients.append(writing)
            apply_schema(writing)
            for _ in range(readers + EXPORTS_AT_ONCE + 1):
                self._clients.append(open_client(directory, READER_SETTINGS | limits))
            self._readers = ReaderPool(self._clients[1 : readers + 1], timeout_s)
            self._exporters = ReaderPool(self._clients[readers + 1 : -1], timeout_s)
            self._writer = Writer(writing, self._ask)
            self._days = Days(self._ask_whole)
            self.sums = Sums(self._clients[-1], self._days, self._clock)
            changing = open_client(directory, FORGETTING_SETTINGS)
            self._clients.append(changing)
            self._forgetting = Forgetting(changing, self._ask_whole, self._days, self.sums, self._writer.hold)
            self.merging = Merging(changing, self._days, self._clock, directory)
        except BaseException:
            self.close()
            raise
        self._reports = Reports(
            self._ask, lambda filter: self._windows(filter, None, later=False), self.sums, timeout_s
        )

    def insert(self, lines: bytes, token: str) -> None:
        """One block, one part for each day in it, synced to disk."""
        try:
            self._writer.insert(lines, token)
        finally:
            self._days.change()

    def page(self, query: Query) -> Page:
        """The page, window by window until it is full."""
        later = (query.sort == "asc") != query.backward
        deadline_s = time.monotonic() + self._timeout_s
        found: list[Summary] = []
        reached_ms: int | None = None
        truncated = False
        pause_s = math.inf if query.pause_ms is None else time.monotonic() + query.pause_ms / 1000
        search = self._search(query, later=later)
        while look := search.next(len(found), query.limit + 1):
            if reached_ms is not None and time.monotonic() >= pause_s:
                truncated = True
                break
            question = sql.summaries(
                query.filter,
                look,
                query.place,
                later=later,
                limit=query.limit + 1 - len(found),
                budget_s=left_s(deadline_s) / (1 + look.can_divide),
            )
            try:
                found += read_summaries(self._ask(question))
            except LimitReached:
                if look.can_divide:
                    search.divide()
                    continue
                truncated = True
                break
            reached_ms = look.window.to_ms if later else look.window.from_ms
            if len(found) > query.limit:
                break
        return _page(query, found, truncated=truncated, reached_ms=reached_ms)

    def count(self, filter: Filter, budget_ms: int | None = None) -> Count:
        """All at once; where that is too much, the latest range that is not."""
        return self._reports.count(filter, budget_ms)

    def histogram(self, filter: Filter, step_ms: int) -> Histogram:
        """As `count` does it."""
        return self._reports.histogram(filter, step_ms)

    def facets(self, filter: Filter, names: Sequence[str], limit: int) -> Facets:
        """As `count` does it."""
        return self._reports.facets(filter, names, limit)

    def days(self) -> tuple[DayUse, ...]:
        """Each partition with what its parts take on the disk."""
        return self._forgetting.days()

    def kinds(self, workspace: str) -> tuple[KindUse, ...]:
        """Each kind with its share of the disk, told from its payloads."""
        return self._forgetting.kinds(workspace)

    def forget(self, day: int, kinds: Sequence[Kind], kept: Kept) -> int:
        """The partition dropped, or written anew where something of it stays."""
        return self._forgetting.forget(day, kinds, kept)

    def empty(self, day: int, statuses: Sequence[Status], kept: Kept, date: str) -> int:
        """The partition written anew."""
        return self._forgetting.empty(day, statuses, kept, date)

    def tidy(self) -> bool:
        """Count a day that is over, so that questions over weeks need not read its rows; merge the parts of one."""
        return self.sums.tidy() or self.merging.tidy()

    def export(self, filter: Filter, format: ExportFormat, sort: Sort) -> Generator[bytes, None, None]:
        """A few days at a time, so that few parts are open; a Parquet file in one go, part by part."""
        with self._exporters.borrow() as client:
            try:
                yield from self._export(client, filter, format, later=sort == "asc")
            finally:
                give_back(client)

    def find(self, workspace: str, record_id: str) -> Record | None:
        """The record of the id. Its time is in the id, so this is one look-up in the table's key."""
        wanted = record_id.lower()
        return next(iter(self._records(sql.record_of_id(workspace, wanted, time_of(wanted)))), None)

    def find_all(self, workspace: str, record_ids: Sequence[str]) -> dict[str, Record]:
        """One look-up in the table's key for all of them."""
        wanted = {record_id.lower(): time_of(record_id) for record_id in record_ids}
        if not wanted:
            return {}
        return {record.id: record for record in self._records(sql.records_of_ids(workspace, wanted))}

    def traces(self, filter: Filter, limit: int) -> Traces:
        """Window by window until there are enough: what is new in an older window is older than all before it."""
        deadline_s = time.monotonic() + self._timeout_s
        found: dict[str, int] = {}
        is_whole = True
        search = self._widening(filter, None, later=False)
        while len(found) <= limit and (look := search.next(len(found), limit + 1)):
            budget_s = left_s(deadline_s) / (1 + look.can_divide)
            try:
                found = read_traces(self._ask(sql.traces(filter, look, limit=limit + 1, budget_s=budget_s))) | found
            except LimitReached:
                if look.can_divide:
                    search.divide()
                    continue
                is_whole = False
                break
        ids = sorted(found, key=lambda trace_id: (-found[trace_id], trace_id))[:limit]
        reached_ms = found[ids[-1]] if ids else None
        return Traces(tuple(ids), truncated=len(found) > limit or not is_whole, reached_ms=reached_ms)

    def trace(self, workspace: str, trace_id: str, limit: int = 5_000) -> list[Record]:
        """The trace, by the bloom filter."""
        return self._records(sql.records_of_trace(workspace, trace_id, limit))

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

    def _export(
        self, client: Client, filter: Filter, format: ExportFormat, *, later: bool
    ) -> Generator[bytes, None, None]:
        whole = Window(filter.from_ms, filter.to_ms)
        if format == "parquet":
            yield from stream_parquet(client, sql.rows(parquet_cells_sql(), filter, whole, later=None), end=self._ask)
            return
        columns = columns_of(filter)
        if format == "csv":
            yield csv_header(columns)
        parts = {day: known.parts for day, known in self._days.known().items()}
        for window in windows_of_days(whole, parts, later=later):
            if format == "csv":
                yield from stream_csv(client, sql.rows(csv_cells_sql(columns), filter, window, later=later))
            else:
                yield from stream_text(client, sql.rows(json_line_sql(), filter, window, later=later))

    def _search(self, query: Query, *, later: bool) -> Widening | Stepping:
        """Where a page looks. What contains a text is found by reading everything: a little at a time."""
        filter, place_ms = query.filter, query.place.time if query.place else None
        if filter.contains is None or _is_needle(filter):
            return self._widening(filter, place_ms, later=later)
        whole, has_begun = Window(filter.from_ms, filter.to_ms), query.place is not None
        start_ms = self._start_ms(place_ms, later=later)
        return Stepping(windows_of_scan(whole, start_ms, self._rows(), later=later, has_begun=has_begun))

    def _widening(self, filter: Filter, place_ms: int | None, *, later: bool) -> Widening:
        windows = self._windows(filter, place_ms, later=later)
        # One of many customers hardly fills a page in an hour, and words are looked up day by day in any case.
        is_rare = filter.customer or filter.words or filter.phrases
        return Widening(
            join_first(windows, later=later) if is_rare else windows,
            {} if _is_needle(filter) else self._rows(),
            self.sums.most(filter),
            is_told=is_told(filter),
            later=later,
            part=self.sums.part_of_role(filter),
            start_ms=None if later else self._start_ms(place_ms, later=later),
        )

    def _rows(self) -> dict[int, int]:
        """The records of each day (since the epoch)."""
        return {day: known.records for day, known in self._days.known().items()}

    def _start_ms(self, place_ms: int | None, *, later: bool) -> int | None:
        """The first time, in the direction of a list, that can hold a record, as far as is known."""
        return self._clock.now_ms() if place_ms is None and not later else place_ms

    def _windows(self, filter: Filter, place_ms: int | None, *, later: bool) -> list[Window]:
        whole = Window(filter.from_ms, filter.to_ms)
        if _is_needle(filter):
            return [whole]
        days = self._days.known()
        if later:
            return windows_on(whole, place_ms, days)
        return windows_back(whole, self._start_ms(place_ms, later=later), days)

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


def _is_needle(filter: Filter) -> bool:
    """Whether it asks for so few records, found by a bloom filter, that widening would ask in vain each time."""
    return bool(filter.trace_id) or any(key.value is not None for key in filter.keys)


def _page(query: Query, found: list[Summary], *, truncated: bool, reached_ms: int | None) -> Page:
    """The page of what a scan found, at most one more than asked for."""
    has_more = len(found) > query.limit or (truncated and reached_ms is not None)
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
