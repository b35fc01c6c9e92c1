"""Finding a flow run, whether it is still open or has ended: for both faces the same."""

from __future__ import annotations

from collections.abc import Mapping

from clew.core.clock import to_rfc3339
from clew.core.errors import NotFound
from clew.core.ids import is_id
from clew.diagnosis.flow_run import FlowRun, RunFacts, assemble_run, facts_of
from clew.flows.flow import Flow
from clew.flows.runner import OpenRun, Runner
from clew.log.search import Search


class FlowRuns:
    """The flows that are declared and the runs of them. `runner` is None on a server without flows."""

    def __init__(self, flows: Mapping[str, Flow], runner: Runner | None, search: Search) -> None:
        self.flows = flows
        self._runner = runner
        self._search = search

    @property
    def runner(self) -> Runner:
        """The runner. Raises `NotFound` on a server whose module declares no flows."""
        if self._runner is None:
            raise NotFound("No flow is declared here.", hint="Flows are declared in the module `clew serve` is given.")
        return self._runner

    def flow(self, key: str) -> Flow:
        """The flow of this key. Raises `NotFound`."""
        if key not in self.flows:
            declared = ", ".join(self.flows) or "none"
            raise NotFound(f"There is no flow {key[:80]!r}.", hint=f"Declared now: {declared}.")
        return self.flows[key]

    async def find(self, workspace: str, run_id: str, *, customer: str = "") -> FlowRun:
        """The run of this id, with its nodes. Raises `NotFound` where there is none, or none of this `customer`."""
        facts, record = None, None
        if is_id(run_id):
            run_id = run_id.lower()
            opened = self._runner.find(workspace, run_id) if self._runner else None
            record = None if opened else await self._search.find(workspace, run_id)
            if opened:
                facts = open_facts(opened)
            elif record and record.kind == "flow_run":
                facts = facts_of(record)
        if facts is None or (customer and facts.customer != customer):
            raise NotFound(f"There is no flow run {run_id[:80]!r}.")
        trace = await self._search.trace(workspace, facts.trace_id, facts.time)
        flow = self.flows.get(facts.flow)
        return assemble_run(facts, record, trace, flow.graph if flow else None)


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
