"""The page of one flow run, of the run, its event, and what the URL says is open."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, get_args

import msgspec

from clew.core.record import Record
from clew.diagnosis.flow_run import FlowRun, RunNode
from clew.flows.flow import Flow
from clew.web.because import Because
from clew.web.dots import DOT_OF_STATUS, Dot
from clew.web.flow_run.node import MAX_REQUESTS, Chosen, build_node_panel, build_requests, find_node, node_href
from clew.web.flow_run.views import FlowRunPage, Launch, Message, RequestRow, RunTabName, Step
from clew.web.graph import STATE_WORDS, Trigger, build_run_graph, dot_of_node, say_counts
from clew.web.layout import Layout
from clew.web.lines import Lines, Origin, build_lines
from clew.web.links import filtered, flow_href, record_href, run_href
from clew.web.names import Names
from clew.web.record.bodies import build_body
from clew.web.record.trouble import build_causes
from clew.web.record.views import BodyView
from clew.web.tabs import Tab
from clew.web.wording import ARROWS, LAUNCHERS, cut, say_count, say_event, say_moment, say_took

RUN_TABS: tuple[RunTabName, ...] = get_args(RunTabName)


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """A run and what belongs to it. `flow` is None where it is no longer declared, `event` where there was none.

    `message` is what came of a button that could not do its work. `can_operate`: who looks may stop and repeat.
    """

    run: FlowRun
    flow: Flow | None
    event: Record | None
    because: Because | None = None
    can_operate: bool = False
    message: Message | None = None

    @property
    def title(self) -> str:
        """What people call the flow."""
        return self.flow.title if self.flow else self.run.facts.flow


def build_run_page(shown: Shown, layout: Layout, wanted: str, chosen: Chosen, names: Names) -> FlowRunPage:
    """The page with this tab open, or with the graph where the run has no such tab."""
    run, facts = shown.run, shown.run.facts
    tabs = _tabs(run, wanted)
    tab: RunTabName = next((name for name in RUN_TABS if any(t.is_current and t.name == name for t in tabs)), "graph")
    source, target, arrow = _route(shown, names)
    return FlowRunPage(
        layout=layout,
        id=facts.id,
        title=shown.title,
        flow_href=flow_href(facts.flow) if shown.flow else "",
        state=facts.state,
        dot=dot_of_flow_run(run),
        moment=say_moment(facts.time),
        took=say_took(facts.duration_ms),
        launch=_launch(shown),
        customer=names.customer(facts.customer),
        customer_href=filtered("customer", facts.customer),
        source_product=source,
        target_product=target,
        arrow=arrow,
        record_href=record_href(facts.id) if run.record else "",
        repeats_href=run_href(facts.repeat_of or facts.replay_of) if facts.repeat_of or facts.replay_of else "",
        because=shown.because,
        can_repeat=shown.can_operate and shown.flow is not None,
        can_stop=shown.can_operate and run.is_open,
        is_open=run.is_open,
        message=shown.message,
        tabs=tabs,
        tab=tab,
        **_content(shown, tab, chosen),
    )


def dot_of_flow_run(run: FlowRun) -> Dot:
    """Red for a run that failed."""
    if run.record is None:
        return "running"
    return DOT_OF_STATUS[run.record.status]


def _route(shown: Shown, names: Names) -> tuple[str, str, str]:
    """Source, target and arrow: of the flow's integration, else of the record."""
    integration = shown.flow.integration if shown.flow else None
    if integration is not None:
        source, target, direction = integration.source_product, integration.target_product, integration.direction
        return names.product(source), names.product(target), ARROWS[direction]
    record = shown.run.record or shown.event
    if record is None:
        return "", "", "→"
    return names.product(record.source_product), names.product(record.target_product), ARROWS[record.direction]


def _launch(shown: Shown) -> Launch | None:
    facts = shown.run.facts
    told = facts.launched_by.get("type") or ""
    ids = [one for one in (facts.launched_by.get("ids") or ()) if isinstance(one, str)]
    event_id = facts.event_id or (ids[0] if ids else "")
    if shown.event is not None:
        return Launch(say_event(shown.event), record_href(shown.event.id))
    words = LAUNCHERS.get(told, told)
    return Launch(words or "event", record_href(event_id) if event_id else "") if words or event_id else None


def _tabs(run: FlowRun, wanted: str) -> tuple[Tab, ...]:
    labels: dict[RunTabName, str] = {"graph": "Graph"}
    if run.facts.error is not None:
        labels["error"] = "Error"
    labels |= {"logs": "Logs", "input": "Input", "requests": "Requests"}
    counts: dict[RunTabName, int] = {
        "logs": sum(len(one.record.logs) for node in run.nodes for one in node.runs),
        "requests": sum(len(one.requests) for node in run.nodes for one in node.runs),
    }
    current = next((name for name in labels if name == wanted), "graph")
    has_failed = run.record is not None and run.record.status == "failure"
    return tuple(
        Tab(
            name=name,
            label=label,
            href=run_href(run.facts.id, tab="" if name == "graph" else name),
            is_current=name == current,
            has_failure=has_failed and name == "error",
            count=f"{counts[name]:,}" if counts.get(name) else "",
        )
        for name, label in labels.items()
    )


def _content(shown: Shown, tab: RunTabName, chosen: Chosen) -> dict[str, Any]:
    run = shown.run
    contents: dict[RunTabName, Callable[[], dict[str, Any]]] = {
        "graph": lambda: _graph(shown, chosen),
        "error": lambda: {
            "causes": build_causes(run.facts.error),
            "failed": tuple(_step(run, node) for node in run.nodes if node.has_failure),
        },
        "logs": lambda: {"lines": _lines(run)},
        "input": lambda: {"input": _input(shown)},
        "requests": lambda: {"requests": _requests(run)},
    }
    return contents[tab]()


def _graph(shown: Shown, chosen: Chosen) -> dict[str, Any]:
    run = shown.run
    node = find_node(run, chosen)
    current = node.name if node else ""
    return {
        "graph": build_run_graph(run, _trigger(shown), lambda one: node_href(run, one), current),
        "steps": tuple(_step(run, one, is_current=one.name == current) for one in run.nodes),
        "node": build_node_panel(run, node, chosen) if node else None,
    }


def _trigger(shown: Shown) -> Trigger:
    launch = _launch(shown)
    if launch is None:
        return Trigger("Trigger", "not known", "")
    has_filter = shown.flow is not None and shown.flow.where is not None and shown.event is not None
    return Trigger(launch.label, "trigger · matched" if has_filter else "trigger", launch.href)


def _step(run: FlowRun, node: RunNode, *, is_current: bool = False) -> Step:
    has_run = bool(node.runs) and node.state != "skipped"
    parts = [say_count(len(node.runs), "run")] + ([say_count(node.errors, "error")] if node.errors else [])
    return Step(
        name=node.name,
        title=node.title,
        href=node_href(run, node),
        dot=dot_of_node(node),
        state=STATE_WORDS[node.state],
        about=" · ".join(parts) if has_run else cut(_why_not(node)),
        took=say_took(node.duration_ms) if has_run else "",
        is_current=is_current,
    )


def _why_not(node: RunNode) -> str:
    """The reason without the state before it: that has a column of its own."""
    return say_counts(node).removeprefix(STATE_WORDS[node.state]).lstrip(": ")


def _lines(run: FlowRun) -> Lines:
    runs = [(node, one) for node in run.nodes for one in node.runs]
    found = [
        (Origin(node.title, run_href(run.facts.id, node=node.name, run=one.record.id, view="logs")), line)
        for node, one in runs
        for line in one.record.logs
    ]
    return build_lines(sorted(found, key=lambda pair: pair[1].time))


def _input(shown: Shown) -> BodyView | None:
    """What it was launched with: its own record has it, while it is open its event's."""
    record = shown.run.record or shown.event
    if record is None or not record.payload:
        return None
    is_binary = record.payload_encoding == "base64"
    return build_body(record.payload, is_binary, len(record.payload_bytes()), record.content_type)


def _requests(run: FlowRun) -> tuple[RequestRow, ...]:
    rows = [row for node in run.nodes for one in node.runs for row in build_requests(one)]
    return tuple(sorted(rows, key=lambda row: row.moment.exact)[:MAX_REQUESTS])
