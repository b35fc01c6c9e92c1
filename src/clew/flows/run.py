"""One run: its nodes, each after those it needs, each attempt on record before what comes after it begins."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from typing import Any, TypeVar

import msgspec

from clew.core.clock import Clock, to_rfc3339
from clew.core.ids import new_id
from clew.core.record import ErrorInfo
from clew.flows.attempts import Attempts, taken_over
from clew.flows.backoff import backoff_s
from clew.flows.calling import Call, Called, NodeCaller
from clew.flows.failures import may_help_again
from clew.flows.flow import Flow
from clew.flows.graph import Node
from clew.flows.progress import NULL, Checkpoint, NodeState, Progress, Taken
from clew.flows.recorder import Recorder
from clew.flows.records import Attempt, Ended, RunRecords, RunState
from clew.flows.run_nodes import RunNodes
from clew.flows.runner import Launch, OpenNode
from clew.journal.journal import Item
from clew.triggers.match import Verdict, evaluate

T = TypeVar("T")

_decode = msgspec.json.decode


class RunningRun:
    """A run while it runs. `drive` does it all; `stop` and `leave` end it early."""

    def __init__(
        self,
        launch: Launch,
        flow: Flow,
        *,
        queued_ms: int,
        records: RunRecords,
        caller: NodeCaller,
        recorder: Recorder,
        clock: Clock,
        pausing: Callable[[Awaitable[None]], Coroutine[Any, Any, None]],
    ) -> None:
        self.started_ms = clock.now_ms()
        self._launch = launch
        self._flow = flow
        self._queued_ms = queued_ms
        self._records = records
        self._caller = caller
        self._recorder = recorder
        self._clock = clock
        self._pausing = pausing
        self._nodes = RunNodes(flow.graph)
        self._attempts = Attempts(self._nodes, records)
        self._calling: set[asyncio.Task[Any]] = set()
        self._waiting: set[asyncio.Task[Any]] = set()
        self._has_ended = False
        self._is_stopping = False
        self._is_leaving = False

    def restore(self, checkpoints: Mapping[str, Checkpoint], started_ms: int | None = None) -> None:
        """Go on behind what is done already. Nodes that the flow no longer has are passed over."""
        if started_ms is not None:
            self.started_ms = started_ms
        self._nodes.restore(checkpoints)

    def nodes(self) -> dict[str, OpenNode]:
        """How far each node has come."""
        return self._nodes.to_open_nodes()

    def stop(self) -> None:
        """End it as stopped: what runs is cancelled, nothing more begins."""
        self._is_stopping = True
        self._interrupt()

    def refrain(self) -> None:
        """Begin nothing more, and stay open. What runs may end."""
        self._is_leaving = True
        _cancel(tuple(self._waiting))

    def leave(self) -> None:
        """Stay open, without waiting for what runs: it runs again after the next start."""
        self._is_leaving = True
        self._interrupt()

    async def take_over(self, taken: Mapping[str, Taken]) -> None:
        """Write down the nodes that a replay does not run, as its own, all at once."""
        items = []
        for name, one in taken.items():
            attempt = taken_over(name, one)
            checkpoint = Checkpoint(
                state=one.state,
                record_id=attempt.id,
                output=one.output,
                attempts=1,
                error=one.error,
                reason=attempt.message,
            )
            self._nodes[name].restore(checkpoint)
            items.append(self._records.node_run(attempt))
        await self._recorder.write(items)

    async def drive(self) -> bool:
        """Run it. True when it has ended and its record is on disk, False where it stays open."""
        active: set[asyncio.Task[None]] = set()
        while True:
            ready = self._take_ready()
            if not ready and not active:
                break
            if len(ready) == 1 and not active:
                await self._run_node(ready[0])
                continue
            for progress in ready:
                progress.state = "running"
                active.add(asyncio.get_running_loop().create_task(self._run_node(progress)))
            done, active = await asyncio.wait(active, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        if not self._has_ended and (self._is_stopping or not self._is_leaving):
            await self._recorder.write((self._end(),))
        return self._has_ended

    def _take_ready(self) -> list[Progress]:
        """What is to begin now; nothing any more where the run is ended early."""
        if self._is_stopping or self._is_leaving:
            return []
        return self._nodes.take_ready()

    async def _run_node(self, progress: Progress) -> None:
        progress.state = "running"
        verdict = self._why_skipped(progress.node)
        if verdict:
            await self._skip(progress, verdict)
            return
        while not (self._is_stopping or self._is_leaving):
            if progress.retry_ms is not None and not await self._wait_until(progress.retry_ms):
                break
            progress.retry_ms = None
            called_id = new_id()
            called = await self._call(progress, called_id)
            if called is None:
                if self._is_stopping:
                    await self._note_stopped(progress, called_id)
                break
            if await self._settle(progress, called_id, called):
                return
        if not progress.is_settled:
            progress.state = "stopped" if self._is_stopping else "waiting"
            progress.is_settled = self._is_stopping

    async def _call(self, progress: Progress, call_id: str) -> Called | None:
        """Make an attempt; None where it was interrupted."""
        node = progress.node
        call = Call(
            node=node,
            id=call_id,
            number=progress.attempts + 1,
            outputs=self._nodes.outputs_above(node),
            errors=self._nodes.errors_above(node) if node.wants_errors else {},
            records=self._records,
        )
        return await self._interruptibly(self._caller.call(call), self._calling)

    async def _settle(self, progress: Progress, call_id: str, called: Called) -> bool:
        """Write an attempt down. False where it is to be tried again."""
        progress.attempts += 1
        progress.runs += 1
        attempt = self._attempts.called(progress, call_id, called)
        if called.error is None:
            progress.output = called.output
            await self._finish(progress, attempt, "completed")
            return True
        progress.failures += 1
        node, error = progress.node, called.error
        if progress.failures <= node.retries and may_help_again(error):
            delay_s = backoff_s(node, progress.failures, error)
            progress.retry_ms = self._clock.now_ms() + round(delay_s * 1000)
            progress.reason = (
                f"attempt {progress.failures} of {node.retries + 1} failed, again in {delay_s:.1f} s: {error.message}"
            )
            attempt.status, attempt.message = "info", progress.reason
            attempt.parameters = {"retry_at": to_rfc3339(progress.retry_ms)}
            await self._recorder.write((self._records.node_run(attempt),))
            return False
        progress.error = error
        if node.on_error == "continue":
            attempt.state, attempt.status = "completed", "info"
            attempt.message = progress.reason = f"{node.name} failed and the run goes on: {error.message}"
            attempt.output = NULL
            await self._finish(progress, attempt, "completed")
        else:
            attempt.message = progress.reason = error.message
            self._nodes.note_failure(progress)
            await self._finish(progress, attempt, "failed")
        return True

    async def _finish(self, progress: Progress, attempt: Attempt, state: NodeState) -> None:
        """The node is done. Its record goes with the run's own where nothing is left to do."""
        progress.state, progress.record_id = state, attempt.id
        items = [self._records.node_run(attempt)]
        if not (self._is_leaving or self._is_stopping) and self._nodes.is_last(progress):
            progress.is_settled = True
            items.append(self._end())
        await self._recorder.write(items)
        progress.is_settled = True

    def _why_skipped(self, node: Node) -> Verdict | None:
        if skipped := self._nodes.skipped_above(node):
            return Verdict(matched=False, clause="", expected="", reason=f"{skipped} was skipped")
        if node.when is None:
            return None
        values = {name: _decode(output) for name, output in self._nodes.outputs_above(node).items()}
        verdict = evaluate(node.when, {"event": self._launch.event.to_cel(), **values})
        return None if verdict.matched else verdict

    async def _skip(self, progress: Progress, verdict: Verdict) -> None:
        progress.reason = f"skipped because {verdict.reason}"
        await self._finish(progress, self._attempts.skipped(progress, verdict), "skipped")

    async def _note_stopped(self, progress: Progress, call_id: str) -> None:
        progress.runs += 1
        progress.reason = f"{progress.node.name} was stopped."
        attempt = self._attempts.stopped(progress, call_id, self._clock.now_ms())
        await self._recorder.write((self._records.node_run(attempt),))

    def _end(self) -> Item:
        """The record of the run as it stands."""
        self._has_ended = True
        failed = self._nodes.first_failure
        state: RunState = "stopped" if self._is_stopping else "failed" if failed else "completed"
        message = f"{self._flow.key} {'was stopped' if state == 'stopped' else state}."
        error = None
        if state == "failed" and failed:
            error = ErrorInfo(type="flow_run", message=f"{failed.node.name} failed", caused_by=failed.error)
            message = f"{failed.node.name} failed: {failed.reason}"
        return self._records.flow_run(
            Ended(
                state=state,
                queued_ms=self._queued_ms,
                started_ms=self.started_ms,
                ended_ms=self._clock.now_ms(),
                nodes=self._nodes.end(state),
                error=error,
                message=message,
            )
        )

    async def _wait_until(self, time_ms: int) -> bool:
        """Wait for an attempt's time; False where it was interrupted."""
        delay_s = (time_ms - self._clock.now_ms()) / 1000
        if delay_s <= 0:
            return True
        return await self._interruptibly(self._pause(delay_s), self._waiting) is not None

    async def _pause(self, delay_s: float) -> bool:
        await self._pausing(asyncio.sleep(delay_s))
        return True

    async def _interruptibly(self, work: Coroutine[Any, Any, T], doing: set[asyncio.Task[Any]]) -> T | None:
        """What the work answers, None where it was cut short. Only then is a run cancelled: never while it writes."""
        task = asyncio.current_task()
        assert task is not None
        doing.add(task)
        try:
            return await work
        except asyncio.CancelledError:
            if not (self._is_stopping or self._is_leaving):
                raise
            task.uncancel()
            return None
        finally:
            doing.discard(task)

    def _interrupt(self) -> None:
        _cancel(self._calling | self._waiting)


def _cancel(tasks: Iterable[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
