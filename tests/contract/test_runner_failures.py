"""The runner's contract: what becomes of nodes that fail, hang, or return what cannot be kept."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

from clew.flows.flow import Flow
from harness.flow_place import FlowPlace, launch_of, parameters_of, payload_of, until
from harness.flow_samples import three_nodes


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
        assert Path(__file__).name in run.error.stack
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
