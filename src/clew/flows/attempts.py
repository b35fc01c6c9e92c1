"""What is written down of a node's attempt, for each way in which it can come out."""

from __future__ import annotations

from clew.core.ids import new_id, time_of
from clew.flows.calling import Called
from clew.flows.graph import Node
from clew.flows.progress import Progress, Taken
from clew.flows.records import Attempt, RunRecords
from clew.flows.run_nodes import RunNodes
from clew.triggers.match import Verdict


class Attempts:
    """The attempts of one run's nodes, with what each node was given."""

    def __init__(self, nodes: RunNodes, records: RunRecords) -> None:
        self._nodes = nodes
        self._records = records

    def called(self, progress: Progress, call_id: str, called: Called) -> Attempt:
        """One that was made, and that `progress` counts already."""
        node, error = progress.node, called.error
        return Attempt(
            id=call_id,
            node=node.name,
            number=progress.attempts,
            attempts=max(progress.attempts, node.retries + 1),
            state="failed" if error else "completed",
            status="failure" if error else "success",
            message="" if error else f"{node.name} completed.",
            output=called.output,
            input=self._input_of(node),
            upstream=self._nodes.records_above(node),
            logs=called.logs,
            error=error,
            duration_ms=called.duration_ms,
        )

    def skipped(self, progress: Progress, verdict: Verdict) -> Attempt:
        """One that was not made, because of a filter's verdict."""
        node = progress.node
        return Attempt(
            id=new_id(),
            node=node.name,
            number=progress.attempts + 1,
            attempts=progress.attempts + 1,
            state="skipped",
            status="info",
            message=progress.reason,
            input=self._input_of(node),
            upstream=self._nodes.records_above(node),
            parameters={"skipped_because": verdict},
        )

    def stopped(self, progress: Progress, call_id: str, now_ms: int) -> Attempt:
        """One that was cut short, as the run was stopped."""
        node = progress.node
        return Attempt(
            id=call_id,
            node=node.name,
            number=progress.attempts + 1,
            attempts=max(progress.attempts + 1, node.retries + 1),
            state="stopped",
            status="info",
            message=progress.reason,
            input=self._input_of(node),
            upstream=self._nodes.records_above(node),
            duration_ms=max(0, now_ms - time_of(call_id)),
        )

    def _input_of(self, node: Node) -> dict[str, bytes]:
        given = self._nodes.outputs_above(node)
        return {**({"event": self._records.clean_event} if node.wants_event else {}), **given}


def taken_over(name: str, taken: Taken) -> Attempt:
    """One of an earlier run, which a replay has for its own."""
    message = f"{name} was {'edited' if taken.is_edited else 'taken over'} from an earlier run."
    return Attempt(
        id=new_id(),
        node=name,
        state=taken.state,
        status="info" if taken.state == "skipped" or taken.error else "success",
        message=taken.message if taken.state == "skipped" else message,
        output=taken.output,
        parameters={"reused": taken.record_id, **({"edited": True} if taken.is_edited else {})},
        error=taken.error,
    )
