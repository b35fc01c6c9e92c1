"""An open run as the runner holds it: where it stands, and what it was launched with while there is memory for that."""

from __future__ import annotations

import msgspec

from clew.flows.event import Event
from clew.flows.flow import Flow
from clew.flows.open_runs import OpenRuns, Row
from clew.flows.run import RunningRun
from clew.flows.runner import Launch, OpenRun, OpenState

MOST_HELD_BYTES = 64 * 1024 * 1024
"""Of the launches of waiting runs. What is beyond it is read from its row when it starts."""


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


class HeldLaunches:
    """The launches of runs that wait: in memory while there is room, else in their rows alone."""

    def __init__(self, rows: OpenRuns) -> None:
        self._rows = rows
        self._bytes = 0

    def hold(self, entry: OpenEntry) -> None:
        """Hold the launch of a run that begins to wait, or give it up."""
        if self._bytes + entry.size > MOST_HELD_BYTES:
            entry.launch = None
        else:
            self._bytes += entry.size

    async def take(self, entry: OpenEntry) -> Launch:
        """The launch of a run that waits no more. Raises `NotFound` where it was given up and its row is gone."""
        launch, entry.launch = entry.launch, None
        if launch is None:
            return await self._rows.load(entry.run_id)
        self._bytes -= entry.size
        return launch
