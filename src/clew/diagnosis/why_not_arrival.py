"""The first links: did anything arrive, was it taken, did the event happen; or was the schedule due."""

from __future__ import annotations

from clew.core.clock import SECOND_MS
from clew.core.record import Summary
from clew.diagnosis.why_not_words import (
    MAX_EVIDENCE,
    Case,
    Check,
    CheckVerdict,
    Evidence,
    count_of,
    join,
    say_reasons,
    say_record,
    say_time,
    show_records,
)

RECEIVED = "Did the source receive anything?"
ACCEPTED = "Was it taken, not refused?"
HAPPENED = "Did the event happen?"
DUE = "Was it due?"
ASKED_FOR = "Was it asked for?"
BEHIND_MS = 10 * SECOND_MS
"""How far the log may be behind the present before what it lacks may be on its way."""
_NOT_LOGGED = (
    "Webhooks are not logged on this server now, so it is not known what came. Settings, Logging, has the switch."
)
_CONFINED = "Whose a refused webhook was is not known, so what the source received is not shown to one customer alone."


def check_received(case: Case) -> Check:
    """Whether a webhook came at all."""
    arrivals = case.facts.arrivals
    if case.question.is_confined:
        return Check(name="received", question=RECEIVED, verdict="unknown", sentence=_CONFINED)
    if arrivals.received:
        came = count_of(arrivals.received, "webhook")
        where = f" to {case.sources}" if case.question.sources else ""
        sentence = f"{came} came{where} in this time, of all customers."
        evidence = show_records((arrivals.latest,) if arrivals.latest else ())
        return Check(name="received", question=RECEIVED, verdict="yes", sentence=sentence, evidence=evidence)
    if case.facts.events:
        sentence = f"No webhook to {case.sources} is in the log; the event is, so it came."
        return Check(name="received", question=RECEIVED, verdict="yes", sentence=sentence)
    if not case.facts.are_webhooks_logged:
        return Check(name="received", question=RECEIVED, verdict="unknown", sentence=_NOT_LOGGED)
    if not case.question.sources:
        sentence = f"No webhook came to any source {case.when}, and no flow says which source {case.what} comes from."
        return Check(name="received", question=RECEIVED, verdict="unknown", sentence=sentence)
    return _nothing_received(case)


def _nothing_received(case: Case) -> Check:
    latest = case.facts.arrivals.latest
    last = f"The last one came {say_time(latest.time)}." if latest else "None ever came, as far as is kept."
    senders = join(tuple(dict.fromkeys(case.question.titles.get(key, key) for key in case.question.sources)), "and")
    doors = join(tuple(f"/webhooks/in/{key}" for key in case.question.sources), "and")
    return Check(
        name="received",
        question=RECEIVED,
        verdict=_unless_unkept(case),
        sentence=f"No webhook came to {case.sources} {case.when}, of any customer. {last}",
        because=f"no webhook came to {case.sources}, of any customer",
        advice=f"See in {senders} whether its webhook is switched on and goes to {doors}, then send one by hand.",
        evidence=show_records((latest,) if latest else ()),
    )


def check_accepted(case: Case) -> Check:
    """Whether what came was taken: the signature held, the body could be read."""
    arrivals = case.facts.arrivals
    if case.question.is_confined:
        return Check(name="accepted", question=ACCEPTED, verdict="unknown", sentence=_CONFINED)
    if not arrivals.received and not case.facts.are_webhooks_logged and not case.facts.events:
        return Check(name="accepted", question=ACCEPTED, verdict="unknown", sentence=_NOT_LOGGED)
    if not arrivals.received:
        verdict: CheckVerdict = "yes" if case.facts.events else "not_reached"
        return Check(name="accepted", question=ACCEPTED, verdict=verdict, sentence="No webhook was refused.")
    if not arrivals.refused_count:
        return Check(name="accepted", question=ACCEPTED, verdict="yes", sentence="No webhook was refused.")
    return _some_refused(case)


def _some_refused(case: Case) -> Check:
    arrivals = case.facts.arrivals
    refused, received = arrivals.refused_count, arrivals.received
    reason = say_reasons(_say_refusal(one) for one in arrivals.refused) or "nobody said why"
    happened = bool(case.facts.events)
    is_all = refused >= received
    rest = (
        "The event itself was taken."
        if happened
        else "What was in them was not read."
        if is_all
        else "What was in them was not read: the event may have been one of them."
    )
    return Check(
        name="accepted",
        question=ACCEPTED,
        verdict="yes" if happened else "no" if is_all else "unknown",
        sentence=f"{refused:,} of {count_of(received, 'webhook')} to {case.sources} were refused: {reason}. {rest}",
        because="" if happened or not is_all else f"every webhook to {case.sources} was refused: {reason}",
        advice="" if happened else "Open the refused webhook: it says what was wrong with it and what to correct.",
        evidence=tuple(
            Evidence(record_id=one.id, kind=one.kind, time=one.time, sentence=_say_refusal(one))
            for one in arrivals.refused[:MAX_EVIDENCE]
        ),
        more=max(refused - MAX_EVIDENCE, 0),
    )


def _say_refusal(webhook: Summary) -> str:
    said = webhook.error_message or webhook.message or webhook.state
    return f"{webhook.error_type}: {said}" if webhook.error_type else said


def check_happened(case: Case) -> Check:
    """Whether the event that starts it is in the log."""
    events, repeats = case.facts.events, case.facts.arrivals.repeats
    if events:
        more = "The latest of them are looked at. " if case.facts.has_more_events else ""
        least = "more than " if case.facts.has_more_events else ""
        sentence = f"{case.what} happened {least}{count_of(len(events), 'time')}{case.who} in this time. {more}"
        evidence = show_records(events)
        return Check(
            name="happened",
            question=HAPPENED,
            verdict="yes",
            sentence=sentence.strip(),
            evidence=evidence,
            more=max(len(events) - MAX_EVIDENCE, 0),
        )
    if repeats:
        sentence = f"It came again{case.who}, as the repetition of a delivery that had been taken before."
        return Check(
            name="happened", question=HAPPENED, verdict="yes", sentence=sentence, evidence=show_records(repeats)
        )
    return _did_not_happen(case)


def _did_not_happen(case: Case) -> Check:
    verdict = _unless_unkept(case)
    hints, evidence = _look_nearby(case)
    said = f"{case.what} did not happen{case.who} {case.when}."
    if verdict == "unknown":
        said = f"No {case.what}{case.who} is kept from {case.when.removeprefix('between ')}: {_say_unkept(case)}."
    return Check(
        name="happened",
        question=HAPPENED,
        verdict=verdict,
        sentence=" ".join([said, *hints]),
        because=f"{case.what} did not happen{'' if not hints else '. ' + hints[0].rstrip('.')}",
        advice="Look at the payload of what the sender did send, or look in a longer time.",
        evidence=evidence,
    )


def _look_nearby(case: Case) -> tuple[list[str], tuple[Evidence, ...]]:
    """What happened instead: sentences, and the records that they speak of."""
    nearby = case.facts.nearby
    hints: list[str] = []
    evidence: list[Evidence] = []
    if nearby.others:
        customers = tuple(dict.fromkeys(one.customer or "no customer" for one in nearby.others))
        hints.append(f"It happened for {join(customers[:3], 'and')} in this time: is the customer the right one?")
        evidence += show_records(nearby.others[:2], with_customer=True)
    if nearby.other_names:
        names = tuple(dict.fromkeys(one.event for one in nearby.other_names if one.event))
        hints.append(f"Other events came{case.who}: {join(names[:5], 'and')}.")
        evidence += show_records(nearby.other_names[:2])
    for word, one in (("before", nearby.before), ("after", nearby.after)):
        if one is not None:
            hints.append(f"The nearest {word} was {say_record(one)}, {say_time(one.time)}.")
            evidence += show_records((one,))
    if nearby.unreadable:
        hints.append(f"{count_of(len(nearby.unreadable), 'event')} had no name that could be read.")
        evidence += show_records(nearby.unreadable[:1])
    if nearby.reported:
        hints.append("It was reported as an integration event: those are kept, and start no flow.")
        evidence += show_records(nearby.reported[:1])
    return hints, tuple(evidence)


def _unless_unkept(case: Case) -> CheckVerdict:
    """`no`, or `unknown` where the log could not have had it."""
    return "unknown" if _say_unkept(case) else "no"


def _say_unkept(case: Case) -> str:
    """Why the log may lack what happened, "" where it does not."""
    coverage, question = case.facts.coverage, case.question
    if coverage.oldest_kept is not None and question.to_ms <= coverage.oldest_kept:
        return f"the oldest record kept is of {say_time(coverage.oldest_kept)}"
    if question.from_ms > case.facts.now_ms:
        return "that is still to come"
    if coverage.indexed_until < min(question.to_ms, case.facts.now_ms - BEHIND_MS):
        return f"the log has come as far as {say_time(coverage.indexed_until)}"
    return "the search took too long and ended early" if coverage.truncated else ""


def check_due(case: Case) -> Check:
    """Of a flow that no event starts: whether it was to run at all in this time."""
    flow, due_ms = case.question.flow, case.facts.due_ms
    assert flow is not None
    if flow.schedule is None:
        return _asked_for(case)
    if not due_ms:
        sentence = f"Its schedule was not due {case.when}."
        because = "its schedule was not due"
        return Check(name="happened", question=DUE, verdict="no", sentence=sentence, because=because)
    sentence = f"Its schedule was due {count_of(len(due_ms), 'time')} {case.when}, the latest {say_time(due_ms[-1])}."
    if case.question.customer:
        sentence += " A scheduled run is of no customer."
    return Check(name="happened", question=DUE, verdict="yes", sentence=sentence)


def _asked_for(case: Case) -> Check:
    if case.fates:
        sentence = f"It was asked for {count_of(len(case.fates), 'time')}{case.who} {case.when}."
        return Check(name="happened", question=ASKED_FOR, verdict="yes", sentence=sentence)
    return Check(
        name="happened",
        question=ASKED_FOR,
        verdict=_unless_unkept(case),
        sentence=f"Nothing but a call of the API starts it, and none came{case.who} {case.when}.",
        because="nothing but a call of the API starts it, and none came",
    )
