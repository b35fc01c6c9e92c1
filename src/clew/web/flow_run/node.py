"""A node of a run that is open: one of its runs, whole, and the way to the runs before and after it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, get_args

import msgspec

from clew.core.record import Record
from clew.diagnosis.flow_run import FlowRun, NodeRun, RunNode
from clew.web.dots import DOT_OF_STATUS, Dot
from clew.web.flow_run.views import Attempt, NodeLink, NodePanel, NodeTabName, RequestRow, Skip
from clew.web.graph import STATE_WORDS, dot_of_node
from clew.web.lines import NOBODY, build_lines, json_of, say_actual
from clew.web.links import record_href, run_href
from clew.web.record.bodies import build_body
from clew.web.record.trouble import build_causes
from clew.web.tabs import Tab
from clew.web.wording import cut, http_status_of, say_message, say_moment, say_took

MAX_REQUESTS = 500
"""Requests that one page shows."""

VIEWS: tuple[NodeTabName, ...] = get_args(NodeTabName)


class Chosen(msgspec.Struct, frozen=True):
    """What the URL says is open: a node, one of its runs, one of that run's tabs. Each may be "" or unknown."""

    node: str = ""
    run: str = ""
    view: str = ""


def find_node(flow_run: FlowRun, chosen: Chosen) -> RunNode | None:
    """The node that is open: the one that was asked for, else the first that failed."""
    if chosen.node or chosen.run:
        by_run = (n for n in flow_run.nodes if any(run.record.id == chosen.run for run in n.runs))
        return flow_run.node(chosen.node) or next(by_run, None)
    return next((node for node in flow_run.nodes if node.has_failure), None)


def node_href(flow_run: FlowRun, node: RunNode) -> str:
    """Where a node's panel is. A node of one run, or none, needs no more than its name."""
    return run_href(flow_run.facts.id, node=node.name)


def build_node_panel(flow_run: FlowRun, node: RunNode, chosen: Chosen) -> NodePanel:
    """The node with the run that was asked for, else its last one."""
    run = next((run for run in node.runs if run.record.id == chosen.run), node.runs[-1] if node.runs else None)
    shared: dict[str, Any] = {
        "name": node.name,
        "title": node.title,
        "when": node.when,
        "place": node.place,
        "upstream": tuple(_upstream(flow_run, node, run)),
        "downstream": tuple(_downstream(flow_run, node, run)),
    }
    if run is None:
        words = STATE_WORDS[node.state]
        told = flow_run.facts.node_states.get(node.name) or {}
        return NodePanel(
            dot=dot_of_node(node),
            words=words,
            reason=node.reason,
            record_href="",
            skip=_skip(told.get("skipped_because")),
            **shared,
        )
    return _panel_of_run(flow_run, node, run, chosen.view, shared)


def _panel_of_run(flow_run: FlowRun, node: RunNode, run: NodeRun, view: str, shared: dict[str, Any]) -> NodePanel:
    record = run.record
    tabs = _tabs(flow_run, node, run, view)
    tab: NodeTabName = next((name for name in VIEWS if any(t.is_current and t.name == name for t in tabs)), "input")
    contents: dict[NodeTabName, Callable[[], Any]] = {
        "input": lambda: json_of(run.input) if run.input else None,
        "output": lambda: _output(record),
        "logs": lambda: build_lines([(NOBODY, line) for line in record.logs]),
        "error": lambda: build_causes(record.error),
        "requests": lambda: build_requests(run),
    }
    fields = {"logs": "lines", "error": "causes"}
    return NodePanel(
        dot=dot_of_run(run),
        words=_say_run(node, run),
        reason=cut(record.message) if record.status == "info" else "",
        record_href=record_href(record.id),
        skip=_skip(run.skipped_because),
        attempts=_attempts(flow_run, node, run),
        tabs=tabs,
        tab=tab,
        **{fields.get(tab, tab): contents[tab]()},
        **shared,
    )


def dot_of_run(run: NodeRun) -> Dot:
    """Red where it failed for good; an attempt that was followed by another is no failure."""
    return DOT_OF_STATUS[run.record.status]


def _say_run(node: RunNode, run: NodeRun) -> str:
    record = run.record
    number = [one.record.id for one in node.runs].index(record.id) + 1
    parts = [f"run {number} of {len(node.runs)}"]
    tries = "1 try" if run.attempt == 1 else f"{run.attempt} tries"
    is_last_try = record.status == "failure" and run.attempts > 1
    parts.append(f"failed after {tries}" if is_last_try else record.state or record.status)
    parts.append(say_took(record.duration_ms))
    return " · ".join(part for part in parts if part)


def _skip(because: Any) -> Skip | None:
    if not because or not isinstance(because, dict):
        return None
    return Skip(
        clause=str(because.get("clause") or ""),
        expected=cut(str(because.get("expected") or "")),
        actual=cut(say_actual(because["actual"])) if because.get("clause") and "actual" in because else "",
        reason=str(because.get("reason") or ""),
    )


def _upstream(flow_run: FlowRun, node: RunNode, run: NodeRun | None) -> list[NodeLink]:
    """The node runs that made its input."""
    known = dict(run.upstream) if run else {}
    names = dict.fromkeys([*node.upstream, *known])
    return [_link(flow_run, name, known.get(name, "")) for name in names]


def _downstream(flow_run: FlowRun, node: RunNode, run: NodeRun | None) -> list[NodeLink]:
    """The node runs that took its output, and the nodes that would have."""
    known = dict(run.downstream) if run else {}
    names = dict.fromkeys([*(target for source, target in flow_run.edges if source == node.name), *known])
    return [_link(flow_run, name, known.get(name, "")) for name in names]


def _link(flow_run: FlowRun, name: str, run_id: str) -> NodeLink:
    node = flow_run.node(name)
    has_failure = node is not None and node.has_failure
    return NodeLink(name, run_href(flow_run.facts.id, node=name, run=run_id) if node else "", has_failure)


def _attempts(flow_run: FlowRun, node: RunNode, current: NodeRun) -> tuple[Attempt, ...]:
    if len(node.runs) < 2:
        return ()
    return tuple(
        Attempt(
            label=f"Attempt {run.attempt}",
            href=run_href(flow_run.facts.id, node=node.name, run=run.record.id),
            dot=dot_of_run(run),
            is_current=run is current,
        )
        for run in node.runs
    )


def _tabs(flow_run: FlowRun, node: RunNode, run: NodeRun, wanted: str) -> tuple[Tab, ...]:
    record = run.record
    labels: dict[NodeTabName, str] = {"input": "Input", "output": "Output", "logs": "Logs"}
    if record.error is not None:
        labels["error"] = "Error"
    labels["requests"] = "Requests"
    counts: dict[NodeTabName, int] = {"logs": len(record.logs), "requests": len(run.requests)}
    current = next((name for name in labels if name == wanted), _first_view(run))
    return tuple(
        Tab(
            name=name,
            label=label,
            href=run_href(flow_run.facts.id, node=node.name, run=record.id, view=name),
            is_current=name == current,
            has_failure=record.status == "failure" and name == _reason_view(run),
            count=f"{counts[name]:,}" if counts.get(name) else "",
        )
        for name, label in labels.items()
    )


def _first_view(run: NodeRun) -> NodeTabName:
    """What is shown unasked: of a failure the reason, else what came out, else what was said."""
    if run.record.status == "failure":
        return _reason_view(run)
    if run.record.payload:
        return "output"
    return "logs" if run.record.logs else "input"


def _reason_view(run: NodeRun) -> NodeTabName:
    return "error" if run.record.error is not None else "logs"


def _output(record: Record) -> Any:
    if not record.payload:
        return None
    is_binary = record.payload_encoding == "base64"
    return build_body(record.payload, is_binary, len(record.payload_bytes()), record.content_type)


def build_requests(run: NodeRun) -> tuple[RequestRow, ...]:
    """The requests it made. One that failed and was got over is no failure."""
    return tuple(_request(run, request) for request in run.requests[:MAX_REQUESTS])


def _request(run: NodeRun, request: Record) -> RequestRow:
    http = request.http
    dot: Dot = "success" if request.status == "success" else "info"
    if request.status == "failure" and run.record.status == "failure":
        dot = "failure"
    return RequestRow(
        href=record_href(request.id, "http" if request.error is None else "error"),
        dot=dot,
        moment=say_moment(request.time),
        node=run.record.node,
        method=http.method if http else "",
        url=cut(http.url) if http else "",
        http_status=http_status_of(request),
        message=cut(say_message(request)) if request.status == "failure" and not http_status_of(request) else "",
        took=say_took(request.duration_ms),
    )
