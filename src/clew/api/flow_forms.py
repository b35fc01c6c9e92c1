"""Flows and their runs as the API shows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec

from clew.api.records import RecordList
from clew.api.representation import RecordItem, json_or_none, show_item
from clew.core.clock import to_rfc3339
from clew.core.record import ErrorInfo, summarize
from clew.diagnosis.flow_run import FlowRun, NodeRun, RunNode
from clew.flows.flow import Flow
from clew.flows.runner import OpenRun

MOST_REPLAYS = 1_000


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
    """What was, or would be, run again: in this order.

    `problem` says why it ended before the last one; that run and those behind it were not run again.
    """

    count: int
    plan: bool
    runs: tuple[dict[str, str | None], ...]
    problem: str | None = None


def show_open(run: OpenRun) -> OpenRunItem:
    """A run that has not ended, in a list."""
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


def show_flow(flow: Flow, *, enabled: bool) -> FlowForm:
    """A flow as it is declared."""
    return FlowForm(
        key=flow.key,
        title=flow.title,
        integration=flow.integration.key if flow.integration else None,
        trigger=_show_trigger(flow),
        filter=flow.where.text if flow.where else None,
        enabled=enabled,
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


def show_run(run: FlowRun) -> FlowRunForm:
    """A flow run with its graph."""
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


def show_node_run(run: NodeRun) -> NodeRunForm:
    """One run of a node, whole."""
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
