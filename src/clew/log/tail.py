"""The live tail: records as they become searchable, to those who watch.

The pump hands over each block that it has inserted, and goes on. One thread decodes what is new, once for all watchers,
and holds each record against each filter; while nobody watches it sleeps and nothing is decoded. What is handed over is
kept until it is looked at and, for those who come back, a while longer; all of it is bounded, and so is what waits for
a watcher. Nobody is waited for: what there is no room for is dropped, and the watcher is told.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence

from clew.core.errors import TooMany, Unavailable
from clew.core.record import decode_line, summarize
from clew.journal.journal import Block
from clew.log.memory import matches
from clew.log.query import Filter
from clew.log.recent_blocks import Held, RecentBlocks, TailPlace, read_place
from clew.log.watcher import Watcher

MOST_WATCHERS = 50
"""How many may watch: each costs some microseconds for every record that comes, and memory for what waits."""
RETRY_AFTER_S = 30
WATCHED_BYTES = 64 * 1024 * 1024
"""What is kept while somebody watches: a block has up to as much."""
IDLE_BYTES = 8 * 1024 * 1024
"""What is kept while nobody does, for those who come back."""
LOOK_UP_EVERY = 256
"""After so many records of a block the thread sees who has left meanwhile."""

_LOG = logging.getLogger(__name__)


class LiveTail:
    """Fans records out to watchers. `begin` is the journal's position up to which the log has everything already."""

    def __init__(self, begin: int = 0) -> None:
        self._recent = RecentBlocks(begin + 1)
        self._watchers: list[Watcher] = []
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._is_closed = False

    def offer(self, block: Block) -> None:
        """Take over a block that is in the log now. It returns at once."""
        with self._changed:
            self._recent.add(block, WATCHED_BYTES if self._watchers else IDLE_BYTES)
            if self._watchers:
                self._changed.notify()

    def here(self) -> TailPlace:
        """The place behind all that can be found: who searches now and then watches from here misses nothing."""
        with self._changed:
            return TailPlace(self._recent.end, 0)

    def watch(self, filter: Filter, after: str = "") -> Watcher:
        """Watch what comes, or what came `after` a place that a tail gave. It belongs to the running event loop.

        What came since that place and is no longer kept is told as dropped. Raises `BadRequest` for what is no place,
        `TooMany` where as many watch as may, `Unavailable` where the server is stopping.
        """
        asked = read_place(after) if after else None
        with self._changed:
            if self._is_closed:
                raise Unavailable("The live tail has ended.", hint="The server is stopping.")
            if len(self._watchers) >= MOST_WATCHERS:
                raise TooMany(
                    f"{MOST_WATCHERS} live tails run, and no more may at one time.",
                    hint="Try again when one of them has ended.",
                    retry_after_s=RETRY_AFTER_S,
                )
            watcher = self._make(filter, asked)
            self._watchers.append(watcher)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="log-tail", daemon=True)
                self._thread.start()
            self._changed.notify()
            return watcher

    @property
    def watching(self) -> int:
        """How many watch."""
        return len(self._watchers)

    def close(self) -> None:
        """End: every watcher is told, soon. Closing twice changes nothing."""
        with self._changed:
            self._is_closed = True
            for watcher in self._watchers:
                watcher.end()
            self._changed.notify()

    def _make(self, filter: Filter, asked: TailPlace | None) -> Watcher:
        recent = self._recent
        if asked is None:
            return Watcher(filter, TailPlace(recent.end, 0), recent.count, self._leave)
        held = recent.find(asked.first)
        if recent.first <= asked.first <= recent.end and (held is None or asked.first <= held.block.first):
            return Watcher(filter, asked, held.before if held else recent.count, self._leave)
        # From before what is kept, or from another journal.
        oldest = recent.find(recent.first) if asked.first <= recent.end else None
        begin = TailPlace(oldest.block.first if oldest else recent.end, 0)
        watcher = Watcher(filter, begin, oldest.before if oldest else recent.count, self._leave)
        watcher.miss(begin, None)
        return watcher

    def _leave(self, watcher: Watcher) -> None:
        with self._changed:
            watcher.end()
            if watcher in self._watchers:
                self._watchers.remove(watcher)
            if not self._watchers:
                self._recent.shrink(IDLE_BYTES)

    def _run(self) -> None:
        while work := self._wait_for_work():
            self._look_through(*work)

    def _wait_for_work(self) -> tuple[Held, Sequence[Watcher]] | None:
        """The oldest block that somebody has not seen, with all who have it before them; None at the end."""
        with self._changed:
            while not self._is_closed:
                behind = [watcher for watcher in self._watchers if watcher.reached.first < self._recent.end]
                self._tell_missed(behind)
                held = self._recent.find(min(watcher.reached.first for watcher in behind)) if behind else None
                if held:
                    return held, [watcher for watcher in behind if watcher.reached.first <= held.block.last]
                if not behind:
                    self._changed.wait()
        return None

    def _tell_missed(self, behind: Sequence[Watcher]) -> None:
        """Take those for whom a block was let go of unseen to the oldest that is kept."""
        first = self._recent.first
        for watcher in behind:
            if watcher.reached.first < first:
                oldest = self._recent.find(first)
                before = oldest.before if oldest else self._recent.count
                watcher.miss(TailPlace(first, 0), max(0, before - watcher.passed))
                watcher.reach(TailPlace(first, 0), before)

    def _look_through(self, held: Held, watchers: Sequence[Watcher]) -> None:
        since = {watcher: watcher.reached for watcher in watchers}
        for number, (place, line) in enumerate(held.lines()):
            if number % LOOK_UP_EVERY == 0:
                watchers = [watcher for watcher in watchers if not watcher.is_ended]
                if not watchers or self._is_closed:
                    return
            _hand_out(line, place, [watcher for watcher in watchers if place > since[watcher]])
        for watcher in watchers:
            watcher.reach(held.end, held.before + held.block.count)


def _hand_out(line: bytes, place: TailPlace, watchers: Sequence[Watcher]) -> None:
    if not watchers:
        return
    try:
        record = decode_line(line)
        wanting = [watcher for watcher in watchers if matches(record, watcher.filter)]
        summary = summarize(record) if wanting else None
    except Exception as error:  # a mistake of ours costs this record, and the watchers know it; the tail goes on
        _LOG.error("a record cannot be shown in a live tail", exc_info=error)
        for watcher in watchers:
            watcher.miss(place, 1)
        return
    for watcher in wanting:
        assert summary
        watcher.give(place, summary, len(line))
