"""After a restart: what the records say of runs that are open.

The log has caught up with the journal before this is asked. Runs are looked up many at a time, by their traces; the
outputs of finished nodes are read when a run goes on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, Literal, TypeVar

import msgspec

from clew.core.clock import from_rfc3339
from clew.core.errors import ClewError
from clew.core.ids import time_of
from clew.core.record import ErrorInfo, Summary
from clew.core.removal import PAYLOAD, find_removals
from clew.flows.open_runs import Row
from clew.flows.progress import Checkpoint
from clew.flows.records import Attempt, RunRecords
from clew.journal.journal import Item
from clew.log.query import Filter, Page, Place, Query
from clew.log.store import LogStore

T = TypeVar("T")

TRACES_AT_ONCE = 100
PAGE = 1_000


class Trail(msgspec.Struct):
    """What the log has of an open run, oldest first. `lost` are attempts that made requests and left no record."""

    node_runs: list[Summary] = []
    requests: list[Summary] = []
    has_ended: bool = False

    def started_ms(self) -> int | None:
        """When its first node began, None where none did."""
        return min((one.time for one in self.node_runs), default=None)

    def lost(self) -> dict[str, Summary]:
        """One request of each attempt that was cut short, by the attempt's id."""
        known = {one.id for one in self.node_runs}
        return {one.parent_id: one for one in self.requests if one.parent_id not in known}


class RecordGone(ClewError):
    """A record that a run needs to go on is not there, or secrets were removed from it."""

    code = "record_gone"


def find_trails(store: LogStore, rows: Sequence[Row]) -> dict[str, Trail]:
    """What the log has of these runs, by their ids. Blocks."""
    trails = {row.launch.run_id: Trail() for row in rows}
    by_workspace: dict[str, list[Row]] = {}
    for row in rows:
        by_workspace.setdefault(row.launch.workspace, []).append(row)
    for workspace, of_workspace in by_workspace.items():
        for some in _in_groups(of_workspace, TRACES_AT_ONCE):
            for found in _find(store, workspace, some):
                _add(trails, found)
    return trails


def _find(store: LogStore, workspace: str, rows: Sequence[Row]) -> Iterator[Summary]:
    traces = {row.launch.event.trace_id or row.launch.event.id.replace("-", "") for row in rows}
    earliest = min(min(row.queued_ms, time_of(row.launch.run_id)) for row in rows)
    wanted = Filter(
        workspace=workspace,
        kind=("node_run", "api_request", "flow_run"),
        trace_id=tuple(sorted(traces)),
        from_ms=earliest - 1,
    )
    place: Place | None = None
    while True:
        page: Page = store.page(Query(filter=wanted, limit=PAGE, sort="asc", place=place))
        yield from page.items
        if page.truncated:
            raise RecordGone("The log could not be searched for the records of open runs in time.")
        if not page.has_next:
            return
        place = Place(page.items[-1].time, page.items[-1].id)


def _add(trails: dict[str, Trail], found: Summary) -> None:
    if found.kind == "flow_run":
        if found.id in trails:
            trails[found.id].has_ended = True
    elif found.kind == "node_run":
        if found.parent_id in trails:
            trails[found.parent_id].node_runs.append(found)
    else:
        trail = trails.get(str(_parameters(found).get("flow_run", "")))
        if trail is not None:
            trail.requests.append(found)


def checkpoints_of(store: LogStore, trail: Trail) -> dict[str, Checkpoint]:
    """How far each node of a run came. Blocks.

    Raises `RecordGone` where an output cannot be had any more.
    """
    by_node: dict[str, list[Summary]] = {}
    for one in trail.node_runs:
        by_node.setdefault(one.node, []).append(one)
    return {name: _checkpoint(store, runs) for name, runs in by_node.items()}


def write_lost(trail: Trail, records: RunRecords) -> list[Item]:
    """Records for the attempts that the end of the process cut short, so that their requests have a parent.

    They are added to the trail.
    """
    items = []
    for record_id, request in trail.lost().items():
        number = int(_parameters(request).get("attempt", 1))
        message = f"{request.node} was cut short by the end of the server and runs again."
        attempt = Attempt(
            id=record_id,
            node=request.node,
            number=number,
            attempts=number,
            state="failed",
            status="info",
            message=message,
            error=ErrorInfo(type=INTERRUPTED, message="The server ended while the node ran."),
        )
        items.append(records.node_run(attempt))
        trail.node_runs.append(
            msgspec.structs.replace(
                request, id=record_id, state="failed", status="info", error_type=INTERRUPTED, message=message
            )
        )
    return items


def _checkpoint(store: LogStore, runs: Sequence[Summary]) -> Checkpoint:
    last = max(runs, key=lambda one: (int(_parameters(one).get("attempt", 1)), one.time, one.id))
    failures = sum(one.state == "failed" and bool(one.error_type) and one.error_type != INTERRUPTED for one in runs)
    state, retry_ms = _state_of(last)
    output, error = b"", None
    if state in ("completed", "failed"):
        record = store.find(last.workspace, last.id)
        if record is None:
            raise RecordGone(f"The record of {last.node} is gone from the log, and with it what the run needs.")
        if state == "completed" and PAYLOAD in find_removals(record):
            raise RecordGone(f"What {last.node} returned is no longer kept: after the restart the run cannot go on.")
        if state == "completed" and any(place.startswith("/payload") for place in record.redacted):
            raise RecordGone(
                f"{last.node} returned secrets, which are in no record: after the restart the run cannot go on.",
                hint="Repeat it.",
            )
        output, error = record.payload_bytes(), record.error
    return Checkpoint(
        state=state,
        record_id=last.id,
        output=output,
        attempts=max(int(_parameters(one).get("attempt", 1)) for one in runs),
        failures=failures,
        error=error,
        retry_ms=retry_ms,
        reason=last.message,
    )


INTERRUPTED = "interrupted"
"""The error type of an attempt that the end of the process cut short. It does not count as a failure."""


def _state_of(last: Summary) -> tuple[Literal["waiting", "completed", "failed", "skipped"], int | None]:
    """What the latest record of a node says, and when the next attempt begins."""
    if last.state == "completed":
        return "completed", None
    if last.state == "skipped":
        return "skipped", None
    if last.status == "failure":
        return "failed", None
    retry_at = _parameters(last).get("retry_at")
    return "waiting", from_rfc3339(retry_at) if isinstance(retry_at, str) else None


def _parameters(summary: Summary) -> dict[str, Any]:
    found = msgspec.json.decode(summary.parameters) if summary.parameters else {}
    return found if isinstance(found, dict) else {}


def _in_groups(items: Iterable[T], size: int) -> Iterator[list[T]]:
    rest = iter(items)
    while group := list(islice(rest, size)):
        yield group
