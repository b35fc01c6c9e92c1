"""`/v1/flows` and `/v1/flow-runs`: what is declared, what ran and what runs, and doing it again."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler

from clew.api.authentication import requires
from clew.api.description import ListOperation
from clew.api.records import RecordList, RecordReader
from clew.api.representation import RecordItem, json_or_none, show_item
from clew.core.clock import to_rfc3339
from clew.core.errors import Conflict, NotFound, TooMany
from clew.core.record import ErrorInfo, summarize
from clew.diagnosis.flow_run import FlowRun, NodeRun, RunNode
from clew.diagnosis.flow_runs import FlowRuns
from clew.flows.flow import Flow
from clew.flows.flows import Flows
from clew.flows.runner import LaunchResult, OpenRun
from clew.log.parameters import ListRequest
from clew.registry.keys import Keys, Principal

MOST_REPLAYS = 1_000
MOST_OPEN = 100
_KNOWN_OF_OPEN = frozenset({"flow", "state", "customer", "connection", "duration", "limit", "sort"})


class NodeForm(msgspec.Struct, frozen=True, kw_only=True):
    """A node as it is declared."""

    name: str
    title: str
    upstream: tuple[str, ...]
    when: str | None
    retries: int
    timeout_s: float
    on_error: str
    place: str


class FlowForm(msgspec.Struct, frozen=True, kw_only=True):
    """A flow as it is declared, and whether it is enabled."""

    key: str
    title: str
    integration: str | None
    trigger: dict[str, Any]
    filter: str | None
    enabled: bool
    concurrency: int | None
    version: str
    nodes: tuple[NodeForm, ...]
    edges: tuple[tuple[str, str], ...]


class FlowList(msgspec.Struct, frozen=True, kw_only=True):
    """The declared flows."""

    items: tuple[FlowForm, ...]
    next: str | None = None
    prev: str | None = None


class NodeRunForm(msgspec.Struct, frozen=True, kw_only=True):
    """One run of a node: an attempt."""

    id: str
    node: str
    attempt: int
    attempts: int
    state: str
    time: str
    duration_ms: int | None
    message: str | None
    input: Mapping[str, Any]
    output: Any
    error: ErrorInfo | None
    skipped_because: Mapping[str, Any] | None
    upstream_runs: tuple[dict[str, str], ...]
    downstream_runs: tuple[dict[str, str], ...]
    requests: tuple[RecordItem, ...]
    logs: tuple[dict[str, Any], ...]


class RunNodeForm(msgspec.Struct, frozen=True, kw_only=True):
    """A node in a run: its state, why, and how often it ran."""

    name: str
    title: str
    upstream: tuple[str, ...]
    state: str
    reason: str | None
    runs: int
    errored_runs: int
    duration_ms: int | None


class FlowRunForm(msgspec.Struct, frozen=True, kw_only=True):
    """A flow run, open or ended, with its graph."""

    id: str
    flow: str
    flow_version: str | None
    state: str
    customer: str | None
    connection: str | None
    integration: str | None
    event_id: str | None
    trace_id: str
    launched_by: Mapping[str, Any]
    queued_at: str | None
    started_at: str | None
    ended_at: str | None
    duration_ms: int | None
    repeat_of: str | None
    replay_of: str | None
    from_node: str | None
    input: Any
    error: ErrorInfo | None
    nodes: tuple[RunNodeForm, ...]
    edges: tuple[tuple[str, str], ...]


class OpenRunItem(msgspec.Struct, frozen=True, kw_only=True):
    """A run that has not ended: it has no record yet."""

    id: str
    flow: str
    state: str
    customer: str | None
    connection: str | None
    event_id: str | None
    queued_at: str
    started_at: str | None


class FlowRunList(RecordList, frozen=True, kw_only=True):
    """A page of runs that have ended, and beside the first page those that are open, oldest first (at most 100).

    With filters that only a record can answer, `open` is empty.
    """

    open: list[OpenRunItem]


class NodeRunList(msgspec.Struct, frozen=True, kw_only=True):
    """The runs of a node in a flow run, oldest first."""

    items: tuple[NodeRunForm, ...]
    next: str | None = None
    prev: str | None = None


class Launched(msgspec.Struct, frozen=True):
    """A run that was launched."""

    flow_run_id: str


class NewRun(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a flow is to be run with. It is no event that came: nothing is filtered."""

    payload: Any = None
    customer: Annotated[str, msgspec.Meta(max_length=200)] = ""
    connection: Annotated[str, msgspec.Meta(max_length=200)] = ""
    keys: dict[str, str] = {}


class NewReplay(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be run again.

    `from_node` is where to begin, `payload` the event's payload instead of the old one, `given` outputs of nodes
    instead of the old ones. With `plan` nothing is run: the answer says what would be.
    """

    ids: Annotated[tuple[str, ...], msgspec.Meta(min_length=1, max_length=MOST_REPLAYS)]
    from_node: str = ""
    payload: Any = msgspec.UNSET
    given: dict[str, Any] = {}
    plan: bool = False


class ReplayForm(msgspec.Struct, frozen=True, kw_only=True):
    """What was, or would be, run again: in this order."""

    count: int
    plan: bool
    runs: tuple[dict[str, str | None], ...]


def build_flows(flows: Flows, runs: FlowRuns, reader: RecordReader, keys: Keys) -> list[Router]:
    """The routes. Looking needs `read`, changing `operate`."""
    reading = [*_read_flows(flows), _list_runs(flows, reader), *_read_runs(runs)]
    changing = [*_switch(flows), *_run(flows, runs)]
    return [
        Router("/v1", guards=[requires(keys, "read")], route_handlers=reading, tags=["Running and repairing"]),
        Router("/v1", guards=[requires(keys, "operate")], route_handlers=changing, tags=["Running and repairing"]),
    ]


def _read_flows(flows: Flows) -> list[ControllerRouterHandler]:
    @get("/flows", operation_id="listFlows", sync_to_thread=True)
    def list_flows(principal: NamedDependency[Principal]) -> FlowList:
        """List the declared flows."""
        return FlowList(items=tuple(_show_flow(flow, flows, principal) for flow in flows.declared.values()))

    @get("/flows/{key:str}", operation_id="getFlow", sync_to_thread=True)
    def get_flow(principal: NamedDependency[Principal], key: FromPath[str]) -> FlowForm:
        """Show one flow: its graph, what starts it, and whether it is enabled."""
        return _show_flow(flows.find(key), flows, principal)

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
    items = [_show_open(run) for run in flows.runner.open_runs(wanted.workspace)]
    found = (
        item
        for item in items
        if all(
            not getattr(wanted, name) or (getattr(item, name) or "") in getattr(wanted, name)
            for name in ("flow", "state", "customer", "connection")
        )
    )
    return list(itertools.islice(found, MOST_OPEN))


def _show_open(run: OpenRun) -> OpenRunItem:
    return OpenRunItem(
        id=run.id,
        flow=run.flow,
        state=run.state,
        customer=run.event.customer or None,
        connection=run.event.connection or None,
        event_id=run.parent_id or None,
        queued_at=to_rfc3339(run.queued_ms),
        started_at=None if run.started_ms is None else to_rfc3339(run.started_ms),
    )


def _read_runs(runs: FlowRuns) -> list[ControllerRouterHandler]:
    @get("/flow-runs/{id:str}", operation_id="getFlowRun")
    async def get_flow_run(principal: NamedDependency[Principal], id: FromPath[str]) -> FlowRunForm:
        """Show one flow run, also while it is open: its state, its graph, what each node did, what launched it."""
        return _show_run(await runs.find(principal.workspace, id, customer=principal.customer))

    @get("/flow-runs/{id:str}/nodes/{node:str}/runs", operation_id="listNodeRuns")
    async def list_node_runs(
        principal: NamedDependency[Principal], id: FromPath[str], node: FromPath[str]
    ) -> NodeRunList:
        """List the runs of one node in a flow run: input, output, logs, error, requests."""
        run = await runs.find(principal.workspace, id, customer=principal.customer)
        found = run.node(node)
        if found is None:
            names = ", ".join(one.name for one in run.nodes)
            raise NotFound(f"The run has no node {node[:80]!r}.", hint=f"Its nodes are: {names}.")
        return NodeRunList(items=tuple(_show_node_run(one) for one in found.runs))

    return [get_flow_run, list_node_runs]


def _switch(flows: Flows) -> list[ControllerRouterHandler]:
    def switch(principal: Principal, key: str, *, enabled: bool) -> FlowForm:
        flow = flows.find(key)
        flows.settings.save(principal.workspace, flow.key, enabled=enabled, changed_by=principal.name)
        return _show_flow(flow, flows, principal)

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
        run = await runs.find(principal.workspace, id)
        if not run.is_open:
            raise Conflict(f"The flow run is not running: it is {run.facts.state}.")
        await flows.runner.stop(principal.workspace, run.facts.id)
        return Launched(run.facts.id)

    @post("/flow-runs/{id:str}/repeat", operation_id="repeatFlowRun")
    async def repeat_run(principal: NamedDependency[Principal], id: FromPath[str]) -> Launched:
        """Run it again from the start with the same input, as a new run."""
        run = await runs.find(principal.workspace, id)
        return _launched(await flows.runner.repeat(principal.workspace, run.facts.id))

    @post("/replays", operation_id="replay")
    async def replay(principal: NamedDependency[Principal], data: NewReplay) -> ReplayForm:
        """Run flow runs again from a node on, with the same or an edited input, each as a new run, in this order."""
        found = [await runs.find(principal.workspace, run_id) for run_id in data.ids]
        edited = dict(data.given)
        if data.payload is not msgspec.UNSET:
            edited["event"] = data.payload
        done: list[dict[str, str | None]] = []
        for run in found:
            new = None
            if not data.plan:
                result = await flows.runner.replay(principal.workspace, run.facts.id, data.from_node, edited or None)
                new = result.run_id
            done.append({"id": run.facts.id, "flow": run.facts.flow, "flow_run_id": new})
        return ReplayForm(count=len(done), plan=data.plan, runs=tuple(done))

    return [run_flow, stop_run, repeat_run, replay]


def _launched(result: LaunchResult) -> Launched:
    if result.code == "queue_full":
        raise TooMany("Too many runs of this flow wait for this connection.", retry_after_s=30)
    return Launched(result.run_id)


def _show_flow(flow: Flow, flows: Flows, principal: Principal) -> FlowForm:
    return FlowForm(
        key=flow.key,
        title=flow.title,
        integration=flow.integration.key if flow.integration else None,
        trigger=_show_trigger(flow),
        filter=flow.where.text if flow.where else None,
        enabled=flows.is_enabled(principal.workspace, flow.key),
        concurrency=flow.concurrency,
        version=flow.version,
        nodes=tuple(
            NodeForm(
                name=node.name,
                title=node.title or node.name,
                upstream=node.upstream,
                when=node.when.text if node.when else None,
                retries=node.retries,
                timeout_s=node.timeout_s,
                on_error=node.on_error,
                place=node.place,
            )
            for node in flow.graph.nodes
        ),
        edges=flow.graph.edges,
    )


def _show_trigger(flow: Flow) -> dict[str, Any]:
    events = [
        {"source": one, "event": None} if isinstance(one, str) else {"source": one.source, "event": one.event}
        for one in flow.subscriptions
    ]
    return {
        "events": events,
        "every_s": flow.every.total_seconds() if flow.every else None,
        "cron": flow.cron or None,
        "time_zone": flow.time_zone if flow.cron else None,
    }


_SHARED = ("id", "flow", "state", "trace_id", "launched_by", "duration_ms", "error")
_OPTIONAL = (
    "flow_version",
    "customer",
    "connection",
    "integration",
    "queued_at",
    "started_at",
    "ended_at",
    "repeat_of",
    "replay_of",
    "from_node",
)


def _show_run(run: FlowRun) -> FlowRunForm:
    facts = run.facts
    shared: dict[str, Any] = {name: getattr(facts, name) for name in _SHARED}
    optional: dict[str, Any] = {name: getattr(facts, name) or None for name in _OPTIONAL}
    return FlowRunForm(
        **shared,
        **optional,
        event_id=facts.event_id or None,
        input=json_or_none(facts.input),
        nodes=tuple(_show_node(node) for node in run.nodes),
        edges=run.edges,
    )


def _show_node(node: RunNode) -> RunNodeForm:
    return RunNodeForm(
        name=node.name,
        title=node.title,
        upstream=node.upstream,
        state=node.state,
        reason=node.reason or None,
        runs=len(node.runs),
        errored_runs=node.errors,
        duration_ms=node.duration_ms,
    )


def _show_node_run(run: NodeRun) -> NodeRunForm:
    record = run.record
    return NodeRunForm(
        id=record.id,
        node=record.node,
        attempt=run.attempt,
        attempts=run.attempts,
        state=record.state,
        time=to_rfc3339(record.time),
        duration_ms=record.duration_ms,
        message=record.message or None,
        input=run.input,
        output=json_or_none(record.payload),
        error=record.error,
        skipped_because=run.skipped_because,
        upstream_runs=tuple({"node": node, "id": run_id} for node, run_id in run.upstream),
        downstream_runs=tuple({"node": node, "id": run_id} for node, run_id in run.downstream),
        requests=tuple(show_item(summarize(request)) for request in run.requests),
        logs=tuple(
            {"time": to_rfc3339(line.time), "type": line.type, "msg": line.msg, "data": line.data}
            for line in record.logs
        ),
    )
