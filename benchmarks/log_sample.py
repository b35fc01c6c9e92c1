"""What the questions are asked with: values of records that are there, others each time, so that no answer is kept."""

from __future__ import annotations

import random
from collections.abc import Sequence

import msgspec

from benchmarks.log_data import SEED
from benchmarks.vocabulary import WORKSPACES
from clew.core.clock import DAY_MS, HOUR_MS
from clew.core.record import Record
from clew.log.query import Filter, Query
from clew.log.store import LogStore

WORKSPACE = WORKSPACES[0]
"""The one that is asked most: it has 55 % of the records."""
VALUES = 64
"""Records in each range of time from which values are taken."""


class Draw(msgspec.Struct, frozen=True):
    """The values of one repetition: its `place` among them, and a record of any time, of the last day and hour.

    `oldest_ms` to `now_ms` is the time that the records fill.
    """

    place: int
    record: Record
    of_day: Record
    of_hour: Record
    oldest_ms: int
    now_ms: int

    def ago(self, ms: int) -> int:
        """A moment so long before now."""
        return self.now_ms - ms


class Sample(msgspec.Struct, frozen=True):
    """Records of `WORKSPACE`: of any time, of the last day and of the last hour; none of these is empty."""

    records: tuple[Record, ...]
    of_day: tuple[Record, ...]
    of_hour: tuple[Record, ...]
    oldest_ms: int

    def draw(self, place: int, now_ms: int) -> Draw:
        """The values of a repetition. Up to `VALUES` of them are others each."""
        return Draw(
            place,
            self.records[place % len(self.records)],
            self.of_day[place % len(self.of_day)],
            self.of_hour[place % len(self.of_hour)],
            self.oldest_ms,
            now_ms,
        )


def take_sample(store: LogStore, begin_ms: int, now_ms: int) -> Sample:
    """Records of a log at times that are drawn from a seed. Raises `RuntimeError` where it has none."""
    chance = random.Random(SEED)
    oldest_ms = store.oldest_ms(WORKSPACE)
    if oldest_ms is None:
        raise RuntimeError(f"the log has no record of {WORKSPACE}")

    def take(from_ms: int) -> tuple[Record, ...]:
        times = [chance.randrange(from_ms, now_ms) for _ in range(VALUES)]
        found = {record.id: record for time_ms in times if (record := _record_before(store, time_ms))}
        return tuple(found.values())

    return Sample(
        records=take(max(begin_ms, oldest_ms)),
        of_day=take(now_ms - DAY_MS),
        of_hour=take(now_ms - HOUR_MS),
        oldest_ms=oldest_ms,
    )


def pick_sample(records: Sequence[Record], oldest_ms: int, now_ms: int) -> Sample:
    """The same of records that were kept aside."""

    def take(from_ms: int) -> tuple[Record, ...]:
        return tuple(record for record in records if record.time >= from_ms)[:VALUES] or tuple(records[-1:])

    shuffled = random.Random(SEED).sample(list(records), len(records))
    return Sample(
        records=tuple(shuffled[:VALUES]),
        of_day=take(now_ms - DAY_MS),
        of_hour=take(now_ms - HOUR_MS),
        oldest_ms=oldest_ms,
    )


def _record_before(store: LogStore, time_ms: int) -> Record | None:
    """The latest record before a moment, whole."""
    page = store.page(Query(filter=Filter(workspace=WORKSPACE, to_ms=time_ms), limit=1))
    return store.find(WORKSPACE, page.items[0].id) if page.items else None
