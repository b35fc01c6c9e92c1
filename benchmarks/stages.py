"""What each stage costs a record, in one process and one after the other: where the time of an intake goes.

The stages are called as the server calls them, without HTTP. A stage that waits for the disk has more wall time
than processor time; one whose engine has threads of its own may have more processor time.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import tempfile
import time
from collections.abc import Awaitable, Callable
from itertools import islice
from pathlib import Path
from typing import TypeVar

import msgspec

from benchmarks.outcome import add_options
from benchmarks.records import Records, ndjson
from clew.app import COLLECT_AT
from clew.core.clock import SystemClock
from clew.core.record import encode_line
from clew.core.redaction import Redactor
from clew.core.settings import Settings
from clew.doors.event_records import Accepted, to_records
from clew.doors.json_events import Batch, read_events
from clew.journal.journal import Append, Block, Item
from clew.journal.sqlite import SqliteJournal
from clew.log.clickhouse import ClickHouseStore
from clew.log.pump import MAX_RECORDS
from clew.log.store import LogStore

RECORDS = 60_000
PER_REQUEST = 1_000
SINGLES = 5_000
APPENDING_TOGETHER = 6

T = TypeVar("T")


class Cost(msgspec.Struct, frozen=True):
    """Microseconds a record."""

    stage: str
    wall_us: float
    cpu_us: float


class Stages:
    """The stages of one run, in the order of the story, and what they cost."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._settings = Settings()
        self._redactor = Redactor()
        self.costs: list[Cost] = []

    def run(self) -> None:
        """Measure all of them."""
        for sender_ids in (False, True):
            self._run_batches(sender_ids=sender_ids)
        self._run_singles()

    def _run_batches(self, *, sender_ids: bool) -> None:
        stream = Records(size="1 KB", begin_ms=_now_ms(), step_ms=0.1, sender_ids=sender_ids)
        events = stream.events(RECORDS)
        bodies = [ndjson(islice(events, PER_REQUEST)) for _ in range(RECORDS // PER_REQUEST)]
        with_ids = ", with sender ids" if sender_ids else ""
        batches = self._time(f"decode and check{with_ids}", lambda: [self._read(body) for body in bodies])
        accepted = self._time(
            f"to records, asking for secrets{with_ids}", lambda: [self._convert(batch) for batch in batches]
        )
        appends = self._time(f"encode{with_ids}", lambda: [_to_append(records) for records in accepted])
        journal = SqliteJournal(self._directory / f"journal-{sender_ids}.sqlite", clock=SystemClock())
        try:
            asyncio.run(self._append_all(journal, appends, f"append, synced{with_ids}"))
            if not sender_ids:
                self._pump_all(journal)
        finally:
            journal.close()

    async def _append_all(self, journal: SqliteJournal, appends: list[Append], stage: str) -> None:
        waiting = iter(appends)

        async def append_next() -> None:
            for append in waiting:
                await journal.append(append)

        async def append_together() -> None:
            await asyncio.gather(*(append_next() for _ in range(APPENDING_TOGETHER)))

        await self._time_async(stage, append_together)

    def _pump_all(self, journal: SqliteJournal) -> None:
        reader = journal.reader("log")
        store = ClickHouseStore(self._directory / "log")
        blocks = []

        def read_all() -> None:
            while block := reader.read(MAX_RECORDS):
                blocks.append(block)
                reader.commit(block)

        self._time(f"pump: read blocks of {MAX_RECORDS:,}", read_all)
        try:
            store.insert(blocks[0].lines, blocks[0].token)  # the first one pays for the start
            rest = blocks[1:]
            count = sum(block.count for block in rest)
            self._time("pump: insert", lambda: _insert_all(store, rest), count)
        finally:
            store.close()

    def _run_singles(self) -> None:
        events = list(Records(size="1 KB", begin_ms=_now_ms(), step_ms=0.1).events(SINGLES))

        def take_all() -> None:
            for event in events:
                _to_append(self._convert(read_events(event, "application/json", self._settings, _now_ms())))

        self._time("one event alone, up to its encoding", take_all, SINGLES)

    def _read(self, body: bytes) -> Batch:
        return read_events(body, "application/x-ndjson", self._settings, _now_ms())

    def _convert(self, batch: Batch) -> list[Accepted]:
        return to_records(batch, workspace="default", redactor=self._redactor, integration_of=lambda _: None)

    def _time(self, stage: str, work: Callable[[], T], count: int = RECORDS) -> T:
        cpu_s, begun_s = time.process_time(), time.perf_counter()
        result = work()
        self._note(stage, time.perf_counter() - begun_s, time.process_time() - cpu_s, count)
        return result

    async def _time_async(self, stage: str, work: Callable[[], Awaitable[None]]) -> None:
        cpu_s, begun_s = time.process_time(), time.perf_counter()
        await work()
        self._note(stage, time.perf_counter() - begun_s, time.process_time() - cpu_s, RECORDS)

    def _note(self, stage: str, wall_s: float, cpu_s: float, count: int) -> None:
        self.costs.append(Cost(stage, wall_s / count * 1e6, cpu_s / count * 1e6))


def _insert_all(store: LogStore, blocks: list[Block]) -> None:
    for block in blocks:
        store.insert(block.lines, block.token)


def _to_append(accepted: list[Accepted]) -> Append:
    return Append(tuple([Item(one.record.id, encode_line(one.record), one.key) for one in accepted]))


def _now_ms() -> int:
    return SystemClock().now_ms()


def measure(directory: Path) -> str:
    """The stages as a Markdown table."""
    gc.set_threshold(*COLLECT_AT)
    stages = Stages(directory)
    stages.run()
    rows = [f"| {cost.stage} | {cost.wall_us:.1f} | {cost.cpu_us:.1f} |" for cost in stages.costs]
    return "\n".join(["| stage | wall, us a record | CPU, us a record |", "|---|---|---|", *rows])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    add_options(parser, 0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.directory, prefix="clew-benchmark-") as directory:
        print(measure(Path(directory)))


if __name__ == "__main__":
    main()
