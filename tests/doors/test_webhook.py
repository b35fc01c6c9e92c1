"""Webhooks to records: kept raw and also when refused, their events under them."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clew.core.errors import SettingsError, TooLarge
from clew.core.ids import digest
from clew.core.record import decode_line, encode_line
from clew.core.redaction import Redactor
from clew.doors.signatures import Verdict
from clew.doors.source_paths import SourcePaths
from clew.doors.webhook import WebhookRequest, read_webhook, refuse_webhook
from clew.doors.webhook_outcome import Outcome, accepted_answer, as_duplicate
from clew.registry.declare import Product, Source
from clew.registry.schemes import github, slack

NOW = 1_780_000_000_000
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
JSON = {"content-type": "application/json"}
HELD = Verdict(ok=True, code="ok", delivery_id="d1")


def source(**arguments) -> Source:
    return Product("erp").webhook("orders", **{"event": "$.type", **arguments})


ORDERS = source(customer="$.account", connection="$.site", keys={"order": "$.data.number", "line": "$.data.line"})


def take(body: object, of: Source = ORDERS, verdict: Verdict | None = None, **request) -> Outcome:
    if not isinstance(body, bytes):
        body = (body if isinstance(body, str) else json.dumps(body)).encode()
    sent = WebhookRequest(
        **{"method": "POST", "url": "http://here/webhooks/in/orders", "headers": JSON, **request}, body=body
    )
    outcome = read_webhook(sent, SourcePaths(of), verdict, workspace="w", now_ms=NOW, redactor=Redactor(), max_depth=64)
    for record in outcome.records:
        assert decode_line(encode_line(record)) == record
    assert outcome.records[0].http is not None
    assert outcome.records[0].http.status_code == outcome.answer.status
    return outcome


def test_a_webhook_is_kept_raw_with_its_event_under_it() -> None:
    data = '{"number":"SO-1","line" : 12345678901234567890}'
    text = f'{{ "type":"order.released", "account": "acme","site":"s1", "data":{data} }}'
    outcome = take(text, verdict=HELD)
    webhook, event = outcome.records
    assert (webhook.kind, event.kind) == ("external_webhook", "external_event")
    assert webhook.payload == event.payload == text
    assert event.parent_id == webhook.id < event.id
    assert event.trace_id == webhook.trace_id == webhook.id.replace("-", "")
    for record in outcome.records:
        assert (record.workspace, record.source, record.source_product, record.time) == ("w", "orders", "erp", NOW)
        assert (record.event, record.customer, record.connection) == ("order.released", "acme", "s1")
        assert record.keys == {"order": "SO-1", "line": "12345678901234567890"}
        assert record.content_type == "application/json"
    assert (webhook.status, webhook.state, webhook.sender_id) == ("success", "success", "d1")
    assert (event.status, event.state) == ("info", "created")
    assert outcome.once_key == digest("webhook", "w", "orders", "", "d1")
    assert (outcome.answer.status, outcome.error) == (200, None)
    assert json.loads(outcome.answer.body) == {"id": webhook.id, "event_ids": [event.id]}


def test_the_exchange_has_what_came_and_what_was_answered() -> None:
    outcome = take({"type": "a"}, method="PUT", url="http://here/webhooks/in/orders?attempt=1")
    http = outcome.records[0].http
    assert http is not None
    assert (http.direction, http.method, http.url) == ("incoming", "PUT", "http://here/webhooks/in/orders?attempt=1")
    assert http.request_headers == JSON
    assert http.response_body is not None
    assert http.response_body.text.encode() == outcome.answer.body
    assert outcome.records[0].parameters == '{"attempt": "1"}'


def test_a_trace_and_a_connection_of_the_request_are_joined() -> None:
    headers = {**JSON, "traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}
    outcome = take({"type": "a", "site": "other"}, headers=headers, connection="prod")
    assert {(record.trace_id, record.connection) for record in outcome.records} == {(TRACE, "prod")}


def test_a_refused_webhook_is_kept_with_the_reason_and_without_events() -> None:
    verdict = Verdict(ok=False, code="mismatch", reason="It does not match.", hint="Compare.", delivery_id="d1")
    outcome = take({"type": "order.released"}, verdict=verdict)
    [webhook] = outcome.records
    assert (webhook.status, webhook.state, webhook.event) == ("failure", "error", "")
    assert webhook.error is not None
    assert (webhook.error.type, webhook.error.key, webhook.error.message) == (
        "signature",
        "mismatch",
        "It does not match.",
    )
    assert webhook.payload == '{"type": "order.released"}'
    assert outcome.once_key == b""  # else anyone could use up the ids of true deliveries
    assert outcome.answer.status == 401
    assert outcome.answer.content_type == "application/problem+json"
    assert json.loads(outcome.answer.body)["hint"] == "Compare."


def test_a_body_that_could_not_be_decompressed_is_kept_with_the_reason() -> None:
    request = WebhookRequest(method="POST", url="http://here/x", headers=JSON, body=b"\x1f\x8b")
    outcome = refuse_webhook(
        request, SourcePaths(ORDERS), TooLarge("Too much."), workspace="w", now_ms=NOW, redactor=Redactor()
    )
    [webhook] = outcome.records
    assert (webhook.status, webhook.payload_bytes(), outcome.answer.status) == ("failure", b"\x1f\x8b", 413)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"type": "a",}', "line 1, column 14"),
        (b"<order/>", "no JSON"),
        (b"\xff\x00", "no UTF-8"),
        (b'{"type": NaN}', "NaN"),
        (b"[" * 100_000, "deeper than 64"),
        (b'{"type":"a","b":' + b"[" * 64 + b"]" * 64 + b"}", "deeper than 64"),
    ],
)
def test_what_is_no_json_is_kept_and_answered_with_400(body: bytes, said: str) -> None:
    outcome = take(body, verdict=HELD)
    [webhook] = outcome.records
    assert (webhook.status, webhook.state) == ("failure", "error")
    assert webhook.error is not None
    assert webhook.error.type == "parse"
    assert said in webhook.error.message
    assert webhook.payload_bytes() == body
    assert (outcome.answer.status, outcome.once_key) == (400, b"")


def test_what_is_no_json_is_an_event_where_a_header_names_it() -> None:
    for body in (b"<order/>", b"\xff\x00"):
        outcome = take(
            body, source(event="header:X-Topic"), headers={"content-type": "text/xml", "x-topic": "orders/new"}
        )
        webhook, event = outcome.records
        assert event.event == webhook.event == "orders/new"
        assert (event.payload_bytes(), event.content_type) == (body, "text/xml")
        assert outcome.answer.status == 200


def test_an_array_is_several_events_each_with_its_own_text() -> None:
    text = '[ {"type":"a" , "n":1e400}, {"type":"b","data":{"number":2}} ]'
    webhook, first, second = take(text).records
    assert [first.payload, second.payload] == ['{"type":"a" , "n":1e400}', '{"type":"b","data":{"number":2}}']
    assert [first.event, second.event, webhook.event] == ["a", "b", ""]
    assert [first.keys, second.keys, webhook.keys] == [{}, {"order": "2"}, {}]
    assert webhook.message == "2 events: a, b."


def test_events_inside_a_body_are_taken_by_each_and_share_what_is_around_them() -> None:
    of = source(each="$.batch.*.events[*]", customer="$.account", keys={"order": "$.order"})
    events = '[{"type":"a","order": "1"},{"type":"b"}]'
    text = f'{{"account":"acme","order":"all","batch":{{"x":{{"events":{events}}},"y":{{"events":[]}}}}}}'
    webhook, first, second = take(text, of).records
    assert [first.payload, second.payload] == ['{"type":"a","order": "1"}', '{"type":"b"}']
    assert [first.keys, second.keys] == [{"order": "1"}, {"order": "all"}]
    assert {record.customer for record in (webhook, first, second)} == {"acme"}


@pytest.mark.parametrize("body", ["[]", '{"events":[]}'])
def test_a_body_without_events_is_a_success_that_says_so(body: str) -> None:
    outcome = take(body, source(each="$.events[*]") if "events" in body else ORDERS)
    [webhook] = outcome.records
    assert (webhook.status, webhook.message, outcome.answer.status) == ("success", "There is no event in it.", 200)


def test_a_text_that_is_half_of_a_surrogate_pair_is_kept() -> None:
    webhook, event = take('[{"type":"a","x":"\\ud800"}]').records
    assert webhook.payload == '[{"type":"a","x":"\\ud800"}]'
    assert json.loads(event.payload) == {"type": "a", "x": "\ud800"}


def test_an_event_without_a_name_is_answered_with_422_and_kept() -> None:
    outcome = take({"kind": "order.released"})
    webhook, event = outcome.records
    assert (outcome.answer.status, outcome.once_key) == (422, b"")
    assert webhook.error is not None
    assert "$.type finds nothing" in webhook.error.message
    assert (event.status, event.state, event.event) == ("failure", "error", "")


def test_one_event_without_a_name_does_not_hold_up_the_others() -> None:
    outcome = take([{"type": "a"}, {"kind": "b"}])
    assert [record.status for record in outcome.records] == ["success", "info", "failure"]
    assert outcome.answer.status == 200


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("a\u0000b", "U+0000"),
        ("a\nb", "U+000A"),
        ("\ud800", "U+D800"),
        ("x" * 501, "500"),
        ({"a": 1}, "object"),
        ([], "array"),
    ],
)
def test_a_value_that_cannot_be_a_key_is_left_out_and_the_record_says_why(value: object, said: str) -> None:
    webhook, event = take({"type": "a", "data": {"number": value, "line": True}}).records
    assert event.keys == webhook.keys == {"line": "true"}
    assert [line.type for line in event.logs] == ["error"]
    assert said in event.logs[0].msg


def test_a_form_is_parameters_and_its_fields_are_found_like_json() -> None:
    headers = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}
    webhook, event = take(b"type=order.released&data=1&data=2&token=hunter2", headers=headers).records
    assert event.event == "order.released"
    assert json.loads(webhook.parameters) == {"type": "order.released", "data": ["1", "2"], "token": "****"}
    assert webhook.payload == "type=order.released&data=1&data=2&token=****"


def test_json_in_the_one_field_of_a_form_is_the_event() -> None:
    inner = '{"type":"push", "data":{"number":7,"token":"hunter2"}}'
    headers = {"content-type": "application/x-www-form-urlencoded"}
    webhook, event = take(("payload=" + quote_plus(inner)).encode(), headers=headers).records
    assert (event.event, event.keys, event.content_type) == ("push", {"order": "7"}, "application/json")
    assert event.payload == '{"type":"push", "data":{"number":7,"token":"****"}}'
    assert (webhook.redacted, event.redacted) == (("/payload/payload/data/token",), ("/payload/data/token",))


def test_json_that_says_it_is_a_form_is_read_as_json_and_its_secrets_are_removed() -> None:
    body = b'{"type": "push", "data": {"number": 7, "token": "hunter2"}}'
    headers = {"content-type": "application/x-www-form-urlencoded"}
    webhook, event = take(body, headers=headers).records
    assert (event.event, event.keys) == ("push", {"order": "7"})
    assert "hunter2" not in webhook.payload + event.payload


def test_a_request_without_a_body_is_its_query() -> None:
    outcome = take(b"", method="GET", url="http://here/in/orders?type=ping&data=1&token=hunter2")
    webhook, event = outcome.records
    assert (event.event, event.payload) == ("ping", "")
    assert json.loads(webhook.parameters) == {"type": "ping", "data": "1", "token": "****"}


def test_secrets_leave_everything_and_no_key_brings_them_back() -> None:
    of = source(keys={"pass": "$.items[0].password", "auth": "header:Authorization"}, each="$.items[*]")
    headers = {**JSON, "authorization": "Bearer hunter2", "cookie": "hunter2", "x-signature": "kept"}
    body = {"items": [{"type": "a", "password": "hunter2"}, {"type": "b"}]}
    outcome = take(body, of, headers=headers, url="http://here/?api_key=hunter2")
    assert not any(b"hunter2" in encode_line(record) for record in outcome.records)
    webhook, first, second = outcome.records
    assert webhook.redacted == (
        "/http/request_headers/authorization",
        "/http/request_headers/cookie",
        "/http/url/api_key",
        "/payload/items/0/password",
    )
    assert (first.redacted, second.redacted) == (("/payload/password",), ())


def test_github_events_are_named_by_their_header() -> None:
    of = source(event="header:X-GitHub-Event", verify=github(secret="GH"), keys={"repo": "$.repository.full_name"})
    headers = {**JSON, "x-github-event": "issues"}
    _, event = take({"repository": {"full_name": "acme/erp"}}, of, HELD, headers=headers).records
    assert (event.event, event.keys) == ("issues", {"repo": "acme/erp"})


def test_an_event_may_always_have_the_same_name() -> None:
    assert take({"x": 1}, source(event="shipment.updated")).records[1].event == "shipment.updated"


def test_slack_is_answered_its_challenge_and_no_other_sender_is() -> None:
    body = {"type": "url_verification", "challenge": "3eZbrw1a", "token": "hunter2"}
    outcome = take(body, source(verify=slack(secret="S")), Verdict(ok=True, code="ok"))
    assert (outcome.answer.status, outcome.answer.body) == (200, b"3eZbrw1a")
    assert [record.event for record in outcome.records] == ["url_verification"]
    assert take(body, source(verify=github(secret="S")), HELD).answer.content_type == "application/json"
    refused = take(body, source(verify=slack(secret="S")), Verdict(ok=False, code="mismatch", reason="no"))
    assert refused.answer.status == 401


@pytest.mark.parametrize("place", ["header:X-Delivery", "$.id"])
def test_a_delivery_is_known_by_the_id_the_source_points_to(place: str) -> None:
    outcome = take({"type": "a", "id": "d7"}, source(delivery_id=place), HELD, headers={**JSON, "x-delivery": "d7"})
    assert outcome.records[0].sender_id == "d7"
    assert outcome.once_key == digest("webhook", "w", "orders", "", "d7")


def test_a_delivery_without_an_id_is_never_taken_for_another() -> None:
    assert take({"type": "a"}, source(delivery_id="$.id"), HELD).once_key == b""
    assert take({"type": "a"}).once_key == b""


def test_a_repeated_delivery_is_a_record_that_points_to_the_first() -> None:
    outcome = take({"type": "a"}, verdict=HELD)
    again = as_duplicate(outcome.records[0], ("first", "event"))
    assert (again.id, again.duplicate_of, again.status) == (outcome.records[0].id, "first", "info")
    assert again.http is not None
    assert again.http.response_body is not None
    assert again.http.response_body.text.encode() == accepted_answer(("first", "event")).body


@pytest.mark.parametrize("wrong", [{"event": "$.a["}, {"keys": {"k": "$["}}, {"each": "$.a[?"}])
def test_a_path_that_is_none_names_the_declaration(wrong: dict[str, object]) -> None:
    with pytest.raises(SettingsError, match=r"test_webhook\.py:\d+: .* of the source 'orders' is no JSONPath"):
        SourcePaths(source(**wrong))


@given(body=st.binary(max_size=100), is_form=st.booleans())
def test_no_body_makes_it_fail_and_every_body_is_kept(body: bytes, is_form: bool) -> None:
    headers = {"content-type": "application/x-www-form-urlencoded"} if is_form else JSON
    outcome = take(body, headers=headers)
    assert outcome.records[0].redacted or outcome.records[0].payload_bytes() == body


@given(url=st.text(max_size=40), headers=st.dictionaries(st.text(max_size=5), st.text(max_size=20), max_size=3))
def test_no_url_and_no_header_make_it_fail(url: str, headers: dict[str, str]) -> None:
    assert take({"type": "a"}, url=url, headers=headers).answer.status == 200
    assert take({}, url=url, headers=headers).answer.status == 422


@pytest.mark.parametrize("host", ["here:8420", "[", "[::1", ""])
def test_a_problem_names_the_path_whatever_host_was_asked_for(host: str) -> None:
    outcome = take(b"{", url=f"http://{host}/webhooks/in/orders?next=http://there/x")
    assert json.loads(outcome.answer.body)["instance"] == "/webhooks/in/orders"


@given(
    events=st.lists(
        st.dictionaries(
            st.text(max_size=5), st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
        )
    )
)
def test_an_array_gives_each_element_back(events: list[dict[str, object]]) -> None:
    outcome = take(json.dumps(events), source(event="same"))
    taken = [json.loads(record.payload) for record in outcome.records[1:]]
    if not outcome.records[0].redacted:
        assert taken == events


def test_a_body_that_is_no_utf8_is_kept_as_base64() -> None:
    [webhook] = take(b"\xff\xfe").records
    assert (webhook.payload_encoding, base64.b64decode(webhook.payload)) == ("base64", b"\xff\xfe")
