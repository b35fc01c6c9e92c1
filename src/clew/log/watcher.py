"""One who watches the log: where what came for it is, and what it did not take in time.

A record that waits is not copied: a watcher keeps where its line is in what the tail holds of the journal. So whoever
reads slowly costs little, one who keeps up misses nothing however much comes at once, and what the tail lets go of
before it was read is counted exactly.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from array import array
from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress

import msgspec

from clew.core.record import Record, Summary, decode_line, summarize
from clew.log.query import Filter
from clew.log.recent_blocks import Held, Line, TailPlace

MOST_TAKEN = 100
MOST_TAKEN_BYTES = 1024 * 1024
"""What is taken at once, counted by the records' lines: it is written in the event loop, where others wait.
A single larger record may be."""

_LOG = logging.getLogger(__name__)


class Arrived(msgspec.Struct, frozen=True):
    """A record that has become searchable. To go on behind it, ask for what follows `place`."""

    place: TailPlace
    record: Summary


class Dropped(msgspec.Struct, frozen=True):
    """Here records are missing: `count` of them, or None for "not known"; `at_most` so many, where that is known."""

    place: TailPlace
    count: int | None
    at_most: int | None


class LedTo(msgspec.Struct, frozen=True):
    """Records came that these records caused: of those that the watcher follows."""

    place: TailPlace
    causes: frozenset[str]


Event = Arrived | Dropped | LedTo
Taken = tuple[TailPlace, bytes] | Dropped | LedTo
"""As an event, but a record is still its line."""


class _Missing(msgspec.Struct):
    """What is missing here, up to `place`."""

    place: TailPlace
    count: int | None = 0
    at_most: int | None = 0

    def add(self, place: TailPlace, count: int | None, at_most: int | None) -> None:
        self.place = max(self.place, place)
        self.count = None if self.count is None or count is None else self.count + count
        self.at_most = None if self.at_most is None or at_most is None else self.at_most + at_most


class _Found:
    """The lines of a stretch that match: the number of each there, and where it starts."""

    def __init__(self, held: Held) -> None:
        self.held = held
        self._numbers = array("I")
        self._starts = array("I")
        self._taken = 0

    def __len__(self) -> int:
        return len(self._numbers) - self._taken

    def add(self, number: int, start: int) -> None:
        self._numbers.append(number)
        self._starts.append(start)

    def drop(self) -> TailPlace:
        """Pass over the next; the place behind it."""
        self._taken += 1
        return self.held.place_behind(self._numbers[self._taken - 1])

    def take(self) -> tuple[TailPlace, bytes]:
        start = self._starts[self._taken]
        return self.drop(), self.held.line_at(start)


class Watcher:
    """A filter and what waits for who asked it. It is filled by the tail's thread and emptied in one event loop.

    `most`: so many may wait, of more the oldest are dropped; None for as many as the tail holds.
    Made by `LiveTail.watch`. `close` it.
    """

    def __init__(
        self, filter: Filter, place: TailPlace, passed: int, leave: Callable[[Watcher], None], most: int | None = None
    ) -> None:
        self.filter = filter
        self.is_ended = False
        self._leave = leave
        self._most = most
        self._loop = asyncio.get_running_loop()
        self._woken = asyncio.Event()
        self._lock = threading.Lock()
        self._waiting: deque[_Found | _Missing] = deque()
        self._count = 0
        self._followed: frozenset[str] = frozenset()
        self._led: set[str] = set()
        self._kept = self._reached = self._taken = place
        self._passed = passed

    # In the event loop.

    @property
    def place(self) -> TailPlace:
        """Where what was taken ends: to go on there, ask for what follows it."""
        return self._taken

    def follow(self, record_ids: Collection[str]) -> None:
        """From now on tell when a record comes that one of these caused, whatever the filter is."""
        self._followed = frozenset(record_ids)

    async def next(self, timeout_s: float) -> list[Event] | None:
        """What has come, oldest first, at most `MOST_TAKEN`; empty after `timeout_s`, None where no more will come."""
        taken = await self._wait(timeout_s)
        if not taken:
            return None if taken is None else []
        return await asyncio.to_thread(_read, taken)  # records may be large, and others wait for this loop

    def close(self) -> None:
        """Watch no longer. Closing twice changes nothing."""
        self._leave(self)

    async def _wait(self, timeout_s: float) -> Sequence[Taken] | None:
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while not self.is_ended:
                    self._woken.clear()
                    if taken := self._take():
                        return taken
                    await self._woken.wait()
        return self._take() or (None if self.is_ended else [])

    def _take(self) -> list[Taken]:
        with self._lock:
            taken = list(self._take_waiting())
            last = taken[-1] if taken else None
            self._taken = _place_of(last) if last and self._waiting else self._reached
            if self._led and not self._waiting:
                taken.append(LedTo(self._taken, frozenset(self._led)))
                self._led.clear()
            return taken

    def _take_waiting(self) -> Iterator[Taken]:
        count = size = 0
        while self._waiting and count < MOST_TAKEN and size < MOST_TAKEN_BYTES:
            first = self._waiting[0]
            if isinstance(first, _Missing):
                yield Dropped(first.place, first.count, first.at_most)
            else:
                place, line = first.take()
                size += len(line)
                self._count -= 1
                yield place, line
            if isinstance(first, _Missing) or not first:
                self._waiting.popleft()
            count += 1

    # In the tail's thread, or under its lock.

    @property
    def reached(self) -> TailPlace:
        """Up to where the log was looked through for it."""
        return self._reached

    @property
    def passed(self) -> int:
        """How many records of this process it has behind it."""
        return self._passed

    def look_at(self, record: Record) -> None:
        """Hold against what it follows a record that has come, whether the filter wants it or not."""
        if record.parent_id in self._followed:
            with self._lock:
                self._led.add(record.parent_id)
            self._wake()

    def give(self, line: Line) -> None:
        """Hand it a line. Where too many wait, the oldest is dropped."""
        with self._lock:
            was_empty = not self._waiting
            self._reached = line.place
            if line.held.end <= self._kept:  # the tail let go of it while it was looked through
                self._miss(line.place, 1, 1)
            else:
                self._add(line)
        if was_empty:
            self._wake()

    def let_go(self, kept: TailPlace) -> None:
        """Hold nothing of what lies before this place: what was not taken of it is missing now."""
        with self._lock:
            self._kept = kept
            missing: _Missing | None = None
            while self._waiting and _is_before(self._waiting[0], kept):
                missing = self._drop_first(missing)
            if missing:
                self._waiting.appendleft(missing)

    def miss(self, place: TailPlace, at_most: int | None) -> None:
        """Tell it that nobody looked at what lies before this place: at most so many records."""
        with self._lock:
            self._miss(place, None, at_most)
            self._reached = max(self._reached, place)
        self._wake()

    def reach(self, place: TailPlace, passed: int) -> None:
        """Remember that all before this place was looked at: so many records since the process began."""
        with self._lock:
            self._reached, self._passed = place, passed

    def end(self) -> None:
        """No more will come."""
        self.is_ended = True
        self._wake()

    def _add(self, line: Line) -> None:
        last = self._waiting[-1] if self._waiting else None
        if not isinstance(last, _Found) or last.held is not line.held:
            last = _Found(line.held)
            self._waiting.append(last)
        last.add(line.number, line.start)
        self._count += 1
        if self._most is not None and self._count > self._most:
            self._drop_oldest()

    def _drop_oldest(self) -> None:
        missing: _Missing | None = None
        while isinstance(first := self._waiting[0], _Missing):
            missing = self._drop_first(missing)
        place = first.drop()
        self._count -= 1
        missing = missing or _Missing(place)
        missing.add(place, 1, 1)
        if not first:
            self._waiting.popleft()
        self._waiting.appendleft(missing)

    def _drop_first(self, missing: _Missing | None) -> _Missing:
        """Take away what waits first, and add it to what is missing."""
        first = self._waiting.popleft()
        if isinstance(first, _Missing):
            place, count, at_most = first.place, first.count, first.at_most
        else:
            count = at_most = len(first)
            place = first.held.end
            self._count -= len(first)
        missing = missing or _Missing(place)
        missing.add(place, count, at_most)
        return missing

    def _miss(self, place: TailPlace, count: int | None, at_most: int | None) -> None:
        last = self._waiting[-1] if self._waiting else None
        if not isinstance(last, _Missing):
            last = _Missing(place)
            self._waiting.append(last)
        last.add(place, count, at_most)

    def _wake(self) -> None:
        with suppress(RuntimeError):  # its event loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(self._woken.set)


def _is_before(waiting: _Found | _Missing, kept: TailPlace) -> bool:
    """Whether it is of what was let go of: what is missing joins what follows it."""
    return isinstance(waiting, _Missing) or waiting.held.end <= kept


def _place_of(taken: Taken) -> TailPlace:
    return taken[0] if isinstance(taken, tuple) else taken.place


def _read(taken: Sequence[Taken]) -> list[Event]:
    return [_read_line(*one) if isinstance(one, tuple) else one for one in taken]


def _read_line(place: TailPlace, line: bytes) -> Event:
    try:
        return Arrived(place, summarize(decode_line(line)))
    except Exception as error:  # a mistake of ours costs this record, and who watches knows it; the tail goes on
        _LOG.error("a record cannot be shown in a live tail", exc_info=error)
        return Dropped(place, 1, 1)
