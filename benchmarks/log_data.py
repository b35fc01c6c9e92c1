"""The log that questions are measured on: ten million records of the last 30 days, built once and used again.

`python -m benchmarks.log_data` (`make bench-data`) leaves it as a server that had run for a month would: days that are
over are counted and merged. What uses it later first adds the records of the time since, at the same rate.
"""

from __future__ import annotations

import argparse
import math
import shutil
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import msgspec

from benchmarks.processes import ROOT
from benchmarks.records import MILLION, RARE_PLACE, Records, ndjson
from clew.core.clock import DAY_MS, HOUR_MS, SystemClock
from clew.log.clickhouse import ClickHouseStore
from clew.log.engine import READER_SETTINGS, ask, open_client
from clew.log.schema import newest_schema
from clew.log.sql import Statement

DIRECTORY = ROOT / ".bench-data"
RECORDS = 10 * MILLION
SEED = 2026
SPAN_DAYS = 30
BLOCK = 50_000
SETTLED_MS = 6 * HOUR_MS
"""What the log waits for before it merges a day is less."""
_STAMP = "stamp.json"
_PARTS = Statement(
    "SELECT toInt64(partition) AS day, count() AS parts FROM system.parts "
    "WHERE database = currentDatabase() AND table = 'log' AND active GROUP BY day",
    {},
)


class LogData(msgspec.Struct, frozen=True, kw_only=True):
    """What was built: `records` in the beginning, `total` with what was added since, up to `until_ms`.

    Record number `n` is of the time `begin_ms + n * step_ms`; the first is number `first`.
    """

    records: int
    seed: int
    schema: int
    begin_ms: int
    step_ms: float
    first: int
    total: int
    until_ms: int
    additions: int = 0
    built_s: float = 0

    def count_missing(self, now_ms: int) -> int:
        """How many records the time since `until_ms` would have brought."""
        return max(0, int((now_ms - self.until_ms) / self.step_ms))


class _Parts(msgspec.Struct):
    """How many parts a day (since the epoch) is in."""

    day: int
    parts: int


class ClockAhead:
    """The machine's clock, and ahead of it when told: nobody waits for hours to see what is done hours later."""

    def __init__(self) -> None:
        self.ahead_ms = 0

    def now_ms(self) -> int:
        """The present time, or a later one."""
        return SystemClock().now_ms() + self.ahead_ms


def data_dir(directory: Path) -> Path:
    """Where a server finds the data."""
    return directory / "data"


def log_dir(directory: Path) -> Path:
    """Where its log is."""
    return data_dir(directory) / "log"


def find_or_build(directory: Path, records: int = RECORDS) -> LogData:
    """The data of a directory: what is there where it is what is wanted, up to now; else built anew."""
    data = read_stamp(directory)
    if data is None or (data.records, data.seed, data.schema) != (records, SEED, newest_schema()):
        return build(directory, records)
    return add_missing(directory, data)


def read_stamp(directory: Path) -> LogData | None:
    """What was built in a directory, or None."""
    file = directory / _STAMP
    return msgspec.json.decode(file.read_bytes(), type=LogData) if file.is_file() else None


def build(directory: Path, records: int) -> LogData:
    """Build it, in place of what is there."""
    begun_s = time.monotonic()
    (directory / _STAMP).unlink(missing_ok=True)
    shutil.rmtree(data_dir(directory), ignore_errors=True)
    log_dir(directory).mkdir(parents=True)
    step_ms = SPAN_DAYS * DAY_MS / records
    # A short history still holds the record that is one of a million.
    first = 0 if records >= MILLION else RARE_PLACE - records // 2
    begin_ms = SystemClock().now_ms() - int((first + records) * step_ms)
    data = LogData(
        records=records,
        seed=SEED,
        schema=newest_schema(),
        begin_ms=begin_ms,
        step_ms=step_ms,
        first=first,
        total=0,
        until_ms=begin_ms + int(first * step_ms),
    )
    data = _add(directory, data, records)
    data = msgspec.structs.replace(data, built_s=round(time.monotonic() - begun_s, 1))
    _write_stamp(directory, data)
    return add_missing(directory, data)


def add_missing(directory: Path, data: LogData) -> LogData:
    """Add what would have come since. A log whose latest record is hours old is asked otherwise than one that runs."""
    if missing := data.count_missing(SystemClock().now_ms()):
        data = _add(directory, data, missing)
        _write_stamp(directory, data)
    return data


def _add(directory: Path, data: LogData, count: int) -> LogData:
    """Insert the next records, and leave the log settled: days that are over are, and today is as it came."""
    number = data.first + data.total
    today_ms = SystemClock().now_ms() // DAY_MS * DAY_MS
    of_days_over = min(max(math.ceil((today_ms - data.begin_ms) / data.step_ms) - number, 0), count)
    # Another seed each time: the records go on, but their ids must not be those of the first ones again.
    stream = Records(data.seed + data.additions, begin_ms=data.begin_ms, step_ms=data.step_ms, first=number)
    clock = ClockAhead()
    token = f"{data.seed}-{data.additions}"
    with open_store(directory, clock) as store:
        lines = stream.lines(count)
        if of_days_over:
            insert(store, islice(lines, of_days_over), token, of_days_over)
            settle(store, directory, clock)  # before the records of today: the clock may be ahead into tomorrow
        insert(store, lines, f"{token}-today", count - of_days_over)
    return msgspec.structs.replace(
        data,
        total=data.total + count,
        until_ms=data.begin_ms + int((number + count) * data.step_ms),
        additions=data.additions + 1,
    )


@contextmanager
def open_store(directory: Path, clock: ClockAhead | None = None) -> Iterator[ClickHouseStore]:
    """The log of a directory."""
    store = ClickHouseStore(log_dir(directory), clock=clock)
    try:
        yield store
    finally:
        store.close()


def weigh(store: ClickHouseStore, data: LogData) -> float:
    """Bytes that a record takes on disk. What merges replaced lies there for some minutes more and is not counted.

    Raises `RuntimeError` where the log has less than what was built: no figure of it is worth anything. It may have a
    few records more, which a server wrote about what it was asked.
    """
    days = store.days()
    records = sum(day.records for day in days)
    if records < data.total:
        raise RuntimeError(f"{data.total:,} records were built, the log has {records:,}")
    return sum(day.bytes for day in days) / records


def insert(store: ClickHouseStore, lines: Iterator[bytes], token: str, count: int) -> None:
    """Insert lines in blocks: while the engine has one, the next one is made."""
    begun_s, place = time.monotonic(), 0
    waiting: Future[None] | None = None
    with ThreadPoolExecutor(1) as pool:
        while block := list(islice(lines, BLOCK)):
            text = ndjson(block)
            if waiting:
                waiting.result()
            waiting = pool.submit(store.insert, text, f"{token}-{place}")
            place += 1
            if place % 10 == 0:
                per_s = place * BLOCK / (time.monotonic() - begun_s)
                print(f"{place * BLOCK:,} of {count:,} records, {per_s:,.0f}/s", flush=True)
        if waiting:
            waiting.result()


def settle(store: ClickHouseStore, directory: Path, clock: ClockAhead) -> None:
    """Count and merge the days that are over. Raises `RuntimeError` where the log leaves one in parts."""
    store.tidy()  # it sees what each day has, and later that nothing came
    clock.ahead_ms = SETTLED_MS
    today = SystemClock().now_ms() // DAY_MS
    client = open_client(log_dir(directory), READER_SETTINGS)
    try:
        while open_days := _count_open_days(ask(client, _PARTS), today):
            while store.tidy():
                pass
            if _count_open_days(ask(client, _PARTS), today) >= open_days:
                raise RuntimeError(f"{open_days} days that are over stay in several parts")
        while store.tidy():
            pass
    finally:
        client.close()


def _count_open_days(rows: bytes, today: int) -> int:
    days = (msgspec.json.decode(row, type=_Parts) for row in rows.splitlines())
    return sum(day.parts > 1 and day.day < today for day in days)


def _write_stamp(directory: Path, data: LogData) -> None:
    (directory / _STAMP).write_bytes(msgspec.json.encode(data))


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of what uses the data."""
    parser.add_argument("--directory", type=Path, default=DIRECTORY, help="where the data is kept [%(default)s]")
    parser.add_argument("--records", type=int, default=RECORDS, help="how many records [%(default)s]")


def main() -> None:
    parser = argparse.ArgumentParser(description="Build the log that questions are measured on, or bring it up to now.")
    add_options(parser)
    options = parser.parse_args()
    data = find_or_build(options.directory, options.records)
    with open_store(options.directory) as store:
        size = weigh(store, data)
    print(f"{data.total:,} records of {size:,.0f} B in {options.directory}, built in {data.built_s:,.0f} s")


if __name__ == "__main__":
    main()
