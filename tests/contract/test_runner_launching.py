"""The runner's contract: which launches open runs, in which order those run, and how they are seen."""

from __future__ import annotations

import asyncio

import pytest

from clew.core.errors import NotFound
from clew.core.ids import new_id
from clew.flows import known_runs
from clew.flows.flow import Flow
from harness.flow_place import WORKSPACE, FlowPlace, codes, launch_of
from harness.flow_samples import Gate, gated, three_nodes


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
