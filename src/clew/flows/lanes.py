"""Lanes: the order in which runs start. Pure bookkeeping, no I/O.

A lane is the runs of one flow for one connection. First in, first out, so many at a time; and so many over all lanes,
which take turns.
"""

from __future__ import annotations

from collections import deque
from typing import Generic, Protocol, TypeVar


class Queued(Protocol):
    """What waits in a lane."""

    @property
    def lane_key(self) -> tuple[str, str, str]:
        """Workspace, flow, and what its order is kept within."""
        ...


Run = TypeVar("Run", bound=Queued)


class _Lane(Generic[Run]):
    def __init__(self, at_once: int | None) -> None:
        self.at_once = at_once
        self.waiting: deque[Run] = deque()
        self.running = 0
        self.reserved = 0
        self.is_listed = False

    def has_next(self) -> bool:
        return bool(self.waiting) and (self.at_once is None or self.running < self.at_once)

    def is_empty(self) -> bool:
        return not (self.waiting or self.running or self.reserved)


class Lanes(Generic[Run]):
    """All lanes. `most_running` is over all of them; what pauses does not count."""

    def __init__(self, most_running: int) -> None:
        self._most_running = most_running
        self._running = 0
        self._pausing = 0
        self._queued = 0
        self._lanes: dict[tuple[str, str, str], _Lane[Run]] = {}
        self._ready: deque[_Lane[Run]] = deque()

    @property
    def queued(self) -> int:
        """How many wait."""
        return self._queued

    @property
    def started(self) -> int:
        """How many have begun, those that pause included."""
        return self._running + self._pausing

    def reserve(self, key: tuple[str, str, str], at_once: int | None, most_waiting: int) -> bool:
        """Keep a place for a run that is about to be added. False where too many wait."""
        lane = self._lane(key, at_once)
        if len(lane.waiting) + lane.reserved >= most_waiting:
            return False
        lane.reserved += 1
        return True

    def release(self, key: tuple[str, str, str]) -> None:
        """Give back a place that was reserved."""
        self._lanes[key].reserved -= 1
        self._drop_empty(key)

    def add(self, run: Run, at_once: int | None, *, is_reserved: bool = False) -> None:
        """Put a run at the end of its lane, at the place that was kept for it where there is one."""
        lane = self._lane(run.lane_key, at_once)
        lane.reserved -= is_reserved
        lane.waiting.append(run)
        self._queued += 1
        self._list(lane)

    def next(self) -> Run | None:
        """The run that starts now, or None. It counts as running from here on."""
        if self._running >= self._most_running:
            return None
        while self._ready:
            lane = self._ready.popleft()
            lane.is_listed = False
            if not lane.has_next():
                continue
            run = lane.waiting.popleft()
            self._queued -= 1
            lane.running += 1
            self._running += 1
            self._list(lane)
            return run
        return None

    def remove(self, run: Run) -> bool:
        """Take a waiting run out. False where it does not wait."""
        lane = self._lanes.get(run.lane_key)
        if lane is None or run not in lane.waiting:
            return False
        lane.waiting.remove(run)
        self._queued -= 1
        self._drop_empty(run.lane_key)
        return True

    def finish(self, run: Run) -> None:
        """A run that was started ended."""
        lane = self._lanes[run.lane_key]
        lane.running -= 1
        self._running -= 1
        self._list(lane)
        self._drop_empty(run.lane_key)

    def pause(self) -> None:
        """A run waits to try again: it keeps its place in its lane, but lets those of others run."""
        self._running -= 1
        self._pausing += 1

    def resume(self) -> None:
        """A run goes on. For a moment there may be one too many."""
        self._running += 1
        self._pausing -= 1

    def _lane(self, key: tuple[str, str, str], at_once: int | None) -> _Lane[Run]:
        lane = self._lanes.get(key)
        if lane is None:
            lane = self._lanes[key] = _Lane(at_once)
        return lane

    def _list(self, lane: _Lane[Run]) -> None:
        if not lane.is_listed and lane.has_next():
            lane.is_listed = True
            self._ready.append(lane)

    def _drop_empty(self, key: tuple[str, str, str]) -> None:
        if self._lanes[key].is_empty():
            del self._lanes[key]
