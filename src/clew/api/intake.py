"""The way in behind the doors: what a door has read goes to the journal, and is acknowledged when it is there."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence

import msgspec

from clew.api.first_sight import FirstSight
from clew.core.clock import Clock
from clew.core.ids import digest
from clew.core.record import Record, encode_line
from clew.core.redaction import Redactor
from clew.core.request_log import note
from clew.core.settings import Settings
from clew.doors.event_records import Accepted, Connected, to_records
from clew.doors.json_events import read_events
from clew.journal.journal import Append, Item, Journal, Once, Receipt
from clew.log.search import Search
from clew.registry.keys import Principal
from clew.registry.registry import Registry

RECENT_TRACES = 50_000
"""How many of the latest records' traces are remembered: a child is often reported before its parent can be found."""


class EventsAnswer(msgspec.Struct, frozen=True):
    """How many events were recorded now, how many had come before, and the id of the record of each."""

    accepted: int
    duplicates: int
    ids: Sequence[str]


class Intake:
    """Takes in what senders report."""

    def __init__(
        self,
        *,
        journal: Journal,
        registry: Registry,
        search: Search,
        redactor: Redactor,
        settings: Settings,
        clock: Clock,
    ) -> None:
        self._journal = journal
        self._registry = registry
        self._search = search
        self._redactor = redactor
        self._settings = settings
        self._clock = clock
        self._new_customers = FirstSight(registry.customers.see, clock)
        self._new_connections = FirstSight(registry.connections.see, clock)
        self._recent: OrderedDict[str, str] = OrderedDict()

    async def record_events(
        self,
        principal: Principal,
        body: bytes,
        content_type: str,
        *,
        traceparent: str = "",
        idempotency_key: str = "",
    ) -> EventsAnswer:
        """Record the events of a request's body (decompressed): all of them or none.

        Raises what `read_events` and `Journal.append` raise.
        """
        workspace = principal.workspace
        batch = read_events(body, content_type, self._settings, self._clock.now_ms())
        note(f"read {len(batch.events)} events, {len(body)} bytes")
        foreign = batch.foreign_parents()
        accepted = to_records(
            batch,
            workspace=workspace,
            redactor=self._redactor,
            integration_of=lambda key: self._integration(workspace, key),
            traceparent=traceparent,
            trace_of=await self._traces_of(workspace, foreign) if foreign else None,
        )
        await self.see_named(workspace, [entry.record for entry in accepted])
        once = None
        if idempotency_key:
            once = Once(digest("idempotency", workspace, principal.key_id, idempotency_key), digest(body))
        receipt = await self.append(accepted, once)
        duplicates = receipt.duplicates
        note(f"on disk: {len(receipt.ids) - duplicates} records, {duplicates} duplicates")
        return EventsAnswer(len(receipt.ids) - duplicates, duplicates, receipt.ids)

    async def append(self, accepted: Sequence[Accepted], once: Once | None = None) -> Receipt:
        """Append records to the journal, together. Returns when they are on disk."""
        # of a list: a generator takes half as long again
        items = tuple([Item(entry.record.id, encode_line(entry.record), entry.key) for entry in accepted])
        receipt = await self._journal.append(Append(items, once))
        # a repeated append is answered with the ids of the first, which may be another number
        for entry, record_id in zip(accepted, receipt.ids, strict=False):
            self._recent.setdefault(record_id, entry.record.trace_id)
        while len(self._recent) > RECENT_TRACES:
            self._recent.popitem(last=False)
        return receipt

    async def see_named(self, workspace: str, records: Sequence[Record]) -> None:
        """Make sure that the records' customers and connections are there: new ones are on disk when it returns."""
        customers = {record.customer for record in records}
        connections = {(one.connection, one.customer, one.integration) for one in records if one.connection}
        new_customers = customers - self._registry.customers.known(workspace)
        if new_customers:
            await self._new_customers.see(workspace, new_customers)
        if connections:
            new_connections = connections - self._registry.connections.known(workspace)
            if new_connections:
                await self._new_connections.see(workspace, new_connections)
        self._registry.activity.note(workspace, customers, connections)

    def _integration(self, workspace: str, key: str) -> Connected | None:
        return self._registry.integrations.find(workspace, key)

    async def _traces_of(self, workspace: str, record_ids: Iterable[str]) -> dict[str, str]:
        """The traces of records that came before, as far as they are known."""
        traces = {}
        for record_id in record_ids:
            trace_id = self._recent.get(record_id)
            if trace_id is None:
                record = await self._search.find(workspace, record_id)
                trace_id = record.trace_id if record else None
            if trace_id:
                traces[record_id] = trace_id
        return traces
