"""Events as JSON: what is read, and what is refused with its place."""

from __future__ import annotations

import json
from typing import get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clew.core.clock import DAY_MS, to_rfc3339
from clew.core.errors import BadRequest, ClewError, Invalid, TooLarge, UnsupportedMediaType
from clew.core.settings import Settings
from clew.doors.json_events import Batch, Event, read_events

NOW = 1_780_000_000_000
SETTINGS = Settings()
LINES = "application/x-ndjson"


def read(body: object, content_type: str = "application/json", settings: Settings = SETTINGS) -> Batch:
    if not isinstance(body, bytes):
        body = (body if isinstance(body, str) else json.dumps(body)).encode()
    return read_events(body, content_type, settings, NOW)


def refused(body: object, content_type: str = "application/json", settings: Settings = SETTINGS) -> ClewError:
    with pytest.raises(ClewError) as error:
        read(body, content_type, settings)
    return error.value


def outcome(body: object, content_type: str = "application/json") -> ClewError | None:
    try:
        read(body, content_type)
    except ClewError as error:
        return error
    return None


def test_an_object_an_array_and_lines_are_read_alike() -> None:
    one = {"event": "a", "keys": {"order": "SO-1", "n": 7}, "payload": {"x": 1}}
    forms = [read(one), read([one]), read(json.dumps(one) + "\r\n\n  \n", LINES)]
    assert [len(batch.events) for batch in forms] == [1, 1, 1]
    assert [(batch.events[0].event, batch.events[0].keys) for batch in forms] == [("a", one["keys"])] * 3
    assert [bytes(batch.events[0].payload) for batch in forms] == [b'{"x": 1}'] * 3


@pytest.mark.parametrize(
    "payload", ["123456789012345678901234567890", "1e400", '{ "a" :\t[1.10, "\\u0000\\/"]}', "null", '""']
)
def test_a_payload_is_kept_byte_for_byte(payload: str) -> None:
    assert bytes(read('{"event":"a","payload": ' + payload + " }").events[0].payload) == payload.encode()


def test_null_is_the_same_as_leaving_out() -> None:
    names = [
        "type",
        "customer",
        "status",
        "direction",
        "time",
        "id",
        "trace_id",
        "parent_id",
        "keys",
        "error",
        "parameters",
    ]
    batch = read({"event": "a", **dict.fromkeys(names)})
    assert (batch.times_ms, batch.errors, batch.parents) == ([NOW], {}, {})


@pytest.mark.parametrize(
    ("text", "time_ms"),
    [
        ("2026-05-28T20:26:40.123Z", 1_780_000_000_123),
        ("2026-05-28T22:26:40.123999+02:00", 1_780_000_000_123),
        ("2026-05-28T20:26:40", 1_780_000_000_000),
    ],
)
def test_a_time_is_milliseconds_in_utc(text: str, time_ms: int) -> None:
    assert read({"event": "a", "time": text}).times_ms == [time_ms]


@given(time_ms=st.integers(NOW - 3_649 * DAY_MS, NOW + DAY_MS))
def test_every_time_within_the_limits_comes_back_to_the_millisecond(time_ms: int) -> None:
    assert read({"event": "a", "time": to_rfc3339(time_ms)}).times_ms == [time_ms]


@pytest.mark.parametrize(
    ("body", "pointer", "said"),
    [
        ({}, "/event", "lacks the field `event`"),
        ({"event": ""}, "/event", "length >= 1"),
        ({"event": "a" * 201}, "/event", "length <= 200"),
        ({"event": 5}, "/event", "Expected string, got integer"),
        ({"event": "a", "customer": "c" * 201}, "/customer", "length <= 200"),
        ({"event": "a", "colour": "red"}, "/colour", "no such field"),
        ({"event": "a", "status": "failed"}, "/status", "'failed'"),
        ({"event": "a", "direction": "both"}, "/direction", "'both'"),
        ({"event": "a", "time": "yesterday"}, "/time", "RFC3339"),
        ({"event": "a", "time": "0001-01-01T00:00:00+05:00"}, "/time", "3650 days"),
        ({"event": "a", "time": "2027-01-01T00:00:00Z"}, "/time", "future"),
        ({"event": "a", "duration_ms": -1}, "/duration_ms", ">= 0"),
        ({"event": "a", "duration_ms": 1.5}, "/duration_ms", "Expected integer"),
        ({"event": "a", "duration_ms": 2**60}, "/duration_ms", "<="),
        ({"event": "a", "trace_id": "0" * 32}, "/trace_id", "32 small hex digits"),
        ({"event": "a", "trace_id": "A" * 32}, "/trace_id", "32 small hex digits"),
        ({"event": "a", "parent_id": "SO-1"}, "/parent_id", "'SO-1'"),
        ({"event": "a", "id": "e1", "parent_id": "e1"}, "/parent_id", "own ancestor"),
        ({"event": "a", "keys": {"a b": "x"}}, "/keys/a b", "letters, digits"),
        ({"event": "a", "keys": {"a": "x", "b": 1.5}}, "/keys/b", "got number"),
        ({"event": "a", "keys": {"a": "x" * 501}}, "/keys/a", "500"),
        ({"event": "a", "keys": {"a": 10**501}}, "/keys/a", "500"),
        ({"event": "a", "keys": {str(n): "x" for n in range(51)}}, "/keys", "51 keys"),
        ({"event": "a", "parameters": [1]}, "/parameters", "object"),
        ({"event": "a", "error": 5}, "/error", "got integer"),
        ({"event": "a", "error": {"caused_by": {"oops": 1}}}, "/error/caused_by/oops", "no such field"),
        ({"event": "a", "error": {"type": "x" * 201}}, "/error/type", "length <= 200"),
        ({"event": "a\u0000b"}, "/event", "U+0000 at 1"),
        ({"event": "a\nb"}, "/event", "U+000A at 1"),
        ({"event": "a\u007f"}, "/event", "U+007F at 1"),
        ({"event": "a", "message": "a\u0008"}, "/message", "U+0008 at 1"),
        ({"event": "a", "keys": {"k": "\u0001"}}, "/keys/k", "U+0001 at 0"),
        ({"event": "a", "error": {"caused_by": {"message": "\u0000"}}}, "/error/caused_by/message", "U+0000"),
        (5, "", "Expected object"),
        ([5], "/0", "Expected object"),
    ],
)
def test_what_is_wrong_is_refused_with_its_place(body: object, pointer: str, said: str) -> None:
    error = refused(body)
    assert isinstance(error, Invalid)
    assert [e.pointer for e in error.errors] == [pointer]
    assert said in error.errors[0].detail
    assert said in error.detail


def test_allowed_values_and_fields_are_in_the_hint() -> None:
    assert "info, success or failure" in refused({"event": "a", "status": "x"}).hint
    assert "correlation_id" in refused({"event": "a", "colour": 1}).hint
    assert "caused_by" in refused({"event": "a", "error": {"colour": 1}}).hint


def test_tabs_and_line_ends_are_taken_in_messages_and_anything_in_payloads() -> None:
    event = {"event": "a", "message": "a\tb\nc", "payload": "\u0000", "error": {"stack": "a\n\tb", "data": "\u0000"}}
    assert read(event).errors[0].stack == "a\n\tb"


OWN_TEXTS = {name for name, kind in get_type_hints(Event).items() if kind in (str, str | None)}


@pytest.mark.parametrize("name", sorted(OWN_TEXTS - {"message", "trace_id", "parent_id"}))
@pytest.mark.parametrize("written", ["\\u0000", "\\u001F", "\\u007f", "\\b", "\\f", "\\n", "\\r", "\\t", "\x7f"])
def test_no_own_name_takes_a_control_character_however_it_is_written(name: str, written: str) -> None:
    fine = '{"event":"a"}'
    error = refused(f"[{fine},{json.dumps({'event': 'a', name: 'x?'}).replace('?', written)}]")
    assert [wrong.pointer for wrong in error.errors] == [f"/1/{name}"]
    assert "control character" in error.detail


def test_unusual_spaces_and_marks_are_no_control_characters() -> None:
    text = "a\u00a0b\u200b\u0080\U0001f9f6"
    event = {"event": text, "message": f"{text}\n", "keys": {"k": text}}
    assert read(event).events[0].event == text


def test_every_wrong_event_of_a_request_is_named_up_to_twenty() -> None:
    body = [{"event": "ok"}, {"event": 1}, {"event": "ok", "status": 3}, {}]
    assert [e.pointer for e in refused(body).errors] == ["/1/event", "/2/status", "/3/event"]
    assert len(refused([{}] * 50).errors) == 20
    assert "3 of 4 events are wrong, nothing was stored" in refused(body).detail
    late = [{"event": "a", "trace_id": "x", "parent_id": "y"}, {"event": "a", "time": "1800-01-01T00:00:00Z"}]
    assert {e.pointer for e in refused(late).errors} == {"/1/time", "/0/trace_id", "/0/parent_id"}


def test_errors_in_lines_name_the_line() -> None:
    error = refused('{"event":"a"}\n\n{"event":"b","status":"x"}\n', LINES)
    assert error.errors[0].pointer == "/1/status"
    assert error.errors[0].detail.startswith("line 3: ")
    malformed = refused('{"event":"a"}\n{"event":}\n', LINES)
    assert isinstance(malformed, BadRequest)
    assert "line 2, byte 9" in malformed.detail


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"event":"a",}', "byte 13"),
        (b'[{"event":"a"},\n {"event" "b"}]', "line 2, byte 10 (byte 26 of the body)"),
        (b'{"event":"a"', "ends too early"),
        (b'[{"event":1}, {"event":', "ends too early"),
        (b'{"event":"a"} x', "trailing characters"),
        (
            b'{"event":"a","payload":"\\ud800"}',
            "\\ud800 is half of a surrogate pair and no character at line 1, byte 24",
        ),
        (b'{"payload":"\\ud83d\\ude00","event":"\\udc00"}', "\\udc00 is half"),
        (b'{"event":"\x01"}', "byte 10"),
        (b'{"event":"\xff"}', "byte 10 cannot be read"),
        (b'{"event":"a","payload":"\xc3("}', "no UTF-8"),
        (b"", "empty"),
        (b" \n", "empty"),
        (b'{"event":NaN}', "byte 9"),
    ],
)
def test_malformed_bodies_name_the_byte(body: bytes, said: str) -> None:
    error = refused(body)
    assert isinstance(error, BadRequest)
    assert said in error.detail


def test_malformed_json_comes_before_wrong_fields() -> None:
    assert isinstance(refused('[{"event":5},{]'), BadRequest)


@pytest.mark.parametrize(("body", "content_type"), [("[]", "application/json"), (" [ ] ", "")])
def test_no_event_at_all_is_refused(body: str, content_type: str) -> None:
    assert isinstance(refused(body, content_type), Invalid)


@pytest.mark.parametrize(
    "content_type", ["application/json; charset=UTF-8", "", "APPLICATION/JSON", "application/jsonl"]
)
def test_content_types_are_understood_with_their_parameters(content_type: str) -> None:
    assert read({"event": "a"}, content_type).events[0].event == "a"


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin-1"]
)
def test_other_content_types_are_refused(content_type: str) -> None:
    assert isinstance(refused({"event": "a"}, content_type), UnsupportedMediaType)


def test_an_event_over_its_limit_is_named() -> None:
    settings = Settings(max_event_bytes=100)
    body = [{"event": "a"}, {"event": "b", "payload": "x" * 100}, {"event": "c"}, {"event": "d"}, {"event": "e"}]
    error = refused(body, settings=settings)
    assert isinstance(error, TooLarge)
    assert [e.pointer for e in error.errors] == ["/1"]
    lines = "\n".join(map(json.dumps, body))
    assert refused(lines, LINES, settings).errors[0].detail.startswith("line 2: ")
    assert len(read([{"event": "a"}] * 50, settings=settings).events) == 50


@pytest.mark.parametrize("field", ["payload", "parameters", "error"])
def test_what_is_nested_to_the_limit_is_taken_and_beyond_it_refused(field: str) -> None:
    def event(depth: int) -> str:
        inner = "[" * (depth - 1) + "]" * (depth - 1)
        name = "data" if field == "error" else "x"
        return f'{{"event":"a","{field}":{{"{name}":{inner}}}}}'

    assert read(event(64))
    for body, pointer in ((event(65), f"/{field}"), (f"[{event(64)},{event(65)}]", f"/1/{field}")):
        error = refused(body)
        assert isinstance(error, Invalid)
        assert [e.pointer for e in error.errors] == [pointer]
        assert "deeper than 64" in error.detail


@pytest.mark.parametrize(
    "body",
    [
        "[" * 100_000,
        "[" * 100_000 + "]" * 100_000,
        '{"event":"a","payload":' + "[" * 100_000 + "]" * 100_000 + "}",
        '[{"event":"a","payload":' + '{"a":' * 50_000 + "1" + "}" * 50_000 + "}]",
    ],
)
def test_absurd_nesting_is_refused_like_any_other(body: str) -> None:
    error = refused(body)
    assert isinstance(error, Invalid)
    assert "deeper than 64" in error.detail
    assert isinstance(refused(body, LINES), Invalid)


def test_a_parent_is_a_record_or_an_event_of_the_same_request() -> None:
    record = "01890A5D-AC96-774B-BCCE-B302099A8057"
    batch = read([{"event": "b", "parent_id": "e1"}, {"event": "a", "id": "e1"}, {"event": "c", "parent_id": record}])
    assert batch.parents == {0: 1}
    assert batch.foreign_parents() == {record.lower()}


def test_parents_in_a_circle_are_refused_once() -> None:
    body = [{"event": "a", "id": str(n), "parent_id": str((n + 1) % 3)} for n in range(3)]
    body.append({"event": "a", "parent_id": "0"})
    assert len(refused(body).errors) == 1


@given(st.binary(max_size=200))
def test_no_bytes_make_it_fail_in_another_way(body: bytes) -> None:
    for content_type in ("application/json", LINES):
        error = outcome(body, content_type)
        assert error is None or error.status in (400, 413, 422)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)
FIELDS = [
    "event",
    "type",
    "status",
    "time",
    "id",
    "parent_id",
    "keys",
    "parameters",
    "payload",
    "error",
    "message",
    "x",
]


@given(st.lists(st.dictionaries(st.sampled_from(FIELDS), ANYTHING), max_size=4))
def test_no_json_makes_it_fail_in_another_way(body: list[object]) -> None:
    error = outcome(body)
    assert error is None or (isinstance(error, Invalid) and error.errors)
