"""Every failure has an explanation, also one that no rule knows."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clew.core.record import KINDS, STATUSES, Body, ErrorInfo, HttpExchange, LogLine, Record
from clew.diagnosis import rules
from clew.diagnosis.explanation import RULES, UNSAID, explain
from clew.diagnosis.rule import MAX_SENTENCE, Explanation

Make = Callable[..., Record]
Explain = Callable[[Record], Explanation]


def test_every_rule_is_asked_once() -> None:
    folder = Path(inspect.getfile(rules)).parent
    written = {
        line.removeprefix("def ").partition("(")[0]
        for path in folder.glob("*.py")
        for line in path.read_text().splitlines()
        if line.startswith("def explain_")
    }
    asked = [rule.__name__ for rule in RULES]
    assert sorted(asked) == sorted(written)


@pytest.mark.parametrize(
    ("fields", "summary"),
    [
        ({"message": "the cost centre is closed"}, "The order failed: the cost centre is closed."),
        ({"error": ErrorInfo(message="outer", caused_by=ErrorInfo(message="inner"))}, "The order failed: inner."),
        ({"error": ErrorInfo(message="outer", caused_by=ErrorInfo(type="X"))}, "The order failed: outer."),
        ({"error": ErrorInfo(type="configuration", key="closed")}, "The order failed: configuration closed."),
        ({"error": ErrorInfo(data={"errors": ["no stock"]})}, "The order failed: no stock."),
        ({}, "The order failed and did not say why."),
        ({"message": "Really?"}, "The order failed: Really?"),
    ],
)
def test_what_no_rule_knows_is_said_in_its_own_words(
    make: Make, explained: Explain, fields: dict, summary: str
) -> None:
    assert explained(make("step", event="The order", status="failure", **fields)).summary == summary


def test_a_failure_without_a_word_leads_to_its_log_lines(make: Make, explained: Explain) -> None:
    told = explained(make("flow_run", flow="order-to-ship", status="failure", logs=(LogLine(time=1, msg="x"),)))
    assert told.code == UNSAID
    assert told.summary == "The flow run order-to-ship failed and did not say why."
    assert told.advice == "See its log lines for what it did before."


def test_a_message_of_megabytes_is_one_line_of_which_the_beginning_is_said(make: Make, explained: Explain) -> None:
    told = explained(make("step", event="a", status="failure", message="b\n\tc " * 500_000))
    assert told.summary.startswith("a failed: b c b c ")
    assert len(told.summary) <= MAX_SENTENCE


WORDS = st.text(max_size=12) | st.sampled_from(
    [
        "KeyError",
        "timeout",
        "dns",
        "tls",
        "connection",
        "signature",
        "parse",
        "not_found",
        "access_denied",
        "422",
        "'a'",
    ]
)
DATA: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.integers() | WORDS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["errors", "message", "status", "body", "url", "hint", "retry_after"]), inner)
    ),
    max_leaves=8,
)
ERRORS = st.deferred(
    lambda: st.builds(
        ErrorInfo, type=WORDS, key=WORDS, message=WORDS, data=DATA, stack=WORDS, caused_by=st.none() | ERRORS
    )
)
BODIES = st.none() | st.builds(Body, text=WORDS, size=st.integers(0, 9), encoding=st.sampled_from(["utf-8", "base64"]))
EXCHANGES = st.builds(
    HttpExchange,
    direction=st.sampled_from(["incoming", "outgoing"]),
    method=st.sampled_from(["GET", ""]),
    url=st.sampled_from(["http://a.example/b", "http://[", "", "no address"]),
    status_code=st.sampled_from([0, 200, 401, 404, 422, 429, 500, 999]),
    response_headers=st.dictionaries(st.sampled_from(["Retry-After", "x-request-id"]), WORDS),
    response_body=BODIES,
)


@given(
    st.builds(
        Record,
        id=st.just("r"),
        time=st.just(1),
        workspace=st.just("w"),
        kind=st.sampled_from(KINDS),
        event=WORDS,
        flow=WORDS,
        node=WORDS,
        status=st.sampled_from(STATUSES),
        state=WORDS,
        message=WORDS,
        target_product=st.sampled_from(["", "ship"]),
        error=st.none() | ERRORS,
        http=st.none() | EXCHANGES,
        parameters=st.sampled_from(
            ["", "{", "[]", '{"status_code": 422}', '{"input": {"a": 1}}', '{"input": 1, "upstream": []}', "[" * 5_000]
        ),
        duration_ms=st.none() | st.integers(0, 10**9),
    )
)
def test_whatever_a_record_holds_it_is_explained(record: Record) -> None:
    told = explain(record, str)
    assert told.summary.strip()
    assert told.code
    assert told.summary == told.summary.strip()
    assert len(told.summary) <= MAX_SENTENCE
