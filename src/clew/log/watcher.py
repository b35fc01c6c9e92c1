"""One who watches the log: what came for it and was not taken yet, and what there was no room for."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress

import msgspec

from clew.core.record import Summary
from clew.log.query import Filter
from clew.log.recent_blocks import TailPlace

MOST_WAITING = 1_000
MOST_WAITING_BYTES = 2 * 1024 * 1024
"""What may wait for one watcher, counted by the records' lines. A single larger record may."""
MOST_TAKEN = 100
"""What is taken at once: it is written in the event loop, where others wait."""


class Arrived(msgspec.Struct, frozen=True):
    """A record that has become searchable. To go on behind it, ask for what follows `place`."""

    place: TailPlace
    record: Summary


class Dropped(msgspec.Struct, frozen=True):
    """Here records are missing: `count` of them, or None for "not known"; `at_most` so many, where that is known."""

    place: TailPlace
    count: int | None
    at_most: int | None


Event = Arrived | Dropped


class _Missing(msgspec.Struct):
    """What was dropped since the last that was not."""

    count: int | None = 0
    at_most: int | None = 0

    def add(self, count: int | None, at_most: int | None) -> None:
        self.count = None if self.count is None or count is None else self.count + count
        self.at_most = None if self.at_most is None or at_most is None else self.at_most + at_most


class Watcher:
    """A filter and what waits for who asked it. It is filled by the tail's thread and emptied in one event loop.

    Made by `LiveTail.watch`. `close` it.
    """

    def __init__(self, filter: Filter, place: TailPlace, passed: int, leave: Callable[[Watcher], None]) -> None:
        self.filter = filter
        self.is_ended = False
        self._leave = leave
        self._loop = asyncio.get_running_loop()
        self._woken = asyncio.Event()
        self._lock = threading.Lock()
        self._waiting: deque[tuple[Arrived | Dropped, int]] = deque()
        self._waiting_bytes = 0
        self._missing: _Missing | None = None
        self._reached = self._taken = place
        self._passed = passed

    # In the event loop.

    @property
    def place(self) -> TailPlace:
        """Where what was taken ends: to go on there, ask for what follows it."""
        return self._taken

    async def next(self, timeout_s: float) -> list[Event] | None:
        """What has come, oldest first, at most `MOST_TAKEN`; empty after `timeout_s`, None where no more will come."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while not self.is_ended:
                    self._woken.clear()
                    if events := self._take():
                        return events
                    await self._woken.wait()
        return self._take() or (None if self.is_ended else [])

    def close(self) -> None:
        """Watch no longer. Closing twice changes nothing."""
        self._leave(self)

    def _take(self) -> list[Event]:
        with self._lock:
            events: list[Event] = []
            while self._waiting and len(events) < MOST_TAKEN:
                event, size = self._waiting.popleft()
                self._waiting_bytes -= size
                events.append(event)
            if not self._waiting:
                events += self._flush()
            self._taken = events[-1].place if self._waiting else self._reached
            return events

    # In the tail's thread, or under its lock.

    @property
    def reached(self) -> TailPlace:
        """Up to where the log was looked through for it."""
        return self._reached

    def give(self, place: TailPlace, record: Summary, size: int) -> None:
        """Hand it a record whose line has `size` bytes. Where too much waits, it is counted as dropped."""
        with self._lock:
            was_empty = not self._waiting
            self._reached = place
            if not was_empty and (
                len(self._waiting) >= MOST_WAITING or self._waiting_bytes + size > MOST_WAITING_BYTES
            ):
                self._miss(1, 1)
                return
            self._waiting.extend((event, 0) for event in self._flush())
            self._waiting.append((Arrived(place, record), size))
            self._waiting_bytes += size
        if was_empty:
            self._wake()

    def miss(self, place: TailPlace, at_most: int | None) -> None:
        """Tell it that nobody looked at what lies before this place: at most so many records."""
        with self._lock:
            self._miss(None, at_most)
            self._reached = max(self._reached, place)
        self._wake()

    def reach(self, place: TailPlace, passed: int) -> None:
        """Remember that all before this place was looked at: so many records since the process began."""
        with self._lock:
            self._reached, self._passed = place, passed

    @property
    def passed(self) -> int:
        """How many records of this process it has behind it."""
        return self._passed

    def end(self) -> None:
        """No more will come."""
        self.is_ended = True
        self._wake()

    def _miss(self, count: int | None, at_most: int | None) -> None:
        self._missing = self._missing or _Missing()
        self._missing.add(count, at_most)

    def _flush(self) -> list[Event]:
        missing, self._missing = self._missing, None
        return [Dropped(self._reached, missing.count, missing.at_most)] if missing else []

    def _wake(self) -> None:
        with suppress(RuntimeError):  # its event loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(self._woken.set)
