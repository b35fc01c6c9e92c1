"""The runner's contract: after a restart every open run goes on behind its last finished node."""

from __future__ import annotations

import asyncio
import contextlib
import threading

from clew.core.clock import FakeClock, SystemClock, from_rfc3339
from clew.core.errors import Unavailable
from clew.flows.flow import Flow
from harness.flow_place import DEADLINE_S, WORKSPACE, FlowPlace, launch_of, parameters_of, payload_of, until
from harness.flow_samples import Gate, gated, node_of, three_nodes


class TestAfterARestart:
    async def test_a_finished_node_is_not_run_again_and_one_that_ran_is(self, place: FlowPlace) -> None:
        flow, gate = Flow("resuming"), Gate()
        ran: list[str] = []

        @flow.node
        async def first(event):
            ran.append("first")
            return {"n": 1}

        @flow.node(timeout_s=30)
        async def second(first):
            ran.append("second")
            await gate.pass_through(first)
            return {"n": first["n"] + 1}

        @flow.node
        async def third(first, second):
            ran.append("third")
            return [first, second]

        runner = await place.open(flow)
        launch = launch_of(flow, 1)
        await runner.launch(launch)
        await gate.has_come(1)
        await place.close()
        gate.is_open.set()
        runner = await place.open(flow)
        record = await place.ended(runner, launch.run_id)
        assert ran == ["first", "second", "second", "third"]
        assert record.state == "completed"
        runs = await place.records("node_run", parent=record.id)
        assert [r.node for r in runs] == ["first", "second", "third"]
        assert payload_of(runs[-1]) == [{"n": 1}, {"n": 2}]
        assert len(await place.records("flow_run")) == 1

    async def test_runs_that_waited_go_on_in_their_order(self, place: FlowPlace) -> None:
        gate = Gate()
        flow = gated(gate)
        runner = await place.open(flow)
        launches = [launch_of(flow, n) for n in range(30)]
        await runner.launch_all(launches)
        await gate.has_come(1)
        await place.close()
        gate.is_open.set()
        gate.came.clear()
        runner = await place.open(flow)
        await place.ended(runner, launches[-1].run_id)
        assert gate.came == list(range(30))
        assert len(await place.records("flow_run")) == 30

    async def test_a_retry_keeps_its_time_and_its_count(self, place: FlowPlace) -> None:
        flow, clock = Flow("patient"), FakeClock(SystemClock().now_ms())
        place.clock = clock

        @flow.node(retries=1, backoff_s=600)
        async def fail(event):
            raise ValueError("no")

        async def retry_ms() -> int:
            found: int = await until(lambda: node_of(runner, "fail").retry_ms, "it waits to try again")
            return found

        runner = await place.open(flow)
        launch = launch_of(flow)
        await runner.launch(launch)
        due_ms = await retry_ms()
        assert clock.now_ms() + 400_000 < due_ms < clock.now_ms() + 800_000
        clock.advance(300_000)
        runner = await place.reopen(flow)
        assert await retry_ms() == due_ms
        await place.close()
        clock.advance(due_ms - clock.now_ms())
        runner = await place.open(flow)
        record = await place.ended(runner, launch.run_id)
        first, second = await place.records("node_run", parent=record.id)
        assert from_rfc3339(parameters_of(first)["retry_at"]) == due_ms
        assert [parameters_of(r)["attempt"] for r in (first, second)] == [1, 2]
        assert second.status == "failure"

    async def test_a_continued_failure_is_still_known(self, place: FlowPlace) -> None:
        flow, gate = Flow("continued"), Gate()

        @flow.node(on_error="continue")
        async def optional(event):
            raise ValueError("not today")

        @flow.node
        async def slow(optional, errors):
            await gate.pass_through(1)
            return [optional, errors["optional"].message]

        runner = await place.open(flow)
        launch = launch_of(flow)
        await runner.launch(launch)
        await gate.has_come(1)
        await place.close()
        gate.is_open.set()
        runner = await place.open(flow)
        record = await place.ended(runner, launch.run_id)
        runs = await place.records("node_run", parent=record.id)
        assert payload_of(runs[-1]) == [None, "not today"]
        assert record.status == "success"

    async def test_a_failed_branch_stays_failed(self, place: FlowPlace) -> None:
        flow, gate, ran = Flow("half-failed"), Gate(), []

        @flow.node
        async def bad(event):
            ran.append("bad")
            raise ValueError("bad")

        @flow.node
        async def slow(event):
            await gate.pass_through(1)

        runner = await place.open(flow)
        launch = launch_of(flow)
        await runner.launch(launch)
        await gate.has_come(1)
        await until(lambda: node_of(runner, "bad").state == "failed", "bad failed")
        await place.close()
        gate.is_open.set()
        runner = await place.open(flow)
        record = await place.ended(runner, launch.run_id)
        assert ran == ["bad"]
        assert record.state == "failed"
        assert record.error is not None
        assert record.error.message == "bad failed"

    async def test_a_run_whose_flow_is_gone_ends_as_failed(self, place: FlowPlace) -> None:
        gate = Gate()
        flow = gated(gate)
        runner = await place.open(flow)
        launch = launch_of(flow)
        await runner.launch(launch)
        await gate.has_come(1)
        other = three_nodes()
        runner = await place.reopen(other)
        record = await place.ended(runner, launch.run_id)
        assert (record.state, record.status) == ("failed", "failure")
        assert record.error is not None
        assert "'gated' is no longer declared" in record.error.message
        assert (await place.run(runner, other, {"number": 1})).state == "completed"

    async def test_a_run_that_was_to_stop_is_stopped(self, place: FlowPlace) -> None:
        flow, gate, released = Flow("stubborn"), Gate(), threading.Event()

        @flow.node
        def stubborn(event):
            gate.came.append(1)
            released.wait(DEADLINE_S)

        runner = await place.open(flow)
        launches = [launch_of(flow), launch_of(flow)]
        await runner.launch_all(launches)
        await gate.has_come(1)
        stopping = asyncio.create_task(runner.stop(WORKSPACE, launches[1].run_id))
        await place.close()
        with contextlib.suppress(Unavailable):  # it is noted, and the journal may be closed before its end is written
            await stopping
        runner = await place.open(flow)
        released.set()
        assert (await place.ended(runner, launches[1].run_id)).state == "stopped"
        assert (await place.ended(runner, launches[0].run_id)).state == "completed"
