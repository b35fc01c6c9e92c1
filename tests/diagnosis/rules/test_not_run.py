"""What did not run, and why, in the words of its decision."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from clew.core.record import Record
from clew.diagnosis.rule import Explanation

Make = Callable[..., Record]
Explain = Callable[[Record], Explanation]


def decision(make: Make, state: str, message: str = "", **parameters: object) -> Record:
    return make("decision", status="info", flow="order-to-ship", state=state, message=message, parameters=parameters)


def test_a_decision_is_explained_by_its_own_sentence(make: Make, explained: Explain) -> None:
    told = explained(decision(make, "filter_not_matched", "The country is DE, expected US."))
    assert told.code == "filter_not_matched"
    assert told.summary == "The country is DE, expected US."
    assert "the filter of order-to-ship" in told.advice


def test_a_filter_without_a_sentence_names_clause_expected_and_actual_value(make: Make, explained: Explain) -> None:
    clause = "event.payload.data.country == 'US'"
    record = decision(make, "filter_not_matched", clause=clause, expected="'US'", actual={"code": "DE"})
    assert explained(record).summary == (
        f'order-to-ship did not start: {clause}, expected \'US\', was {{"code":"DE"}}.'
    )


@pytest.mark.parametrize(
    ("state", "summary"),
    [
        ("flow_disabled", "order-to-ship did not start: it is disabled."),
        ("connection_disconnected", "order-to-ship did not start: its connection is disconnected."),
        ("connection_archived", "order-to-ship did not start: its connection is archived."),
        ("customer_archived", "order-to-ship did not start: its customer is archived."),
        ("duplicate", "order-to-ship did not start: this event had started a run before."),
        ("queue_full", "order-to-ship did not start: too many runs of its connection are waiting."),
        ("no_flow_subscribed", "No flow is subscribed to this event."),
        ("not_its_day", "order-to-ship did not start: not its day."),
        ("", "order-to-ship did not start: nobody said why."),
    ],
)
def test_every_code_has_words(make: Make, explained: Explain, state: str, summary: str) -> None:
    told = explained(decision(make, state))
    assert told.summary == summary
    assert told.code == (state or "not_launched")


def test_a_skipped_node_says_its_condition(make: Make, explained: Explain) -> None:
    because = {"clause": "lookup.status == 'open'", "expected": "'open'", "actual": "shipped", "reason": "x"}
    record = make(
        "node_run", status="info", state="skipped", node="create_shipment", parameters={"skipped_because": because}
    )
    told = explained(record)
    assert told.code == "skipped"
    assert told.summary == (
        "The node create_shipment was skipped: lookup.status == 'open', expected 'open', was shipped."
    )
    by_reason = make(
        "node_run",
        status="info",
        state="skipped",
        node="n",
        parameters={"skipped_because": {"reason": "lookup was skipped"}},
    )
    assert explained(by_reason).summary == "The node n was skipped: lookup was skipped."


def test_a_value_of_megabytes_is_said_in_part(make: Make, explained: Explain) -> None:
    record = decision(make, "filter_not_matched", clause="event.payload == 'x'", expected="'x'", actual="y" * 1_000_000)
    assert len(explained(record).summary) < 300
