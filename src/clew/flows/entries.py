"""An open run as the runner holds it: where it stands, and what it was launched with while there is memory for that."""

from __future__ import annotations

import msgspec

from clew.flows.event import Event
from clew.flows.flow import Flow
from clew.flows.open_runs import Row
from clew.flows.run import RunningRun
from clew.flows.runner import Launch, OpenRun, OpenState


class OpenEntry:
    """An open run. `launch` is None where it was given up to save memory: its row has it."""

    __slots__ = (
        "flow",
        "is_stopping",
        "lane_key",
        "launch",
        "place",
        "queued_ms",
        "run_id",
        "running",
        "size",
        "summary",
    )

    def __init__(self, row: Row, flow: Flow | None) -> None:
        launch = row.launch
        self.run_id = launch.run_id
        self.lane_key = (launch.workspace, launch.flow, launch.lane)
        self.place = row.place
        self.queued_ms = row.queued_ms
        self.flow = flow
        self.launch: Launch | None = launch
        self.size = row.size
        self.summary = msgspec.structs.replace(launch, event=_without_payload(launch.event), given={})
        self.running: RunningRun | None = None
        self.is_stopping = row.state == "stopping"

    @property
    def state(self) -> OpenState:
        """Where it stands."""
        if self.is_stopping:
            return "stopping"
        return "running" if self.running else "queued"


def _without_payload(event: Event) -> Event:
    return msgspec.structs.replace(event, payload=None)


def open_run_of(entry: OpenEntry) -> OpenRun:
    """The run as others see it."""
    launch, running = entry.summary, entry.running
    return OpenRun(
        id=entry.run_id,
        workspace=launch.workspace,
        flow=launch.flow,
        state=entry.state,
        event=launch.event,
        launched_by=launch.launched_by,
        parent_id=launch.parent_id,
        queued_ms=entry.queued_ms,
        started_ms=running.started_ms if running else None,
        nodes=running.nodes() if running else {},
        repeat_of=launch.repeat_of,
        replay_of=launch.replay_of,
        from_node=launch.from_node,
    )
