"""Checked steps to records under their event."""

from __future__ import annotations

import json

import pytest

from clew.core.errors import Invalid, TooLarge
from clew.core.ids import digest, new_id, time_of
from clew.core.record import Record, decode_line, encode_line
from clew.core.redaction import Redactor
from clew.core.settings import Settings
from clew.doors.event_records import Accepted
from clew.doors.steps import ACTIONS, Step, read_steps, to_step_records

NOW = 1_780_000_000_000
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
EVENT = Record(
    id=new_id(NOW - 5_000),
    time=NOW - 5_000,
    workspace="w",
    kind="external_event",
    event="order.released",
    source_product="erp",
    target_product="ship",
    direction="two-way",
    customer="acme",
    integration="orders",
    connection="c1",
    trace_id=TRACE,
    keys={"order": "SO-1"},
)


def accept(body: object, traceparent: str = "", settings: Settings | None = None) -> list[Accepted]:
    batch = read_steps(json.dumps(body).encode(), "application/json", settings or Settings(), NOW)
    return to_step_records(batch, EVENT, redactor=Redactor(), traceparent=traceparent)


def records(body: object, traceparent: str = "") -> list[Record]:
    return [accepted.record for accepted in accept(body, traceparent)]


def test_every_field_arrives_in_the_record_beside_what_the_event_gives() -> None:
    [record] = records(
        {
            "action": "Processed",
            "status": "info",
            "message": "later",
            "source_product": "ship",
            "target_product": "erp",
            "time": "2026-05-28T20:26:39.005Z",
            "id": "s-1",
            "parameters": {"attempt": 2},
            "payload": [1],
            "error": {"type": "delivery", "message": "no answer"},
            "duration_ms": 0,
        }
    )
    assert record == decode_line(encode_line(record))
    assert time_of(record.id) == record.time == NOW - 995
    expected = {
        "kind": "step", "workspace": "w", "event": "order.released", "action": "Processed", "status": "info",
        "message": "later", "source_product": "ship", "target_product": "erp", "direction": "two-way",
        "customer": "acme", "integration": "orders", "connection": "c1", "trace_id": TRACE, "parent_id": EVENT.id,
        "sender_id": "s-1", "keys": {"order": "SO-1"}, "parameters": '{"attempt": 2}', "payload": "[1]",
        "content_type": "application/json", "duration_ms": 0, "logs": (),
    }  # fmt: skip
    assert {name: getattr(record, name) for name in expected} == expected
    assert record.error is not None
    assert (record.error.type, record.error.message) == ("delivery", "no answer")


@pytest.mark.parametrize("action", ACTIONS)
def test_the_actions_that_are_offered_are_taken_and_are_the_events_as_far_as_they_do_not_say(action: str) -> None:
    [record] = records({"action": action, "source_product": None, "target_product": ""})
    assert (record.action, record.source_product, record.target_product) == (action, "erp", "ship")


@pytest.mark.parametrize(
    ("step", "status"),
    [({}, "success"), ({"error": "no"}, "failure"), ({"error": "no", "status": "success"}, "success")],
)
def test_a_step_without_a_status_went_well_unless_it_has_an_error(step: dict[str, str], status: str) -> None:
    assert records({"action": "Processed", **step})[0].status == status


def test_steps_of_one_moment_keep_their_order() -> None:
    found = records([{"action": f"Tried {n}"} for n in range(50)])
    assert [record.action for record in sorted(found, key=lambda record: record.id)] == [r.action for r in found]


def test_the_key_of_a_step_is_of_its_event_and_its_id() -> None:
    one, other = accept([{"action": "a", "id": "s-1"}, {"action": "a"}])
    assert one.key == digest("step", "w", EVENT.id, "s-1")
    assert other.key == b""


@pytest.mark.parametrize("traceparent", ["", "nonsense", f"00-{TRACE}-00f067aa0ba902b7-01"])
def test_a_step_tells_of_no_other_trace_where_it_came_in_none(traceparent: str) -> None:
    assert records({"action": "a"}, traceparent)[0].logs == ()


def test_a_step_tells_of_the_trace_that_it_came_in() -> None:
    other = "0af7651916cd43dd8448eb211c80319c"
    [record] = records({"action": "a"}, f"00-{other}-00f067aa0ba902b7-01")
    assert record.trace_id == TRACE
    assert record.logs[0].data == {"trace_id": other}


def test_a_steps_fields_are_those_of_an_event() -> None:
    # the same checks are made of both, by name
    assert set(Step.__struct_fields__) < {*Record.__struct_fields__, "id", "time"}


def test_limits_are_those_of_events_in_the_words_of_a_step() -> None:
    with pytest.raises(TooLarge, match=r"^A step has more than 1000 bytes"):
        accept({"action": "a", "payload": "x" * 1_000}, settings=Settings(max_event_bytes=1_000))
    with pytest.raises(Invalid, match=r"^There is no step in the request"):
        accept([])
    with pytest.raises(Invalid, match=r"^1 of 2 steps is wrong, nothing was stored\. /1/payload"):
        accept([{"action": "a"}, {"action": "a", "payload": [[[[1]]]]}], settings=Settings(max_depth=3))
    with pytest.raises(Invalid) as refused:
        accept({"action": "a", "event": "x"})
    assert refused.value.hint == f"Fields are {', '.join(Step.__struct_fields__)}."
