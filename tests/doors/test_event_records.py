"""Checked events to records."""

from __future__ import annotations

import json

import msgspec
import pytest

from clew.core.ids import digest, time_of, trace_id_of
from clew.core.record import Record, decode_line, encode_line
from clew.core.redaction import Redactor
from clew.core.settings import Settings
from clew.doors.event_records import Accepted, First, keys_of_parents, to_records
from clew.doors.json_events import read_events

NOW = 1_780_000_000_000
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
OTHER_TRACE = "0af7651916cd43dd8448eb211c80319c"
TRACEPARENT = f"00-{TRACE}-00f067aa0ba902b7-01"


class Connected(msgspec.Struct):
    source_product: str
    target_product: str
    direction: str


INTEGRATIONS = {"orders": Connected("erp", "ship", "two-way")}


def accept(body: object, *, redactor: Redactor | None = None, **arguments) -> list[Accepted]:
    text = body if isinstance(body, str) else json.dumps(body)
    batch = read_events(text.encode(), "application/json", Settings(), NOW)
    return to_records(
        batch, workspace="w", redactor=redactor or Redactor(), integration_of=INTEGRATIONS.get, **arguments
    )


def records(body: object, **arguments) -> list[Record]:
    return [accepted.record for accepted in accept(body, **arguments)]


def test_every_field_arrives_in_the_record_and_survives_its_line() -> None:
    [record] = records(
        {
            "event": "order.released",
            "type": "API Call(s)",
            "source_product": "erp",
            "target_product": "ship",
            "direction": "one-way",
            "action": "Published",
            "status": "success",
            "message": "done",
            "customer": "acme",
            "integration": "orders",
            "connection": "c1",
            "time": "2026-05-28T20:26:39.005Z",
            "id": "evt_1",
            "trace_id": TRACE,
            "parent_id": "01890a5d-ac96-774b-bcce-b302099a8057",
            "correlation_id": "cor-1",
            "keys": {"order": "SO-1", "line": 7},
            "parameters": {"email": "a@example.com"},
            "payload": [1],
            "error": {"type": "bad_request", "message": "no", "data": {"a": 1}, "caused_by": {"message": "why"}},
            "duration_ms": 12,
        }
    )
    assert record == decode_line(encode_line(record))
    assert time_of(record.id) == record.time == NOW - 995
    expected = {
        "kind": "integration_event", "workspace": "w", "event": "order.released", "type": "API Call(s)",
        "source_product": "erp", "target_product": "ship", "direction": "one-way", "action": "Published",
        "status": "success", "message": "done", "customer": "acme", "integration": "orders", "connection": "c1",
        "sender_id": "evt_1", "trace_id": TRACE, "parent_id": "01890a5d-ac96-774b-bcce-b302099a8057",
        "keys": {"order": "SO-1", "line": "7", "correlation_id": "cor-1"}, "parameters": '{"email": "a@example.com"}',
        "payload": "[1]", "content_type": "application/json", "duration_ms": 12, "redacted": (),
    }  # fmt: skip
    assert {name: getattr(record, name) for name in expected} == expected
    assert record.error is not None
    assert (record.error.data, record.error.innermost().message) == ({"a": 1}, "why")


def test_an_event_with_only_a_name_is_an_info_with_a_trace_of_its_own() -> None:
    [record] = records({"event": "a"})
    assert (record.status, record.payload, record.content_type, record.time) == ("info", "", "", NOW)
    assert record.trace_id == trace_id_of(record.id)


def test_an_error_without_a_status_is_a_failure_and_a_text_is_its_message() -> None:
    [record] = records({"event": "a", "error": "it broke"})
    assert record.status == "failure"
    assert record.error is not None
    assert record.error.message == "it broke"
    assert records({"event": "a", "error": "x", "status": "info"})[0].status == "info"


def test_a_null_payload_is_a_payload_and_null_parameters_are_none() -> None:
    [record] = records({"event": "a", "payload": None, "parameters": None})
    assert (record.payload, record.content_type, record.parameters) == ("null", "application/json", "")


def test_payload_text_is_the_senders_own() -> None:
    text = '{ "n":123456789012345678901234567890, "e" : 1e400,"s":"\\u0000\\u00e9" }'
    [record] = records('{"event":"a","payload":' + text + ',"parameters":{"n" :1.10}}')
    assert (record.payload, record.parameters) == (text, '{"n" :1.10}')


def test_events_of_one_moment_keep_their_order() -> None:
    ids = [record.id for record in records([{"event": str(n)} for n in range(300)])]
    assert ids == sorted(ids)


def test_a_declared_integration_fills_in_what_was_left_out_and_nothing_else() -> None:
    filled, own = records(
        [
            {"event": "a", "integration": "orders"},
            {"event": "a", "integration": "orders", "source_product": "x", "direction": "one-way"},
        ]
    )
    assert (filled.source_product, filled.target_product, filled.direction) == ("erp", "ship", "two-way")
    assert (own.source_product, own.target_product, own.direction) == ("x", "ship", "one-way")
    assert records({"event": "a", "integration": "unknown"})[0].direction == ""


def test_the_key_of_an_event_is_its_senders_id_with_its_product() -> None:
    given, none = accept([{"event": "a", "id": "e1", "source_product": "erp"}, {"event": "a"}])
    assert given.key == digest("event", "w", "erp", "e1")
    assert none.key == b""
    other, declared = accept([{"event": "b", "id": "e1"}, {"event": "b", "id": "e1", "integration": "orders"}])
    assert other.key == declared.key == digest("event", "w", "", "e1")


def test_events_of_one_correlation_share_a_trace_in_every_request() -> None:
    first, second = records([{"event": "a", "correlation_id": "c"}, {"event": "b", "correlation_id": "d"}])
    [again] = records({"event": "z", "correlation_id": "c"}, traceparent=TRACEPARENT)
    assert first.trace_id == again.trace_id == digest("trace", "w", "c").hex()
    assert first.trace_id != second.trace_id


def test_a_trace_comes_from_itself_then_correlation_then_parent_then_request() -> None:
    parent = "01890a5d-ac96-774b-bcce-b302099a8057"
    own, correlated, known, unknown, free = records(
        [
            {"event": "a", "trace_id": OTHER_TRACE, "correlation_id": "c", "parent_id": parent},
            {"event": "a", "correlation_id": "c", "parent_id": parent},
            {"event": "a", "parent_id": parent.upper()},
            {"event": "a", "parent_id": "01890a5d-ac96-774b-bcce-b302099a0000"},
            {"event": "a"},
        ],
        traceparent=TRACEPARENT,
        trace_of={parent: "1" * 32},
    )
    assert own.trace_id == OTHER_TRACE
    assert correlated.trace_id == digest("trace", "w", "c").hex()
    assert (known.trace_id, known.parent_id) == ("1" * 32, parent)
    assert unknown.trace_id == free.trace_id == TRACE


def test_a_chain_in_one_request_shares_its_roots_trace_whatever_the_order() -> None:
    leaf, middle, root, apart = records(
        [
            {"event": "leaf", "parent_id": "m"},
            {"event": "middle", "id": "m", "parent_id": "r"},
            {"event": "root", "id": "r"},
            {"event": "apart", "parent_id": "m", "trace_id": TRACE},
        ]
    )
    assert leaf.trace_id == middle.trace_id == root.trace_id == trace_id_of(root.id)
    assert (leaf.parent_id, middle.parent_id, apart.parent_id) == (middle.id, root.id, middle.id)
    assert apart.trace_id == TRACE


def test_secrets_leave_payload_parameters_keys_and_errors_with_their_places() -> None:
    dirty, clean = records(
        [
            {
                "event": "a",
                "payload": {"user": {"password": "hunter2"}, "card": {"number": "hunter2"}},
                "parameters": {"apiKey": "hunter2"},
                "keys": {"token": "hunter2", "order": "SO-1"},
                "error": {"data": {"cookie": "hunter2"}, "caused_by": {"data": [{"secret": "hunter2"}]}},
            },
            {"event": "b", "payload": {"x": 1}},
        ],
        redactor=Redactor(paths=["card.number"]),
    )
    assert "hunter2" not in encode_line(dirty).decode()
    assert dirty.redacted == (
        "/payload/user/password",
        "/payload/card/number",
        "/parameters/apiKey",
        "/keys/token",
        "/error/data/cookie",
        "/error/caused_by/data/0/secret",
    )
    assert dirty.keys == {"token": "****", "order": "SO-1"}
    assert clean.redacted == ()


def test_a_secret_only_in_keys_leaves_too() -> None:
    [record] = records({"event": "a", "keys": {"api-key": "hunter2"}})
    assert (record.keys, record.redacted) == ({"api-key": "****"}, ("/keys/api-key",))


def test_a_child_of_a_parent_that_came_before_points_to_the_first_and_joins_its_trace() -> None:
    body = [{"event": "p", "id": "evt_1"}, {"event": "c", "parent_id": "evt_1"}, {"event": "other"}]
    batch = read_events(json.dumps(body).encode(), "application/json", Settings(), NOW)
    [key] = keys_of_parents(batch, "w")
    assert key == accept(body)[0].key
    first = First("01890a5d-ac96-774b-bcce-b302099a8057", OTHER_TRACE)
    _, child, other = records(body, first_of={key: first})
    assert (child.parent_id, child.trace_id) == (first.id, OTHER_TRACE)
    assert other.trace_id == trace_id_of(other.id)


@pytest.mark.parametrize(
    ("said", "trace"),
    [
        ({}, "01890a5dac96774bbcceb302099a8057"),
        ({"trace_id": OTHER_TRACE}, OTHER_TRACE),
        ({"correlation_id": "c"}, digest("trace", "w", "c").hex()),
    ],
)
def test_the_trace_of_a_first_that_is_not_known_is_what_its_repetition_says_else_its_own(
    said: dict[str, str], trace: str
) -> None:
    body = [{"event": "p", "id": "evt_1", **said}, {"event": "c", "parent_id": "evt_1"}]
    first = First("01890a5d-ac96-774b-bcce-b302099a8057", "")
    _, child = records(body, first_of={accept(body)[0].key: first})
    assert (child.parent_id, child.trace_id) == (first.id, trace)


def test_only_events_that_others_name_are_keys_of_parents() -> None:
    body = [{"event": "p", "id": "1"}, {"event": "c", "id": "2", "parent_id": "1"}, {"event": "d", "parent_id": "1"}]
    batch = read_events(json.dumps(body).encode(), "application/json", Settings(), NOW)
    assert keys_of_parents(batch, "w") == (accept(body)[0].key,)
