"""No answer at all."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from clew.core.record import ErrorInfo, Record
from clew.diagnosis.rule import Explanation

Make = Callable[..., Record]
Explain = Callable[[Record], Explanation]


@pytest.mark.parametrize(
    ("error", "code", "summary"),
    [
        (
            ErrorInfo(type="timeout", message="no answer came in time"),
            "timeout",
            "Aptean Ship did not answer POST /shipments within 30 s.",
        ),
        (ErrorInfo(type="httpx.ReadTimeout"), "timeout", "Aptean Ship did not answer POST /shipments within 30 s."),
        (
            ErrorInfo(type="cancelled", message="the node was ended while it waited for the answer"),
            "timeout",
            "Aptean Ship had not answered POST /shipments for 30 s when the node that waited for it was ended.",
        ),
        (
            ErrorInfo(type="dns", message="ship.example has no address"),
            "dns",
            "The host ship.example of Aptean Ship is not known: its name could not be resolved (DNS).",
        ),
        (
            ErrorInfo(type="ConnectError", message="[Errno -2] Name or service not known"),
            "dns",
            "The host ship.example of Aptean Ship is not known: its name could not be resolved (DNS).",
        ),
        (
            ErrorInfo(type="ConnectError", message="[SSL: CERTIFICATE_VERIFY_FAILED] certificate has expired"),
            "tls",
            "No secure connection to Aptean Ship at ship.example: "
            "[SSL: CERTIFICATE_VERIFY_FAILED] certificate has expired.",
        ),
        (
            ErrorInfo(type="tls", message="the certificate is for another name"),
            "tls",
            "No secure connection to Aptean Ship at ship.example: the certificate is for another name.",
        ),
        (
            ErrorInfo(type="connection", message="[Errno 111] Connection refused"),
            "no_connection",
            "Aptean Ship takes no connections at ship.example: it may be down.",
        ),
        (
            ErrorInfo(type="ConnectionRefusedError"),
            "no_connection",
            "Aptean Ship takes no connections at ship.example: it may be down.",
        ),
        (
            ErrorInfo(type="connection", message="No route to host"),
            "no_connection",
            "No connection to Aptean Ship at ship.example: No route to host.",
        ),
        (
            ErrorInfo(type="connection", message="Server disconnected without sending a response."),
            "connection_lost",
            "Aptean Ship broke off the connection at ship.example before it answered.",
        ),
        (
            ErrorInfo(type="refused_address", message="10.0.0.9 is no public address"),
            "refused_address",
            "Clew did not call ship.example: 10.0.0.9 is no public address.",
        ),
    ],
)
def test_each_silence_says_what_it_is(
    make_call: Make, explained: Explain, error: ErrorInfo, code: str, summary: str
) -> None:
    told = explained(make_call(0, error=error, duration_ms=30_000))
    assert (told.code, told.summary) == (code, summary)
    assert told.advice


def test_a_408_is_a_timeout(make_call: Make, explained: Explain) -> None:
    assert explained(make_call(408)).summary == "Aptean Ship did not answer POST /shipments in time."


def test_a_node_that_took_too_long_is_not_blamed_on_a_product(make: Make, explained: Explain) -> None:
    error = ErrorInfo(type="timeout", message="lookup took longer than 60 s; it was cancelled.")
    record = make("node_run", status="failure", node="lookup", target_product="ship", error=error, duration_ms=60_004)
    assert explained(record).summary == "The node lookup did not finish within 60 s."


def test_the_port_is_named_where_the_address_has_one(make_call: Make, explained: Explain) -> None:
    record = make_call(0, url="http://u:p@ship.example:8080/x", error=ErrorInfo(message="Connection refused"))
    assert "at ship.example:8080:" in explained(record).summary
    assert "u:p" not in explained(record).summary


@pytest.mark.parametrize(
    "message",
    ["The certificate of origin is missing.", "The connection flight was missed.", "lock_timeout: the order is open."],
)
def test_words_of_business_are_no_signs_of_the_network(make: Make, explained: Explain, message: str) -> None:
    told = explained(make("step", status="failure", event="customs", message=message))
    assert (told.code, told.summary) == ("failed", f"customs failed: {message}")


def test_an_answer_is_surer_than_words(make_call: Make, explained: Explain) -> None:
    record = make_call(422, {"message": "connection refused by carrier: timed out"})
    assert explained(record).code == "refused"
