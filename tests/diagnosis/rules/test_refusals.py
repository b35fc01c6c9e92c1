"""What the other side answered: not found, not taken, broken."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from clew.core.record import ErrorInfo, Record
from clew.diagnosis.rule import Explanation

Make = Callable[..., Record]
Explain = Callable[[Record], Explanation]
BODY = {"status": 422, "errors": [{"field": "postal_code", "message": "must not be blank"}]}
SAID = "Aptean Ship refused POST /shipments (422): postal_code: must not be blank."


def test_a_refusal_says_the_field_and_the_message_of_the_response(make_call: Make, explained: Explain) -> None:
    told = explained(make_call(422, BODY))
    assert (told.code, told.summary) == ("refused", SAID)
    assert told.advice == "Correct the data where it comes from, then run it again."


@pytest.mark.parametrize(
    "fields",
    [
        {"parameters": {"status_code": 422, "response": BODY}},
        {"parameters": {"status_code": "422"}, "error": ErrorInfo(type="HTTPStatusError", data=BODY)},
        {"error": ErrorInfo(message="it answered 422", caused_by=ErrorInfo(data={"body": BODY}))},
        {"state": "422 Unprocessable Entity", "message": "postal_code: must not be blank"},
        {"message": "Ship answered 422", "error": ErrorInfo(message="postal_code: must not be blank")},
    ],
)
def test_a_reported_step_says_as_much_wherever_it_says_it(make: Make, explained: Explain, fields: dict) -> None:
    step = make("integration_event", event="POST /shipments", target_product="ship", status="failure", **fields)
    assert explained(step).summary == SAID


@pytest.mark.parametrize("status_code", [400, 405, 413, 415, 422])
def test_a_refusal_that_says_nothing_has_its_status(make_call: Make, explained: Explain, status_code: int) -> None:
    told = explained(make_call(status_code))
    assert told.code == "refused"
    assert told.summary == f"Aptean Ship refused POST /shipments ({status_code})."
    assert told.advice == ""


def test_a_409_is_a_conflict_with_what_is_there(make_call: Make, explained: Explain) -> None:
    told = explained(make_call(409, {"error": {"message": "SO-1 has a shipment already"}}))
    assert told.code == "conflict"
    assert told.summary == "Aptean Ship refused POST /shipments (409): SO-1 has a shipment already."


def test_a_request_to_us_was_refused_by_us(make_call: Make, explained: Explain) -> None:
    record = make_call(422, {"detail": "There is no such field."}, direction="incoming", url="http://clew/v1/events")
    assert explained(record).summary == "Clew refused POST /v1/events (422): There is no such field."


@pytest.mark.parametrize("status_code", [404, 410])
def test_a_404_says_what_was_asked_for(make_call: Make, explained: Explain, status_code: int) -> None:
    record = make_call(status_code, method="GET", url="https://ship.example/shipments/9?expand=lines")
    told = explained(record)
    assert told.code == "not_found"
    assert told.summary == f"Aptean Ship did not find what was asked for GET /shipments/9 ({status_code})."


def test_a_key_says_not_found_without_a_status(make: Make, explained: Explain) -> None:
    record = make(
        "step", status="failure", target_product="erp", error=ErrorInfo(key="not_found", message="no order SO-1")
    )
    assert explained(record).summary == "ERP did not find what was asked: no order SO-1."


def test_a_500_is_a_mistake_of_the_other_side(make_call: Make, explained: Explain) -> None:
    told = explained(make_call(500, {"message": "ZeroDivisionError: float division by zero", "request_id": "r-81"}))
    assert told.code == "server_error"
    assert told.summary == ("Aptean Ship made a mistake of its own (500): ZeroDivisionError: float division by zero.")
    assert told.advice == (
        "Run it again; if that fails too, ask those who run Aptean Ship. Their id of the request is r-81."
    )


@pytest.mark.parametrize(
    ("status_code", "body", "summary"),
    [
        (500, None, "Aptean Ship made a mistake of its own (500)."),
        (500, "Internal Server Error", "Aptean Ship made a mistake of its own (500)."),
        (500, {"title": "Internal Server Error", "status": 500}, "Aptean Ship made a mistake of its own (500)."),
        (503, {"detail": "maintenance until 9"}, "Aptean Ship is not available (503): maintenance until 9."),
        (502, "<h1>502 Bad Gateway</h1>", "Aptean Ship could not be reached behind its gateway (502)."),
        (504, None, "Aptean Ship could not be reached behind its gateway (504)."),
        (599, None, "Aptean Ship made a mistake of its own (599)."),
    ],
)
def test_each_5xx_says_what_it_means(
    make_call: Make, explained: Explain, status_code: int, body: object, summary: str
) -> None:
    assert explained(make_call(status_code, body)).summary == summary


@pytest.mark.parametrize(
    "message",
    [
        "answered 422 Unprocessable Entity",
        "POST https://ship.example/shipments answered 422",
        "Client error '422 Unprocessable Entity' for url 'https://ship.example/x'\nFor more information check: https://x",
        "status code: 422",
    ],
)
def test_a_message_that_only_repeats_the_status_is_not_said_again(
    make_call: Make, explained: Explain, message: str
) -> None:
    record = make_call(422, error=ErrorInfo(type="http", message=message))
    assert explained(record).summary == "Aptean Ship refused POST /shipments (422)."


def test_a_mistake_of_ours_asks_nobody_else(make_call: Make, explained: Explain) -> None:
    told = explained(make_call(500, direction="incoming", url="http://clew/v1/events"))
    assert (told.summary, told.advice) == ("Clew made a mistake of its own (500).", "")


def test_the_id_of_the_request_is_taken_from_the_responses_headers(make_call: Make, explained: Explain) -> None:
    assert "request is r-82" in explained(make_call(500, headers={"X-Request-Id": "r-82"})).advice
