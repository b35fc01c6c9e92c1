from __future__ import annotations

import httpx
import pytest

from clew.core.clock import FakeClock, to_rfc3339
from clew.core.ids import digest, new_id, time_of, trace_id_of
from clew.core.record import ErrorInfo, LogLine, Record, decode_line
from clew.core.redaction import Redactor
from clew.flows.cleaning import Cleaner
from clew.flows.exchanges import Exchange
from clew.flows.flow import Flow
from clew.flows.records import MOST_INPUT_BYTES, Attempt, Decided, Ended, RunRecords, decision_item
from clew.flows.runner import Launch
from clew.journal.journal import Item
from clew.registry.declare import Integration, Product
from clew.registry.integrations import Method
from clew.triggers.match import Verdict
from harness.flow_place import event_of, launch_of, parameters_of, payload_of

CLEANER = Cleaner(Redactor())


def order_flow(direction: Method = "one-way") -> Flow:
    orders = Integration("orders", source=Product("erp"), target=Product("ship"), direction=direction)
    flow = Flow("order-to-ship", integration=orders)

    @flow.node
    async def lookup(event):
        return None

    return flow


def read(item: Item) -> Record:
    record = decode_line(item.line)
    assert record.id == item.id
    return record


def launched(payload: object = None, **fields: object) -> tuple[Launch, RunRecords]:
    flow = order_flow()
    launch = launch_of(flow, payload, **fields)
    return launch, RunRecords(launch, flow, CLEANER)


def test_a_node_run_says_whose_it_is_and_has_the_time_of_its_id() -> None:
    launch, records = launched(customer="acme", connection="c1", keys={"order": "SO-1"})
    attempt = Attempt(id=new_id(), node="lookup", output=b'{"a":1}', input={"event": b"{}"}, upstream={"x": "y"})
    record = read(records.node_run(attempt))
    assert (record.time, record.parent_id, record.flow, record.node) == (
        time_of(attempt.id),
        launch.run_id,
        "order-to-ship",
        "lookup",
    )
    assert (record.integration, record.source_product, record.target_product) == ("orders", "erp", "ship")
    assert (record.customer, record.connection, record.keys, record.source) == (
        "acme",
        "c1",
        {"order": "SO-1"},
        "orders",
    )
    assert (record.payload, record.content_type, len(record.flow_version)) == ('{"a":1}', "application/json", 12)
    assert parameters_of(record) == {"attempt": 1, "attempts": 1, "input": {"event": {}}, "upstream": {"x": "y"}}


def test_the_same_attempt_has_the_same_key_and_another_one_another() -> None:
    _, records = launched()

    def key(node: str, number: int) -> bytes:
        return records.node_run(Attempt(id=new_id(), node=node, number=number)).key

    assert key("a", 1) == key("a", 1)
    assert len({key("a", 1), key("a", 2), key("b", 1), launched()[1].node_run(Attempt(id=new_id(), node="a")).key}) == 4


def test_a_long_input_is_left_to_the_record_it_came_from() -> None:
    _, records = launched()
    long = b'"' + b"x" * MOST_INPUT_BYTES + b'"'
    record = read(records.node_run(Attempt(id=new_id(), node="a", input={"lookup": long})))
    assert parameters_of(record)["input"] == {"lookup": {"cut": True, "size": len(long)}}


@pytest.mark.feature("C90")
def test_secrets_leave_output_logs_and_error_and_the_places_are_told() -> None:
    _, records = launched()
    attempt = Attempt(
        id=new_id(),
        node="a",
        output=b'{"token":"t","list":[{"password":"p"}]}',
        input={"lookup": b'{"token":"t"}'},
        message='no {"secret":"s"}',
        logs=(LogLine(time=1, msg="m", data={"token": "t"}),),
        error=ErrorInfo(type="x", message='no {"secret":"s"}', data={"token": "t"}),
    )
    record = read(records.node_run(attempt))
    assert payload_of(record) == {"token": "****", "list": [{"password": "****"}]}
    assert parameters_of(record)["input"] == {"lookup": {"token": "****"}}
    assert record.redacted == ("/parameters/input/lookup/token", "/payload/token", "/payload/list/0/password")
    assert record.error == ErrorInfo(type="x", message='no {"secret":"****"}', data={"token": "****"})
    assert (record.message, record.logs[0].data) == ('no {"secret":"****"}', {"token": "****"})


def test_a_flow_run_has_the_events_time_its_input_and_how_it_ended() -> None:
    launch, records = launched({"number": 1, "password": "p"})
    nodes = {"lookup": {"state": "completed", "runs": 1, "errors": 0, "reason": ""}}
    ended = Ended(state="completed", queued_ms=1_000, started_ms=2_000, ended_ms=5_000, nodes=nodes, message="done")
    item = records.flow_run(ended)
    record = read(item)
    assert (record.id, record.time, record.parent_id) == (launch.run_id, launch.event.time, launch.event.id)
    assert (record.kind, record.event, record.state, record.status, record.duration_ms) == (
        "flow_run",
        "order-to-ship",
        "completed",
        "success",
        3_000,
    )
    assert payload_of(record)["payload"] == {"number": 1, "password": "****"}
    assert record.redacted == ("/payload/payload/password",)
    assert parameters_of(record) == {
        "launched_by": {"type": "external-event", "ids": [launch.event.id]},
        "start_node": "lookup",
        "nodes": nodes,
        "queued_at": to_rfc3339(1_000),
        "started_at": to_rfc3339(2_000),
        "ended_at": to_rfc3339(5_000),
    }
    assert item.key == digest("flow_run", launch.run_id)


def test_what_was_stopped_is_no_failure() -> None:
    _, records = launched()
    states = []
    for state in ("completed", "failed", "stopped"):
        ended = Ended(state=state, queued_ms=1, started_ms=None, ended_ms=2, nodes={})
        states.append(read(records.flow_run(ended)).status)
    assert states == ["success", "failure", "info"]


def test_a_run_without_a_trace_has_that_of_its_event() -> None:
    launch, records = launched(trace_id="")
    assert records.trace_id == trace_id_of(launch.event.id)


def test_a_run_whose_flow_is_gone_still_says_what_it_can() -> None:
    launch, _ = launched(integration="orders")
    records = RunRecords(launch, None, CLEANER)
    record = read(records.flow_run(Ended(state="failed", queued_ms=1, started_ms=None, ended_ms=2, nodes={})))
    assert (record.flow, record.flow_version, record.integration) == ("order-to-ship", "", "orders")


def test_a_decision_says_the_clause_what_it_expected_and_what_was_there() -> None:
    event_id = new_id()
    event = Record(
        id=event_id,
        time=time_of(event_id),
        workspace="default",
        kind="external_event",
        event="order.released",
        trace_id=trace_id_of(event_id),
        customer="acme",
    )
    verdict = Verdict(False, "event.payload.country == 'US'", "'US'", "CA", "event.payload.country is 'CA'")
    decided = Decided(flow="order-to-ship", code="filter_not_matched", message="not launched", verdict=verdict)
    item = decision_item(event, decided, order_flow())
    record = read(item)
    assert (record.parent_id, record.state, record.status, record.customer, record.integration) == (
        event_id,
        "filter_not_matched",
        "info",
        "acme",
        "orders",
    )
    assert parameters_of(record) == {
        "verdict": "not_launched",
        "code": "filter_not_matched",
        "clause": "event.payload.country == 'US'",
        "expected": "'US'",
        "actual": "CA",
        "reason": "event.payload.country is 'CA'",
        "flow_run_id": "",
    }
    assert item.key == decision_item(event, decided, None).key
    full = Decided(flow="order-to-ship", code="queue_full", message="full")
    assert read(decision_item(event, full, None)).status == "failure"


def test_an_event_goes_as_json_and_comes_back_in_a_repeat() -> None:
    event = event_of({"number": 12345678901234567890123, "text": "é"}, keys={"order": "SO-1"})
    _, records = launched(event.payload, keys=event.keys)
    record = read(records.flow_run(Ended(state="completed", queued_ms=1, started_ms=None, ended_ms=2, nodes={})))
    assert payload_of(record)["payload"] == event.payload


def request_of(records: RunRecords, product: str) -> Record:
    request = httpx.Request("GET", "https://x.example/orders/1")
    exchange = Exchange(request, CLEANER, FakeClock(), lambda _: None)
    return read(records.api_request(product, exchange, "lookup", new_id(), 1))


@pytest.mark.parametrize(
    ("product", "source"),
    [("ship", "erp"), ("erp", "ship"), ("crm", "erp")],
)
def test_a_request_goes_one_way_from_the_other_side_to_the_product_that_is_called(product: str, source: str) -> None:
    flow = order_flow("two-way")
    record = request_of(RunRecords(launch_of(flow), flow, CLEANER), product)
    assert (record.source_product, record.target_product, record.direction) == (source, product, "one-way")
    run = read(RunRecords(launch_of(flow), flow, CLEANER).node_run(Attempt(id=new_id(), node="lookup")))
    assert (run.source_product, run.target_product, run.direction) == ("erp", "ship", "two-way")


def test_a_request_of_a_flow_without_an_integration_names_the_product_that_is_called() -> None:
    flow = Flow("alone")

    @flow.node
    async def lookup(event):
        return None

    record = request_of(RunRecords(launch_of(flow), flow, CLEANER), "erp")
    assert (record.source_product, record.target_product, record.direction) == ("", "erp", "")
