"""A flow run put together from its records: every node is there, also those that left none."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from clew.core.record import ErrorInfo, Record
from clew.diagnosis.flow_run import RunFacts, assemble_run, facts_of
from clew.flows.graph import Graph, Node

T0 = 1_780_000_000_000
GRAPH = Graph(
    tuple(
        Node(name=name, function=len, upstream=upstream)
        for name, upstream in [
            ("lookup", ()),
            ("create", ("lookup",)),
            ("notify", ("lookup",)),
            ("confirm", ("create", "notify")),
        ]
    )
)


def record(record_id: str, kind: Any, parent_id: str, time: int = 0, **fields: Any) -> Record:
    parameters = msgspec.json.encode(fields.pop("parameters", {})).decode()
    return Record(
        id=record_id, time=T0 + time, workspace="w", kind=kind, parent_id=parent_id, parameters=parameters, **fields
    )


def node_run(record_id: str, node: str, time: int, state: str = "completed", **fields: Any) -> Record:
    return record(record_id, "node_run", "run", time, node=node, state=state, **fields)


RUN = record(
    "run",
    "flow_run",
    "event",
    flow="order-to-ship",
    state="failed",
    status="failure",
    parameters={"launched_by": {"type": "external-event", "ids": ["event"]}, "nodes": {"notify": {"reason": "small"}}},
)


def test_each_node_has_its_state_and_those_that_did_not_run_say_why() -> None:
    error = ErrorInfo(message="outer", caused_by=ErrorInfo(message="postal_code must not be blank"))
    trace = [
        node_run("l1", "lookup", 1, status="success", duration_ms=5),
        node_run("c1", "create", 2, "failed", status="info", error=error, parameters={"attempt": 1, "attempts": 2}),
        node_run("c2", "create", 9, "failed", status="failure", error=error, parameters={"attempt": 2, "attempts": 2}),
        node_run("n1", "notify", 3, "skipped", message="notify was skipped: total is 3"),
    ]
    run = assemble_run(facts_of(RUN), RUN, trace, GRAPH)
    assert [(node.name, node.state) for node in run.nodes] == [
        ("lookup", "completed"),
        ("create", "failed"),
        ("notify", "skipped"),
        ("confirm", "not_reached"),
    ]
    create, notify, confirm = run.nodes[1:]
    assert (len(create.runs), create.errors, create.has_failure) == (2, 2, True)
    assert create.reason == "postal_code must not be blank"
    assert notify.reason == "notify was skipped: total is 3"
    assert confirm.reason == "not reached: create failed and notify was skipped"
    assert run.edges == (("lookup", "create"), ("lookup", "notify"), ("create", "confirm"), ("notify", "confirm"))


def test_a_retry_that_recovered_has_no_dot() -> None:
    error = ErrorInfo(message="503")
    trace = [
        node_run("c1", "create", 1, "failed", status="info", error=error, parameters={"attempt": 1}),
        node_run("c2", "create", 2, status="success", parameters={"attempt": 2}),
    ]
    create = assemble_run(facts_of(RUN), RUN, trace, GRAPH).node("create")
    assert create
    assert (create.state, create.errors, create.has_failure) == ("completed", 1, False)


@pytest.mark.feature("D06", "D10")
def test_node_runs_lead_to_what_made_their_input_and_to_what_took_their_output() -> None:
    trace = [
        node_run("l1", "lookup", 1, status="success"),
        node_run("c1", "create", 2, status="success", parameters={"upstream": {"lookup": "l1"}, "input": {"a": 1}}),
        record("q1", "api_request", "c1", 3),
        record("other", "api_request", "elsewhere", 3),
        record("stranger", "node_run", "other-run", 4, node="lookup", state="completed"),
    ]
    run = assemble_run(facts_of(RUN), RUN, trace, GRAPH)
    lookup, create = run.node("lookup"), run.node("create")
    assert lookup
    assert create
    assert [one.record.id for one in lookup.runs] == ["l1"]
    assert lookup.runs[0].downstream == (("create", "c1"),)
    assert create.runs[0].upstream == (("lookup", "l1"),)
    assert create.runs[0].input == {"a": 1}
    assert [request.id for request in create.runs[0].requests] == ["q1"]


def test_an_open_run_shows_what_waits_and_what_was_stopped_is_stopped() -> None:
    facts = RunFacts(
        id="run",
        flow="order-to-ship",
        state="running",
        event_id="event",
        trace_id="t",
        time=T0,
        node_states={"create": {"state": "running", "reason": ""}},
    )
    run = assemble_run(facts, None, [node_run("l1", "lookup", 1, status="success")], GRAPH)
    assert run.is_open
    assert [node.state for node in run.nodes] == ["completed", "running", "waiting", "waiting"]
    stopped = assemble_run(facts_of(RUN), RUN, [node_run("l1", "lookup", 1, "stopped")], GRAPH)
    assert [node.state for node in stopped.nodes] == ["stopped", "not_reached", "not_reached", "not_reached"]


def test_a_run_of_a_flow_that_is_gone_shows_the_nodes_that_left_a_record() -> None:
    trace = [
        node_run("l1", "lookup", 1, status="success"),
        node_run("c1", "create", 2, "failed", status="failure", parameters={"upstream": {"lookup": "l1"}}),
    ]
    run = assemble_run(facts_of(RUN), RUN, trace, None)
    assert [(node.name, node.upstream, node.state) for node in run.nodes] == [
        ("lookup", (), "completed"),
        ("create", ("lookup",), "failed"),
    ]
