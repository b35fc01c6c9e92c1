"""The runs that a runner knows: which are open, and which were and are not to be opened again.

A launch may come again until what launches is surely behind it, so what was refused or has ended is remembered till
then. Pure bookkeeping, no I/O.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable

from clew.flows.entries import OpenEntry, open_run_of
from clew.flows.open_runs import Row
from clew.flows.run import RunningRun
from clew.flows.runner import LaunchCode, OpenRun

MOST_REMEMBERED = 10_000
"""Of the runs that ended last: more than can end before the log has them."""


class KnownRuns:
    """All that are open, refused, or ended. A place counts the launches."""

    def __init__(self) -> None:
        self._open: dict[str, OpenEntry] = {}
        self._refused: set[str] = set()
        self._ended: set[str] = set()
        self._ended_lately: OrderedDict[str, None] = OrderedDict()
        self._settled_place = 0
        self._last_place = 0

    def note_rows(self, rows: Iterable[Row]) -> None:
        """What was there before this start: the places that are taken, and what was refused."""
        for row in rows:
            self._last_place = max(self._last_place, row.place)
            if row.state == "refused":
                self._refused.add(row.launch.run_id)

    def next_place(self) -> int:
        """The place of one more launch."""
        self._last_place += 1
        return self._last_place

    def answer_again(self, run_id: str) -> LaunchCode | None:
        """The answer to a launch of a run that is known; None where it is new."""
        if run_id in self._refused:
            return "queue_full"
        return "duplicate" if run_id in self._open or run_id in self._ended else None

    def add(self, entry: OpenEntry) -> None:
        """One that is open."""
        self._open[entry.run_id] = entry

    def refuse(self, run_id: str) -> None:
        """One that will not run, and stays refused when its launch comes again."""
        self._refused.add(run_id)

    def take_back(self, run_ids: Iterable[str]) -> None:
        """Runs that could not be opened after all: their launch is new when it comes again."""
        for run_id in run_ids:
            self._open.pop(run_id, None)
            self._refused.discard(run_id)

    def end(self, entry: OpenEntry) -> bool:
        """An open one has ended. True where its launch cannot come again: its row may go."""
        del self._open[entry.run_id]
        self._ended_lately[entry.run_id] = None
        if len(self._ended_lately) > MOST_REMEMBERED:
            self._ended_lately.popitem(last=False)
        if entry.place <= self._settled_place:
            return True
        self._ended.add(entry.run_id)
        return False

    def note_ended(self, run_id: str) -> None:
        """One that had ended before this start, and whose launch may come again."""
        self._ended.add(run_id)

    def settle(self) -> list[str]:
        """No launch so far will come again. Returns the runs that are thereby forgotten: their rows may go."""
        self._settled_place = self._last_place
        forgotten = [*self._ended, *self._refused]
        self._ended.clear()
        self._refused.clear()
        return forgotten

    def find(self, workspace: str, run_id: str) -> OpenEntry | None:
        """The open run of this id, or None."""
        entry = self._open.get(run_id)
        return entry if entry and entry.summary.workspace == workspace else None

    def has_ended_lately(self, run_id: str) -> bool:
        """See `Runner.has_ended_lately`."""
        return run_id in self._ended_lately

    def running(self) -> list[RunningRun]:
        """Those whose nodes run."""
        return [entry.running for entry in self._open.values() if entry.running]

    def list_open(self, workspace: str, *, flow: str, after: str, limit: int) -> tuple[OpenRun, ...]:
        """See `Runner.open_runs`."""
        if after and after not in self._open:
            return ()
        place = self._open[after].place if after else 0
        found: list[OpenRun] = []
        for entry in self._open.values():
            if len(found) >= limit:
                break
            launch = entry.summary
            if entry.place > place and launch.workspace == workspace and flow in ("", launch.flow):
                found.append(open_run_of(entry))
        return tuple(found)
