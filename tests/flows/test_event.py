"""The event that a flow sees, made of its record."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clew.core.ids import new_id
from clew.core.record import Record
from clew.flows.event import Event, from_record
from clew.triggers.match import compile_filter, evaluate

TIME = 1_780_000_000_123


def record(payload: str = '{"a": [1, 2.5, null]}', **given: Any) -> Record:
    return Record(
        id=new_id(TIME),
        time=TIME,
        workspace="w",
        kind="external_event",
        event="order.released",
        customer="acme",
        connection="c1",
        integration="orders",
        source="orders",
        trace_id="ab" * 16,
        keys={"order": "SO-1"},
        payload=payload,
        **given,
    )


def test_an_event_is_what_its_record_says() -> None:
    source = record()
    event = from_record(source)
    assert event.payload == {"a": [1, 2.5, None]}
    assert (event.id, event.time, event.type) == (source.id, TIME, "order.released")
    assert (event.customer, event.connection, event.integration, event.source) == ("acme", "c1", "orders", "orders")
    assert (event.keys, event.trace_id) == ({"order": "SO-1"}, "ab" * 16)
    assert event.datetime == datetime(2026, 5, 28, 20, 26, 40, 123_000, UTC)


@pytest.mark.parametrize("payload", ["<order/>", "a=1&b=2", '{"a": ', "NaN", "[" * 5_000, '"\\ud800"', "1e999"])
def test_a_payload_that_is_no_json_is_its_text(payload: str) -> None:
    assert from_record(record(payload)).payload == payload


def test_no_payload_is_none_and_a_binary_one_its_base64() -> None:
    assert from_record(record("")).payload is None
    assert from_record(record("MTI=", payload_encoding="base64")).payload == "MTI="


def test_numbers_beyond_64_bits_are_whole() -> None:
    assert from_record(record('{"n": 123456789012345678901234567890}')).payload["n"] == 123456789012345678901234567890


def test_a_filter_sees_the_same_fields_and_the_time_as_a_timestamp() -> None:
    event = from_record(record())
    assert event.to_cel() is event.to_cel()
    text = (
        "event.time == timestamp('2026-05-28T20:26:40.123Z') && event.type == 'order.released' && event.id.size() == 36"
        " && event.payload.a[1] == 2.5 && event.keys.order == 'SO-1' && event.customer + event.connection == 'acmec1'"
        " && event.source == event.integration && event.trace_id.startsWith('ab')"
    )
    assert evaluate(compile_filter(text, ("event",)), {"event": event.to_cel()}).reason == ""


JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inside: st.lists(inside) | st.dictionaries(st.text(), inside),
    max_leaves=10,
)


@given(payload=JSON_VALUES, time=st.integers(0, 2**40))
def test_an_event_comes_back_from_json_as_it_was(payload: Any, time: int) -> None:
    event = Event(id="i", time=time, type="t", payload=payload, keys={"k": "v"})
    assert event.to_cel()
    assert msgspec.json.decode(msgspec.json.encode(event), type=Event) == event
