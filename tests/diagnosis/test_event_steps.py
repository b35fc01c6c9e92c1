"""The steps of an application event: what counts as one, in which order, and whether the event went well."""

from __future__ import annotations

import json

import pytest

from clew.core.ids import new_id, trace_id_of
from clew.core.record import Body, ErrorInfo, HttpExchange, Kind, Record, summarize
from clew.diagnosis.aip_status import aip_status
from clew.diagnosis.event_steps import EventSteps, find_all_steps, find_steps, is_application_event
from clew.diagnosis.thread import Entry

START = 1_780_000_000_000
REFUSED = ErrorInfo(
    type="http_status",
    message="POST https://ship.example/shipments answered 422",
    data={"status": 422},
    caused_by=ErrorInfo(message="postal_code: must not be blank"),
)


def make(kind: Kind, at: int = 0, parent: Record | None = None, **fields: object) -> Record:
    record_id = new_id(START + at)
    given = {
        "trace_id": parent.trace_id if parent else trace_id_of(record_id),
        "parent_id": parent.id if parent else "",
        "status": "success",
        "customer": "acme",
        "source_product": "erp",
        "target_product": "ship",
        **fields,
    }
    return Record(id=record_id, time=START + at, workspace="default", kind=kind, **given)  # type: ignore[arg-type]


def event(at: int = 0, **fields: object) -> Record:
    return make("external_event", at, **{"event": "order.released", "target_product": "", "status": "info", **fields})


def decision(of: Record, at: int, state: str = "launched", run_id: str = "", **fields: object) -> Record:
    told = json.dumps({"flow_run_id": run_id})
    return make("decision", at, of, **{"state": state, "status": "info", "flow": "f", "parameters": told, **fields})


def run(of: Record, at: int, **fields: object) -> Record:
    return make("flow_run", at, of, **{"flow": "f", "state": "completed", "duration_ms": 100, **fields})


def node(of: Record, at: int, name: str, attempt: int = 1, **fields: object) -> Record:
    told = json.dumps({"attempt": attempt})
    given = {"flow": "f", "node": name, "state": "completed", "parameters": told, "duration_ms": 10, **fields}
    return make("node_run", at, of, **given)


def step(of: Record, at: int, action: str, **fields: object) -> Record:
    return make("step", at, of, **{"action": action, "event": of.event, **fields})


def request(of: Record, at: int, status_code: int) -> Record:
    http = HttpExchange(
        direction="outgoing",
        method="POST",
        url="https://ship.example/shipments",
        status_code=status_code,
        response_body=Body(text="{}", size=2),
    )
    return make("api_request", at, of, status="failure", error=REFUSED, http=http)


def told(steps: EventSteps) -> list[tuple[str, str]]:
    return [(one.action, one.status) for one in steps.steps]


@pytest.fixture(params=["records", "summaries"])
def steps_of(request: pytest.FixtureRequest):
    """Finds the steps of the first record, from the records whole and from what a list has of them."""

    def steps_of(*records: Record) -> EventSteps:
        given: list[Entry] = list(records)
        if request.param == "summaries":
            given = [summarize(one) for one in records]
        return find_steps(given, records[0].id, records[0].customer)

    return steps_of


@pytest.mark.feature("A08", "A09", "A10")
def test_an_event_that_a_flow_processed_was_published_received_and_processed_in_this_order(steps_of) -> None:
    top = event()
    done = run(top, 5)
    steps = steps_of(top, decision(top, 3, run_id=done.id), done, node(done, 8, "lookup"))
    assert told(steps) == [
        ("Published", "success"),
        ("Received", "success"),
        ("Processed", "success"),
        ("Processed", "success"),
    ]
    assert [one.product for one in steps.steps] == ["erp", "erp", "ship", "ship"]
    assert steps.steps[-1].record.kind == "flow_run"
    assert steps.status == "success"
    assert steps.synchronized_ms == START + 105


def test_the_consumer_of_an_event_that_comes_back_is_the_other_end_of_its_integration(steps_of) -> None:
    top = event(source_product="ship")
    assert [one.product for one in steps_of(top, run(top, 5)).steps] == ["ship", "erp"]


def test_a_node_that_was_tried_again_is_retried_and_its_first_attempt_is_made_good(steps_of) -> None:
    top = event()
    done = run(top, 5)
    first = node(done, 8, "create", status="info", state="failed", error=REFUSED)
    steps = steps_of(top, done, first, request(first, 9, 503), node(done, 30, "create", attempt=2))
    assert told(steps)[1:] == [("Processed", "failure"), ("Retried", "success"), ("Processed", "success")]
    assert steps.steps[1].is_overcome
    assert steps.status == "success"
    assert steps.cause is None
    assert steps.failure_class is None


@pytest.mark.feature("A22")
@pytest.mark.parametrize(
    ("status_code", "expected"),
    [
        (422, "data"),
        (400, "data"),
        (401, "configuration"),
        (404, "configuration"),
        (503, "delivery"),
        (429, "delivery"),
    ],
)
def test_the_class_of_a_failure_is_that_of_the_request_at_its_end(steps_of, status_code: int, expected: str) -> None:
    top = event()
    failed = run(top, 5, status="failure", state="failed", error=ErrorInfo(type="http_status", message="it failed"))
    broken = node(failed, 8, "create", status="failure", state="failed", error=ErrorInfo(type="http_status"))
    refused = request(broken, 9, status_code)
    steps = steps_of(top, failed, broken, refused)
    assert steps.status == "failure"
    assert steps.cause is not None
    assert steps.cause.id == refused.id
    assert steps.failure_class == expected


def test_a_type_says_the_class_before_any_status(steps_of) -> None:
    top = event()
    reported = step(top, 5, "Processed", status="failure", error=ErrorInfo(type="configuration", message="no mapping"))
    steps = steps_of(top, reported)
    assert steps.failure_class == "configuration"
    assert steps.failed is not None
    assert steps.failed.reason == "no mapping"


def test_a_flow_that_was_refused_the_event_ignored_it_with_the_reason(steps_of) -> None:
    top = event()
    no = decision(top, 3, "filter_not_matched", message="F was not launched: the country is DE.")
    steps = steps_of(top, no)
    assert told(steps) == [("Published", "success"), ("Ignored", "success")]
    assert steps.steps[-1].reason == "F was not launched: the country is DE."
    assert steps.synchronized_ms is None


def test_a_flow_that_could_not_take_the_event_is_a_delivery_that_failed(steps_of) -> None:
    top = event()
    steps = steps_of(top, decision(top, 3, "queue_full", status="failure", message="full"))
    assert told(steps) == [("Published", "success"), ("Delivered", "failure")]
    assert steps.failure_class == "delivery"


@pytest.mark.feature("A21")
def test_a_run_that_has_not_ended_has_no_processing_result_yet(steps_of) -> None:
    top = event()
    steps = steps_of(top, decision(top, 3, run_id=new_id(START + 4)))
    assert told(steps) == [("Published", "success"), ("Received", "success"), ("Processed", "pending")]
    assert steps.status == "pending"


@pytest.mark.feature("A20", "A21")
@pytest.mark.parametrize("acknowledged", ["Received", "Delivered"])
def test_a_receipt_without_a_result_waits_for_its_second_acknowledgement(steps_of, acknowledged: str) -> None:
    top = make("integration_event", event="order.released", action="Published")
    waiting = steps_of(top, step(top, 5, acknowledged))
    assert told(waiting)[1:] == [(acknowledged, "success"), ("Processed", "pending")]
    assert waiting.steps[-1].product == "ship"
    done = steps_of(top, step(top, 5, acknowledged), step(top, 9, "Processed"))
    assert told(done)[1:] == [(acknowledged, "success"), ("Processed", "success")]


def test_each_consumer_owes_its_own_result(steps_of) -> None:
    top = make("integration_event", event="order.released", action="Published", target_product="")
    received = [step(top, 5, "Received", source_product=product) for product in ("ship", "crm")]
    steps = steps_of(top, *received, step(top, 9, "Processed", source_product="crm"))
    pending = [one for one in steps.steps if one.status == "pending"]
    assert [one.product for one in pending] == ["ship"]


def test_an_event_published_to_another_product_that_nobody_received_has_no_result(steps_of) -> None:
    assert told(steps_of(make("integration_event", event="e", action="Published")))[1:] == [("Processed", "pending")]
    within = make("integration_event", event="e", action="Published", target_product="erp")
    assert steps_of(within).status == "success"


def test_a_failed_step_that_was_done_again_and_went_well_is_made_good(steps_of) -> None:
    top = make("integration_event", event="order.released", action="Published")
    failed = step(top, 5, "Processed", status="failure", message="locked")
    assert steps_of(top, failed).status == "failure"
    again = steps_of(top, failed, step(top, 9, "Retried"))
    assert again.status == "success"
    assert again.synchronized_ms == START + 9
    elsewhere = step(top, 9, "Processed", source_product="crm", target_product="")
    assert steps_of(top, failed, elsewhere).status == "failure"


@pytest.mark.feature("A23")
def test_a_run_that_failed_is_made_good_by_one_that_was_republished(steps_of) -> None:
    top = event()
    failed = run(top, 5, status="failure", state="failed", error=REFUSED)
    broken = node(failed, 6, "create", status="failure", state="failed", error=REFUSED)
    again = run(top, 500)
    republished = step(top, 499, "Republished", flow="f", parameters=json.dumps({"flow_run_id": again.id}))
    waiting = steps_of(top, failed, broken, republished)
    assert waiting.status == "failure"
    assert told(waiting)[-1] == ("Processed", "pending")
    done = steps_of(top, failed, broken, republished, again)
    assert done.status == "success"
    assert done.flows == ("f",)
    assert done.run_of("f") == again.id
    assert done.run_of("g") == ""


def test_one_that_failed_after_it_had_gone_well_failed(steps_of) -> None:
    top = event()
    assert steps_of(top, run(top, 5), run(top, 500, status="failure", state="failed")).status == "failure"


def test_steps_end_at_the_next_application_event_which_is_a_link(steps_of) -> None:
    top = event()
    done = run(top, 5)
    created = make("integration_event", 50, done, event="shipment.created", action="Published")
    below = step(created, 60, "Processed", status="failure", message="no")
    steps = steps_of(top, done, created, below)
    assert [one.id for one in steps.led_to] == [created.id]
    assert steps.status == "success"
    assert len(steps.steps) == 2


def test_an_event_of_a_child_is_a_step_where_its_action_is_one_of_a_step() -> None:
    top = make("integration_event", event="order.released", action="Published")
    assert is_application_event(top)
    assert not is_application_event(make("integration_event", 1, top, action="Processed"))
    assert is_application_event(make("integration_event", 1, top, action="Published"))
    assert is_application_event(make("integration_event", 1, top))
    assert is_application_event(make("internal_event", 1, top, action="Processed"))
    assert not is_application_event(make("step", 1, top))


def test_records_of_another_customer_are_no_steps() -> None:
    top = event()
    theirs = step(top, 5, "Processed", customer="other", status="failure")
    nobodys = step(top, 6, "Processed", customer="")
    steps = find_steps([top, theirs, nobodys], top.id, "acme")
    assert [one.record.id for one in steps.steps] == [top.id, nobodys.id]


def test_a_stopped_run_and_a_skipped_node_say_so(steps_of) -> None:
    top = event()
    stopped = run(top, 5, state="stopped", status="info")
    skipped = node(stopped, 6, "notify", state="skipped", status="info", message="skipped because total is 12")
    assert told(steps_of(top, stopped, skipped))[1:] == [("Ignored", "success"), ("Stopped", "success")]


def test_what_an_event_says_of_itself_is_its_first_step(steps_of) -> None:
    top = make("integration_event", event="invoice.posted", action="Processed", duration_ms=90)
    steps = steps_of(top)
    assert told(steps) == [("Processed", "success")]
    assert steps.synchronized_ms == START + 90
    assert steps_of(make("integration_event", event="e", status="failure", message="closed")).failed.reason == "closed"


def test_the_last_step_that_was_not_ignored_is_the_last_action(steps_of) -> None:
    top = event()
    done = run(top, 5)
    assert steps_of(top, done, decision(top, 400, "flow_disabled")).last.record.id == done.id
    assert steps_of(top, decision(top, 400, "flow_disabled")).last.action == "Published"


def test_steps_of_several_events_of_one_thread_are_kept_apart() -> None:
    first = event()
    second = make("external_event", 5, trace_id=first.trace_id, event="shipment.created")
    runs = [run(first, 10), run(second, 20, status="failure", state="failed")]
    found = find_all_steps([first, second, *runs], [first.id, second.id])
    assert [found[one.id].status for one in (first, second)] == ["success", "failure"]


def test_parameters_that_are_no_object_are_no_harm(steps_of) -> None:
    top = event()
    odd = [decision(top, 3, parameters=text) for text in ("[1]", "{", "7", "[" * 9_000)]
    assert len(steps_of(top, *odd).steps) > 4


@pytest.mark.feature("A26")
@pytest.mark.parametrize(
    ("expected", "below"),
    [
        ("Complete", lambda top: [run(top, 5)]),
        ("Failed", lambda top: [run(top, 5, status="failure", state="failed")]),
        ("Partially Failed", lambda top: [run(top, 5, status="failure", state="failed"), run(top, 6, flow="g")]),
        ("Ignored", lambda top: [decision(top, 5, "no_flow_subscribed", flow="")]),
        ("Review", lambda top: [run(top, 5, state="stopped", status="info")]),
        ("Ready", lambda top: [decision(top, 5, run_id=new_id(START))]),
        ("Open", lambda top: []),
    ],
)
def test_the_richer_word_is_told_by_the_steps(steps_of, expected: str, below) -> None:
    top = event()
    assert aip_status(steps_of(top, *below(top))) == expected


@pytest.mark.feature("A26")
def test_the_sender_s_own_word_wins_where_it_is_one(steps_of) -> None:
    assert aip_status(steps_of(event(state="partially failed"))) == "Partially Failed"
    assert aip_status(steps_of(event(state="created"))) == "Open"
    assert aip_status(steps_of(event(status="success"))) == "Complete"
