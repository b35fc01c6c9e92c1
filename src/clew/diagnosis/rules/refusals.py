"""What the other side answered: it has no such thing, it does not take this, it broke itself."""

from __future__ import annotations

from clew.diagnosis.facts import US, Facts
from clew.diagnosis.rule import Explanation, explain_as, with_detail

_REFUSING_CODES = frozenset({"bad_request", "validation_failed", "validation_error", "already_exists", "unprocessable"})
_NOT_AVAILABLE = 503
_GATEWAYS = (502, 504)


def explain_not_found(facts: Facts) -> Explanation | None:
    """The other side has no such thing."""
    if facts.status_code not in (404, 410) and (facts.status_code or "not_found" not in facts.codes):
        return None
    asked = f" for {facts.call}" if facts.call else ""
    said = with_detail(f"{facts.side} did not find what was asked{asked}{facts.status_note}", facts.said)
    return explain_as("not_found", said, f"See whether it exists in {facts.side_within}, under this number or address.")


def explain_refusal(facts: Facts) -> Explanation | None:
    """The other side read the request and does not take it."""
    is_refused = 400 <= facts.status_code < 500 or (not facts.status_code and facts.codes & _REFUSING_CODES)
    if not is_refused:
        return None
    refused = facts.call or (facts.record.event if facts.record.kind == "integration_event" else "") or "it"
    said = with_detail(f"{facts.side} refused {refused}{facts.status_note}", facts.said)
    if facts.status_code == 409 or "already_exists" in facts.codes:
        return explain_as("conflict", said, f"See what {facts.side_within} has already, and whether that is right.")
    advice = "Correct the data where it comes from, then run it again." if facts.said else ""
    return explain_as("refused", said, advice)


def explain_breakdown(facts: Facts) -> Explanation | None:
    """The other side failed by itself."""
    if facts.status_code < 500:
        return None
    did = "made a mistake of its own"
    if facts.status_code == _NOT_AVAILABLE:
        did = "is not available"
    elif facts.status_code in _GATEWAYS:
        did = "could not be reached behind its gateway"
    said = with_detail(f"{facts.side} {did}{facts.status_note}", facts.said)
    if facts.side == US:
        return explain_as("server_error", said)
    request = f" Their id of the request is {facts.request_id}." if facts.request_id else ""
    return explain_as(
        "server_error", said, f"Run it again; if that fails too, ask those who run {facts.side_within}.{request}"
    )
