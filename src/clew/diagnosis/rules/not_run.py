"""What did not run, or had been done before: decisions, skipped nodes, repeated deliveries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from clew.core.record import Record
from clew.diagnosis.facts import Facts, name_of
from clew.diagnosis.rule import Explanation, explain_as

_ADVICE = {
    "flow_disabled": "Enable the flow, then replay the event.",
    "connection_disconnected": "Connect it again, then replay the event.",
    "connection_archived": "Restore the connection, then replay the event.",
    "customer_archived": "Take the customer into use again, then replay the event.",
    "queue_full": "See what the waiting runs are waiting for; replay the event when they are done.",
    "no_flow_subscribed": "If a flow should start, let it name this event.",
}
_REASONS = {
    "flow_disabled": "it is disabled",
    "connection_disconnected": "its connection is disconnected",
    "connection_archived": "its connection is archived",
    "customer_archived": "its customer is archived",
    "duplicate": "this event had started a run before",
    "queue_full": "too many runs of its connection are waiting",
}
MAX_VALUE = 120
"""Characters of a value that are said."""


def did_not_run(record: Record) -> bool:
    """Whether it is a decision against a run, or a node that was skipped."""
    if record.kind == "decision":
        return record.state != "launched"
    return record.kind == "node_run" and record.state == "skipped"


def explain_filter(facts: Facts) -> Explanation | None:
    """A flow's filter did not match the event."""
    record = facts.record
    if record.kind != "decision" or record.state != "filter_not_matched":
        return None
    built = f"{name_of(record)} did not start: {_say_clause(facts.parameters)}"
    return explain_as(
        "filter_not_matched",
        record.message or built,
        f"If it should have started, correct the data where it comes from, or the filter of {name_of(record)}.",
    )


def explain_decision(facts: Facts) -> Explanation | None:
    """A flow did not start for another reason. The decision says it."""
    record = facts.record
    if record.kind != "decision" or not did_not_run(record):
        return None
    because = _REASONS.get(record.state, record.state.replace("_", " ") or "nobody said why")
    built = f"{name_of(record)} did not start: {because}"
    if record.state == "no_flow_subscribed":
        built = "No flow is subscribed to this event"
    return explain_as(record.state or "not_launched", record.message or built, _ADVICE.get(record.state, ""))


def explain_skip(facts: Facts) -> Explanation | None:
    """A node that its condition, or one before it, kept from running."""
    record = facts.record
    if record.kind != "node_run" or not did_not_run(record):
        return None
    because = facts.parameters.get("skipped_because")
    built = f"The node {name_of(record)} was skipped: {_say_clause(because if isinstance(because, dict) else {})}"
    return explain_as("skipped", record.message or built)


def explain_duplicate(facts: Facts) -> Explanation | None:
    """A delivery that came before."""
    record = facts.record
    if not record.duplicate_of or record.status == "failure":
        return None
    message = record.message or f"It came before, as {record.duplicate_of}"
    return explain_as("duplicate", message, "See the first delivery: what was done is there.")


def _say_clause(verdict: Mapping[str, Any]) -> str:
    reason = verdict.get("reason")
    clause = verdict.get("clause")
    if not clause:
        return str(reason or "nobody said why")
    expected, actual = verdict.get("expected"), verdict.get("actual")
    asked = f", expected {_say_value(expected)}" if expected not in (None, "") else ""
    return f"{clause}{asked}, was {_say_value(actual)}"


def _say_value(value: Any) -> str:
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return text if len(text) <= MAX_VALUE else text[: MAX_VALUE - 1] + "\N{HORIZONTAL ELLIPSIS}"
