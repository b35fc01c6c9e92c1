"""The first failure that explains a record, the way to it, and what else it broke."""

from __future__ import annotations

import random

import pytest

from clew.core.record import ErrorInfo, Record
from harness.causes import REASON, REFUSED, Make, cause_of, found


@pytest.fixture
def reported(make: Make) -> list[Record]:
    """An order whose steps were reported: webhook → event → published → lookup and creation → request, refused."""
    outer = ErrorInfo(type="dependency_error", message="create_shipment failed", caused_by=REFUSED)
    return [
        make("external_webhook", "webhook", event="order.released"),
        make("external_event", "event", "webhook", 4, status="info", event="order.released"),
        make("integration_event", "published", "event", 10, event="order.released", status="failure", error=outer),
        make("integration_event", "lookup", "published", 12, event="lookup"),
        make("integration_event", "get", "lookup", 13, event="GET /orders/SO-1"),
        make(
            "integration_event",
            "create",
            "published",
            20,
            event="create_shipment",
            status="failure",
            message="Ship refused the shipment",
            error=outer,
        ),
        make(
            "integration_event",
            "post",
            "create",
            25,
            event="POST /shipments",
            target_product="ship",
            status="failure",
            message=f"422 {REASON}",
            parameters={"method": "POST", "url": "http://127.0.0.1:9/shipments", "status_code": 422},
            error=REFUSED,
        ),
        make("integration_event", "received", "create", 30, event="order.released"),
    ]


@pytest.fixture
def flow_run(make: Make) -> list[Record]:
    """An order whose run failed: event → decision and run → node runs → requests."""
    error = ErrorInfo(type="http_status", message="POST https://ship.example/shipments answered 422", caused_by=REFUSED)
    return [
        make("external_event", "event", status="info", event="order.released"),
        make(
            "decision",
            "launched",
            "event",
            1,
            status="info",
            flow="order-to-ship",
            state="launched",
            parameters={"flow_run_id": "run"},
        ),
        make(
            "decision",
            "refused",
            "event",
            2,
            status="info",
            flow="order-to-bi",
            state="filter_not_matched",
            message="The country is DE, expected US.",
        ),
        make(
            "flow_run",
            "run",
            "event",
            3,
            status="failure",
            flow="order-to-ship",
            error=ErrorInfo(type="flow_run", message="create_shipment failed", caused_by=error),
        ),
        make("node_run", "lookup", "run", 4, node="lookup"),
        make("api_request", "get", "lookup", 5),
        make("node_run", "create", "run", 6, node="create_shipment", status="failure", error=error),
        make("api_request", "post", "create", 7, status="failure", target_product="ship", error=REFUSED),
    ]


def test_the_cause_of_a_reported_chain_is_the_request_that_was_refused(reported: list[Record]) -> None:
    cause = cause_of(reported, "webhook")
    assert found(cause) == ("post", ["webhook", "event", "published", "create", "post"], [])
    assert cause.explanation.summary == f"Aptean Ship refused POST /shipments (422): {REASON}."
    assert cause.explanation.code == "refused"


@pytest.mark.parametrize(
    ("asked", "path", "broke"),
    [
        ("published", ["published", "create", "post"], []),
        ("create", ["create", "post"], ["published"]),
        ("post", ["post"], ["create", "published"]),
        ("received", ["received", "create", "post"], ["published"]),
        ("get", ["get", "lookup", "published", "create", "post"], []),
    ],
)
def test_from_any_record_the_path_leads_up_and_down_to_the_cause(
    reported: list[Record], asked: str, path: list[str], broke: list[str]
) -> None:
    random.Random(7).shuffle(reported)
    assert found(cause_of(reported, asked)) == ("post", path, broke)


def test_each_broken_record_has_a_sentence_of_its_own(reported: list[Record]) -> None:
    assert [broken.sentence for broken in cause_of(reported, "post").broke] == [
        "create_shipment failed: Ship refused the shipment.",
        "order.released failed: create_shipment failed.",
    ]


def test_the_cause_of_a_flow_run_is_the_request_of_the_node_that_failed(flow_run: list[Record]) -> None:
    assert found(cause_of(flow_run, "run")) == ("post", ["run", "create", "post"], [])
    cause = cause_of(flow_run, "post")
    assert found(cause) == ("post", ["post"], ["create", "run"])
    assert [broken.sentence for broken in cause.broke][
        1
    ] == "The flow run order-to-ship failed: create_shipment failed."


def test_a_decision_that_launched_a_run_leads_to_why_that_run_failed(flow_run: list[Record], make: Make) -> None:
    other = make("flow_run", "other run", "event", 0, status="failure", message="it broke first")
    chain = [other, *flow_run]
    assert found(cause_of(chain, "launched"))[:2] == ("post", ["launched", "event", "run", "create", "post"])
    assert found(cause_of(chain, "event"))[0] == "other run"


def test_a_decision_against_a_run_explains_itself_whatever_failed_beside_it(flow_run: list[Record]) -> None:
    cause = cause_of(flow_run, "refused")
    assert found(cause) == ("refused", ["refused"], [])
    assert cause.explanation.summary == "The country is DE, expected US."
    assert cause.explanation.code == "filter_not_matched"


def test_a_skipped_node_explains_itself(flow_run: list[Record], make: Make) -> None:
    skipped = make("node_run", "notify", "run", 9, status="info", state="skipped", message="lookup was skipped")
    cause = cause_of([*flow_run, skipped], "notify")
    assert found(cause)[0] == "notify"
    assert cause.explanation.summary == "lookup was skipped."


def test_a_failure_that_a_retry_recovered_is_not_a_cause(make: Make) -> None:
    chain = [
        make("external_event", "event", status="info"),
        make("flow_run", "run", "event", 1, flow="f"),
        make("node_run", "first", "run", 2, status="info", state="failed", node="create_shipment"),
        make("api_request", "503", "first", 3, status="failure", message="POST /shipments answered 503"),
        make("node_run", "second", "run", 4, node="create_shipment"),
    ]
    for asked in ("event", "run", "first", "second"):
        cause = cause_of(chain, asked)
        assert found(cause) == ("", [], [])
        assert cause.explanation.code == "recovered"
    recovered = cause_of(chain, "503")
    assert found(recovered) == ("503", ["503"], [])
    assert "tried again" in recovered.explanation.advice


def test_where_the_last_attempt_gave_up_it_is_the_cause_from_every_attempt(make: Make) -> None:
    error = ErrorInfo(type="http", message="answered 503")
    chain = [
        make("flow_run", "run", "", 1, flow="f", status="failure", error=error),
        make("node_run", "first", "run", 2, status="info", state="failed", error=error),
        make("api_request", "first 503", "first", 3, status="failure", error=error),
        make("node_run", "last", "run", 4, status="failure", error=error),
        make("api_request", "last 503", "last", 5, status="failure", error=error),
    ]
    assert found(cause_of(chain, "run")) == ("last 503", ["run", "last", "last 503"], [])
    assert found(cause_of(chain, "first")) == ("last 503", ["first", "run", "last", "last 503"], [])


def test_a_failure_that_was_allowed_is_not_the_cause_of_what_failed_after_it(make: Make) -> None:
    chain = [
        make("flow_run", "run", "", 1, status="failure", error=ErrorInfo(message="ship failed")),
        make("node_run", "enrich", "run", 2, state="completed", status="info", error=ErrorInfo(message="allowed")),
        make("api_request", "404", "enrich", 3, status="failure", error=ErrorInfo(message="allowed")),
        make("node_run", "ship", "run", 4, status="failure", error=ErrorInfo(message="ship failed")),
    ]
    assert found(cause_of(chain, "run")) == ("ship", ["run", "ship"], [])
    assert found(cause_of(chain, "enrich")) == ("ship", ["enrich", "run", "ship"], [])


def test_a_chain_in_which_nothing_failed_says_so(make: Make) -> None:
    cause = cause_of([make("step", "a"), make("step", "b", "a", 1)], "b")
    assert found(cause) == ("", [], [])
    assert cause.explanation.summary == "Nothing in this chain failed."


def test_an_event_for_which_no_flow_ran_says_why(make: Make) -> None:
    chain = [
        make("external_event", "event", status="info"),
        make("decision", "d", "event", 1, status="info", state="flow_disabled", message="order-to-ship is disabled."),
    ]
    cause = cause_of(chain, "event")
    assert found(cause)[0] == ""
    assert cause.explanation.summary == "Nothing failed, and no flow ran: order-to-ship is disabled."


def test_a_repeated_delivery_points_to_the_first(make: Make) -> None:
    repeated = make("external_webhook", "w", status="info", duplicate_of="first", message="It came before, as first.")
    assert cause_of([repeated], "w").explanation.code == "duplicate"


def test_a_webhook_that_was_refused_for_its_signature_is_its_own_cause(make: Make) -> None:
    error = ErrorInfo(
        type="signature", key="wrong", message="The signature is of another secret.", data={"hint": "Compare them."}
    )
    webhook = make("external_webhook", "w", status="failure", state="error", source_product="erp", error=error)
    cause = cause_of([webhook], "w")
    assert found(cause) == ("w", ["w"], [])
    assert cause.explanation.summary == (
        "The webhook from ERP was refused for its signature: The signature is of another secret."
    )
    assert cause.explanation.advice == "Compare them."


def test_events_that_were_refused_with_their_webhook_are_broken_by_it(make: Make) -> None:
    error = ErrorInfo(type="parse", key="event_not_found", message="The event has no name.")
    chain = [
        make("external_webhook", "webhook", status="failure", error=error),
        make("external_event", "event 1", "webhook", 1, status="failure", error=error),
        make("external_event", "event 2", "webhook", 1, status="failure", error=error),
    ]
    assert found(cause_of(chain, "webhook")) == ("webhook", ["webhook"], ["event 1", "event 2"])
    assert found(cause_of(chain, "event 2")) == ("webhook", ["event 2", "webhook"], ["event 1"])


def test_a_notification_that_failed_does_not_explain_the_run_that_it_tells_of(make: Make) -> None:
    chain = [
        make("flow_run", "run", "", 1, status="failure", message="create_shipment failed"),
        make("notification", "mail", "run", 2, status="failure", message="the mail server is down"),
    ]
    assert found(cause_of(chain, "run")) == ("run", ["run"], [])
    assert found(cause_of(chain, "mail")) == ("mail", ["mail"], [])


def test_a_run_that_a_node_led_to_does_not_explain_why_the_first_run_failed(make: Make) -> None:
    chain = [
        make("flow_run", "run", "", 1, status="failure"),
        make("node_run", "publish", "run", 2),
        make("internal_event", "event", "publish", 3, status="info"),
        make("flow_run", "other", "event", 4, status="failure", message="no stock"),
        make("node_run", "ship", "run", 5, status="failure", message="it broke"),
    ]
    assert found(cause_of(chain, "run"))[0] == "ship"
    assert found(cause_of(chain, "publish")) == ("other", ["publish", "event", "other"], [])
    assert found(cause_of(chain, "other")) == ("other", ["other"], [])


def test_a_request_that_the_node_got_over_is_not_why_its_code_failed_later(make: Make) -> None:
    error = ErrorInfo(type="KeyError", message="'postal_code'")
    missing = make("api_request", "find", "node", 2, status="failure", message="GET answered 404")
    node = make("node_run", "node", "", 1, status="failure", node="create_shipment", error=error)
    created = make("api_request", "create", "node", 3)
    assert found(cause_of([node, missing, created], "node"))[0] == "node"
    assert found(cause_of([node, missing], "node"))[0] == "find"


def test_of_several_failures_the_one_that_the_failed_record_speaks_of_is_the_cause(make: Make) -> None:
    said = ErrorInfo(type="flow_run", message="two failed", caused_by=ErrorInfo(message="no stock"))
    chain = [
        make("integration_event", "order", status="failure", error=said),
        make("integration_event", "mail", "order", 1, status="failure", error=ErrorInfo(message="mail refused")),
        make("integration_event", "stock", "order", 2, status="failure", error=ErrorInfo(message="no stock")),
    ]
    assert found(cause_of(chain, "order"))[0] == "stock"
    by_url = ErrorInfo(type="http_status", message="GET https://b.example/stock answered 404")
    urls = [
        make("api_request", n, "node", t, status="failure", parameters={"url": f"https://{n}.example/stock"})
        for t, n in enumerate("ab", 2)
    ]
    assert found(cause_of([make("node_run", "node", status="failure", error=by_url), *urls], "node"))[0] == "b"


def test_of_several_failures_that_say_nothing_the_first_is_the_cause(make: Make) -> None:
    chain = [make("step", "order"), *(make("step", n, "order", 9 - i, status="failure") for i, n in enumerate("abc"))]
    assert found(cause_of(chain, "order"))[0] == "c"


def test_a_failure_that_gives_no_reason_is_explained_by_what_it_broke(make: Make) -> None:
    chain = [
        make("step", "order", status="failure", event="order.released", message="the carrier is closed on Sundays"),
        make("step", "post", "order", 1, status="failure", event="POST /shipments"),
    ]
    cause = cause_of(chain, "order")
    assert found(cause)[0] == "post"
    assert cause.explanation.summary == "order.released failed: the carrier is closed on Sundays."


def test_a_failure_in_another_part_of_a_chain_whose_parents_are_not_kept_is_found(make: Make) -> None:
    chain = [
        make("external_event", "event", status="info"),
        make("node_run", "create", "a run that is still open", 5, status="failure", message="it broke"),
    ]
    assert found(cause_of(chain, "event")) == ("create", ["event", "create"], [])


def test_a_record_that_is_not_in_the_chain_is_a_key_error(make: Make) -> None:
    with pytest.raises(KeyError):
        cause_of([make("step", "a")], "b")


def test_a_node_that_failed_by_its_own_code_is_the_cause_though_another_went_well_after_it(make: Make) -> None:
    missing = ErrorInfo(type="KeyError", message="'postal_code'")
    outer = ErrorInfo(type="flow_run", message="create failed", caused_by=missing)
    records = [
        make("external_event", "event", status="info"),
        make("flow_run", "run", "event", 1, status="failure", error=outer),
        make("node_run", "create", "run", 2, node="create", status="failure", error=missing),
        make("node_run", "notify", "run", 3, node="notify"),
    ]
    assert found(cause_of(records, "event"))[:2] == ("create", ["event", "run", "create"])
    assert found(cause_of(records, "run"))[:2] == ("create", ["run", "create"])
