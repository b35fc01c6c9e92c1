"""Live tails of blocks that a test makes: what came for a watcher, and how far it was looked through for it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from clew.core.ids import new_id
from clew.core.record import Record, Summary, encode_line
from clew.journal.journal import Block
from clew.log.query import Filter
from clew.log.watcher import Arrived, Event, Watcher

NOW = 1_780_000_000_000
PATIENCE_S = 60
ALL = Filter(workspace="w")


def make(**fields: object) -> Record:
    return Record(id=new_id(NOW), time=NOW, workspace="w", kind="step", **fields)  # type: ignore[arg-type]


class Blocks:
    """Makes blocks as the journal does: one position after another."""

    def __init__(self, last: int = 0) -> None:
        self.last = last

    def of(self, records: Iterable[Record], positions: int = 1) -> Block:
        lines = [encode_line(record) + b"\n" for record in records]
        first, self.last = self.last + 1, self.last + positions
        return Block(first, self.last, b"".join(lines), len(lines), NOW, f"j-{first}-{self.last}")


async def take(watcher: Watcher, count: int) -> list[Event]:
    """What came for a watcher until there are `count` of it."""
    events: list[Event] = []
    async with asyncio.timeout(PATIENCE_S):
        while len(events) < count:
            more = await watcher.next(PATIENCE_S)
            assert more is not None, "it has ended"
            events += more
    return events


async def take_until(watcher: Watcher, last: Record) -> list[Event]:
    """What came for a watcher until this record did."""
    events: list[Event] = []
    async with asyncio.timeout(PATIENCE_S):
        while not (events and isinstance(events[-1], Arrived) and events[-1].record.id == last.id):
            events += await watcher.next(PATIENCE_S) or []
    return events


async def until_looked(watcher: Watcher, end: int) -> None:
    """Until all before this position was held against a watcher's filter, whether it takes any or not."""
    async with asyncio.timeout(PATIENCE_S):
        while watcher.reached.first < end:  # noqa: ASYNC110  # what is waited for happens in a thread
            await asyncio.sleep(0.001)


def records_of(events: Iterable[Event]) -> list[Summary]:
    return [event.record for event in events if isinstance(event, Arrived)]
