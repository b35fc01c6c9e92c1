"""`/v1/flows` and `/v1/flow-runs`: what is declared, what ran and what runs, and doing it again."""

from __future__ import annotations

import itertools
from typing import Any

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler

from clew.api.authentication import requires
from clew.api.description import ListOperation
from clew.api.flow_forms import (
    FlowForm,
    FlowList,
    FlowRunForm,
    FlowRunList,
    Launched,
    NewReplay,
    NewRun,
    NodeRunList,
    OpenRunItem,
    ReplayForm,
    show_flow,
    show_node_run,
    show_open,
    show_run,
)
from clew.api.records import RecordReader
from clew.core.errors import ClewError, Conflict, NotFound, TooMany
from clew.diagnosis.flow_runs import FlowRuns
from clew.flows.flow import Flow
from clew.flows.flows import Flows
from clew.flows.runner import LaunchResult
from clew.log.parameters import ListRequest
from clew.registry.keys import Keys, Principal

MOST_OPEN = 100
_KNOWN_OF_OPEN = frozenset({"flow", "state", "customer", "connection", "duration", "limit", "sort"})


def build_flows(flows: Flows, runs: FlowRuns, reader: RecordReader, keys: Keys) -> list[Router]:
    """The routes. Looking needs `read`, changing `operate`."""
    reading = [*_read_flows(flows), _list_runs(flows, reader), *_read_runs(runs)]
    changing = [*_switch(flows), *_run(flows, runs), *_replay(flows, runs)]
    return [
        Router("/v1", guards=[requires(keys, "read")], route_handlers=reading, tags=["Running and repairing"]),
        Router("/v1", guards=[requires(keys, "operate")], route_handlers=changing, tags=["Running and repairing"]),
    ]


def _read_flows(flows: Flows) -> list[ControllerRouterHandler]:
    @get("/flows", operation_id="listFlows", sync_to_thread=True)
    def list_flows(principal: NamedDependency[Principal]) -> FlowList:
        """List the declared flows."""
        return FlowList(items=tuple(_show(flow, flows, principal) for flow in flows.declared.values()))

    @get("/flows/{key:str}", operation_id="getFlow", sync_to_thread=True)
    def get_flow(principal: NamedDependency[Principal], key: FromPath[str]) -> FlowForm:
        """Show one flow: its graph, what starts it, and whether it is enabled."""
        return _show(flows.find(key), flows, principal)

    return [list_flows, get_flow]


def _list_runs(flows: Flows, reader: RecordReader) -> ControllerRouterHandler:
    @get("/flow-runs", operation_id="listFlowRuns", operation_class=ListOperation)
    async def list_flow_runs(
        request: Request[Any, Any, Any], principal: NamedDependency[Principal]
    ) -> Response[FlowRunList]:
        """List flow runs, newest first, and those that are open."""
        asked = reader.read_list(request, principal, "flow_run")
        opened = _open_runs(flows, asked)
        form, headers = await reader.page(asked, request.url.path)
        return Response(FlowRunList(**msgspec.structs.asdict(form), open=opened), headers=headers)

    return list_flow_runs


def _open_runs(flows: Flows, asked: ListRequest) -> list[OpenRunItem]:
    """The open runs that belong beside a page: what is asked of them must be something that is known of them."""
    if asked.query.place is not None or {name for name, _ in asked.given} - _KNOWN_OF_OPEN:
        return []
    wanted = asked.query.filter
    items = [show_open(run) for run in flows.runner.open_runs(wanted.workspace)]
    found = (
        item
        for item in items
        if all(
            not getattr(wanted, name) or (getattr(item, name) or "") in getattr(wanted, name)
            for name in ("flow", "state", "customer", "connection")
        )
    )
    return list(itertools.islice(found, MOST_OPEN))


def _read_runs(runs: FlowRuns) -> list[ControllerRouterHandler]:
    @get("/flow-runs/{id:str}", operation_id="getFlowRun")
    async def get_flow_run(principal: NamedDependency[Principal], id: FromPath[str]) -> FlowRunForm:
        """Show one flow run, also while it is open: its state, its graph, what each node did, what launched it."""
        return show_run((await runs.find(principal.workspace, id, customer=principal.customer)).run)

    @get("/flow-runs/{id:str}/nodes/{node:str}/runs", operation_id="listNodeRuns")
    async def list_node_runs(
        principal: NamedDependency[Principal], id: FromPath[str], node: FromPath[str]
    ) -> NodeRunList:
        """List the runs of one node in a flow run: input, output, logs, error, requests."""
        run = (await runs.find(principal.workspace, id, customer=principal.customer)).run
        found = run.node(node)
        if found is None:
            names = ", ".join(one.name for one in run.nodes)
            raise NotFound(f"The run has no node {node[:80]!r}.", hint=f"Its nodes are: {names}.")
        return NodeRunList(items=tuple(show_node_run(one) for one in found.runs))

    return [get_flow_run, list_node_runs]


def _switch(flows: Flows) -> list[ControllerRouterHandler]:
    def switch(principal: Principal, key: str, *, enabled: bool) -> FlowForm:
        flow = flows.find(key)
        flows.settings.save(principal.workspace, flow.key, enabled=enabled, changed_by=principal.actor)
        return _show(flow, flows, principal)

    @post("/flows/{key:str}/enable", operation_id="enableFlow", status_code=200, sync_to_thread=True)
    def enable_flow(principal: NamedDependency[Principal], key: FromPath[str]) -> FlowForm:
        """Let events and schedules launch the flow."""
        return switch(principal, key, enabled=True)

    @post("/flows/{key:str}/disable", operation_id="disableFlow", status_code=200, sync_to_thread=True)
    def disable_flow(principal: NamedDependency[Principal], key: FromPath[str]) -> FlowForm:
        """Let nothing launch the flow but a call of the API or a person."""
        return switch(principal, key, enabled=False)

    return [enable_flow, disable_flow]


def _run(flows: Flows, runs: FlowRuns) -> list[ControllerRouterHandler]:
    @post("/flows/{key:str}/runs", operation_id="runFlow")
    async def run_flow(principal: NamedDependency[Principal], key: FromPath[str], data: NewRun) -> Launched:
        """Run a flow with a payload of your own, also one that is disabled. Its filter is not asked."""
        result = await flows.trigger(
            principal.workspace,
            key,
            data.payload,
            customer=data.customer,
            connection=data.connection,
            keys=data.keys,
        )
        return _launched(result)

    @post("/flow-runs/{id:str}/stop", operation_id="stopFlowRun", status_code=202)
    async def stop_run(principal: NamedDependency[Principal], id: FromPath[str]) -> Launched:
        """Stop a run that is queued or running."""
        run = (await runs.find(principal.workspace, id)).run
        if not run.is_open:
            raise Conflict(f"The flow run is not running: it is {run.facts.state}.")
        await flows.runner.stop(principal.workspace, run.facts.id)
        return Launched(run.facts.id)

    @post("/flow-runs/{id:str}/repeat", operation_id="repeatFlowRun")
    async def repeat_run(principal: NamedDependency[Principal], id: FromPath[str]) -> Launched:
        """Run it again from the start with the same input, as a new run."""
        run = (await runs.find(principal.workspace, id)).run
        return _launched(await flows.runner.repeat(principal.workspace, run.facts.id))

    return [run_flow, stop_run, repeat_run]


def _replay(flows: Flows, runs: FlowRuns) -> list[ControllerRouterHandler]:
    @post("/replays", operation_id="replay")
    async def replay(principal: NamedDependency[Principal], data: NewReplay) -> ReplayForm:
        """Run flow runs again from a node on, with the same or an edited input, each as a new run, in this order."""
        found = [(await runs.find(principal.workspace, run_id)).run for run_id in data.ids]
        edited = dict(data.given)
        if data.payload is not msgspec.UNSET:
            edited["event"] = data.payload
        done: list[dict[str, str | None]] = []
        problem = None
        for run in found:
            new = None
            try:
                if not data.plan:
                    result = await flows.runner.replay(
                        principal.workspace, run.facts.id, data.from_node, edited or None
                    )
                    new = _launched(result).flow_run_id
            except ClewError as error:
                if not done:
                    raise
                problem = f"{run.facts.id}: {error.detail}"
                break
            done.append({"id": run.facts.id, "flow": run.facts.flow, "flow_run_id": new})
        return ReplayForm(count=len(done), plan=data.plan, runs=tuple(done), problem=problem)

    return [replay]


def _launched(result: LaunchResult) -> Launched:
    if result.code == "queue_full":
        raise TooMany("Too many runs of this flow wait for this connection.", retry_after_s=30)
    return Launched(result.run_id)


def _show(flow: Flow, flows: Flows, principal: Principal) -> FlowForm:
    return show_flow(flow, enabled=flows.is_enabled(principal.workspace, flow.key))
