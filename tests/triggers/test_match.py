"""Filters and their verdicts: whether, and if not, why not."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from clew.triggers.cel_engine import compile_program
from clew.triggers.match import MATCHED, Verdict, compile_filter, evaluate

ORDER: dict[str, Any] = {
    "event": {
        "type": "order.released",
        "time": datetime(2026, 3, 1, 12, 30, tzinfo=UTC),
        "customer": "acme",
        "keys": {"order": "SO-1001"},
        "payload": {
            "data": {
                "country": "CA",
                "lines": [],
                "note": None,
                "total": 5,
                "weight": 2.5,
                "carrier": {"code": "DHL"},
                "parcels": [{"kg": 3}, {"kg": 4}],
                "of a strange name": 1,
            }
        },
    },
    "lookup": {"status": "open"},
}


def verdict_of(text: str, values: dict[str, Any] | None = None) -> Verdict:
    return evaluate(compile_filter(text, ("event", "lookup")), ORDER if values is None else values)


@pytest.mark.parametrize(
    "text",
    [
        "event.payload.data.country == 'CA'",
        "event.payload.data.total == 5 && event.payload.data.total == 5.0 && event.payload.data.weight > 2",
        "event.payload.data.lines.size() == 0 && size(event.keys) == 1 && event.type.size() > 3",
        "event.keys['order'] == 'SO-1001' && 'order' in event.keys",
        "event.keys.order.startsWith('SO-') && event.payload['data'].country in ['US', 'CA']",
        "event.time > timestamp('2026-01-01T00:00:00Z') && event.time.getHours() == 12",
        "event.payload.data.note == null && !has(event.payload.data.none)",
        "event.payload.data.parcels.exists(parcel, parcel.kg > 3)",
        "event.payload.data.parcels[1].kg == 4 && event.payload.data.parcels.size() == 2",
        "event.payload.data.parcels.all(event, event.kg > lookup.status.size() - 2)",
        "lookup.status == 'open' || lookup.none == 1",
        "lookup.status == 'open' ? event.customer == 'acme' : false",
        "event.customer == 'acme' // whose\n && lookup.status == 'open' // and how",
        "event.payload.data.country.matches('^[A-Z]{2}$') && type(event.payload.data.total) == int",
        "event.payload.data['of a strange name'] == 1",
        "event.customer == 'acme' && event == event",
        "'a && b' != event.customer && r'\\' != event.customer && '''a' && ''' != event.customer",
        "((event.customer == 'acme') && (lookup.status == 'open'))",
    ],
)
def test_what_is_true_matches_and_says_nothing_more(text: str) -> None:
    assert verdict_of(text) == MATCHED == Verdict(True)


@pytest.mark.parametrize(
    ("text", "clause", "expected", "actual", "reason"),
    [
        (
            "event.customer == 'acme' && event.payload.data.country == 'US'",
            "event.payload.data.country == 'US'",
            "'US'",
            "CA",
            "event.payload.data.country is 'CA'",
        ),
        (
            "event.payload.data.lines.size() > 0 && event.payload.data.country == 'US'",
            "event.payload.data.lines.size() > 0",
            "> 0",
            0,
            "event.payload.data.lines.size() is 0",
        ),
        ("'US' == event.payload.data.country", None, "'US'", "CA", "event.payload.data.country is 'CA'"),
        ("9 <= event.payload.data.total", None, ">= 9", 5, "event.payload.data.total is 5"),
        ("event.payload.data.country in ['US', 'MX']", None, "in ['US', 'MX']", "CA", None),
        ("'invoice' in event.keys", None, "contains 'invoice'", {"order": "SO-1001"}, None),
        ("event.payload.data.country == event.customer", None, "event.customer ('acme')", "CA", None),
        ("event.payload.data.note != null", None, "!= null", None, "event.payload.data.note is null"),
        ("event.time < timestamp('2026-01-01T00:00:00Z')", None, None, "2026-03-01T12:30:00+00:00", None),
        ("event.payload.data.weight + 1.0 > 4.0", None, "> 4.0", 3.5, "event.payload.data.weight + 1.0 is 3.5"),
        ("event.customer == 'acme' == false", None, "false", True, "event.customer == 'acme' is true"),
        (
            "event.customer == 'a' || lookup.status == 'b'",
            None,
            "true",
            False,
            "it is false: event.customer is 'acme', lookup.status is 'open'",
        ),
        ("event.customer.startsWith('b')", None, "true", False, "it is false: event.customer is 'acme'"),
        ("has(event.payload.total)", None, "true", False, "it is false: event.payload.total is missing"),
        ("1 > 2 || false", None, "true", False, "it is false"),
        ("event.customer == 'a' ? true : false", None, "true", False, None),
        (
            "(event.customer == 'acme' && (lookup.status == 'shut')) && true",
            "lookup.status == 'shut'",
            "'shut'",
            "open",
            None,
        ),
    ],
)
def test_a_verdict_names_the_clause_what_it_wants_and_what_it_saw(
    text: str, clause: str | None, expected: str | None, actual: Any, reason: str | None
) -> None:
    verdict = verdict_of(text)
    assert not verdict.matched
    assert verdict.clause == (clause or text)
    assert expected in (None, verdict.expected)
    assert verdict.actual == actual
    assert reason in (None, verdict.reason)
    assert verdict.reason


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("event.payload.data.state == 'x'", "event.payload.data.state is missing"),
        ("event.payload.order.number == 'x'", "event.payload.order is missing"),
        ("event.keys['invoice'] == 'x'", "event.keys['invoice'] is missing"),
        ("has(event.a) || event.payload.b == 1", "event.payload.b is missing"),
        ("event.payload.data.parcels.all(p, p.lb > 1)", "the key 'lb' is missing"),
        ("event.payload[event.type] == 1", "the key 'order.released' is missing"),
    ],
)
def test_a_missing_field_is_its_own_reason(text: str, reason: str) -> None:
    verdict = verdict_of(text)
    assert (verdict.matched, verdict.actual, verdict.reason) == (False, None, reason)


def test_a_node_that_has_no_output_is_its_own_reason() -> None:
    assert verdict_of("lookup.status == 'open'", {"event": {}}).reason == "lookup is missing"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            "event.customer > 5",
            "the types do not fit: event.customer is 'acme', a text, and not to be compared with > 5",
        ),
        ("!event.customer", "the types do not fit: event.customer is 'acme', a text"),
        ("event.customer + 1 == 2", "the types do not fit: event.customer is 'acme', a text"),
        ("event.payload.data.note.x == 1", "event.payload.data.note is null and has no x"),
        ("event.payload.data.country.code == 1", "event.payload.data.country is 'CA' and has no code"),
        ("event.payload.data.parcels[2].kg == 1", "event.payload.data.parcels is a list of 2 and has no 2"),
        ("event.payload.data.parcels.kg == 1", "event.payload.data.parcels is a list of 2 and has no kg"),
        ("event.customer.getHours() == 1", "the types do not fit: event.customer is 'acme', a text"),
        ("event.payload.data.total / 0 == 1", "division by zero in CEL expression"),
        ("event.customer.matches(lookup.status + '(')", "Function 'matches' error: 'open(' not a valid regex"),
    ],
)
def test_what_cannot_be_answered_says_why(text: str, reason: str) -> None:
    verdict = verdict_of(text)
    assert not verdict.matched
    assert verdict.reason == reason


def test_what_is_neither_true_nor_false_does_not_match() -> None:
    verdict = verdict_of("event.payload.data.total")
    assert verdict == Verdict(
        False,
        "event.payload.data.total",
        "true",
        5,
        "event.payload.data.total is 5, which is neither true nor false",
    )


def test_the_first_clause_that_is_not_true_is_the_one_named() -> None:
    verdict = verdict_of("event.none == 1 && event.customer == 'x'")
    assert verdict.clause == "event.none == 1"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("event.a = 1", ["column 9", "write ==", "event.a = 1"]),
        ("event.a == 1 and event.b == 2", ["column 14", "write &&"]),
        ("event.a ==", ["column 11", "event.a =="]),
        ("event.a == 1 &&\n event.b = 2", ["line 2, column 10"]),
        ("((event.a == 1)", ["column 16"]),
        ("'open", ["column 1"]),
        ("evnt.a == 1", ["column 1", "no 'evnt'", "event, lookup"]),
        (".event.a == 1", ["column 1", "no '.event'"]),
        ("event.lines.exists(line, lin.a == 1)", ["column 26", "no 'lin'"]),
        ("event.a.lower() == 'x'", ["column 9", "no function 'lower'"]),
        ("(" * 5000 + ")" * 4000, ["column"]),
        ("x" * 10_001, ["10,001 characters"]),
        (" ", ["no expression"]),
        (None, ["no expression"]),
    ],
)
def test_what_cannot_be_read_is_refused_with_column_and_text(text: Any, words: list[str]) -> None:
    with pytest.raises(ValueError, match=r".") as error:
        compile_filter(text, ("event", "lookup"))
    assert [word for word in words if word not in str(error.value)] == []


def test_numbers_beyond_64_bits_are_seen_as_doubles() -> None:
    values = {"event": {"u": 2**64 - 1, "big": 10**30, "beyond": 10**400, "low": -(10**400)}}
    assert verdict_of("event.u == 18446744073709551615u && event.big > 1e29", values).matched
    assert verdict_of("event.beyond > 1e308 && event.low < -1e308", values).matched


def test_what_json_cannot_hold_is_seen_as_what_comes_nearest() -> None:
    values = {"event": {"s": "\ud800", "set": {1}, 1: 2, None: 3, "l": ["\udfff"]}}
    assert verdict_of("event.s == '\\\\ud800' && event.set == '{1}' && event == event", values).matched


def test_what_is_nested_too_deep_for_the_engine_ends_no_process() -> None:
    deep: Any = 1
    for _ in range(100_000):
        deep = {"a": [deep]}
    verdict = verdict_of("event == 1", {"event": deep})
    assert (verdict.matched, verdict.expected) == (False, "1")
    while not isinstance(deep, int):  # taken apart by hand: so does not the interpreter, by recursion
        deep = deep["a"][0]


def test_a_long_value_is_cut_where_it_is_told() -> None:
    verdict = verdict_of("event.text == 'x'", {"event": {"text": "y" * 10_000}})
    assert len(verdict.actual) < 300
    assert len(verdict.reason) < 200


def test_a_filter_serves_many_threads() -> None:
    condition = compile_filter("event.a.size() > 2 && event.b == 1", ("event",))
    found: list[bool] = []

    def ask(count: int) -> None:
        found.extend(evaluate(condition, {"event": {"a": [0] * n, "b": 1}}).matched == (n > 2) for n in range(count))

    threads = [threading.Thread(target=ask, args=(200,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [True] * 800


JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["US", "x", ""]),
    lambda inside: (
        st.lists(inside, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "b", "data", "lines"]) | st.text(max_size=3), inside, max_size=4)
    ),
    max_leaves=12,
)
SUBJECTS = st.sampled_from(
    [
        "event.a",
        "event.b",
        "event.a.b",
        "event.a['b']",
        "event.lines[0].a",
        "event.lines[0]",
        "event.lines.size()",
        "size(event.a)",
        "event.data.a.b",
        "event['data']",
        "event",
    ]
)
ATOMS = st.one_of(
    st.builds(
        "{} {} {}".format,
        SUBJECTS,
        st.sampled_from(["==", "!=", "<", ">=", "in"]),
        st.sampled_from(["1", "'US'", "null", "2.5", "true", "['US', 1]", "event.b", "{'a': 1}"]),
    ),
    SUBJECTS,
    SUBJECTS.map("!{}".format),
    st.sampled_from(["event.a", "event.lines", "event.data.a"]).map("has({})".format),
    st.sampled_from(
        [
            "event.lines.exists(l, l.a == 1)",
            "event.lines.all(event, event == 1)",
            "event.a.startsWith('&& US')",
            "1 in event.lines",
            "'a' in event",
            "event.a + event.b > 2",
            "true",
            "1 / 0 == 1",
        ]
    ),
)
FILTERS = st.recursive(
    ATOMS,
    lambda inside: (
        st.builds("{} {} {}".format, inside, st.sampled_from(["&&", "&&", "||"]), inside)
        | inside.map("({})".format)
        | st.builds("{} // {}\n".format, inside, st.just("a && b"))
    ),
    max_leaves=6,
)


def answer_of(text: str, values: dict[str, Any]) -> Any:
    """What the engine says by itself of the whole expression and all values: the truth to agree with."""
    try:
        return compile_program(text).execute(values)
    except Exception as error:
        return error


@settings(max_examples=500)
@given(text=FILTERS, event=JSON_VALUES)
@example(text="event.a == 1 && event.b || true", event={})
@example(text="event.lines.size() > 0 && event.lines[0] == 1", event={"lines": [1]})
@example(text="has(event.lines) && event.lines.exists(l, l.a == 1)", event={"lines": [{"a": 1}]})
def test_a_filter_agrees_with_the_whole_expression(text: str, event: Any) -> None:
    values = {"event": event}
    verdict = evaluate(compile_filter(text, ("event",)), values)
    assert verdict.matched == (answer_of(text, values) is True)
    if not verdict.matched:
        assert answer_of(verdict.clause, values) is not True
        assert verdict.reason
        assert verdict.expected
        json.dumps(verdict.actual, allow_nan=False).encode()


@given(text=st.text(max_size=30) | st.text("event.()&|='\"1 ?:[]{}/\\\nr", max_size=30))
def test_any_text_is_a_filter_or_refused(text: str) -> None:
    try:
        condition = compile_filter(text, ("event",))
    except ValueError:
        return
    assert evaluate(condition, {"event": {}}).matched == (answer_of(text, {"event": {}}) is True)
