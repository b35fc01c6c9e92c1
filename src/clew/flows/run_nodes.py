"""The nodes of one run: how far each has come, what it gets from those above it, and which can run next."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from clew.core.record import ErrorInfo
from clew.flows.graph import Graph, Node
from clew.flows.progress import Checkpoint, Progress
from clew.flows.runner import OpenNode


class RunNodes:
    """Begins with all nodes waiting. `first_failure` is the node that failed first, None while none has."""

    def __init__(self, graph: Graph) -> None:
        self.first_failure: Progress | None = None
        self._graph = graph
        self._nodes = {node.name: Progress(node) for node in graph.nodes}
        self._next: list[Progress] | None = None

    def __getitem__(self, name: str) -> Progress:
        return self._nodes[name]

    def restore(self, checkpoints: Mapping[str, Checkpoint]) -> None:
        """Go on behind what is done already. Nodes that the flow no longer has are passed over."""
        for name, checkpoint in checkpoints.items():
            if name in self._nodes:
                self._nodes[name].restore(checkpoint)
                if checkpoint.state == "failed":
                    self.note_failure(self._nodes[name])

    def note_failure(self, progress: Progress) -> None:
        """A node failed, and with it the run."""
        self.first_failure = self.first_failure or progress

    def take_ready(self) -> list[Progress]:
        """The nodes that can run now. Those that never can are marked as such."""
        ready, self._next = self._next, None
        return self._find_ready() if ready is None else ready

    def is_last(self, progress: Progress) -> bool:
        """Whether nothing runs beside this node, which is done, and nothing can run after it."""
        for one in self._nodes.values():
            if one is not progress and not one.is_settled and one.state != "waiting":
                return False
        # Nothing else can change what is ready before this node's record is there: it is found once.
        progress.is_settled = True
        self._next = self._find_ready()
        progress.is_settled = False
        return not self._next

    def _find_ready(self) -> list[Progress]:
        ready = []
        nodes = self._nodes
        for progress in nodes.values():
            if progress.state != "waiting":
                continue
            is_ready = True
            for name in progress.node.upstream:
                above = nodes[name]
                if above.state in _LOST:
                    word = "failed" if above.state == "failed" else "was not reached"
                    progress.state, progress.is_settled = "not_reached", True
                    progress.reason = f"not reached: {name} {word}"
                    is_ready = False
                    break
                is_ready = is_ready and above.is_settled
            if is_ready:
                ready.append(progress)
        return ready

    def outputs_above(self, node: Node) -> dict[str, bytes]:
        """What the nodes that it takes from returned, as JSON."""
        return {name: self._nodes[name].output for name in node.upstream}

    def records_above(self, node: Node) -> dict[str, str]:
        """The ids of the records of the nodes that it takes from."""
        return {name: self._nodes[name].record_id for name in node.upstream}

    def errors_above(self, node: Node) -> dict[str, ErrorInfo]:
        """The errors of all nodes before it, near or far."""
        above = (self._nodes[name] for name in self._graph.ancestors(node.name))
        return {one.node.name: one.error for one in above if one.error is not None}

    def skipped_above(self, node: Node) -> str:
        """The first of the nodes that it takes from that was skipped; empty where none was."""
        return next((name for name in node.upstream if self._nodes[name].state == "skipped"), "")

    def end(self, state: str) -> dict[str, dict[str, Any]]:
        """What the run's record says of each when the run ends in a state: what waited was not reached."""
        for progress in self._nodes.values():
            if progress.state == "waiting":
                progress.state, progress.reason = "not_reached", f"not reached: the run was {state}"
        return {name: progress.summary() for name, progress in self._nodes.items()}

    def to_open_nodes(self) -> dict[str, OpenNode]:
        """How far each has come, as others see it."""
        return {
            name: OpenNode(
                state="waiting" if p.state == "not_reached" or p.state == "stopped" else p.state,  # noqa: PLR1714
                runs=p.runs,
                errors=p.failures,
                reason=p.reason,
                retry_ms=p.retry_ms,
            )
            for name, p in self._nodes.items()
        }


_LOST = frozenset({"failed", "not_reached"})
