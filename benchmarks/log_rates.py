"""What is measured in records a second: exports, and intake while others read."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from itertools import islice

import msgspec

from benchmarks.load import percentile
from benchmarks.log_sample import WORKSPACE, Sample
from benchmarks.log_set import QUESTIONS
from benchmarks.records import Records, ndjson
from clew.core.clock import DAY_MS
from clew.log import sql
from clew.log.clickhouse import ClickHouseStore
from clew.log.export import ExportFormat, columns_of, csv_cells_sql, json_line_sql, parquet_cells_sql
from clew.log.pump import MAX_RECORDS
from clew.log.query import Filter
from clew.log.store import Kept
from clew.log.windows import Window

READERS = 4
READ_BY = ("first page, no filter", "first page of a customer", "one record by its id", "one trace")
"""What the readers ask, in turn."""
EXPORTED_DAYS = 2


class Rate(msgspec.Struct, frozen=True, kw_only=True):
    """Records in a second. `bare_per_s` is what the engine alone does of it, `note` what one has to know."""

    name: str
    per_s: float
    bare_per_s: float | None = None
    note: str = ""


def measure_export(
    store: ClickHouseStore, bare: Callable[[sql.Statement, str], int], format: ExportFormat, now_ms: int
) -> Rate:
    """Export the records of days that are over. `bare` asks the engine for the same bytes and gives how many."""
    to_ms = now_ms // DAY_MS * DAY_MS
    filter = Filter(workspace=WORKSPACE, from_ms=to_ms - EXPORTED_DAYS * DAY_MS, to_ms=to_ms)
    records = store.count(filter).count
    begun_s = time.perf_counter()
    size = sum(len(piece) for piece in store.export(filter, format, "desc"))
    took_s = time.perf_counter() - begun_s
    cells, engine_format, later = {
        "csv": (csv_cells_sql(columns_of(filter)), "CSV", False),
        "ndjson": (json_line_sql(), "TSVRaw", False),
        "parquet": (parquet_cells_sql(), "Parquet", None),
    }[format]
    begun_s = time.perf_counter()
    bare(sql.rows(cells, filter, Window(filter.from_ms, filter.to_ms), later=later), engine_format)
    bare_s = time.perf_counter() - begun_s
    return Rate(
        name=f"export as {format}",
        per_s=records / took_s,
        bare_per_s=records / bare_s,
        note=f"{records:,} records, {size / max(records, 1):,.0f} B each",
    )


def measure_intake(store: ClickHouseStore, sample: Sample, now_ms: int, records: int) -> tuple[Rate, Rate]:
    """Insert blocks as the pump does, alone and then while four read without a pause; both times as many records.

    They are dated into tomorrow and removed afterwards, by its day. Raises `RuntimeError` where the log is then not
    what it was before.
    """
    before = [(day.day, day.records) for day in store.days()]
    tomorrow = now_ms // DAY_MS + 1
    stream = Records(seed=7, begin_ms=tomorrow * DAY_MS, step_ms=DAY_MS / (4 * records))
    lines = stream.lines(2 * records)
    block = min(MAX_RECORDS, records)
    blocks = [ndjson(islice(lines, block)) for _ in range(2 * records // block)]
    half = len(blocks) // 2
    readers = Readers(store, sample)
    try:
        alone_s = _insert(store, blocks[:half], f"alone-{now_ms}")
        readers.start()
        beside_s = _insert(store, blocks[half:], f"beside-{now_ms}")
    finally:
        readers.finish()
        while store.forget(tomorrow, (), Kept()):
            pass
    if [(day.day, day.records) for day in store.days()] != before:
        raise RuntimeError("the records of the intake are not gone, or others with them")
    inserted = half * block
    return (
        Rate(name="records into the log, nobody reads", per_s=inserted / alone_s, note=f"blocks of {block:,}"),
        Rate(
            name=f"records into the log while {READERS} read",
            per_s=inserted / beside_s,
            note=f"{readers.describe(beside_s)}",
        ),
    )


def _insert(store: ClickHouseStore, blocks: list[bytes], token: str) -> float:
    begun_s = time.perf_counter()
    for place, lines in enumerate(blocks):
        store.insert(lines, f"{token}-{place}")
    return time.perf_counter() - begun_s


class Readers:
    """Threads that ask without a pause."""

    def __init__(self, store: ClickHouseStore, sample: Sample) -> None:
        self._store = store
        self._sample = sample
        self._is_over = threading.Event()
        self._took_s: list[float] = []
        self._failures: list[BaseException] = []
        self._threads = [threading.Thread(target=self._read, args=(place,)) for place in range(READERS)]

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def finish(self) -> None:
        """End. Raises what a reader came upon."""
        self._is_over.set()
        for thread in self._threads:
            if thread.ident:
                thread.join()
        if self._failures:
            raise self._failures[0]

    def describe(self, seconds: float) -> str:
        """How often they asked, and how long that took."""
        ordered = sorted(self._took_s)
        if not ordered:
            return "no question was answered"
        p50_ms, p95_ms = (percentile(ordered, share) * 1000 for share in (0.5, 0.95))
        return f"{len(ordered) / seconds:,.0f} questions/s, p50 {p50_ms:,.0f} ms, p95 {p95_ms:,.0f} ms"

    def _read(self, reader: int) -> None:
        asked = [question for question in QUESTIONS if question.name in READ_BY]
        place = reader
        try:
            while not self._is_over.is_set():
                now_ms = time.time_ns() // 1_000_000
                begun_s = time.perf_counter()
                asked[place % len(asked)].ask(self._store, self._sample.draw(place, now_ms))
                self._took_s.append(time.perf_counter() - begun_s)
                place += 1
        except BaseException as error:  # told by `finish`, in the thread that waits
            self._failures.append(error)
