"""The runner's contract: what a run's nodes get and leave on record, and when they are skipped."""

from __future__ import annotations

import asyncio
import threading

import pytest

from clew.core.clock import from_rfc3339
from clew.flows.flow import Flow
from clew.flows.run_ids import flow_run_id
from harness.flow_place import DEADLINE_S, FlowPlace, event_of, launch_of, parameters_of, payload_of
from harness.flow_samples import three_nodes


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


async def test_events_of_the_same_moment_have_different_runs() -> None:
    events = [event_of() for _ in range(100)]
    assert len({flow_run_id(event.id, "a") for event in events} | {flow_run_id(e.id, "b") for e in events}) == 200
