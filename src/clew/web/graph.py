"""A flow's graph as it is drawn: what `<flow-graph>` gets. The page has the same as a table below it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence

import msgspec

from clew.diagnosis.flow_run import FlowRun, NodeState, RunNode
from clew.flows.flow import Flow
from clew.web.dots import Dot
from clew.web.wording import cut, say_count, say_took

TRIGGER = "·"
"""The id of what starts a flow: no node can have this name."""

STATE_WORDS: dict[NodeState, str] = {
    "completed": "completed",
    "failed": "failed",
    "skipped": "skipped",
    "stopped": "stopped",
    "running": "running",
    "waiting": "waiting",
    "not_reached": "not reached",
}


class GraphNode(msgspec.Struct, frozen=True, kw_only=True):
    """A box with two lines of text. `href` is where it leads, "" for nowhere. `is_quiet`: it did not run."""

    id: str
    label: str
    about: str
    state: str
    dot: Dot
    href: str = ""
    is_quiet: bool = False
    is_current: bool = False


class GraphLink(msgspec.Struct, frozen=True):
    """A link between two nodes. `is_taken`: the second one ran with what the first one gave."""

    source: str
    target: str
    is_taken: bool


class GraphView(msgspec.Struct, frozen=True):
    """A whole graph. `label` says what it is to who cannot see it."""

    label: str
    nodes: tuple[GraphNode, ...]
    links: tuple[GraphLink, ...]

    @property
    def json(self) -> str:
        """What the element reads, as an attribute's text."""
        return msgspec.json.encode(self).decode()


class Trigger(msgspec.Struct, frozen=True):
    """What started a run, or starts a flow: a box before the first nodes."""

    label: str
    about: str
    href: str


def dot_of_node(node: RunNode) -> Dot:
    """The node's dot: red where it failed for good."""
    if node.has_failure:
        return "failure"
    if node.state in ("running", "waiting"):
        return "running" if node.state == "running" else "info"
    return "success" if node.state == "completed" else "info"


def say_counts(node: RunNode) -> str:
    """What a node did: `1 run · 1 error · 290 ms`, or why it did nothing."""
    if not node.runs or node.state == "skipped":
        words = STATE_WORDS[node.state]
        return node.reason if node.reason.startswith(words) else f"{words}: {node.reason}" if node.reason else words
    parts = [say_count(len(node.runs), "run")]
    if node.errors:
        parts.append(say_count(node.errors, "error"))
    if node.duration_ms is not None and node.state != "running":
        parts.append(say_took(node.duration_ms))
    return " · ".join(parts)


def build_run_graph(run: FlowRun, trigger: Trigger, href: Callable[[RunNode], str], current: str) -> GraphView:
    """The graph of a run. `href` says where a node leads; `current` is the node that is open."""
    has_run = {node.name for node in run.nodes if node.state in ("completed", "failed", "stopped", "running")}
    nodes = [_run_node(node, href(node), has_run, is_current=node.name == current) for node in run.nodes]
    links = [GraphLink(TRIGGER, name, name in has_run) for name in _roots((n.name, n.upstream) for n in run.nodes)]
    links += [GraphLink(source, target, target in has_run) for source, target in run.edges]
    known = {node.name for node in run.nodes}
    return GraphView(
        "The flow's nodes, and what each did",
        (_trigger_node(trigger), *nodes),
        tuple(link for link in links if link.source in known or link.source == TRIGGER),
    )


def _run_node(node: RunNode, href: str, has_run: Collection[str], *, is_current: bool) -> GraphNode:
    return GraphNode(
        id=node.name,
        label=node.title,
        about=cut(say_counts(node)),
        state=STATE_WORDS[node.state],
        dot=dot_of_node(node),
        href=href,
        is_quiet=node.name not in has_run,
        is_current=is_current,
    )


def build_flow_graph(flow: Flow, trigger: Trigger) -> GraphView:
    """The graph of a flow as it is declared."""
    nodes = tuple(
        GraphNode(
            id=node.name,
            label=node.title or node.name,
            about=cut(f"when {node.when.text}" if node.when else ", ".join(node.products.values())),
            state="node",
            dot="info",
            href=f"#node-{node.name}",
        )
        for node in flow.graph.nodes
    )
    roots = _roots((node.name, node.upstream) for node in flow.graph.nodes)
    links = [GraphLink(TRIGGER, name, is_taken=True) for name in roots]
    links += [GraphLink(source, target, is_taken=True) for source, target in flow.graph.edges]
    return GraphView("The flow's nodes", (_trigger_node(trigger), *nodes), tuple(links))


def _trigger_node(trigger: Trigger) -> GraphNode:
    return GraphNode(
        id=TRIGGER,
        label=cut(trigger.label),
        about=cut(trigger.about),
        state="trigger",
        dot="success",
        href=trigger.href,
    )


def _roots(nodes: Iterable[tuple[str, Sequence[str]]]) -> list[str]:
    return [name for name, upstream in nodes if not upstream]
