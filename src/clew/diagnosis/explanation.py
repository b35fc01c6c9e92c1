"""Why a record failed, in a sentence: the first rule that knows this kind of failure explains it."""

from __future__ import annotations

from clew.core.record import Record
from clew.diagnosis.facts import Facts, TitleOf, say_subject
from clew.diagnosis.rule import Explanation, Rule, explain_as
from clew.diagnosis.rules.access import (
    explain_denied_access,
    explain_expired_access,
    explain_rate_limit,
    explain_unknown_access,
)
from clew.diagnosis.rules.code import explain_crash, explain_mapping
from clew.diagnosis.rules.network import (
    explain_cut_short,
    explain_dns,
    explain_no_connection,
    explain_refused_address,
    explain_timeout,
    explain_tls,
)
from clew.diagnosis.rules.not_run import explain_decision, explain_duplicate, explain_filter, explain_skip
from clew.diagnosis.rules.refusals import explain_breakdown, explain_not_found, explain_refusal
from clew.diagnosis.rules.webhooks import explain_refused_arrival, explain_signature

RULES: tuple[Rule, ...] = (
    explain_filter,
    explain_decision,
    explain_skip,
    explain_duplicate,
    explain_signature,
    explain_refused_arrival,
    # Code's own mistakes before what is read from words: a node may miss a field called 'timeout'.
    explain_mapping,
    # An answer before no answer: it says what it is.
    explain_expired_access,
    explain_unknown_access,
    explain_denied_access,
    explain_rate_limit,
    explain_not_found,
    explain_timeout,
    explain_refusal,
    explain_breakdown,
    explain_cut_short,
    explain_refused_address,
    # DNS and TLS fail as connections do, so the more exact come first.
    explain_dns,
    explain_tls,
    explain_no_connection,
    explain_crash,
)
"""Asked in this order."""

UNSAID = "unsaid"
"""The code of a failure that gave no reason at all."""


def explain(record: Record, title_of: TitleOf) -> Explanation:
    """Why it failed or did not run. Never empty: what no rule knows is said in the record's own words."""
    facts = Facts(record, title_of)
    found = (rule(facts) for rule in RULES)
    return next((explanation for explanation in found if explanation), None) or _explain_by_its_words(facts)


def _explain_by_its_words(facts: Facts) -> Explanation:
    record = facts.record
    subject = say_subject(record)
    if facts.said:
        return explain_as("failed", f"{subject} failed: {facts.said}", _look_at_logs(record))
    words = [part for error in facts.errors for part in (error.type, error.key) if part]
    if words:
        return explain_as("failed", f"{subject} failed: {' '.join(words[:2])}", _look_at_logs(record))
    return explain_as(UNSAID, f"{subject} failed and did not say why", _look_at_logs(record))


def _look_at_logs(record: Record) -> str:
    return "See its log lines for what it did before." if record.logs else ""
