"""What a webhook comes to where webhooks are not logged."""

from __future__ import annotations

import json

import pytest

from clew.core.record import Record, decode_line, encode_line
from clew.core.redaction import MASK, Redactor
from clew.doors.signatures import Verdict
from clew.doors.source_paths import SourcePaths
from clew.doors.webhook import WebhookRequest, read_webhook
from clew.doors.webhook_outcome import MOST_REQUEST_BYTES, Outcome, accepted_answer, as_duplicate, without_webhook
from clew.registry.declare import Product
from clew.registry.schemes import slack

NOW = 1_780_000_000_000
ORDERS = Product("erp").webhook("orders", event="$.type", customer="$.account")
HELD = Verdict(ok=True, code="ok", delivery_id="d1")
REFUSED = Verdict(ok=False, code="mismatch", reason="It does not match.", hint="Compare.", delivery_id="d1")


def take(body: object, verdict: Verdict | None = HELD) -> Outcome:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = WebhookRequest(
        method="POST",
        url="http://here/webhooks/in/orders?token=hunter2",
        headers={"content-type": "application/json"},
        body=raw,
    )
    return read_webhook(
        request, SourcePaths(ORDERS), verdict, workspace="w", now_ms=NOW, redactor=Redactor(), max_depth=64
    )


def read_back(record: Record) -> Record:
    assert decode_line(encode_line(record)) == record
    return record


def test_a_webhook_that_was_taken_leaves_its_events_alone_which_have_no_parent() -> None:
    outcome = take([{"type": "a"}, {"type": "b"}])
    left = without_webhook(outcome, is_refusal_kept=True)
    assert [(record.kind, record.event, record.parent_id) for record in map(read_back, left.records)] == [
        ("external_event", "a", ""),
        ("external_event", "b", ""),
    ]
    assert len({record.trace_id for record in left.records}) == 1
    assert left.once_key == outcome.once_key
    ids = [record.id for record in left.records]
    assert json.loads(left.answer.body) == {"id": None, "event_ids": ids}


def test_a_challenge_is_answered_and_leaves_nothing() -> None:
    chat = Product("erp").webhook("chat", verify=slack(secret="S"), event="$.type")
    body = b'{"type": "url_verification", "challenge": "abc"}'
    request = WebhookRequest(method="POST", url="http://here/webhooks/in/chat", headers={}, body=body)
    outcome = read_webhook(
        request, SourcePaths(chat), HELD, workspace="w", now_ms=NOW, redactor=Redactor(), max_depth=64
    )
    left = without_webhook(outcome, is_refusal_kept=True)
    assert (left.records, left.answer.body) == ((), b"abc")


def test_a_webhook_that_was_refused_is_kept_as_a_request_with_its_body() -> None:
    outcome = take({"type": "a", "password": "hunter2"}, REFUSED)
    [record] = without_webhook(outcome, is_refusal_kept=True).records
    read_back(record)
    webhook = outcome.records[0]
    assert (record.kind, record.action, record.id, record.error) == ("api_request", "POST", webhook.id, webhook.error)
    assert (record.status, record.source, record.payload, record.content_type) == ("failure", "orders", "", "")
    assert record.http is not None
    assert (record.http.direction, record.http.status_code) == ("incoming", 401)
    assert record.http.request_body is not None
    assert json.loads(record.http.request_body.text) == {"type": "a", "password": MASK}
    assert record.redacted == ("/http/url/token", "/http/request_body/password")
    assert without_webhook(outcome, is_refusal_kept=False).records == ()


@pytest.mark.parametrize("body", [b"\xff" * 40_000, ('"' + "é" * 20_000).encode()])
def test_the_body_of_a_refused_webhook_is_cut(body: bytes) -> None:
    [record] = without_webhook(take(body, REFUSED), is_refusal_kept=True).records
    assert record.http is not None
    kept = record.http.request_body
    assert kept is not None
    assert (kept.size, kept.cut) == (len(body), True)
    assert len(kept.text) <= MOST_REQUEST_BYTES * 4 // 3 + 4
    assert kept.text.startswith('"é') == body.startswith(b'"')


def test_events_of_a_refused_webhook_stay_under_what_is_kept_of_it() -> None:
    outcome = take([{"no": "name"}, {"no": "name"}], None)
    request, *events = without_webhook(outcome, is_refusal_kept=True).records
    assert request.kind == "api_request"
    assert {event.parent_id for event in events} == {request.id}
    assert {event.parent_id for event in without_webhook(outcome, is_refusal_kept=False).records} == {""}


def test_a_repetition_of_a_webhook_that_was_not_logged_points_to_its_first_event() -> None:
    again = as_duplicate(take({"type": "a"}).records[0], ("e1", "e2"), is_first_logged=False)
    assert again.duplicate_of == "e1"
    assert again.http is not None
    assert again.http.response_body is not None
    assert json.loads(again.http.response_body.text) == {"id": None, "event_ids": ["e1", "e2"]}
    assert accepted_answer(("w", "e1")).body != accepted_answer(("w", "e1"), is_logged=False).body
