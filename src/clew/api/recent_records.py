"""Records that were acknowledged a moment ago: who was just answered with an id may name it at once.

The log has a record within a second of its acknowledgement. Until then it is remembered here, and what is not (it is
large, it was one of very many, or the server was started again) is waited for, as long as the log is behind.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Iterable, Sequence

from clew.core.clock import Clock
from clew.core.errors import Unavailable
from clew.core.record import Record
from clew.doors.event_records import Accepted
from clew.doors.steps import EVENT_KINDS
from clew.journal.journal import Receipt
from clew.log.search import Progress, Search

MOST_TRACES = 50_000
"""How many of the latest records' traces are remembered: a child is often reported before its parent can be found."""
MOST_EVENTS = 4_000
"""How many of the latest events are remembered: some 20 MB, and more than come within a second but in a burst."""
MOST_CHARACTERS = 4_000
"""Of the payload and parameters of an event that is remembered."""
WAIT_S = 3.0
"""How long the log may be behind before who asks is sent away to come again."""
PAUSE_S = 0.02


class RecentRecords:
    """What was appended lately by this process, and the log behind it. It belongs to one event loop."""

    def __init__(self, search: Search, progress: Progress, clock: Clock) -> None:
        self._search = search
        self._progress = progress
        self._clock = clock
        self._traces: OrderedDict[str, str] = OrderedDict()
        self._events: OrderedDict[str, Record] = OrderedDict()

    def note(self, accepted: Sequence[Accepted], receipt: Receipt) -> None:
        """Remember what an append wrote. What came before is not what was to be written now, and is passed over."""
        traces, events = self._traces, self._events
        # a repeated append is answered with the ids of the first, which may be another number
        for entry, record_id in zip(accepted, receipt.ids, strict=False):
            record = entry.record
            if record.id == record_id:
                traces[record_id] = record.trace_id
                if record.kind in EVENT_KINDS and len(record.payload) + len(record.parameters) <= MOST_CHARACTERS:
                    events[record_id] = record
        while len(traces) > MOST_TRACES:
            traces.popitem(last=False)
        while len(events) > MOST_EVENTS:
            events.popitem(last=False)

    async def traces_of(self, workspace: str, record_ids: Iterable[str]) -> dict[str, str]:
        """The traces of records that came before, as far as they are known by now."""
        traces = {}
        for record_id in record_ids:
            trace_id = self._traces.get(record_id)
            if trace_id is None:
                record = await self._search.find(workspace, record_id)
                trace_id = record.trace_id if record else None
            if trace_id:
                traces[record_id] = trace_id
        return traces

    async def find(self, workspace: str, record_id: str) -> Record | None:
        """The record of this id, or None where there is none.

        Whatever was acknowledged before this call is found. Raises `Unavailable` where the log is too far behind to
        say.
        """
        event = self._events.get(record_id)
        if event is not None and event.workspace == workspace:
            return event
        asked_ms = self._clock.now_ms()
        record = await self._search.find(workspace, record_id)
        if record is None:
            await self._wait_for_log(asked_ms)
            record = await self._search.find(workspace, record_id)
        return record

    async def _wait_for_log(self, asked_ms: int) -> None:
        for _ in range(round(WAIT_S / PAUSE_S)):
            if self._progress.indexed_until_ms() > asked_ms:
                return
            await asyncio.sleep(PAUSE_S)
        raise Unavailable(
            "The log is behind: whether there is such a record cannot be said now.",
            hint="Send it again; nothing of the request was stored.",
            retry_after_s=1,
        )
