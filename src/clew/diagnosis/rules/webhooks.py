"""What was refused on the way in."""

from __future__ import annotations

from clew.core.record import Record
from clew.diagnosis.facts import Facts
from clew.diagnosis.rule import Explanation, explain_as, with_detail

# Where webhooks are not logged, one that was refused is kept as a request.
_DELIVERIES = ("external_webhook", "api_request")


def explain_signature(facts: Facts) -> Explanation | None:
    """A webhook whose signature does not hold."""
    record = facts.record
    if record.kind not in _DELIVERIES or not any(error.type == "signature" for error in facts.errors):
        return None
    said = with_detail(f"The webhook{_say_sender(record, facts)} was refused for its signature", facts.reason)
    return explain_as("signature_refused", said, _hint_of(facts))


def explain_refused_arrival(facts: Facts) -> Explanation | None:
    """A webhook or an event that could not be read."""
    record = facts.record
    if record.kind not in (*_DELIVERIES, "external_event", "external_event_pull") or not facts.errors:
        return None
    if facts.errors[0].type not in ("parse", "body"):
        return None
    return explain_as("not_readable", facts.reason, _hint_of(facts))


def _say_sender(record: Record, facts: Facts) -> str:
    return f" from {facts.title_of(record.source_product)}" if record.source_product else ""


def _hint_of(facts: Facts) -> str:
    hints = (error.data.get("hint") for error in facts.errors if isinstance(error.data, dict))
    return next((hint for hint in hints if isinstance(hint, str)), "")
