"""The chain of checks as the five steps of the guide, each with its answer, its evidence, and where to go on."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

import msgspec

from clew.core.clock import to_rfc3339
from clew.diagnosis.fates import STAGES
from clew.diagnosis.why_not import WhyNot
from clew.diagnosis.why_not_words import Check, CheckName, CheckVerdict, Evidence
from clew.web.dots import Dot
from clew.web.lines import say_actual
from clew.web.links import flow_href, record_href, run_href
from clew.web.logs.rows import say_coverage
from clew.web.logs.url import LogUrl
from clew.web.troubleshooting.views import (
    Answered,
    CheckRow,
    EvidenceRow,
    FlowVerdict,
    GuideStep,
    Link,
    ListedQuestion,
)
from clew.web.wording import cut, say_moment, say_other_day

TITLES = (
    "Did the event happen?",
    "Did it launch the integration?",
    "Trigger configuration",
    "Subscription",
    "Global webhook test",
)
VERDICT_WORDS: dict[CheckVerdict, str] = {
    "yes": "Yes",
    "no": "No",
    "unknown": "Not known",
    "not_reached": "Not reached",
}
_OF_STEP: tuple[tuple[CheckName, ...], ...] = (
    ("happened",),
    ("new", "launched", "started", "completed"),
    ("enabled", "connected", "matched"),
    ("received", "accepted"),
)
_DATA_SOURCES = (
    "Customer Data Source",
    "The page of a customer's data source comes in a later version. Until then the webhooks of the source say what it "
    "received.",
)
_SUBSCRIPTIONS = (
    "Customer Subscriptions",
    "Subscriptions of a customer's internal events come in a later version. Until then each source takes the webhooks "
    "of every customer.",
)
_GLOBAL_WEBHOOKS = (
    "Global webhooks",
    "Those of internal events come in a later version. Until then try the webhook of the source, and look at how the "
    "latest request to it was answered.",
)
_SIGNED = (
    "Its webhooks must be signed: without its signature this request is refused, and written down with the reason, "
    "which shows that the sender reaches this server."
)
_UNSIGNED = "Send an event by hand; it is written down as any other, and may launch flows."
IsSigned = Callable[[str], bool]
"""Whether the webhooks of a source, by its key, must be signed."""


def build_answered(answer: WhyNot, href: str, base_url: str, is_signed: IsSigned) -> Answered:
    """The answer as the page shows it. `href` is the link to it, `base_url` where this server is reached."""
    steps = _build_steps(answer, base_url, is_signed)
    searched = say_coverage(answer.coverage, answer.facts.now_ms)
    return Answered(
        summary=answer.summary,
        advice=answer.advice,
        is_failure=is_failure(answer),
        steps=steps,
        searched=searched,
        ticket=_write_ticket(answer, steps, base_url + href),
        href=href,
    )


def build_verdict(answer: WhyNot, href: str) -> FlowVerdict:
    """One flow of an integration in a line."""
    flow = answer.question.flow
    assert flow is not None
    last = answer.checks[-1].verdict
    dot: Dot = "success" if last == "yes" else "running" if last == "unknown" else "info"
    if any(_has_failed(answer, check) for check in answer.checks):
        dot = "failure"
    return FlowVerdict(title=flow.title, href=href, summary=answer.summary, dot=dot)


def is_failure(answer: WhyNot) -> bool:
    """Whether something failed: a refused webhook, a failed run. Else it only did not run."""
    broken = answer.check(answer.broken) if answer.broken else None
    return broken is not None and _has_failed(answer, broken)


def _has_failed(answer: WhyNot, check: Check) -> bool:
    if check.verdict != "no":
        return False
    if check.name == "completed":
        return any(run.status == "failure" for run in answer.facts.ended)
    return check.name == "accepted"


def _build_steps(answer: WhyNot, base_url: str, is_signed: IsSigned) -> tuple[GuideStep, ...]:
    event, launch, trigger, subscription = _OF_STEP
    parts = (
        _Part(event, _verdict_of(answer, event), _rows(answer, event), links=_event_links(answer)),
        _Part(launch, _launch_verdict(answer), _launch_rows(answer)),
        _Part(trigger, _verdict_of(answer, trigger), _rows(answer, trigger), links=_trigger_links(answer)),
        _Part(
            subscription,
            _verdict_of(answer, subscription),
            _rows(answer, subscription),
            links=_source_links(answer),
            places=(_DATA_SOURCES, _SUBSCRIPTIONS),
        ),
    )
    steps = (
        GuideStep(
            number=number,
            title=TITLES[number - 1],
            verdict=part.verdict,
            checks=part.rows,
            links=part.links,
            places=part.places,
            is_broken=answer.broken in part.names,
        )
        for number, part in enumerate(parts, 1)
    )
    return (*steps, _build_test(answer, base_url, is_signed))


class _Part(msgspec.Struct, frozen=True):
    """What one of the first four steps is made of."""

    names: tuple[CheckName, ...]
    verdict: CheckVerdict
    rows: tuple[CheckRow, ...]
    links: tuple[Link, ...] = ()
    places: tuple[tuple[str, str], ...] = ()


def _verdict_of(answer: WhyNot, names: Sequence[CheckName]) -> CheckVerdict:
    """The answer of several checks: no where one says no, yes where all do."""
    found = [check.verdict for check in answer.checks if check.name in names]
    for verdict in ("no", "unknown", "not_reached"):
        if verdict in found:
            return verdict
    return "yes" if found else "not_reached"


def _launch_verdict(answer: WhyNot) -> CheckVerdict:
    """Whether it launched: not where an event that came was stopped on the way, though others were not."""
    launched = answer.check("launched")
    assert launched is not None
    return "no" if answer.broken in STAGES else launched.verdict


def _rows(answer: WhyNot, names: Sequence[CheckName]) -> tuple[CheckRow, ...]:
    now_ms = answer.facts.now_ms
    mine = [check for check in answer.checks if check.name in names]
    found = [check for check in mine if check.verdict != "not_reached"] or mine[:1]
    return tuple(
        CheckRow(
            question=check.question,
            verdict=check.verdict,
            sentence=check.sentence,
            evidence=tuple(_evidence(one, now_ms) for one in check.evidence),
            more=f"and {check.more:,} more" if check.more else "",
            is_failure=_has_failed(answer, check),
        )
        for check in found
    )


def _launch_rows(answer: WhyNot) -> tuple[CheckRow, ...]:
    """What became of the launch; where events were stopped before it, the step that says why."""
    rows, launched = _rows(answer, _OF_STEP[1]), answer.check("launched")
    if launched is None or launched.verdict == "no" or answer.broken not in _OF_STEP[2]:
        return rows
    said = "No run was launched" if launched.verdict == "not_reached" else "Not every event launched a run"
    return (CheckRow(question=launched.question, verdict="no", sentence=f"{said}: step 3 says why."), *rows)


def _evidence(one: Evidence, now_ms: int) -> EvidenceRow:
    return EvidenceRow(
        href=run_href(one.record_id) if one.kind == "flow_run" else record_href(one.record_id),
        sentence=cut(one.sentence),
        moment=say_moment(one.time),
        day=say_other_day(one.time, now_ms),
        clause=one.clause,
        expected=cut(one.expected),
        actual=cut(say_actual(one.actual)) if one.clause else "",
    )


def _pairs(answer: WhyNot, **filters: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Filters of a list over the time of the question."""
    question = answer.question
    pairs = [(name, value) for name, values in filters.items() for value in values if value]
    return (*pairs, ("from", to_rfc3339(question.from_ms)), ("to", to_rfc3339(question.to_ms)))


def _event_links(answer: WhyNot) -> tuple[Link, ...]:
    question = answer.question
    pairs = _pairs(answer, event=question.events, customer=(question.customer,))
    return (
        Link("Data Source Events", LogUrl("/logs/external-events", pairs).href),
        Link("App Events", LogUrl("/logs/internal-events", pairs).href),
    )


def _trigger_links(answer: WhyNot) -> tuple[Link, ...]:
    flow = answer.question.flow
    return (Link(f"Trigger of {flow.title}", flow_href(flow.key, "trigger")),) if flow else ()


def _source_links(answer: WhyNot) -> tuple[Link, ...]:
    pairs = _pairs(answer, source=answer.question.sources)
    keys = ", ".join(answer.question.sources)
    return (Link(f"Webhooks of {keys}" if keys else "All webhooks", LogUrl("/logs/external-webhooks", pairs).href),)


def _build_test(answer: WhyNot, base_url: str, is_signed: IsSigned) -> GuideStep:
    """How the latest request to the source was answered, and one to try by hand."""
    latest, sources = answer.facts.arrivals.latest, answer.question.sources
    if not answer.question.is_by_event:
        checks = (CheckRow(question="", verdict="not_reached", sentence="No webhook starts this flow."),)
        return GuideStep(number=5, title=TITLES[4], verdict="not_reached", checks=checks)
    if latest is None:
        row = CheckRow(question="", verdict="unknown", sentence="No request to its webhook is kept.")
    else:
        status = f" with {latest.http_status}" if latest.http_status else ""
        one = Evidence(record_id=latest.id, kind=latest.kind, time=latest.time, sentence="The request and its response")
        shown = msgspec.structs.replace(_evidence(one, answer.facts.now_ms), href=record_href(latest.id, "http"))
        row = CheckRow(
            question="",
            verdict="no" if latest.status == "failure" else "yes",
            sentence=f"The latest request to {latest.source or 'the webhook'} was answered{status}.",
            evidence=(shown,),
            is_failure=latest.status == "failure",
        )
    return GuideStep(
        number=5,
        title=TITLES[4],
        verdict=row.verdict,
        checks=(row,),
        places=(_GLOBAL_WEBHOOKS,),
        command=_write_command(answer, base_url) if sources else "",
        command_note=_SIGNED if sources and is_signed(sources[0]) else _UNSIGNED,
    )


def _write_command(answer: WhyNot, base_url: str) -> str:
    question = answer.question
    body = json.dumps({"type": question.events[0] if question.events else "event.name"})
    lines = [
        f"curl -i -X POST {base_url}/webhooks/in/{question.sources[0]}",
        "-H 'content-type: application/json'",
        f"-d {_quote(body)}",
    ]
    return " \\\n  ".join(lines)


def _quote(text: str) -> str:
    """A text as one word of a shell."""
    return "'" + text.replace("'", "'\\''") + "'"


def _write_ticket(answer: WhyNot, steps: Sequence[GuideStep], url: str) -> str:
    lines = [answer.summary]
    for step in steps:
        said = next((row.sentence for row in step.checks if row.verdict == step.verdict), "")
        lines.append(f"{step.number}. {step.title} {VERDICT_WORDS[step.verdict]}. {said}".rstrip())
    return "\n".join([*lines, url])


def build_checklist(answer: WhyNot | None) -> tuple[ListedQuestion, ...]:
    """What to check where an event of a webhook is missing; with the answers that the log has."""

    def verdict(name: CheckName) -> CheckVerdict | None:
        check = answer.check(name) if answer else None
        return check.verdict if check else None

    event = answer.facts.events[0] if answer and answer.facts.events else None
    latest = answer.facts.arrivals.latest if answer else None
    flow = answer.question.flow if answer else None
    trigger = flow_href(flow.key, "trigger") if flow else ""
    return (
        ListedQuestion(
            question="Is the event associated with the correct customer?",
            how="Look for the event without the customer: it may have come for another one, or for none.",
            verdict=verdict("happened"),
        ),
        ListedQuestion(
            question="Has it the data that you expect?",
            how="Open the event and look at its payload.",
            href=record_href(event.id, "payload") if event else "",
        ),
        ListedQuestion(
            question="Does the flow wait for the right webhook?",
            how="Its trigger names the source and the event.",
            href=trigger,
        ),
        ListedQuestion(
            question="Does the filter let the event through?",
            how="Where it does not, the decision names the clause and the value that it saw.",
            verdict=verdict("matched"),
            href=trigger,
        ),
        ListedQuestion(
            question="Is the subscription subscribed?",
            how="The sender must know the webhook's address, and have it switched on.",
            verdict=verdict("received"),
        ),
        ListedQuestion(
            question="Trigger the webhook by hand: did it succeed?",
            how="Send one event with curl, and read the response.",
        ),
        ListedQuestion(
            question="What do the latest request and response say?",
            how="Each webhook is kept with both, also one that was refused.",
            href=record_href(latest.id, "http") if latest else "/logs/external-webhooks",
        ),
    )
