"""The way in behind the doors: what a door has read goes to the journal, and is acknowledged when it is there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from clew.api.first_sight import FirstSight
from clew.api.recent_records import RecentRecords
from clew.core.clock import Clock
from clew.core.errors import NotFound
from clew.core.ids import digest, is_id
from clew.core.record import Record, encode_line
from clew.core.redaction import Redactor
from clew.core.request_log import note
from clew.core.settings import Settings
from clew.doors.event_records import Accepted, Connected, First, keys_of_parents, to_records
from clew.doors.json_events import Batch, read_events
from clew.doors.steps import EVENT_KINDS, read_steps, to_step_records
from clew.journal.journal import Append, Item, Journal, KeysKnown, Once, Receipt
from clew.registry.keys import Principal
from clew.registry.registry import Registry


class EventsAnswer(msgspec.Struct, frozen=True):
    """How many events (or steps) were recorded now, how many had come before, and the id of the record of each."""

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
        recent: RecentRecords,
        redactor: Redactor,
        settings: Settings,
        clock: Clock,
    ) -> None:
        self._journal = journal
        self._registry = registry
        self._recent = recent
        self._redactor = redactor
        self._settings = settings
        self._clock = clock
        self._new_customers = FirstSight(registry.customers.see, clock)
        self._new_connections = FirstSight(registry.connections.see, clock)

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
        once = _once(principal, idempotency_key, body) if idempotency_key else None
        foreign = batch.foreign_parents()
        traces = await self._recent.traces_of(workspace, foreign) if foreign else None
        accepted = self._accept(batch, workspace, traceparent, traces)
        await self.see_named(workspace, [entry.record for entry in accepted])
        if not batch.parents:
            return _answer(await self.append(accepted, once))
        known: dict[bytes, str] = {}
        while True:
            fresh = tuple([key for key in keys_of_parents(batch, workspace) if key not in known])
            try:
                return _answer(await self.append(accepted, once, fresh))
            except KeysKnown as error:  # parents that came before: their children must point to what was written then
                known |= error.ids
                firsts = await self._firsts(workspace, known)
                accepted = self._accept(batch, workspace, traceparent, traces, firsts)

    async def record_steps(
        self,
        principal: Principal,
        event_id: str,
        body: bytes,
        content_type: str,
        *,
        traceparent: str = "",
        idempotency_key: str = "",
    ) -> EventsAnswer:
        """Record the steps of a request's body (decompressed) under an event: all of them or none.

        Raises `NotFound` where there is no such event, and what `read_steps` and `Journal.append` raise.
        """
        batch = read_steps(body, content_type, self._settings, self._clock.now_ms())
        event = await self._find_event(principal.workspace, event_id)
        note(f"read {len(batch.events)} steps of {event.event or event.id}")
        accepted = to_step_records(batch, event, redactor=self._redactor, traceparent=traceparent)
        once = _once(principal, idempotency_key, body, event.id) if idempotency_key else None
        return _answer(await self.append(accepted, once))

    async def append(
        self, accepted: Sequence[Accepted], once: Once | None = None, fresh: tuple[bytes, ...] = ()
    ) -> Receipt:
        """Append records to the journal, together. Returns when they are on disk. See `Append`."""
        # of a list: a generator takes half as long again
        items = tuple([Item(entry.record.id, encode_line(entry.record), entry.key) for entry in accepted])
        receipt = await self._journal.append(Append(items, once, fresh))
        self._recent.note(accepted, receipt)
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

    def _accept(
        self,
        batch: Batch,
        workspace: str,
        traceparent: str,
        trace_of: Mapping[str, str] | None,
        first_of: Mapping[bytes, First] | None = None,
    ) -> list[Accepted]:
        return to_records(
            batch,
            workspace=workspace,
            redactor=self._redactor,
            integration_of=lambda key: self._integration(workspace, key),
            traceparent=traceparent,
            trace_of=trace_of,
            first_of=first_of,
        )

    async def _firsts(self, workspace: str, known: Mapping[bytes, str]) -> dict[bytes, First]:
        traces = await self._recent.traces_of(workspace, known.values())
        return {key: First(record_id, traces.get(record_id, "")) for key, record_id in known.items()}

    async def _find_event(self, workspace: str, event_id: str) -> Record:
        record = await self._recent.find(workspace, event_id.lower()) if is_id(event_id) else None
        if record is None:
            raise NotFound(
                f"There is no event {event_id[:80]!r}.",
                hint="Steps are added to an event by the id of its record: the one that its POST was answered with.",
            )
        if record.kind not in EVENT_KINDS:
            raise NotFound(
                f"The record {record.id} is no event but a {record.kind.replace('_', ' ')}.",
                hint="Steps are added to integration events, external events and internal events.",
            )
        return record

    def _integration(self, workspace: str, key: str) -> Connected | None:
        return self._registry.integrations.find(workspace, key)


def _once(principal: Principal, idempotency_key: str, body: bytes, path: str = "") -> Once:
    """The key of a request as a whole. `path` is what else it was about: the same body elsewhere is another request."""
    key = digest("idempotency", principal.workspace, principal.key_id, idempotency_key)
    return Once(key, digest(path, body) if path else digest(body))


def _answer(receipt: Receipt) -> EventsAnswer:
    accepted = len(receipt.ids) - receipt.duplicates
    note(f"on disk: {accepted} records, {receipt.duplicates} duplicates")
    return EventsAnswer(accepted, receipt.duplicates, receipt.ids)
