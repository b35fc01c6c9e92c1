"""The runner's contract: what people ask of it: to stop a run, to repeat it, to replay it from a node on."""

from __future__ import annotations

import pytest

from clew.core.errors import Conflict, Invalid, NotFound
from clew.core.ids import new_id
from clew.flows.flow import Flow
from harness.flow_place import WORKSPACE, FlowPlace, launch_of, parameters_of, payload_of, until
from harness.flow_samples import Gate, gated, node_of, three_nodes


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
