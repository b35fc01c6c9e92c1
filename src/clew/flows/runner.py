"""The runner's contract: flow runs that are launched once, run in order, and survive a crash.

A node's record is its checkpoint. A run is open from the moment `launch` answers until its `flow_run` record is in the
journal; whatever happens to the process in between, after the next `start` it goes on behind the last finished node.
A node that was running then runs again: nodes run at least once, finished ones never again.

How it is used::

    runner = EmbeddedRunner(...)
    await runner.start()                                    # takes up what is open
    results = await runner.launch_all([launch, ...])        # on disk when it returns
    runner.note_dispatched()                                # what launched them will not launch them again
    await runner.stop("default", results[0].run_id)
    await runner.close()                                    # leaves what is open for the next start

The runs of one lane (a flow's runs for one connection, or customer where there is none) start in the order of their
launches, at most `Flow.concurrency` at a time. A run that waits to try a node again keeps its place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Protocol

import msgspec

from clew.flows.event import Event
from clew.flows.run_ids import flow_run_id

MOST_WAITING = 10_000
"""How many runs may wait in a lane. More are refused: `queue_full`."""

LaunchType = Literal["api-trigger", "schedule-trigger", "app-event-trigger", "external-event"]
LaunchCode = Literal["launched", "duplicate", "queue_full"]
OpenState = Literal["queued", "running", "stopping"]


class LaunchedBy(msgspec.Struct, frozen=True):
    """What launched a run, and the ids of the records that it was made from."""

    type: LaunchType
    ids: tuple[str, ...] = ()


class Given(msgspec.Struct, frozen=True):
    """A node of an earlier run that a replay takes over: its record's id, and its output as JSON where edited."""

    record_id: str
    edited: str = ""


class Launch(msgspec.Struct, frozen=True, kw_only=True):
    """What a run is launched with. It is kept while the run is open and tells all that the run needs.

    `parent_id` is the event's record, empty where there is none. `run_id` is made from the event and the flow where it
    is not given; a repeat and a replay have a new one. `given` are the nodes that a replay does not run, `from_node`
    where it begins. `due_ms` is the moment of the schedule that launched it.
    """

    workspace: str
    flow: str
    event: Event
    launched_by: LaunchedBy
    parent_id: str = ""
    run_id: str = ""
    from_node: str = ""
    given: dict[str, Given] = {}
    repeat_of: str = ""
    replay_of: str = ""
    due_ms: int | None = None

    def __post_init__(self) -> None:
        if not self.run_id:
            msgspec.structs.force_setattr(self, "run_id", flow_run_id(self.event.id, self.flow))

    @property
    def lane(self) -> str:
        """What its order is kept within, beside the flow: the connection, or the customer where there is none."""
        event = self.event
        return f"connection {event.connection}" if event.connection else f"customer {event.customer}"


class LaunchResult(msgspec.Struct, frozen=True):
    """The answer to a launch. `duplicate`: the run is open, or was refused before; `queue_full`: it is not run."""

    run_id: str
    code: LaunchCode


class OpenNode(msgspec.Struct, frozen=True, kw_only=True):
    """A node of an open run so far. `runs` counts attempts that ended, `retry_ms` is when the next one begins."""

    state: Literal["waiting", "running", "completed", "failed", "skipped"]
    runs: int = 0
    errors: int = 0
    reason: str = ""
    retry_ms: int | None = None


class OpenRun(msgspec.Struct, frozen=True, kw_only=True):
    """A run that has not ended. `event` lacks its payload where the run waits. Times are ms since the epoch."""

    id: str
    workspace: str
    flow: str
    state: OpenState
    event: Event
    launched_by: LaunchedBy
    parent_id: str
    queued_ms: int
    started_ms: int | None = None
    nodes: Mapping[str, OpenNode] = {}
    repeat_of: str = ""
    replay_of: str = ""
    from_node: str = ""


class RunnerStatus(msgspec.Struct, frozen=True):
    """How it stands. `hanging`: calls of nodes that go on after their timeout. `trouble`: why nothing is recorded."""

    queued: int
    running: int
    hanging: int
    is_ready: bool
    trouble: str = ""


class Runner(Protocol):
    """Runs flows. All methods belong to the event loop that called `start`."""

    async def start(self) -> None:
        """Take up the runs that are open, and begin. Returns before they are done.

        A run whose flow is no longer declared ends as failed. Launches are taken from then on.
        """
        ...

    async def launch(self, launch: Launch) -> LaunchResult:
        """See `launch_all`."""
        ...

    async def launch_all(self, launches: Sequence[Launch]) -> list[LaunchResult]:
        """Open runs, in this order, all of them or none. They are on disk when it returns.

        A run that is open already is not opened again: `duplicate`. Where `MOST_WAITING` wait in its lane it is
        `queue_full`, and stays so when the same launch comes again before `note_dispatched`. Raises `NotFound` for a
        flow that is not declared, `Unavailable` where nothing can be written.
        """
        ...

    def note_dispatched(self) -> None:
        """Every launch so far will not come again: ended runs need no longer be remembered."""
        ...

    async def stop(self, workspace: str, run_id: str) -> None:
        """End a run: one that waits at once, one that runs as soon as its nodes let it. Stopping twice changes nothing.

        An async node is cancelled, the thread of a plain one left behind. Raises `NotFound` for a run that is not open.
        """
        ...

    async def repeat(self, workspace: str, run_id: str) -> LaunchResult:
        """Run it again from the start, as a new run with the same input.

        Raises `Conflict` for a run that is open or whose input had secrets that are gone, `NotFound` where there is
        none.
        """
        ...

    async def replay(
        self, workspace: str, run_id: str, from_node: str = "", edited: Mapping[str, Any] | None = None
    ) -> LaunchResult:
        """Run it again from a node on, as a new run; the nodes it does not run are taken from the old one.

        `edited` replaces values of the input by parameter: `event` is the event's payload, a node's name its output.
        Without `from_node` it begins at the start. Raises as `repeat`, `Invalid` for a node or parameter that is not
        there, and `Conflict` where a node before `from_node` has no output to take.
        """
        ...

    def open_runs(self, workspace: str, *, flow: str = "", after: str = "", limit: int = 1_000) -> tuple[OpenRun, ...]:
        """The runs that are open, in the order of their launches; those behind the open run `after`."""
        ...

    def find(self, workspace: str, run_id: str) -> OpenRun | None:
        """The open run of this id, or None."""
        ...

    def has_ended_lately(self, run_id: str) -> bool:
        """Whether this run ended here a moment ago: its record is in the journal, and maybe not yet in the log."""
        ...

    def status(self) -> RunnerStatus:
        """How it stands. Cheap enough for a health check."""
        ...

    async def close(self) -> None:
        """Start nothing more, let nodes that run end soon, and leave the rest for the next start."""
        ...
