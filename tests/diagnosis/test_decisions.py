"""Which flows could have started for an event, and why not."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from clew.core.record import Record
from clew.diagnosis.decisions import Decision, build_decisions

Make = Callable[..., Record]


@pytest.fixture
def chain(make: Make) -> list[Record]:
    """A webhook with two events: the first launched a run that led to an event of our own, the second nothing."""
    launched = {"verdict": "launched", "code": "launched", "flow_run_id": "run", "clause": None, "expected": None}
    refused = {
        "verdict": "not_launched",
        "code": "filter_not_matched",
        "clause": "event.payload.country == 'US'",
        "expected": "'US'",
        "actual": {"code": "DE"},
        "reason": "The country is DE.",
    }
    return [
        make("external_webhook", "webhook"),
        make("external_event", "event 1", "webhook", 1),
        make("decision", "d1", "event 1", 2, flow="order-to-ship", state="launched", parameters=launched),
        make("decision", "d2", "event 1", 3, flow="order-to-bi", state="filter_not_matched", parameters=refused),
        make("flow_run", "run", "event 1", 4, flow="order-to-ship"),
        make("node_run", "node", "run", 5),
        make("internal_event", "inner", "node", 6),
        make("decision", "d3", "inner", 7, state="no_flow_subscribed", message="No flow names it."),
        make("external_event", "event 2", "webhook", 8),
        make("decision", "d4", "event 2", 9, flow="order-to-ship", state="queue_full", parameters="{"),
    ]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("event 1", ["d1", "d2"]),
        ("webhook", ["d1", "d2", "d4"]),
        ("run", ["d1", "d2"]),
        ("node", ["d1", "d2"]),
        ("d2", ["d1", "d2"]),
        ("inner", ["d3"]),
        ("event 2", ["d4"]),
    ],
)
def test_the_decisions_are_those_of_the_events_that_a_record_belongs_to(
    chain: list[Record], asked: str, found: list[str]
) -> None:
    assert [decision.record_id for decision in build_decisions(chain, asked)] == found


@pytest.mark.feature("C44")
def test_a_decision_tells_clause_expected_and_actual_value_or_the_run_it_launched(chain: list[Record]) -> None:
    launched, refused = build_decisions(chain, "event 1")
    assert (launched.verdict, launched.code, launched.flow_run_id) == ("launched", "launched", "run")
    assert (launched.clause, launched.expected, launched.actual) == ("", "", None)
    assert refused == Decision(
        record_id="d2",
        event_id="event 1",
        time=chain[3].time,
        flow="order-to-bi",
        verdict="not_launched",
        code="filter_not_matched",
        reason="The country is DE.",
        clause="event.payload.country == 'US'",
        expected="'US'",
        actual={"code": "DE"},
        flow_run_id="",
    )


def test_a_decision_whose_parameters_cannot_be_read_is_told_by_its_fields(chain: list[Record]) -> None:
    (full,) = build_decisions(chain, "event 2")
    assert (full.flow, full.verdict, full.code) == ("order-to-ship", "not_launched", "queue_full")
    (none,) = build_decisions(chain, "inner")
    assert (none.flow, none.reason) == ("", "No flow names it.")


def test_a_record_on_which_nothing_was_decided_has_none(make: Make) -> None:
    assert build_decisions([make("integration_event", "a"), make("step", "b", "a", 1)], "b") == ()


def test_a_record_that_is_not_in_the_chain_is_a_key_error(chain: list[Record]) -> None:
    with pytest.raises(KeyError):
        build_decisions(chain, "gone")
