"""The runner's contract, sentence by sentence, over every driver."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from clew.core.clock import FakeClock, SystemClock, from_rfc3339
from clew.core.errors import Conflict, Invalid, NotFound, Unavailable
from clew.core.ids import new_id
from clew.flows import known_runs
from clew.flows.flow import Flow
from clew.flows.run_ids import flow_run_id
from clew.flows.runner import OpenNode, Runner
from harness.flow_place import (
    DEADLINE_S,
    WORKSPACE,
    FlowPlace,
    codes,
    event_of,
    launch_of,
    parameters_of,
    payload_of,
    until,
)

DRIVERS = ["embedded"]


@pytest.fixture(params=DRIVERS)
async def place(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[FlowPlace]:
    opened = FlowPlace(tmp_path, request.param)
    yield opened
    await opened.close()


def three_nodes(seen: list[str] | None = None) -> Flow:
    seen = [] if seen is None else seen
    flow = Flow("three")

    @flow.node
    async def lookup(event):
        seen.append("lookup")
        return {"number": event.payload["number"]}

    @flow.node
    async def create(lookup):
        seen.append("create")
        return {"created": lookup["number"]}

    @flow.node
    def report(create, event):
        seen.append("report")
        return [create["created"], event.customer]

    return flow


class Gate:
    """A node that waits until it is opened, and tells who came."""

    def __init__(self) -> None:
        self.came: list[Any] = []
        self.is_open = asyncio.Event()
        self.at_once = 0
        self.most_at_once = 0

    async def pass_through(self, who: Any) -> None:
        self.came.append(who)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await self.is_open.wait()
        finally:
            self.at_once -= 1

    async def has_come(self, count: int) -> None:
        await until(lambda: len(self.came) >= count, f"{count} came")


def gated(gate: Gate, **options: Any) -> Flow:
    flow = Flow("gated", **options)

    @flow.node
    async def wait(event):
        await gate.pass_through(event.payload)

    return flow


def node_of(runner: Runner, name: str) -> OpenNode:
    """A node of the one run that is open."""
    (run,) = runner.open_runs(WORKSPACE)
    return run.nodes.get(name, OpenNode(state="waiting"))


class TestARun:
    async def test_nodes_run_after_those_they_need_and_get_their_outputs(self, place: FlowPlace) -> None:
        seen: list[str] = []
        flow = three_nodes(seen)
        runner = await place.open(flow)
        record = await place.run(runner, flow, {"number": 7}, customer="acme")
        assert seen == ["lookup", "create", "report"]
        assert (record.kind, record.state, record.status, record.flow) == ("flow_run", "completed", "success", "three")
        runs = await place.records("node_run", parent=record.id)
        assert [(r.node, r.state, r.status, payload_of(r)) for r in runs] == [
            ("lookup", "completed", "success", {"number": 7}),
            ("create", "completed", "success", {"created": 7}),
            ("report", "completed", "success", [7, "acme"]),
        ]

    @pytest.mark.feature("D10", "C62")
    async def test_its_records_tell_input_upstream_and_what_launched_it(self, place: FlowPlace) -> None:
        flow = three_nodes()
        runner = await place.open(flow)
        launch = launch_of(flow, {"number": 7}, customer="acme", connection="c1", keys={"order": "SO-1"})
        await runner.launch(launch)
        record = await place.ended(runner, launch.run_id)
        lookup, create, report = await place.records("node_run", parent=record.id)
        assert parameters_of(create)["input"] == {"lookup": {"number": 7}}
        assert parameters_of(create)["upstream"] == {"lookup": lookup.id}
        assert parameters_of(report)["input"]["event"]["payload"] == {"number": 7}
        told = parameters_of(record)
        assert told["launched_by"] == {"type": "external-event", "ids": [launch.event.id]}
        assert told["nodes"]["create"] == {"state": "completed", "runs": 1, "errors": 0, "reason": ""}
        moments = [from_rfc3339(told[name]) for name in ("queued_at", "started_at", "ended_at")]
        assert moments == sorted(moments)
        assert payload_of(record)["payload"] == {"number": 7}
        for one in (lookup, create, report, record):
            assert (one.trace_id, one.customer, one.connection, one.keys) == (
                launch.event.trace_id,
                "acme",
                "c1",
                {"order": "SO-1"},
            )

    async def test_its_id_is_made_from_the_event_and_the_flow_and_has_the_events_time(self, place: FlowPlace) -> None:
        flow = three_nodes()
        runner = await place.open(flow)
        launch = launch_of(flow, {"number": 1})
        result = await runner.launch(launch)
        assert result.run_id == flow_run_id(launch.event.id, "three")
        record = await place.ended(runner, result.run_id)
        assert (record.time, record.parent_id) == (launch.event.time, launch.event.id)

    async def test_independent_nodes_run_at_the_same_time(self, place: FlowPlace) -> None:
        flow, met = Flow("fork"), asyncio.Barrier(2)

        @flow.node
        async def left(event):
            await asyncio.wait_for(met.wait(), DEADLINE_S)

        @flow.node
        async def right(event):
            await asyncio.wait_for(met.wait(), DEADLINE_S)

        @flow.node
        async def join(left, right):
            return "joined"

        runner = await place.open(flow)
        record = await place.run(runner, flow)
        assert record.state == "completed"
        assert [r.node for r in await place.records("node_run", parent=record.id)][-1] == "join"

    async def test_what_a_node_changes_in_its_input_no_other_node_sees(self, place: FlowPlace) -> None:
        flow = Flow("changing")

        @flow.node
        async def first(event):
            event.payload["number"] = 99
            return {"list": [1]}

        @flow.node
        async def second(first, event):
            first["list"].append(2)
            return event.payload["number"]

        @flow.node
        async def third(first, second):
            return [first["list"], second]

        runner = await place.open(flow)
        record = await place.run(runner, flow, {"number": 1})
        runs = {r.node: payload_of(r) for r in await place.records("node_run", parent=record.id)}
        assert runs["third"] == [[1], 1]
        assert payload_of(record)["payload"] == {"number": 1}

    async def test_plain_nodes_run_in_threads_and_may_block(self, place: FlowPlace) -> None:
        flow, names = Flow("plain", concurrency=None), []
        met = threading.Barrier(5)

        @flow.node
        def block(event):
            met.wait(DEADLINE_S)
            names.append(threading.current_thread().name)

        runner = await place.open(flow)
        launches = [launch_of(flow) for _ in range(5)]
        await runner.launch_all(launches)
        for launch in launches:
            assert (await place.ended(runner, launch.run_id)).state == "completed"
        assert threading.main_thread().name not in names

    @pytest.mark.feature("D03")
    async def test_what_a_node_logs_is_in_its_record(self, place: FlowPlace) -> None:
        flow = Flow("talking")

        @flow.node
        async def talk(event, log):
            log.info("creating a shipment for {} lines", 3)
            log.data("found", {"a": 1})

        runner = await place.open(flow)
        record = await place.run(runner, flow)
        (run,) = await place.records("node_run", parent=record.id)
        assert [(line.type, line.msg) for line in run.logs] == [
            ("message", "creating a shipment for 3 lines"),
            ("data", "found"),
        ]


class TestSkipping:
    @pytest.mark.feature("D08", "D09")
    async def test_a_node_whose_condition_is_not_true_is_skipped_with_the_reason(self, place: FlowPlace) -> None:
        flow = Flow("conditional")

        @flow.node
        async def lookup(event):
            return {"status": "closed"}

        @flow.node(when="lookup.status == 'open'")
        async def create(lookup):
            raise AssertionError("it must not run")

        @flow.node
        async def report(create):
            raise AssertionError("it must not run")

        runner = await place.open(flow)
        record = await place.run(runner, flow)
        _, create_run, report_run = await place.records("node_run", parent=record.id)
        assert record.state == "completed"
        assert (create_run.state, create_run.status) == ("skipped", "info")
        because = parameters_of(create_run)["skipped_because"]
        assert (because["clause"], because["actual"]) == ("lookup.status == 'open'", "closed")
        assert "closed" in create_run.message
        assert report_run.message == "skipped because create was skipped"


class TestFailing:
    async def test_a_node_that_raises_fails_its_run_and_the_chain_says_why(self, place: FlowPlace) -> None:
        flow = Flow("failing")

        @flow.node
        async def create(event):
            try:
                {}["number"]
            except KeyError as error:
                raise ValueError("no number") from error

        @flow.node
        async def report(create):
            return None

        runner = await place.open(flow)
        record = await place.run(runner, flow)
        assert (record.state, record.status) == ("failed", "failure")
        assert record.error is not None
        assert (record.error.type, record.error.message) == ("flow_run", "create failed")
        (run,) = await place.records("node_run", parent=record.id)
        assert (run.state, run.status) == ("failed", "failure")
        assert run.error is not None
        assert run.error == record.error.caused_by
        assert (run.error.type, run.error.message) == ("ValueError", "no number")
        assert run.error.caused_by is not None
        assert run.error.caused_by.type == "KeyError"
        assert "test_runner.py" in run.error.stack
        assert "site-packages" not in run.error.stack
        assert parameters_of(record)["nodes"]["report"]["state"] == "not_reached"
        assert parameters_of(record)["nodes"]["report"]["reason"] == "not reached: create failed"

    @pytest.mark.feature("D15")
    async def test_other_branches_finish_when_one_fails(self, place: FlowPlace) -> None:
        flow = Flow("branches")

        @flow.node
        async def bad(event):
            raise ValueError("bad")

        @flow.node
        async def good(event):
            await asyncio.sleep(0.02)
            return 1

        @flow.node
        async def after_good(good):
            return 2

        @flow.node
        async def after_both(bad, good):
            return 3

        runner = await place.open(flow)
        record = await place.run(runner, flow)
        states = {name: node["state"] for name, node in parameters_of(record)["nodes"].items()}
        assert record.state == "failed"
        assert states == {
            "bad": "failed",
            "good": "completed",
            "after_good": "completed",
            "after_both": "not_reached",
        }

    @pytest.mark.feature("D16")
    async def test_a_failure_that_may_go_on_gives_none_and_the_error(self, place: FlowPlace) -> None:
        flow = Flow("going-on")

        @flow.node(on_error="continue")
        async def optional(event):
            raise ValueError("not today")

        @flow.node
        async def report(optional, errors):
            return [optional, errors["optional"].type, errors["optional"].message]

        runner = await place.open(flow)
        record = await place.run(runner, flow)
        assert (record.state, record.status) == ("completed", "success")
        first, second = await place.records("node_run", parent=record.id)
        assert (first.state, first.status) == ("completed", "info")
        assert first.error is not None
        assert payload_of(second) == [None, "ValueError", "not today"]

    async def test_a_failed_attempt_is_tried_again_and_each_is_on_record(self, place: FlowPlace) -> None:
        flow, attempts = Flow("retrying"), []

        @flow.node(retries=2, backoff_s=0.01)
        async def flaky(event):
            attempts.append(1)
            if len(attempts) < 3:
                raise ValueError(f"no {len(attempts)}")
            return "done"

        runner = await place.open(flow)
        record = await place.run(runner, flow)
        runs = await place.records("node_run", parent=record.id)
        assert [(r.state, r.status, parameters_of(r)["attempt"]) for r in runs] == [
            ("failed", "info", 1),
            ("failed", "info", 2),
            ("completed", "success", 3),
        ]
        assert runs[0].message.startswith("attempt 1 of 3 failed, again in 0.0 s: no 1")
        assert (record.state, parameters_of(record)["nodes"]["flaky"]["errors"]) == ("completed", 2)

    async def test_the_last_attempt_that_fails_fails_the_run(self, place: FlowPlace) -> None:
        flow = Flow("giving-up")

        @flow.node(retries=1, backoff_s=0.01)
        async def never(event):
            raise ValueError("no")

        runner = await place.open(flow)
        record = await place.run(runner, flow)
        runs = await place.records("node_run", parent=record.id)
        assert [(r.state, r.status) for r in runs] == [("failed", "info"), ("failed", "failure")]
        assert record.state == "failed"

    @pytest.mark.parametrize("is_plain", [False, True])
    async def test_a_node_that_takes_too_long_fails_and_no_other_run_waits(
        self, place: FlowPlace, is_plain: bool
    ) -> None:
        flow, other, released = Flow("slow", concurrency=None), Flow("other"), threading.Event()
        if is_plain:

            @flow.node(timeout_s=0.1)
            def hang(event):
                released.wait()

            @other.node
            def pass_by(event):
                return "fine"
        else:

            @flow.node(timeout_s=0.1)
            async def hang(event):
                await asyncio.Event().wait()

            @other.node
            async def pass_by(event):
                return "fine"

        runner = await place.open(flow, other)
        hanging = [launch_of(flow) for _ in range(40)]
        await runner.launch_all(hanging)
        assert (await place.run(runner, other)).state == "completed"
        for launch in hanging:
            record = await place.ended(runner, launch.run_id)
            assert record.state == "failed"
            assert record.error is not None
            assert record.error.innermost().type == "timeout"
        assert runner.status().hanging == (40 if is_plain else 0)
        released.set()
        await until(lambda: runner.status().hanging == 0, "threads that return are counted no more")

    async def test_an_async_node_that_will_not_be_cancelled_is_left_behind(self, place: FlowPlace) -> None:
        flow, released = Flow("stubborn"), asyncio.Event()

        @flow.node(timeout_s=0.05)
        async def stubborn(event):
            while not released.is_set():
                try:
                    await released.wait()
                except asyncio.CancelledError:
                    continue

        runner = await place.open(flow)
        record = await place.run(runner, flow)
        assert record.error is not None
        assert record.error.innermost().type == "timeout"
        assert runner.status().hanging == 1
        released.set()
        await until(lambda: runner.status().hanging == 0, "it ended")

    @pytest.mark.parametrize(
        ("output", "said"),
        [
            (object(), "returned something that is not JSON"),
            ({(1, 2): 3}, "returned something that is not JSON"),
            ("\ud800", "returned something that is not JSON"),
            ("x" * (20 * 1024 * 1024), "an output may have 20,971,520"),
        ],
        ids=["object", "key", "surrogate", "large"],
    )
    async def test_an_output_that_cannot_be_kept_fails_its_run(self, place: FlowPlace, output: Any, said: str) -> None:
        flow = Flow("odd")

        @flow.node
        async def give(event):
            return output

        runner = await place.open(flow)
        record = await place.run(runner, flow)
        assert record.error is not None
        assert (record.error.innermost().type, record.state) == ("output", "failed")
        assert said in record.error.innermost().message

    @pytest.mark.parametrize("is_plain", [False, True])
    @pytest.mark.parametrize("raised", [SystemExit(3), KeyboardInterrupt(), StopIteration(), GeneratorExit()])
    async def test_whatever_a_node_raises_ends_its_run_alone(
        self, place: FlowPlace, is_plain: bool, raised: BaseException
    ) -> None:
        flow = Flow("odd")
        if is_plain:

            @flow.node
            def leave(event):
                raise raised
        else:

            @flow.node
            async def leave(event):
                raise raised

        other = three_nodes()
        runner = await place.open(flow, other)
        assert (await place.run(runner, flow)).state == "failed"
        assert (await place.run(runner, other, {"number": 1})).state == "completed"


class TestOrder:
    async def test_runs_of_a_connection_run_one_at_a_time_in_the_order_of_their_launches(
        self, place: FlowPlace
    ) -> None:
        gate = Gate()
        flow = gated(gate)
        runner = await place.open(flow)
        launches = [launch_of(flow, n, connection="c1") for n in range(20)]
        await runner.launch_all(launches)
        gate.is_open.set()
        for launch in launches:
            await place.ended(runner, launch.run_id)
        assert gate.came == list(range(20))
        assert gate.most_at_once == 1

    async def test_runs_of_other_connections_and_customers_do_not_wait(self, place: FlowPlace) -> None:
        gate = Gate()
        flow = gated(gate)
        runner = await place.open(flow)
        whose: list[dict[str, str]] = [{"connection": "c1"}, {"connection": "c2"}, {"customer": "acme"}, {}]
        await runner.launch_all([launch_of(flow, n, **who) for n, who in enumerate([*whose, *whose])])
        await gate.has_come(4)
        assert sorted(gate.came) == [0, 1, 2, 3]
        gate.is_open.set()
        await gate.has_come(8)

    @pytest.mark.feature("D18")
    @pytest.mark.parametrize(("concurrency", "most"), [(2, 2), (None, 5)])
    async def test_a_flow_says_how_many_run_at_once(self, place: FlowPlace, concurrency: int | None, most: int) -> None:
        gate = Gate()
        flow = gated(gate, concurrency=concurrency)
        runner = await place.open(flow)
        launches = [launch_of(flow, n, connection="c1") for n in range(5)]
        await runner.launch_all(launches)
        await gate.has_come(most)
        gate.is_open.set()
        for launch in launches:
            await place.ended(runner, launch.run_id)
        assert gate.most_at_once == most

    async def test_a_run_that_waits_to_try_again_keeps_its_place(self, place: FlowPlace) -> None:
        flow, came = Flow("in-order"), []

        @flow.node(retries=1, backoff_s=0.1)
        async def once(event):
            came.append(event.payload)
            if came == [0]:
                raise ValueError("not yet")

        runner = await place.open(flow)
        launches = [launch_of(flow, n) for n in range(3)]
        await runner.launch_all(launches)
        await place.ended(runner, launches[-1].run_id)
        assert came == [0, 0, 1, 2]


class TestLaunching:
    async def test_the_same_launch_opens_one_run(self, place: FlowPlace) -> None:
        gate = Gate()
        flow = gated(gate)
        runner = await place.open(flow)
        launch = launch_of(flow, 1)
        results = await runner.launch_all([launch, launch])
        results += await asyncio.gather(runner.launch(launch), runner.launch(launch))
        assert codes(results) == ["launched", "duplicate", "duplicate", "duplicate"]
        assert {result.run_id for result in results} == {launch.run_id}
        gate.is_open.set()
        await place.ended(runner, launch.run_id)
        assert (await runner.launch(launch)).code == "duplicate"
        assert gate.came == [1]
        assert len(await place.records("flow_run")) == 1

    async def test_an_ended_run_is_remembered_over_a_restart_until_it_was_dispatched(self, place: FlowPlace) -> None:
        gate = Gate()
        gate.is_open.set()
        flow = gated(gate)
        runner = await place.open(flow)
        launch = launch_of(flow, 1)
        await runner.launch(launch)
        await place.ended(runner, launch.run_id)
        runner = await place.reopen(flow)
        assert (await runner.launch(launch)).code == "duplicate"
        runner.note_dispatched()
        assert gate.came == [1]

    async def test_a_flow_that_is_not_declared_is_not_found(self, place: FlowPlace) -> None:
        runner = await place.open(three_nodes())
        with pytest.raises(NotFound, match="'nothing'"):
            await runner.launch(launch_of(Flow("nothing")))

    async def test_a_full_lane_refuses_and_says_the_same_when_asked_again(self, place: FlowPlace) -> None:
        place.options = {"most_waiting": 2}
        gate = Gate()
        flow = gated(gate)
        runner = await place.open(flow)
        first = launch_of(flow, 0, connection="c1")
        await runner.launch(first)
        await gate.has_come(1)
        more = [launch_of(flow, n, connection="c1") for n in range(1, 5)]
        assert codes(await runner.launch_all(more)) == ["launched", "launched", "queue_full", "queue_full"]
        assert (await runner.launch(launch_of(flow, 9, connection="c2"))).code == "launched"
        gate.is_open.set()
        await place.all_ended(runner)
        assert (await runner.launch(more[2])).code == "queue_full"
        runner = await place.reopen(flow)
        assert (await runner.launch(more[3])).code == "queue_full"
        assert sorted(gate.came) == [0, 1, 2, 9]


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


class TestStopping:
    async def test_a_run_that_waits_is_stopped_without_running(self, place: FlowPlace) -> None:
        gate = Gate()
        flow = gated(gate)
        runner = await place.open(flow)
        launches = [launch_of(flow, n) for n in range(3)]
        await runner.launch_all(launches)
        await gate.has_come(1)
        await runner.stop(WORKSPACE, launches[1].run_id)
        record = await place.ended(runner, launches[1].run_id)
        assert (record.state, record.status) == ("stopped", "info")
        gate.is_open.set()
        await place.ended(runner, launches[2].run_id)
        assert gate.came == [0, 2]

    async def test_a_run_that_runs_is_stopped_and_its_node_too(self, place: FlowPlace) -> None:
        gate = Gate()
        flow = gated(gate)
        runner = await place.open(flow)
        launches = [launch_of(flow, n) for n in range(2)]
        await runner.launch_all(launches)
        await gate.has_come(1)
        await runner.stop(WORKSPACE, launches[0].run_id)
        record = await place.ended(runner, launches[0].run_id)
        assert (record.state, parameters_of(record)["nodes"]["wait"]["state"]) == ("stopped", "stopped")
        (run,) = await place.records("node_run", parent=record.id)
        assert (run.state, run.status) == ("stopped", "info")
        await gate.has_come(2)
        gate.is_open.set()
        assert (await place.ended(runner, launches[1].run_id)).state == "completed"

    async def test_a_run_that_waits_to_try_again_is_stopped(self, place: FlowPlace) -> None:
        flow = Flow("patient")

        @flow.node(retries=1, backoff_s=600)
        async def fail(event):
            raise ValueError("no")

        runner = await place.open(flow)
        launch = launch_of(flow)
        await runner.launch(launch)
        await until(lambda: node_of(runner, "fail").retry_ms, "it waits to try again")
        await runner.stop(WORKSPACE, launch.run_id)
        assert (await place.ended(runner, launch.run_id)).state == "stopped"

    async def test_what_is_not_open_is_not_found(self, place: FlowPlace) -> None:
        flow = three_nodes()
        runner = await place.open(flow)
        record = await place.run(runner, flow, {"number": 1})
        for run_id in (record.id, new_id(), "nothing"):
            with pytest.raises(NotFound):
                await runner.stop(WORKSPACE, run_id)

    async def test_a_run_of_another_workspace_is_not_found(self, place: FlowPlace) -> None:
        gate = Gate()
        flow = gated(gate)
        runner = await place.open(flow)
        launch = launch_of(flow)
        await runner.launch(launch)
        with pytest.raises(NotFound):
            await runner.stop("other", launch.run_id)
        assert runner.find("other", launch.run_id) is None
        assert runner.open_runs("other") == ()
        gate.is_open.set()


class TestLooking:
    async def test_a_run_that_ended_lately_is_known_as_such_and_no_other(
        self, place: FlowPlace, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(known_runs, "MOST_REMEMBERED", 2)
        gate = Gate()
        flow, waiting = three_nodes(), gated(gate)
        runner = await place.open(flow, waiting)
        launch = launch_of(waiting)
        await runner.launch(launch)
        first, *later = [(await place.run(runner, flow, {"number": n})).id for n in range(3)]
        assert [runner.has_ended_lately(run_id) for run_id in (*later, first, launch.run_id, new_id(), "nothing")] == [
            *(True, True),
            *(False, False, False, False),
        ]
        gate.is_open.set()

    async def test_open_runs_are_listed_in_order_with_their_state_and_nodes(self, place: FlowPlace) -> None:
        gate = Gate()
        flow = gated(gate)
        runner = await place.open(flow)
        launches = [launch_of(flow, n, customer="acme") for n in range(3)]
        await runner.launch_all(launches)
        await gate.has_come(1)
        found = runner.open_runs(WORKSPACE)
        assert [(run.id, run.state) for run in found] == [
            (launches[0].run_id, "running"),
            (launches[1].run_id, "queued"),
            (launches[2].run_id, "queued"),
        ]
        assert found[0].nodes["wait"].state == "running"
        assert (found[0].event.customer, found[0].launched_by) == ("acme", launches[0].launched_by)
        assert runner.open_runs(WORKSPACE, after=found[0].id, limit=1) == (found[1],)
        assert runner.open_runs(WORKSPACE, flow="other") == ()
        status = runner.status()
        assert (status.queued, status.running, status.is_ready) == (2, 1, True)
        gate.is_open.set()
        await place.ended(runner, launches[2].run_id)
        assert runner.open_runs(WORKSPACE) == ()


class TestRepeating:
    async def test_an_ended_run_is_repeated_as_a_new_one_with_the_same_input(self, place: FlowPlace) -> None:
        flow = three_nodes()
        runner = await place.open(flow)
        first = await place.run(runner, flow, {"number": 7}, customer="acme", connection="c1")
        result = await runner.repeat(WORKSPACE, first.id)
        assert result.run_id != first.id
        again = await place.ended(runner, result.run_id)
        assert again.payload == first.payload
        assert (again.parent_id, again.trace_id, again.customer) == (first.parent_id, first.trace_id, "acme")
        assert parameters_of(again)["repeat_of"] == first.id
        assert len(await place.records("node_run", parent=again.id)) == 3

    async def test_a_run_that_runs_is_not_repeated(self, place: FlowPlace) -> None:
        gate = Gate()
        flow = gated(gate)
        runner = await place.open(flow)
        launch = launch_of(flow)
        await runner.launch(launch)
        for again in (runner.repeat, runner.replay):
            with pytest.raises(Conflict) as refused:
                await again(WORKSPACE, launch.run_id)
            assert refused.value.detail == "Cannot repeat a running flow run."
        gate.is_open.set()

    async def test_what_was_never_run_is_not_found(self, place: FlowPlace) -> None:
        runner = await place.open(three_nodes())
        for run_id in (new_id(), "nothing"):
            with pytest.raises(NotFound):
                await runner.repeat(WORKSPACE, run_id)

    async def test_a_replay_takes_over_what_is_before_the_node_it_begins_at(self, place: FlowPlace) -> None:
        ran: list[str] = []
        flow = three_nodes(ran)
        runner = await place.open(flow)
        first = await place.run(runner, flow, {"number": 7})
        ran.clear()
        again = await place.ended(runner, (await runner.replay(WORKSPACE, first.id, "create")).run_id)
        assert ran == ["create", "report"]
        old_lookup = (await place.records("node_run", parent=first.id))[0]
        lookup, create, _ = await place.records("node_run", parent=again.id)
        assert parameters_of(lookup)["reused"] == old_lookup.id
        assert (lookup.payload, lookup.state) == (old_lookup.payload, "completed")
        assert parameters_of(create)["upstream"] == {"lookup": lookup.id}
        told = parameters_of(again)
        assert (told["replay_of"], told["from_node"]) == (first.id, "create")

    async def test_a_replay_may_have_an_edited_input(self, place: FlowPlace) -> None:
        flow = three_nodes()
        runner = await place.open(flow)
        first = await place.run(runner, flow, {"number": 7})
        result = await runner.replay(WORKSPACE, first.id, "create", {"lookup": {"number": 8}})
        again = await place.ended(runner, result.run_id)
        lookup, create, _ = await place.records("node_run", parent=again.id)
        assert (payload_of(create), parameters_of(lookup)["edited"]) == ({"created": 8}, True)
        whole = await runner.replay(WORKSPACE, first.id, edited={"event": {"number": 9}})
        again = await place.ended(runner, whole.run_id)
        assert payload_of(again)["payload"] == {"number": 9}
        assert payload_of((await place.records("node_run", parent=again.id))[1]) == {"created": 9}

    async def test_a_failed_run_is_replayed_from_the_node_that_failed(self, place: FlowPlace) -> None:
        flow, is_down = Flow("mended"), [True]

        @flow.node
        async def lookup(event):
            return 1

        @flow.node
        async def create(lookup):
            if is_down:
                raise ValueError("down")
            return lookup + 1

        runner = await place.open(flow)
        first = await place.run(runner, flow)
        assert first.state == "failed"
        is_down.clear()
        again = await place.ended(runner, (await runner.replay(WORKSPACE, first.id, "create")).run_id)
        assert again.state == "completed"

    async def test_a_replay_survives_a_restart(self, place: FlowPlace) -> None:
        flow, gate, ran = Flow("replayed"), Gate(), []
        gate.is_open.set()

        @flow.node
        async def lookup(event):
            ran.append("lookup")
            return 1

        @flow.node
        async def create(lookup):
            await gate.pass_through(lookup)
            return lookup + 1

        runner = await place.open(flow)
        first = await place.run(runner, flow)
        gate.is_open.clear()
        result = await runner.replay(WORKSPACE, first.id, "create", {"lookup": 5})
        await gate.has_come(2)
        await place.close()
        gate.is_open.set()
        runner = await place.open(flow)
        again = await place.ended(runner, result.run_id)
        assert (ran, gate.came) == (["lookup"], [1, 5, 5])
        assert payload_of((await place.records("node_run", parent=again.id))[-1]) == 6

    async def test_a_replay_that_cannot_be_is_refused_with_the_reason(self, place: FlowPlace) -> None:
        flow = Flow("refusing")

        @flow.node
        async def bad(event):
            raise ValueError("bad")

        @flow.node
        async def after(bad):
            return 1

        runner = await place.open(flow)
        first = await place.run(runner, flow)
        with pytest.raises(Conflict, match="bad, which comes before after, did not complete"):
            await runner.replay(WORKSPACE, first.id, "after")
        with pytest.raises(Invalid, match="'nowhere'"):
            await runner.replay(WORKSPACE, first.id, "nowhere")
        with pytest.raises(Invalid, match="'after'"):
            await runner.replay(WORKSPACE, first.id, "bad", {"after": 1})


async def test_events_of_the_same_moment_have_different_runs() -> None:
    events = [event_of() for _ in range(100)]
    assert len({flow_run_id(event.id, "a") for event in events} | {flow_run_id(e.id, "b") for e in events}) == 200
