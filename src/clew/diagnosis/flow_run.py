"""A flow run as a whole: its graph with what each node did, put together from the records of its trace.

A node that did not run has no record; here it is shown all the same, with the reason. A run that is still open is put
together the same way from what its nodes have recorded so far.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import msgspec

from clew.core.record import ErrorInfo, LogLine, Record
from clew.flows.graph import Graph

NodeState = Literal["completed", "failed", "skipped", "stopped", "running", "waiting", "not_reached"]
OPEN_STATES = frozenset({"queued", "running", "stopping"})


class NodeRun(msgspec.Struct, frozen=True, kw_only=True):
    """One run of a node: one attempt. `record` is its record, whole.

    `upstream` and `downstream` lead to the node runs that made its input and that took its output: (node, id) pairs.
    `requests` are the calls it made, oldest first. `input` is the JSON of its parameters by name.
    """

    record: Record
    attempt: int
    attempts: int
    input: Mapping[str, Any]
    skipped_because: Mapping[str, Any] | None
    upstream: tuple[tuple[str, str], ...]
    downstream: tuple[tuple[str, str], ...]
    requests: tuple[Record, ...]


class RunNode(msgspec.Struct, frozen=True, kw_only=True):
    """A node of the graph, with its runs in this flow run. `reason` is why it did not run, or why it failed."""

    name: str
    title: str
    upstream: tuple[str, ...]
    state: NodeState
    reason: str
    runs: tuple[NodeRun, ...]
    duration_ms: int | None
    when: str = ""
    place: str = ""

    @property
    def errors(self) -> int:
        """How many of its runs failed."""
        return sum(1 for run in self.runs if run.record.error is not None)

    @property
    def has_failure(self) -> bool:
        """Whether it has a red dot: it failed, and was neither tried again with success nor told to go on."""
        return any(run.record.status == "failure" for run in self.runs)


class RunFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a run beside its nodes, whether it has ended or not. Times are ms; None where not yet."""

    id: str
    flow: str
    state: str
    event_id: str
    trace_id: str
    time: int
    customer: str = ""
    connection: str = ""
    integration: str = ""
    flow_version: str = ""
    launched_by: Mapping[str, Any] = {}
    queued_at: str = ""
    started_at: str = ""
    ended_at: str = ""
    duration_ms: int | None = None
    repeat_of: str = ""
    replay_of: str = ""
    from_node: str = ""
    input: str = ""
    error: ErrorInfo | None = None
    node_states: Mapping[str, Any] = {}


class FlowRun(msgspec.Struct, frozen=True, kw_only=True):
    """A run with its nodes in an order in which they run. `record` is None while it is open."""

    facts: RunFacts
    nodes: tuple[RunNode, ...]
    record: Record | None

    @property
    def is_open(self) -> bool:
        """Whether it has not ended yet."""
        return self.record is None

    @property
    def edges(self) -> tuple[tuple[str, str], ...]:
        """Pairs of nodes: the second takes the first one's output."""
        return tuple((upstream, node.name) for node in self.nodes for upstream in node.upstream)

    def node(self, name: str) -> RunNode | None:
        """The node of this name."""
        return next((node for node in self.nodes if node.name == name), None)

    def logs(self) -> tuple[tuple[str, LogLine], ...]:
        """Every line its nodes wrote, with the node's name, oldest first."""
        lines = [(node.name, line) for node in self.nodes for run in node.runs for line in run.record.logs]
        return tuple(sorted(lines, key=lambda pair: pair[1].time))


def facts_of(record: Record) -> RunFacts:
    """What the record of an ended run tells."""
    given = _object(record.parameters)
    return RunFacts(
        id=record.id,
        flow=record.flow,
        state=record.state,
        event_id=record.parent_id,
        trace_id=record.trace_id,
        time=record.time,
        customer=record.customer,
        connection=record.connection,
        integration=record.integration,
        flow_version=record.flow_version,
        launched_by=given.get("launched_by") or {},
        duration_ms=record.duration_ms,
        input=record.payload,
        error=record.error,
        node_states=given.get("nodes") or {},
        **{
            name: str(given.get(name) or "")
            for name in ("queued_at", "started_at", "ended_at", "repeat_of", "replay_of", "from_node")
        },
    )


def assemble_run(facts: RunFacts, record: Record | None, trace: Iterable[Record], graph: Graph | None) -> FlowRun:
    """Put a run together.

    `trace` are records of its trace, those of other runs included. `graph` is the flow's present graph, None where the
    flow is no longer declared: then the nodes that left a record are all that is known.
    """
    records = sorted(trace, key=lambda one: (one.time, one.id))
    node_records = [one for one in records if one.kind == "node_run" and one.parent_id == facts.id]
    requests: dict[str, list[Record]] = {}
    for one in records:
        if one.kind == "api_request":
            requests.setdefault(one.parent_id, []).append(one)
    runs = _node_runs(node_records, requests)
    known = (
        [(node.name, node.title, node.upstream, _when(node.when), node.place) for node in graph.nodes] if graph else []
    )
    names = {name for name, *_ in known}
    for name, of_node in runs.items():
        if name not in names:
            known.append((name, name, tuple(upstream for upstream, _ in of_node[0].upstream), "", ""))
    nodes: list[RunNode] = []
    states: dict[str, NodeState] = {}
    for name, title, upstream, when, place in known:
        of_node = runs.get(name, ())
        state, reason = _state_of(name, upstream, of_node, facts, states)
        states[name] = state
        nodes.append(
            RunNode(
                name=name,
                title=title or name,
                upstream=upstream,
                state=state,
                reason=reason,
                runs=of_node,
                duration_ms=sum(run.record.duration_ms or 0 for run in of_node) if of_node else None,
                when=when,
                place=place,
            )
        )
    return FlowRun(facts=facts, nodes=tuple(nodes), record=record)


def _when(filter: Any) -> str:
    return getattr(filter, "text", "") if filter is not None else ""


def _node_runs(records: Sequence[Record], requests: Mapping[str, list[Record]]) -> dict[str, tuple[NodeRun, ...]]:
    given = {record.id: _object(record.parameters) for record in records}
    takers: dict[str, list[tuple[str, str]]] = {}
    for record in records:
        for _, source in sorted((given[record.id].get("upstream") or {}).items()):
            takers.setdefault(str(source), []).append((record.node, record.id))
    runs: dict[str, list[NodeRun]] = {}
    for record in records:
        parameters = given[record.id]
        runs.setdefault(record.node, []).append(
            NodeRun(
                record=record,
                attempt=int(parameters.get("attempt") or 1),
                attempts=int(parameters.get("attempts") or 1),
                input=parameters.get("input") or {},
                skipped_because=parameters.get("skipped_because"),
                upstream=tuple((str(node), str(run)) for node, run in (parameters.get("upstream") or {}).items()),
                downstream=tuple(takers.get(record.id, ())),
                requests=tuple(requests.get(record.id, ())),
            )
        )
    return {name: tuple(of_node) for name, of_node in runs.items()}


def _state_of(
    name: str,
    upstream: Sequence[str],
    runs: Sequence[NodeRun],
    facts: RunFacts,
    states: Mapping[str, NodeState],
) -> tuple[NodeState, str]:
    if runs:
        return _state_of_runs(runs, is_open=facts.state in OPEN_STATES)
    told = facts.node_states.get(name) or {}
    if facts.state in OPEN_STATES:
        return ("running" if told.get("state") == "running" else "waiting"), str(told.get("reason") or "")
    blocked = [f"{one} {_WORDS[states[one]]}" for one in upstream if states.get(one) not in (None, "completed")]
    reason = str(told.get("reason") or "") or (f"not reached: {' and '.join(blocked)}" if blocked else "")
    if told.get("state") == "skipped":
        return "skipped", reason
    return "not_reached", reason or f"not reached: the run was {facts.state}"


_WORDS: dict[NodeState, str] = {
    "failed": "failed",
    "skipped": "was skipped",
    "stopped": "was stopped",
    "not_reached": "was not reached",
    "running": "was running",
    "waiting": "was waiting",
    "completed": "completed",
}


def _state_of_runs(runs: Sequence[NodeRun], *, is_open: bool) -> tuple[NodeState, str]:
    last = runs[-1].record
    if last.state == "skipped":
        return "skipped", last.message
    if last.state == "stopped":
        return "stopped", last.message
    if last.state == "completed":
        return "completed", last.message if last.error else ""
    if last.status != "failure" and is_open:
        return "running", last.message  # failed, and to be tried again
    return "failed", last.error.innermost().message if last.error else last.message


def _object(text: str) -> dict[str, Any]:
    if not text:
        return {}
    found = msgspec.json.decode(text)
    return found if isinstance(found, dict) else {}
