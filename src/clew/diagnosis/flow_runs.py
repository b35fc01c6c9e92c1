"""Finding a flow run, whether it is still open or has ended: for both faces the same."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import msgspec

from clew.core.clock import to_rfc3339
from clew.core.errors import NotFound
from clew.core.ids import is_id
from clew.core.record import Record
from clew.diagnosis.chain import Focus, find_chain, read_chain
from clew.diagnosis.flow_run import FlowRun, RunFacts, assemble_run, facts_of
from clew.flows.flow import Flow
from clew.flows.runner import OpenRun, Runner
from clew.log.search import Search

ENDING_TRIES = 20
ENDING_PAUSE_S = 0.05
"""A run that ended a moment ago is not open and not yet in the log: it is waited for, a second in all.

One of which the runner knows nothing is not: whoever asks for what is not there is told at once.
"""


class FoundRun(msgspec.Struct, frozen=True):
    """A run with its nodes, and all records of its trace, its own among them where it has ended."""

    run: FlowRun
    chain: tuple[Record, ...]

    @property
    def event(self) -> Record | None:
        """The record of the event that started it."""
        return next((record for record in self.chain if record.id == self.run.facts.event_id), None)


class FlowRuns:
    """The runs of the declared flows. `runner` is None where nothing can be open."""

    def __init__(self, flows: Mapping[str, Flow], runner: Runner | None, search: Search) -> None:
        self._flows = flows
        self._runner = runner
        self._search = search

    async def find(self, workspace: str, run_id: str, *, customer: str = "") -> FoundRun:
        """The run of this id, with its nodes. Raises `NotFound` where there is none, or none of this `customer`."""
        facts, record = await self._look(workspace, run_id.lower()) if is_id(run_id) else (None, None)
        if facts is None or (customer and facts.customer != customer):
            raise NotFound(f"There is no flow run {run_id[:80]!r}.", hint="It may be older than what is kept.")
        chain: tuple[Record, ...] = ()
        if record is not None:
            chain = (await find_chain(self._search, record)).records
        elif facts.trace_id:
            focus = Focus(workspace, facts.trace_id, facts.id, facts.event_id, facts.time)
            chain = (await read_chain(self._search, focus)).records
        flow = self._flows.get(facts.flow)
        return FoundRun(assemble_run(facts, record, chain, flow.graph if flow else None), chain)

    async def _look(self, workspace: str, run_id: str) -> tuple[RunFacts | None, Record | None]:
        for _ in range(ENDING_TRIES):
            opened = self._runner.find(workspace, run_id) if self._runner else None
            if opened is not None:
                return open_facts(opened), None
            record = await self._search.find(workspace, run_id)
            if record is not None:
                return (facts_of(record), record) if record.kind == "flow_run" else (None, None)
            if self._runner is None or not self._runner.has_ended_lately(run_id):
                break
            await asyncio.sleep(ENDING_PAUSE_S)
        return None, None


def open_facts(run: OpenRun) -> RunFacts:
    """What is known of a run that has not ended."""
    return RunFacts(
        id=run.id,
        flow=run.flow,
        state=run.state,
        event_id=run.parent_id,
        trace_id=run.event.trace_id,
        time=run.event.time,
        customer=run.event.customer,
        connection=run.event.connection,
        integration=run.event.integration,
        launched_by={"type": run.launched_by.type, "ids": list(run.launched_by.ids)},
        queued_at=to_rfc3339(run.queued_ms),
        started_at="" if run.started_ms is None else to_rfc3339(run.started_ms),
        repeat_of=run.repeat_of,
        replay_of=run.replay_of,
        from_node=run.from_node,
        node_states={name: {"state": node.state, "reason": node.reason} for name, node in run.nodes.items()},
    )
