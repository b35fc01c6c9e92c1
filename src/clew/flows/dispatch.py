"""From events to runs: reads the journal, decides for every event and flow, and launches.

Order makes it exact. A block's runs are opened first, under ids made from event and flow; then its decisions are
appended, under keys made the same way; then the cursor moves. Killed anywhere in between, the block comes again, and
what was done already is found done.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Coroutine, Iterable, Set
from concurrent.futures import Future
from typing import Any, TypeVar

from clew.core.clock import SECOND_MS, Clock
from clew.core.record import Record, decode_line
from clew.flows.decisions import Judged, Rules, decide
from clew.flows.records import decision_item
from clew.flows.runner import MOST_WAITING, Launch, LaunchResult, Runner
from clew.journal.journal import Append, Block, Journal, JournalReader
from clew.registry.connections import Seen

T = TypeVar("T")

MAX_RECORDS = 5_000
"""A block's size under load: the first of its runs wait for the last of its decisions."""
GATHER_S = 0.01
"""The least time between two small blocks. Every block costs two syncs, and runs write records, which come by here."""
WAIT_S = 0.5
"""How often it looks whether it is to stop while nothing comes."""
FIRST_RETRY_S = 0.1
LAST_RETRY_S = 5.0
ARCHIVED_FRESH_MS = 1 * SECOND_MS
"""How long it is believed whether a customer is archived."""
_MOST_KNOWN = 10_000

_LOG = logging.getLogger(__name__)
_KIND = b'"kind":"'
_EVENTS = (b'external_event"', b'internal_event"')


class Dispatcher:
    """A thread that turns events into runs, which belong to the event loop `loop`.

    `see` makes sure that the connections of a workspace's events are there, with the integration of their flow: an
    event alone often does not know it. It blocks.
    """

    def __init__(
        self,
        reader: JournalReader,
        *,
        journal: Journal,
        runner: Runner,
        rules: Rules,
        see: Callable[[str, Set[Seen]], None],
        loop: asyncio.AbstractEventLoop,
        most_waiting: int = MOST_WAITING,
    ) -> None:
        self._reader = reader
        self._journal = journal
        self._runner = runner
        self._rules = rules
        self._see = see
        self._loop = loop
        self._most_waiting = most_waiting
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="flow-dispatch", daemon=True)
        self._rest_until_s = 0.0
        self.trouble = ""
        """Why the current block is not done; empty while all is well."""

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    async def stop(self) -> None:
        """End after the current block. What waits in the journal is dispatched after the next start."""
        self._stopping.set()
        # Not joined here: the block needs this loop to end.
        while self._thread.is_alive():
            await asyncio.to_thread(self._thread.join, WAIT_S)

    def _run(self) -> None:
        retry_s = FIRST_RETRY_S
        while not self._stopping.is_set():
            try:
                if self._reader.wait(WAIT_S):
                    self._gather()
                    self._dispatch_next()
                if self.trouble:
                    _LOG.warning("events are dispatched again")
                    self.trouble = ""
                retry_s = FIRST_RETRY_S
            except Exception as error:  # whatever it is: the block stays in the journal and is tried again
                if not self._stopping.is_set():
                    self._fail(error)
                    self._stopping.wait(retry_s)
                    retry_s = min(retry_s * 2, LAST_RETRY_S)

    def _gather(self) -> None:
        rest_s = self._rest_until_s - time.monotonic()
        if rest_s > 0:
            self._stopping.wait(rest_s)

    def _dispatch_next(self) -> None:
        block = self._reader.read(MAX_RECORDS)
        if block is None:
            return
        judged = [one for record in events_in(block) for one in self._rules.judge(record)]
        if judged:
            for workspace, seen in connections_of(judged).items():
                self._see(workspace, seen)
            self._carry_out(judged)
        self._reader.commit(block)
        self._loop.call_soon_threadsafe(self._runner.note_dispatched)
        if block.count < MAX_RECORDS // 2:
            self._rest_until_s = time.monotonic() + GATHER_S

    def _carry_out(self, judged: list[Judged]) -> None:
        launches = [one.launch for one in judged if one.launch is not None]
        results = self._wait_for(self._launch(launches)) if launches else {}
        items = tuple(decision_item(one.record, decide(one, results, self._most_waiting), one.flow) for one in judged)
        self._wait_for(self._append(Append(items)))

    async def _launch(self, launches: list[Launch]) -> dict[str, LaunchResult]:
        return {result.run_id: result for result in await self._runner.launch_all(launches)}

    async def _append(self, append: Append) -> None:
        await self._journal.append(append)

    def _wait_for(self, work: Coroutine[Any, Any, T]) -> T:
        """Do it in the event loop, and wait for it here."""
        doing: Future[T] = asyncio.run_coroutine_threadsafe(work, self._loop)
        return doing.result()

    def _fail(self, error: Exception) -> None:
        text = f"{type(error).__name__}: {error}"
        if text != self.trouble:
            _LOG.error("events are not dispatched, and will be tried again: %s", text, exc_info=error)
        self.trouble = text


def connections_of(judged: Iterable[Judged]) -> dict[str, set[Seen]]:
    """The connections of events, by workspace, each with the integration of a flow that waits for the event."""
    found: dict[str, set[Seen]] = {}
    for one in judged:
        record, flow = one.record, one.flow
        if record.connection and flow and flow.integration:
            found.setdefault(record.workspace, set()).add((record.connection, record.customer, flow.integration.key))
    return found


def events_in(block: Block) -> list[Record]:
    """The events of a block, in its order. Other records are passed over without reading them."""
    return [decode_line(line) for line in block.lines.split(b"\n") if _is_event(line)]


def _is_event(line: bytes) -> bool:
    # The first of it is the record's own: quotes inside a value are escaped.
    place = line.find(_KIND)
    return place >= 0 and line.startswith(_EVENTS, place + len(_KIND))


class ArchivedCustomers:
    """Since when customers are archived, believed for a second. For one thread."""

    def __init__(self, find: Callable[[str, str], int | None], clock: Clock) -> None:
        self._find = find
        self._clock = clock
        self._known: dict[tuple[str, str], tuple[int | None, int]] = {}

    def archived_at(self, workspace: str, customer: str) -> int | None:
        """When the customer was archived (ms), None for one in use or not known."""
        now_ms = self._clock.now_ms()
        known = self._known.get((workspace, customer))
        if known and now_ms < known[1]:
            return known[0]
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        archived_ms = self._find(workspace, customer)
        self._known[workspace, customer] = (archived_ms, now_ms + ARCHIVED_FRESH_MS)
        return archived_ms
