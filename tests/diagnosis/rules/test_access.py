"""Access that expired or is not taken, rights that are missing, limits."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from clew.core.record import ErrorInfo, Record
from clew.diagnosis.rule import Explanation

Make = Callable[..., Record]
Explain = Callable[[Record], Explanation]


@pytest.mark.parametrize(
    "body",
    [
        {"error": "token_expired", "message": "The access of Acme ended."},
        {"message": "The access token expired on Monday."},
        {"error": {"code": "access_token_expired", "message": "Sign in again"}},
    ],
)
def test_a_401_that_speaks_of_expiry_is_expired_access(make_call: Make, explained: Explain, body: object) -> None:
    told = explained(make_call(401, body, connection="acme-prod"))
    assert told.code == "access_expired"
    assert told.summary.startswith("The access to Aptean Ship has expired (401): ")
    assert told.advice == "Renew the access of the connection acme-prod, then run it again."


@pytest.mark.parametrize("key", ["access_token_expired", "connection_is_defunct"])
def test_a_key_says_expired_access_without_a_status(make: Make, explained: Explain, key: str) -> None:
    record = make("step", status="failure", target_product="ship", error=ErrorInfo(type="connection", key=key))
    assert explained(record).code == "access_expired"
    assert explained(record).summary == "The access to Aptean Ship has expired."


def test_any_other_401_is_credentials_that_are_not_taken(make_call: Make, explained: Explain) -> None:
    told = explained(make_call(401, {"message": "Unknown key"}))
    assert told.code == "access_refused"
    assert told.summary == "Aptean Ship did not accept the credentials (401): Unknown key."


def test_a_403_is_a_right_that_is_missing(make_call: Make, explained: Explain) -> None:
    told = explained(make_call(403, {"detail": "scope shipments:write is needed"}))
    assert told.code == "access_denied"
    assert told.summary == "Aptean Ship did not allow it (403): scope shipments:write is needed."


def test_a_key_says_that_access_is_denied_without_a_status(make: Make, explained: Explain) -> None:
    record = make("step", status="failure", error=ErrorInfo(key="access_denied", message="no"))
    assert explained(record).summary == "The other side did not allow it: no."


@pytest.mark.parametrize(
    ("headers", "advice"),
    [
        ({"Retry-After": "30"}, "Run it again after 30 s."),
        ({"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}, "Run it again after Wed, 21 Oct 2026 07:28:00 GMT."),
        ({}, "Run it again later, or more slowly."),
    ],
)
def test_a_429_says_when_it_takes_more(
    make_call: Make, explained: Explain, headers: dict[str, str], advice: str
) -> None:
    told = explained(make_call(429, {"message": "slow down"}, headers=headers))
    assert told.code == "rate_limited"
    assert told.summary == "Aptean Ship got more requests than it takes (429): slow down."
    assert told.advice == advice


def test_a_nodes_error_says_when_the_other_side_takes_more(make: Make, explained: Explain) -> None:
    data = {"status": 429, "url": "https://ship.example/shipments", "body": None, "retry_after": "7"}
    error = ErrorInfo(type="http_status", key="rate_limit_exceeded", message="it answered 429", data=data)
    told = explained(make("node_run", status="failure", node="create", error=error))
    assert told.summary == "ship.example got more requests than it takes (429)."
    assert told.advice == "Run it again after 7 s."
