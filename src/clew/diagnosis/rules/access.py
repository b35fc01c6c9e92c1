"""Who may: access that expired, credentials that are not taken, rights that are missing, limits."""

from __future__ import annotations

import re

from clew.diagnosis.facts import Facts
from clew.diagnosis.rule import Explanation, explain_as, with_detail

_EXPIRED_CODES = frozenset({"access_token_expired", "token_expired", "expired_token", "connection_is_defunct"})
_UNKNOWN_CODES = frozenset({"not_authenticated", "invalid_token", "unauthorized", "invalid_grant"})
_DENIED_CODES = frozenset({"access_denied", "forbidden", "insufficient_scope", "permission_denied"})
_LIMITED_CODES = frozenset({"rate_limit_exceeded", "rate_limited", "too_many_requests"})
_EXPIRED = re.compile(r"expired|\bdefunct\b|no longer valid")


def explain_expired_access(facts: Facts) -> Explanation | None:
    """Access that was good once, and is no more."""
    is_refused = facts.status_code == 401 or (not facts.status_code and facts.codes & _UNKNOWN_CODES)
    says_expired = facts.codes & _EXPIRED_CODES or (
        is_refused and _EXPIRED.search(f"{facts.words} {facts.said}".lower())
    )
    if not says_expired or facts.status_code not in (0, 400, 401, 403):
        return None
    said = with_detail(f"The access to {facts.side_within} has expired{facts.status_note}", facts.said)
    return explain_as("access_expired", said, f"Renew the access{_to_connection(facts)}, then run it again.")


def explain_unknown_access(facts: Facts) -> Explanation | None:
    """Credentials that the other side does not take."""
    if facts.status_code != 401 and (facts.status_code or not facts.codes & _UNKNOWN_CODES):
        return None
    said = with_detail(f"{facts.side} did not accept the credentials{facts.status_note}", facts.said)
    return explain_as("access_refused", said, f"Check the key or the token{_to_connection(facts)}, then run it again.")


def explain_denied_access(facts: Facts) -> Explanation | None:
    """Known there, but without the right."""
    if facts.status_code != 403 and (facts.status_code or not facts.codes & _DENIED_CODES):
        return None
    said = with_detail(f"{facts.side} did not allow it{facts.status_note}", facts.said)
    return explain_as("access_denied", said, f"Give the account that calls {facts.side_within} the right to do this.")


def explain_rate_limit(facts: Facts) -> Explanation | None:
    """More requests than the other side takes."""
    if facts.status_code != 429 and (facts.status_code or not facts.codes & _LIMITED_CODES):
        return None
    after = facts.retry_after
    unit = " s" if after.isdecimal() else ""
    said = with_detail(f"{facts.side} got more requests than it takes{facts.status_note}", facts.said)
    advice = f"Run it again after {after}{unit}." if after else "Run it again later, or more slowly."
    return explain_as("rate_limited", said, advice)


def _to_connection(facts: Facts) -> str:
    connection = facts.record.connection
    return f" of the connection {connection}" if connection else ""
