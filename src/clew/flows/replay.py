"""Running again: what an ended run's records say of its input, made into a launch.

A repeat begins at the start with the same input. A replay begins at a node; what is before it is taken from the old
run's records. Secrets that were removed from a record are gone: they must be given anew, or nothing runs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from clew.core.clock import Clock
from clew.core.errors import Conflict, FieldError, Invalid, NotFound
from clew.core.ids import is_id, new_id
from clew.core.record import Record
from clew.core.removal import PAYLOAD, find_removals
from clew.flows.event import Event
from clew.flows.flow import Flow
from clew.flows.graph import Graph
from clew.flows.progress import Taken
from clew.flows.recovery import RecordGone
from clew.flows.runner import Given, Launch, LaunchedBy
from clew.log.store import LogStore

DRAIN_S = 10.0
"""How long the log may take to show a run that has just ended."""
MOST_RECORDS = 50_000
"""Of a trace, among which a run's nodes are looked for."""


class Replays:
    """Plans repeats and replays from the log."""

    def __init__(self, store: LogStore, drain: Callable[[float], bool], clock: Clock) -> None:
        self._store = store
        self._drain = drain
        self._clock = clock

    async def plan_repeat(self, workspace: str, run_id: str) -> Launch:
        """The launch that repeats a run. Raises `NotFound`, and `Conflict` where its input lacks secrets."""
        record = await self._find_run(workspace, run_id)
        _refuse_removed(record, "Its event")
        _refuse_redacted(record, "Its event")
        return self._launch(record, _event_of(record), repeat_of=run_id)

    async def plan_replay(
        self, workspace: str, run_id: str, from_node: str, edited: Mapping[str, Any], flows: Mapping[str, Flow]
    ) -> Launch:
        """The launch that replays a run. See `Runner.replay` for what it raises."""
        record = await self._find_run(workspace, run_id)
        flow = flows.get(record.flow)
        if flow is None:
            raise Conflict(
                f"The flow {record.flow!r} is no longer declared.", hint="Declare it again to replay its runs."
            )
        graph = flow.graph
        if from_node and from_node not in graph:
            raise _unknown("from_node", from_node, (node.name for node in graph.nodes))
        _refuse_removed(record, "Its event")
        if "event" not in edited:
            _refuse_redacted(record, "Its event")
        event = _event_of(record)
        if "event" in edited:
            event = msgspec.structs.replace(event, payload=edited["event"])
        given: dict[str, Given] = {}
        if from_node:
            done = await asyncio.to_thread(self._last_runs, record)
            given = _choose_given(graph, from_node, done, edited)
        wrong = sorted(set(edited) - {"event"} - set(given))
        if wrong:
            raise _unknown("input", wrong[0], ("event", *given))
        return self._launch(record, event, replay_of=run_id, from_node=from_node, given=given)

    def load_given(self, launch: Launch) -> dict[str, Taken]:
        """What a replay takes over, whole. Blocks. Raises `RecordGone` where a record is no longer kept."""
        return {name: self._load(launch.workspace, name, given) for name, given in launch.given.items()}

    def _load(self, workspace: str, name: str, given: Given) -> Taken:
        record = self._store.find(workspace, given.record_id)
        if record is None:
            raise RecordGone(f"The record of {name} that the replay takes over is no longer kept.")
        is_edited = given.edited != ""
        if not is_edited and PAYLOAD in find_removals(record):
            raise RecordGone(f"The output of {name} that the replay takes over is no longer kept.")
        output = given.edited.encode() if is_edited else record.payload_bytes()
        return Taken(
            record_id=record.id,
            state="completed" if is_edited or record.state != "skipped" else "skipped",
            output=output,
            error=None if is_edited else record.error,
            is_edited=is_edited,
            message=record.message,
        )

    async def _find_run(self, workspace: str, run_id: str) -> Record:
        if is_id(run_id):
            for drain_s in (0.0, DRAIN_S):
                # What has just ended is in the journal, and soon in the log.
                if drain_s:
                    await asyncio.to_thread(self._drain, drain_s)
                record = await asyncio.to_thread(self._store.find, workspace, run_id)
                if record is not None and record.kind == "flow_run":
                    return record
        raise NotFound(f"There is no flow run {run_id[:80]!r}.")

    def _last_runs(self, run: Record) -> dict[str, Record]:
        """Each node's last record in a run."""
        trace = self._store.trace(run.workspace, run.trace_id, MOST_RECORDS)
        return {one.node: one for one in trace if one.kind == "node_run" and one.parent_id == run.id}

    def _launch(self, record: Record, event: Event, **more: Any) -> Launch:
        return Launch(
            workspace=record.workspace,
            flow=record.flow,
            event=event,
            launched_by=_launched_by(record),
            parent_id=record.parent_id,
            run_id=new_id(self._clock.now_ms()),
            **more,
        )


def _choose_given(
    graph: Graph, from_node: str, done: Mapping[str, Record], edited: Mapping[str, Any]
) -> dict[str, Given]:
    """The nodes that are taken over: all that are done and do not come after `from_node`."""
    again = {from_node, *(node.name for node in graph.nodes if from_node in graph.ancestors(node.name))}
    given: dict[str, Given] = {}
    for node in graph.nodes:
        if node.name in again:
            continue
        record = done.get(node.name)
        if record is not None and record.state in ("completed", "skipped"):
            is_edited = node.name in edited
            if not is_edited:
                _refuse_removed(record, f"The output of {node.name}")
                _refuse_redacted(record, f"The output of {node.name}")
            given[node.name] = Given(record.id, msgspec.json.encode(edited[node.name]).decode() if is_edited else "")
        elif node.name in graph.ancestors(from_node):
            raise Conflict(
                f"{node.name}, which comes before {from_node}, did not complete in that run.",
                hint=f"Replay it from {node.name}.",
            )
    return given


def _event_of(record: Record) -> Event:
    return msgspec.json.decode(record.payload, type=Event)


def _launched_by(record: Record) -> LaunchedBy:
    return msgspec.convert(msgspec.json.decode(record.parameters).get("launched_by"), LaunchedBy)


def _refuse_removed(record: Record, what: str) -> None:
    removed = find_removals(record)
    if PAYLOAD in removed:
        raise Conflict(
            f"{what} is no longer kept: retention removed it on {removed[PAYLOAD]}.",
            hint="Let its sender send it again. Pin what is to be replayed later.",
        )


def _refuse_redacted(record: Record, what: str) -> None:
    places = [place.removeprefix("/payload") or "/" for place in record.redacted if place.startswith("/payload")]
    if places:
        raise Conflict(
            f"{what} had secrets, which are in no record: {', '.join(places)}.",
            hint="Replay it with an edited input that has them.",
        )


def _unknown(pointer: str, name: str, known: Any) -> Invalid:
    detail = f"There is no {name!r} to begin from or to edit. There are: {', '.join(known)}."
    return Invalid(detail, errors=(FieldError(f"/{pointer}", detail),))
