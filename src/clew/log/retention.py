"""Retention: what is older than it is kept goes, and where the log takes too much room, what is missed least.

By age, each day: all of it when every kind is past its time, else the kinds that are. By room, until it is enough: the
bodies of what went well, then those of failures, of one day after the other from the oldest on; then whole days from
the oldest on; of the present day, where no other is left, the bodies alone. What is pinned stays, with its trace, and
so does what open flow runs still need.

Every step can be asked again and changes nothing the second time, so the process may end at any point: each look begins
with what there is.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import get_args

import msgspec

from clew.core.clock import DAY_MS, MINUTE_MS, Clock
from clew.core.errors import ClewError, SettingsError
from clew.core.record import KINDS, Kind, Status
from clew.core.settings import Settings
from clew.log.removals import (
    BODIES_OF_FAILURES,
    BODIES_OF_SUCCESSES,
    RECORDS,
    Reason,
    Removals,
    name_kinds,
    read_kinds_of,
)
from clew.log.store import Kept, LogStore
from clew.registry.pins import Pin

EVERY_MS = 10 * MINUTE_MS
"""How often it looks. A day more or less makes no difference to age; to room, ten minutes of intake are little."""
FIRST_MS = MINUTE_MS
"""How long after a start it looks first."""

_LOG = logging.getLogger(__name__)

_BODIES: Mapping[str, tuple[Status, ...]] = {
    BODIES_OF_SUCCESSES: ("success", "info"),
    BODIES_OF_FAILURES: ("failure",),
}


class Ages(msgspec.Struct, frozen=True):
    """How many days each kind is kept; 0 is without end."""

    default_days: int
    by_kind: Mapping[Kind, int] = {}

    def days_of(self, kind: Kind) -> int:
        """How many days a kind is kept."""
        return self.by_kind.get(kind, self.default_days)

    def past(self, day: int, now_ms: int) -> tuple[Kind, ...]:
        """The kinds that are kept no more of a day: even its last record is older than they are kept."""
        age_ms = now_ms - (day + 1) * DAY_MS
        kinds: tuple[Kind, ...] = get_args(Kind)
        return tuple(kind for kind in kinds if (days := self.days_of(kind)) and age_ms >= days * DAY_MS)


class Step(msgspec.Struct, frozen=True):
    """What goes of a day (since the epoch), why, and how many records the day has: `what` is as in `Removal`."""

    day: int
    what: str
    reason: Reason
    records: int


class RetentionStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How it stands. `last_run` (ms) is None before the first look. `trouble`: why something that is to go is there.

    `bytes` is what the log takes, as of the last look; `max_bytes` what it may take, 0 for no bound.
    """

    last_run: int | None
    trouble: str
    bytes: int
    max_bytes: int


def read_ages(settings: Settings) -> Ages:
    """How long each kind is kept. Raises `SettingsError` for a kind that there is not, and for no number of days."""
    by_kind: dict[Kind, int] = {}
    for entry in settings.keep_days_by_kind:
        name, _, text = (part.strip() for part in entry.partition("="))
        if name not in KINDS or not text.isdecimal():
            raise SettingsError(
                f"keep_days_by_kind has {entry!r}, which is no kind and its days.",
                hint=f"Write api_request=7, with one of: {', '.join(KINDS)}. 0 keeps them without end.",
            )
        by_kind[msgspec.convert(name, Kind)] = int(text)
    return Ages(settings.keep_days, by_kind)


def collect_kept(pins: Iterable[Pin], records: Iterable[str] = (), traces: Iterable[tuple[str, str]] = ()) -> Kept:
    """What stays: what is pinned, with its traces, and these records and traces."""
    listed = tuple(pins)
    pinned = {(pin.workspace, pin.trace_id) for pin in listed if pin.trace_id}
    return Kept(frozenset(pin.record_id for pin in listed).union(records), frozenset(pinned.union(traces)))


class Retention:
    """Removes what is to go. `kept` tells, each time anew, what of a day (since the epoch) is not to."""

    def __init__(
        self,
        store: LogStore,
        removals: Removals,
        *,
        ages: Ages,
        max_bytes: int,
        kept: Callable[[int], Kept],
        clock: Clock,
    ) -> None:
        self.ages = ages
        self.removals = removals
        self._store = store
        self._max_bytes = max_bytes
        self._kept = kept
        self._clock = clock
        self._due_ms = clock.now_ms() + FIRST_MS
        self._looking: Iterator[Step] | None = None
        self._emptied: dict[tuple[int, str], int] = {}
        self._status = RetentionStatus(last_run=None, trouble="", bytes=0, max_bytes=max_bytes)

    def status(self) -> RetentionStatus:
        """How it stands."""
        return self._status

    def tidy(self) -> bool:
        """A step, where it is time to look or a look is under way. False where nothing is to do now."""
        now_ms = self._clock.now_ms()
        if self._looking is None and now_ms < self._due_ms:
            return False
        if self._looking is None:
            self._due_ms, self._looking = now_ms + EVERY_MS, self._look()
        if next(self._looking, None) is None:
            self._looking = None
            return False
        return True

    def run(self) -> RetentionStatus:
        """Remove all that is to go now."""
        for _ in self._look():
            pass
        return self._status

    def _look(self) -> Iterator[Step]:
        """Each step of a look, when it is done, so that the caller may end it there."""
        troubles: list[str] = []
        size = self._status.bytes
        try:
            for step in self._old():
                self._try(step, troubles)
                yield step
            for step in self._in_the_way():
                self._try(step, troubles)
                yield step
            size = self._size()
            if self._is_too_large():
                troubles.append(
                    f"The log takes {size:,} bytes and may take {self._max_bytes:,}: "
                    "what is left is of today, pinned, or needed by open flow runs."
                )
        except ClewError as error:
            troubles.append(error.detail)
        self._finish(troubles[0] if troubles else "", size)

    def _finish(self, trouble: str, size: int) -> None:
        if trouble and trouble != self._status.trouble:
            _LOG.warning("not all that is to go was removed: %s", trouble)
        self._status = RetentionStatus(
            last_run=self._clock.now_ms(), trouble=trouble, bytes=size, max_bytes=self._max_bytes
        )

    def _try(self, step: Step, troubles: list[str]) -> None:
        """What fails is tried again at the next look, and holds up nothing: to drop a day needs no room, but to write
        one anew does.
        """
        try:
            self._remove(step)
        except ClewError as error:
            troubles.append(error.detail)

    def _old(self) -> Iterator[Step]:
        now_ms = self._clock.now_ms()
        for use in self._store.days():
            if past := self.ages.past(use.day, now_ms):
                what = RECORDS if len(past) == len(KINDS) else name_kinds(past)
                yield Step(use.day, what, "age", use.records)

    def _in_the_way(self) -> Iterator[Step]:
        """What goes for the room it takes, in this order, until there is enough.

        Today, and what is dated ahead of it, comes last and loses bodies alone.
        """
        today = self._clock.now_ms() // DAY_MS
        uses = self._store.days()
        over, present = [use for use in uses if use.day < today], [use for use in uses if use.day >= today]
        for days, whats in ((over, tuple(_BODIES)), (over, (RECORDS,)), (present, tuple(_BODIES))):
            for what in whats:
                for use in days:
                    if not self._is_too_large():
                        return
                    yield Step(use.day, what, "budget", use.records)

    def _remove(self, step: Step) -> None:
        if self._emptied.get((step.day, step.what)) == step.records:
            return
        self.removals.announce(step.day, step.what, step.reason)
        before = self._size()
        records = self._ask_store(step)
        freed = max(before - self._size(), 0) if records else 0
        self.removals.add(step.day, step.what, records=records, bytes_=freed)
        if records:
            _LOG.info("%s of %s removed: %d records, about %d bytes", step.what, _date(step.day), records, freed)
        if step.what in _BODIES:
            self._emptied[step.day, step.what] = step.records

    def _ask_store(self, step: Step) -> int:
        kept = self._kept(step.day)
        if step.what in _BODIES:
            today = _date(self._clock.now_ms() // DAY_MS)
            return self._store.empty(step.day, _BODIES[step.what], kept, today)
        kinds = () if step.what == RECORDS else read_kinds_of(step.what)
        return self._store.forget(step.day, msgspec.convert(kinds, tuple[Kind, ...]), kept)

    def _is_too_large(self) -> bool:
        return 0 < self._max_bytes < self._size()

    def _size(self) -> int:
        return sum(use.bytes for use in self._store.days())


def _date(day: int) -> str:
    return datetime.fromtimestamp(day * DAY_MS // 1_000, UTC).date().isoformat()
