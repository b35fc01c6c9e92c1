"""The live tail: records as they become searchable, to those who watch.

The pump hands over each block that it has inserted, and goes on. One thread decodes what is new, once for all watchers,
and holds each record against each filter; while nobody watches it sleeps and nothing is decoded. What is handed over is
kept for those who read it later or come back, as much as fits into a bound. Nobody is waited for: each watcher reads at
its own pace, and only what had to be let go of before it was read is dropped, and the watcher is told.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence

from clew.core.errors import TooMany, Unavailable
from clew.core.record import decode_line
from clew.journal.journal import Block
from clew.log.memory import matches
from clew.log.query import Filter
from clew.log.recent_blocks import Held, Line, RecentBlocks, TailPlace, read_place
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
    """Fans records out to watchers. `begin` is the journal's position up to which the log has everything already.

    `most_bytes` is what is kept while somebody watches: who is further behind has lost what is older.
    """

    def __init__(self, begin: int = 0, *, most_bytes: int = WATCHED_BYTES) -> None:
        self._recent = RecentBlocks(begin + 1)
        self._most_bytes = most_bytes
        self._idle_bytes = min(IDLE_BYTES, most_bytes)
        self._watchers: list[Watcher] = []
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._is_closed = False

    def offer(self, block: Block) -> None:
        """Take over a block that is in the log now. It returns at once."""
        with self._changed:
            self._recent.add(block, self._most_bytes if self._watchers else self._idle_bytes)
            for watcher in self._watchers:
                watcher.let_go(self._recent.begin)
            if self._watchers:
                self._changed.notify()

    def here(self) -> TailPlace:
        """The place behind all that can be found: who searches now and then watches from here misses nothing."""
        with self._changed:
            return self._recent.end

    def watch(self, filter: Filter, after: str = "", *, most: int | None = None) -> Watcher:
        """Watch what comes, or what came `after` a place that a tail gave. It belongs to the running event loop.

        Who keeps up gets all of it. With `most` so many records wait at any time, the latest: for one who could not
        use more. What came since the place and is no longer kept is told as dropped. Raises `BadRequest` for what is no
        place, `TooMany` where as many watch as may, `Unavailable` where the server is stopping.
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
            watcher = self._make(filter, asked, most)
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

    def _make(self, filter: Filter, asked: TailPlace | None, most: int | None) -> Watcher:
        recent = self._recent
        place = recent.end if asked is None else asked
        if self._is_known(place):
            return Watcher(filter, place, recent.before(place), self._leave, most)
        # From before what is kept, or from another journal.
        begin = recent.begin if place < recent.end else recent.end
        watcher = Watcher(filter, begin, recent.before(begin), self._leave, most)
        watcher.miss(begin, None)
        return watcher

    def _is_known(self, place: TailPlace) -> bool:
        """Whether all that comes behind this place is kept."""
        recent = self._recent
        held = recent.find(place)
        is_of_a_block = held is None or place.first <= held.begin.first
        return recent.begin <= place <= recent.end and is_of_a_block

    def _leave(self, watcher: Watcher) -> None:
        with self._changed:
            watcher.end()
            if watcher in self._watchers:
                self._watchers.remove(watcher)
            if not self._watchers:
                self._recent.shrink(self._idle_bytes)

    def _run(self) -> None:
        while work := self._wait_for_work():
            self._look_through(*work)

    def _wait_for_work(self) -> tuple[Held, Sequence[Watcher]] | None:
        """The oldest stretch that somebody has not seen, with all who have it before them; None at the end."""
        with self._changed:
            while not self._is_closed:
                behind = [watcher for watcher in self._watchers if watcher.reached < self._recent.end]
                self._tell_missed(behind)
                held = self._recent.find(min(watcher.reached for watcher in behind)) if behind else None
                if held:
                    return held, [watcher for watcher in behind if watcher.reached < held.end]
                if not behind:
                    self._changed.wait()
        return None

    def _tell_missed(self, behind: Sequence[Watcher]) -> None:
        """Take those for whom records were let go of unseen to the oldest that are kept."""
        begin = self._recent.begin
        for watcher in behind:
            if watcher.reached < begin:
                before = self._recent.before(begin)
                watcher.miss(begin, max(0, before - watcher.passed))
                watcher.reach(begin, before)

    def _look_through(self, held: Held, watchers: Sequence[Watcher]) -> None:
        since = {watcher: watcher.reached for watcher in watchers}
        for line in held.all_lines():
            if line.number % LOOK_UP_EVERY == 0:
                watchers = [watcher for watcher in watchers if not watcher.is_ended]
                if not watchers or self._is_closed:
                    return
            # Whoever came back within this stretch has seen the lines before that place.
            if asking := [watcher for watcher in watchers if line.place > since[watcher]]:
                _hand_out(line, asking)
        for watcher in watchers:
            watcher.reach(held.end, held.before + held.count)


def _hand_out(line: Line, watchers: Sequence[Watcher]) -> None:
    """Give a line to those who want it."""
    try:
        record = decode_line(line.text)
        wanting = [watcher for watcher in watchers if matches(record, watcher.filter)]
    except Exception as error:  # a mistake of ours costs this record, and the watchers know it; the tail goes on
        _LOG.error("a record cannot be shown in a live tail", exc_info=error)
        for watcher in watchers:
            watcher.miss(line.place, 1)
        return
    for watcher in wanting:
        watcher.give(line)
    for watcher in watchers:
        watcher.look_at(record)
