"""The runner for one process: runs in the server's event loop, rows in state, checkpoints in the log.

A launch writes one row, a run's end removes it; all between is records, which must be written anyway. Whether a run
had begun when the process ended is therefore asked of its records, at the next start.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any

from clew.core.clock import Clock
from clew.core.errors import Conflict, NotFound, Unavailable
from clew.core.record import ErrorInfo
from clew.flows.calling import NodeCaller
from clew.flows.cleaning import Cleaner
from clew.flows.endings import Endings
from clew.flows.entries import HeldLaunches, OpenEntry, open_run_of
from clew.flows.flow import Flow
from clew.flows.http import Clients
from clew.flows.known_runs import KnownRuns
from clew.flows.lanes import Lanes
from clew.flows.open_runs import OpenRuns, Row, new_row
from clew.flows.recorder import Recorder
from clew.flows.records import RunRecords
from clew.flows.recovery import RecordGone, Trail, checkpoints_of, find_trails, write_lost
from clew.flows.replay import Replays
from clew.flows.run import RunningRun
from clew.flows.runner import MOST_WAITING, Launch, LaunchResult, OpenRun, RunnerStatus
from clew.flows.threads import Threads
from clew.journal.journal import Journal
from clew.log.store import LogStore
from clew.state.database import Database

_LOG = logging.getLogger(__name__)

MOST_RUNNING = 512
"""Runs at once, those that wait to try again aside. It bounds memory; nodes mostly wait for others."""
CLOSE_S = 3.0
"""How long nodes that run may go on when the server stops. What is cut short runs again after the next start."""
DRAIN_S = 5.0
"""How long one wait for the log to catch up takes; there is another behind it."""


class EmbeddedRunner:
    """See `Runner`.

    `drain(timeout_s)` waits until what was appended to the journal can be found in `store`; it blocks and is called in
    a thread. `logs_requests(workspace)`: whether the requests that nodes make become records.
    """

    def __init__(
        self,
        *,
        flows: Iterable[Flow],
        journal: Journal,
        store: LogStore,
        drain: Callable[[float], bool],
        database: Database,
        clients: Clients,
        cleaner: Cleaner,
        clock: Clock,
        threads: Threads | None = None,
        most_running: int = MOST_RUNNING,
        most_waiting: int = MOST_WAITING,
        close_s: float = CLOSE_S,
        logs_requests: Callable[[str], bool] = lambda _workspace: True,
    ) -> None:
        self._flows = {flow.key: flow for flow in flows}
        self._store = store
        self._drain = drain
        self._cleaner = cleaner
        self._clock = clock
        self._clients = clients
        self._threads = threads or Threads()
        self._recorder = Recorder(journal)
        self._rows = OpenRuns(database)
        self._caller = NodeCaller(
            clients=clients,
            threads=self._threads,
            recorder=self._recorder,
            cleaner=cleaner,
            clock=clock,
            logs_requests=logs_requests,
        )
        self._replays = Replays(store, drain, clock)
        self._endings = Endings(self._recorder, cleaner, clock)
        self._held = HeldLaunches(self._rows)
        self._known = KnownRuns()
        self._lanes: Lanes[OpenEntry] = Lanes(most_running)
        self._trails: dict[str, Trail] = {}
        self._most_waiting = most_waiting
        self._close_s = close_s
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_ready = False
        self._is_closing = False

    async def start(self) -> None:
        """See `Runner.start`. Waits for the log to catch up with the journal where runs are open.

        Raises what the state database and the log raise; it may then be called again.
        """
        rows = await asyncio.to_thread(self._rows.load_all)
        self._known.note_rows(rows)
        is_open = [row for row in rows if row.state != "refused"]
        if is_open:
            await self._catch_up()
            self._trails = await asyncio.to_thread(find_trails, self._store, is_open)
        for row in is_open:
            if self._known.answer_again(row.launch.run_id) is None:
                await self._take_up(row)
        self._is_ready = True
        self._start_ready()

    async def launch(self, launch: Launch) -> LaunchResult:
        """See `Runner.launch`."""
        return (await self.launch_all((launch,)))[0]

    async def launch_all(self, launches: Sequence[Launch]) -> list[LaunchResult]:
        """See `Runner.launch_all`."""
        self._check_open(launches)
        now_ms = self._clock.now_ms()
        results: list[LaunchResult] = []
        rows: list[Row] = []
        new: set[str] = set()
        for launch in launches:
            run_id = launch.run_id
            answer = "duplicate" if run_id in new else self._known.answer_again(run_id)
            if answer is None:
                new.add(run_id)
                flow = self._flows[launch.flow]
                key = (launch.workspace, launch.flow, launch.lane)
                is_taken = self._lanes.reserve(key, flow.concurrency, self._most_waiting)
                rows.append(new_row(launch, self._known.next_place(), "queued" if is_taken else "refused", now_ms))
                answer = "launched" if is_taken else "queue_full"
            results.append(LaunchResult(run_id, answer))
        await self._open(rows)
        return results

    def note_dispatched(self) -> None:
        """See `Runner.note_dispatched`."""
        if forgotten := self._known.settle():
            self._rows.remove(forgotten)

    async def stop(self, workspace: str, run_id: str) -> None:
        """See `Runner.stop`."""
        entry = self._known.find(workspace, run_id)
        if entry is None:
            raise NotFound(f"There is no open flow run {run_id}.", hint="It has ended, or there never was one.")
        await self._rows.set_stopping(run_id)
        entry.is_stopping = True
        if entry.running is not None:
            entry.running.stop()
        elif self._lanes.remove(entry):
            await self._end_unstarted(entry)
        # Else it is just about to start, and sees it there.

    async def repeat(self, workspace: str, run_id: str) -> LaunchResult:
        """See `Runner.repeat`."""
        self._refuse_open(workspace, run_id)
        return await self.launch(await self._replays.plan_repeat(workspace, run_id))

    async def replay(
        self, workspace: str, run_id: str, from_node: str = "", edited: Mapping[str, Any] | None = None
    ) -> LaunchResult:
        """See `Runner.replay`."""
        self._refuse_open(workspace, run_id)
        return await self.launch(
            await self._replays.plan_replay(workspace, run_id, from_node, edited or {}, self._flows)
        )

    def open_runs(self, workspace: str, *, flow: str = "", after: str = "", limit: int = 1_000) -> tuple[OpenRun, ...]:
        """See `Runner.open_runs`."""
        return self._known.list_open(workspace, flow=flow, after=after, limit=limit)

    def find(self, workspace: str, run_id: str) -> OpenRun | None:
        """See `Runner.find`."""
        entry = self._known.find(workspace, run_id)
        return open_run_of(entry) if entry else None

    def has_ended_lately(self, run_id: str) -> bool:
        """See `Runner.has_ended_lately`."""
        return self._known.has_ended_lately(run_id)

    def status(self) -> RunnerStatus:
        """See `Runner.status`."""
        return RunnerStatus(
            queued=self._lanes.queued,
            running=self._lanes.started,
            hanging=self._caller.hanging,
            is_ready=self._is_ready,
            trouble=self._recorder.trouble,
        )

    async def close(self) -> None:
        """See `Runner.close`. Closing twice changes nothing."""
        self._is_closing = True
        running = self._known.running()
        for run in running:
            run.refrain()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=self._close_s)
        for run in running:
            run.leave()
        await self._recorder.close()
        if self._tasks:
            await asyncio.wait(self._tasks)
        await self._rows.close()
        self._threads.close()
        await self._clients.close()

    # Launching.

    def _check_open(self, launches: Sequence[Launch]) -> None:
        if self._is_closing:
            raise Unavailable("The server is stopping.", hint="Launch it again when it is back.")
        if not self._is_ready:
            raise Unavailable("Flow runs that are open are being taken up.", retry_after_s=1)
        for launch in launches:
            if launch.flow not in self._flows:
                raise NotFound(f"There is no flow {launch.flow!r}.", hint=f"There are: {', '.join(self._flows)}.")

    def _refuse_open(self, workspace: str, run_id: str) -> None:
        if self._known.find(workspace, run_id):
            raise Conflict("Cannot repeat a running flow run.", hint="Stop it, or wait until it has ended.")

    async def _open(self, rows: Sequence[Row]) -> None:
        """Write the rows, then put the runs into their lanes. They are known before that, so that none opens twice."""
        entries = []
        for row in rows:
            if row.state == "refused":
                self._known.refuse(row.launch.run_id)
            else:
                entry = OpenEntry(row, self._flows[row.launch.flow])
                self._known.add(entry)
                entries.append(entry)
        try:
            await self._rows.add(rows)
        except Unavailable:
            self._known.take_back(row.launch.run_id for row in rows)
            for entry in entries:
                self._lanes.release(entry.lane_key)
            raise
        for entry in entries:
            self._queue(entry, is_reserved=True)
        self._start_ready()

    def _queue(self, entry: OpenEntry, *, is_reserved: bool = False) -> None:
        self._held.hold(entry)
        self._lanes.add(entry, entry.flow.concurrency if entry.flow else 1, is_reserved=is_reserved)

    # Running.

    def _start_ready(self) -> None:
        while self._is_ready and not self._is_closing and (entry := self._lanes.next()) is not None:
            task = asyncio.get_running_loop().create_task(self._run(entry))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _run(self, entry: OpenEntry) -> None:
        has_ended = False
        try:
            has_ended = await self._drive(entry)
        except (Unavailable, asyncio.CancelledError):
            _LOG.warning("the run %s stays open and goes on after the next start", entry.run_id)
        except Exception as error:  # a mistake of ours: this run ends with it, no other
            _LOG.exception("the run %s ended by a mistake of Clew's", entry.run_id)
            has_ended = await self._fail(entry, ErrorInfo(type="internal", message=f"{type(error).__name__}: {error}"))
        finally:
            entry.running = None
            self._lanes.finish(entry)
            if has_ended:
                self._forget(entry)
            self._start_ready()

    async def _drive(self, entry: OpenEntry) -> bool:
        launch = await self._held.take(entry)
        flow = entry.flow
        assert flow is not None
        records = RunRecords(launch, flow, self._cleaner)
        running = RunningRun(
            launch,
            flow,
            queued_ms=entry.queued_ms,
            records=records,
            caller=self._caller,
            recorder=self._recorder,
            clock=self._clock,
            pausing=self._pausing,
        )
        try:
            await self._prepare(running, launch, records)
        except RecordGone as error:
            return await self._fail(entry, ErrorInfo(type=error.code, message=error.detail))
        entry.running = running
        if self._is_closing:
            return False
        if entry.is_stopping:
            running.stop()
        return await running.drive()

    async def _prepare(self, running: RunningRun, launch: Launch, records: RunRecords) -> None:
        """Take up what is done already: before a restart, or in the run that this one replays."""
        trail = self._trails.pop(launch.run_id, None)
        if trail and trail.lost():
            await self._recorder.write(write_lost(trail, records))
        if trail and trail.node_runs:
            running.restore(await asyncio.to_thread(checkpoints_of, self._store, trail), trail.started_ms())
        elif launch.given:
            await running.take_over(await asyncio.to_thread(self._replays.load_given, launch))

    async def _pausing(self, waiting: Awaitable[None]) -> None:
        """Wait without taking another run's place."""
        self._lanes.pause()
        self._start_ready()
        try:
            await waiting
        finally:
            self._lanes.resume()

    # Ending.

    def _forget(self, entry: OpenEntry) -> None:
        if self._known.end(entry):
            self._rows.remove((entry.run_id,))

    async def _end_unstarted(self, entry: OpenEntry) -> None:
        """Write the end of a run that was stopped while it waited."""
        await self._endings.write_stopped(entry, await self._held.take(entry))
        self._forget(entry)

    async def _fail(self, entry: OpenEntry, error: ErrorInfo, launch: Launch | None = None) -> bool:
        """Write the end of a run that cannot go on. False where that is not possible: it stays open."""
        try:
            await self._endings.write_failed(entry, launch or await self._rows.load(entry.run_id), error)
        except (Unavailable, NotFound) as trouble:
            _LOG.warning("the end of the run %s could not be written: %s", entry.run_id, trouble.detail)
            return False
        return True

    # Starting.

    async def _catch_up(self) -> None:
        """Wait until the log holds all that was written before this start."""
        while not await asyncio.to_thread(self._drain, DRAIN_S):
            _LOG.warning("open flow runs wait for the log to catch up with the journal")

    async def _take_up(self, row: Row) -> None:
        """An open run of before. One whose record is written has ended; one without its flow cannot go on."""
        run_id = row.launch.run_id
        trail = self._trails[run_id]
        if trail.has_ended:
            self._known.note_ended(run_id)
            del self._trails[run_id]
            return
        if not (trail.node_runs or trail.requests):
            del self._trails[run_id]
        flow = self._flows.get(row.launch.flow)
        entry = OpenEntry(row, flow)
        self._known.add(entry)
        if flow is not None:
            self._queue(entry)
        elif await self._fail(entry, _flow_gone(row.launch.flow), row.launch):
            self._forget(entry)


def _flow_gone(flow: str) -> ErrorInfo:
    return ErrorInfo(
        type="flow_gone",
        message=f"The flow {flow!r} is no longer declared: it was renamed or removed while the run was open.",
    )
