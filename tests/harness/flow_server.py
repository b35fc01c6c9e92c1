"""What of a server flows need: the stores, and `Flows` on them; and events that come to it."""

from __future__ import annotations

from typing import Any

from clew.core.ids import new_id, time_of, trace_id_of
from clew.core.record import Record, encode_line
from clew.core.redaction import Redactor
from clew.flows.flow import Flow
from clew.flows.flows import Flows
from clew.journal.journal import Append, Item
from clew.registry.declare import Product
from harness.flow_place import WORKSPACE, FlowPlace, until

ERP = Product("erp")
HOOKS = ERP.webhook("hooks", event="$.type")


class Server:
    """What of a server flows need: the stores, and `Flows` on them."""

    def __init__(self, place: FlowPlace) -> None:
        self.place = place
        self.flows: Flows | None = None

    async def start(self, *flows: Flow, is_awaited: bool = True) -> Flows:
        """A server of these flows, ready where that is awaited."""
        place = self.place
        place.open_stores()
        self.flows = Flows(
            flows,
            journal=place.journal,
            store=place.store,
            drain=place.drain,
            registry=place.registry,
            redactor=Redactor(),
            secrets={},
            clock=place.clock,
        )
        started = self.flows
        await started.start()
        if is_awaited:
            await until(lambda: not started.check()["trouble"], "it is ready")
        return started

    async def stop(self) -> None:
        if self.flows:
            await self.flows.stop()
            self.flows = None
            self.place.journal.close()
            self.place.registry.close()

    async def send(self, *records: Record) -> None:
        await self.place.journal.append(Append(tuple(Item(r.id, encode_line(r)) for r in records)))

    async def decided(self, *records: Record) -> list[Record]:
        """The decisions about these events, in their order."""
        wanted = {record.id for record in records}

        def found() -> list[Record]:
            self.place.drain(0)
            decisions = [r for r in self.place.store._records if r.kind == "decision" and r.parent_id in wanted]
            return decisions if wanted <= {r.parent_id for r in decisions} else []

        decisions: list[Record] = await until(found, "every event is decided")
        return sorted(decisions, key=lambda r: [record.id for record in records].index(r.parent_id))

    async def all_ended(self) -> list[Record]:
        """The records of all runs, when none is open any more. What is not yet decided has no run."""
        assert self.flows is not None
        return await self.place.all_ended(self.flows.runner)


def came(payload: str = '{"country":"US"}', **fields: Any) -> Record:
    record_id = new_id()
    given = {"event": "order.released", "source": "hooks", "kind": "external_event", **fields}
    return Record(
        id=record_id,
        time=time_of(record_id),
        workspace=WORKSPACE,
        trace_id=trace_id_of(record_id),
        payload=payload,
        **given,
    )


def noting(seen: list[Any], key: str = "noting", **options: Any) -> Flow:
    flow = Flow(key, **{"on": HOOKS["order.released"], **options})

    @flow.node
    async def note(event):
        seen.append(event.id)

    return flow


def told(decision: Record) -> tuple[str, str, str]:
    return decision.flow, decision.state, decision.status
