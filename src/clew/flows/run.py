"""One run: its nodes, each after those it needs, each attempt on record before what comes after it begins."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from typing import Any, TypeVar

import msgspec

from clew.core.clock import HOUR_MS, Clock, to_rfc3339
from clew.core.ids import new_id, time_of
from clew.core.record import ErrorInfo
from clew.flows.calling import Call, Called, NodeCaller
from clew.flows.failures import may_help_again
from clew.flows.flow import Flow
from clew.flows.graph import Node
from clew.flows.progress import NULL, Checkpoint, NodeState, Progress, Taken
from clew.flows.recorder import Recorder
from clew.flows.records import Attempt, Ended, RunRecords, RunState
from clew.flows.runner import Launch, OpenNode
from clew.journal.journal import Item
from clew.triggers.match import Verdict, evaluate

T = TypeVar("T")

LONGEST_BACKOFF_S = 3_600.0
JITTER = 0.2
"""How far a delay is moved either way: what failed together is not tried again together."""

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
        self._nodes = {node.name: Progress(node) for node in flow.graph.nodes}
        self._calling: set[asyncio.Task[Any]] = set()
        self._waiting: set[asyncio.Task[Any]] = set()
        self._first_failure: Progress | None = None
        self._next: list[Progress] | None = None
        self._has_ended = False
        self._is_stopping = False
        self._is_leaving = False

    def restore(self, checkpoints: Mapping[str, Checkpoint], started_ms: int | None = None) -> None:
        """Go on behind what is done already. Nodes that the flow no longer has are passed over."""
        if started_ms is not None:
            self.started_ms = started_ms
        for name, checkpoint in checkpoints.items():
            if name in self._nodes:
                self._nodes[name].restore(checkpoint)
                if checkpoint.state == "failed":
                    self._first_failure = self._first_failure or self._nodes[name]

    def nodes(self) -> dict[str, OpenNode]:
        """How far each node has come."""
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
            progress = self._nodes[name]
            attempt = Attempt(
                id=new_id(),
                node=name,
                state=one.state,
                status="info" if one.state == "skipped" or one.error else "success",
                message=one.message if one.state == "skipped" else _taken_message(name, one),
                output=one.output,
                parameters={"reused": one.record_id, **({"edited": True} if one.is_edited else {})},
                error=one.error,
            )
            progress.restore(
                Checkpoint(
                    state=one.state,
                    record_id=attempt.id,
                    output=one.output,
                    attempts=1,
                    error=one.error,
                    reason=attempt.message,
                )
            )
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
        ready, self._next = self._next, None
        return self._find_ready() if ready is None else ready

    def _find_ready(self) -> list[Progress]:
        """The nodes that can run now. Those that never can are marked as such."""
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
        outputs = {name: self._nodes[name].output for name in node.upstream}
        call = Call(
            node=node,
            id=call_id,
            number=progress.attempts + 1,
            outputs=outputs,
            errors=self._errors_above(node) if node.wants_errors else {},
            records=self._records,
        )
        return await self._interruptibly(self._caller.call(call), self._calling)

    async def _settle(self, progress: Progress, call_id: str, called: Called) -> bool:
        """Write an attempt down. False where it is to be tried again."""
        progress.attempts += 1
        progress.runs += 1
        attempt = self._attempt(progress, call_id, called)
        if called.error is None:
            progress.output = called.output
            await self._finish(progress, attempt, "completed")
            return True
        progress.failures += 1
        node, error = progress.node, called.error
        if progress.failures <= node.retries and may_help_again(error):
            delay_s = _delay_s(node, progress.failures, error)
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
            self._first_failure = self._first_failure or progress
            await self._finish(progress, attempt, "failed")
        return True

    def _attempt(self, progress: Progress, call_id: str, called: Called) -> Attempt:
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
            upstream=self._upstream_of(node),
            logs=called.logs,
            error=error,
            duration_ms=called.duration_ms,
        )

    def _input_of(self, node: Node) -> dict[str, bytes]:
        given = {name: self._nodes[name].output for name in node.upstream}
        return {**({"event": self._records.clean_event} if node.wants_event else {}), **given}

    def _upstream_of(self, node: Node) -> dict[str, str]:
        return {name: self._nodes[name].record_id for name in node.upstream}

    def _errors_above(self, node: Node) -> dict[str, ErrorInfo]:
        above = (self._nodes[name] for name in self._flow.graph.ancestors(node.name))
        return {one.node.name: one.error for one in above if one.error is not None}

    async def _finish(self, progress: Progress, attempt: Attempt, state: NodeState) -> None:
        """The node is done. Its record goes with the run's own where nothing is left to do."""
        progress.state, progress.record_id = state, attempt.id
        items = [self._records.node_run(attempt)]
        if self._is_last(progress):
            progress.is_settled = True
            items.append(self._end())
        await self._recorder.write(items)
        progress.is_settled = True

    def _is_last(self, progress: Progress) -> bool:
        """Whether nothing runs beside this node and nothing can run after it."""
        if self._is_leaving or self._is_stopping:
            return False
        for one in self._nodes.values():
            if one is not progress and not one.is_settled and one.state != "waiting":
                return False
        # Nothing else can change what is ready before this node's record is there: it is found once.
        progress.is_settled = True
        self._next = self._find_ready()
        progress.is_settled = False
        return not self._next

    def _why_skipped(self, node: Node) -> Verdict | None:
        for name in node.upstream:
            if self._nodes[name].state == "skipped":
                return Verdict(matched=False, clause="", expected="", reason=f"{name} was skipped")
        if node.when is None:
            return None
        values = {name: _decode(self._nodes[name].output) for name in node.upstream}
        verdict = evaluate(node.when, {"event": self._launch.event.to_cel(), **values})
        return None if verdict.matched else verdict

    async def _skip(self, progress: Progress, verdict: Verdict) -> None:
        progress.reason = f"skipped because {verdict.reason}"
        node = progress.node
        attempt = Attempt(
            id=new_id(),
            node=node.name,
            number=progress.attempts + 1,
            attempts=progress.attempts + 1,
            state="skipped",
            status="info",
            message=progress.reason,
            input=self._input_of(node),
            upstream=self._upstream_of(node),
            parameters={"skipped_because": verdict},
        )
        await self._finish(progress, attempt, "skipped")

    async def _note_stopped(self, progress: Progress, call_id: str) -> None:
        progress.runs += 1
        node = progress.node
        progress.reason = f"{node.name} was stopped."
        attempt = Attempt(
            id=call_id,
            node=node.name,
            number=progress.attempts + 1,
            attempts=max(progress.attempts + 1, node.retries + 1),
            state="stopped",
            status="info",
            message=progress.reason,
            input=self._input_of(node),
            upstream=self._upstream_of(node),
            duration_ms=max(0, self._clock.now_ms() - time_of(call_id)),
        )
        await self._recorder.write((self._records.node_run(attempt),))

    def _end(self) -> Item:
        """The record of the run as it stands."""
        self._has_ended = True
        failed = self._first_failure
        state: RunState = "stopped" if self._is_stopping else "failed" if failed else "completed"
        for progress in self._nodes.values():
            if progress.state == "waiting":
                progress.state, progress.reason = "not_reached", f"not reached: the run was {state}"
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
                nodes={name: progress.summary() for name, progress in self._nodes.items()},
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


_LOST = frozenset({"failed", "not_reached"})


def _taken_message(name: str, taken: Taken) -> str:
    return f"{name} was {'edited' if taken.is_edited else 'taken over'} from an earlier run."


def _delay_s(node: Node, failures: int, error: ErrorInfo) -> float:
    """How long to wait: about twice as long each time, and no less than the other side asked for."""
    delay_s = min(node.backoff_s * 2.0 ** (failures - 1), LONGEST_BACKOFF_S)
    delay_s *= random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - it spreads load, it guards nothing
    asked = error.data.get("retry_after") if isinstance(error.data, dict) else None
    if isinstance(asked, str) and asked.isdigit():
        delay_s = max(delay_s, min(float(asked), HOUR_MS / 1000))
    return delay_s
