"""The links after the event: was it new, was the flow on, did its trigger match, and what became of the run."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from clew.core.ids import is_id, time_of
from clew.diagnosis.decisions import Decision
from clew.diagnosis.fates import STAGES, Fate, RunFate, RunState, Stage, build_fates
from clew.diagnosis.why_not_arrival import check_accepted, check_due, check_happened, check_received
from clew.diagnosis.why_not_facts import Question, WhyNotFacts
from clew.diagnosis.why_not_words import (
    MAX_EVIDENCE,
    Case,
    Check,
    Evidence,
    count_of,
    say_reasons,
    say_time,
    show_decisions,
    show_records,
)
from clew.flows.decisions import said_of_disabled

QUESTIONS: dict[Stage, str] = {
    "new": "Was it new, and no repetition?",
    "enabled": "Was the flow switched on?",
    "connected": "Were customer and connection in use?",
    "matched": "Did the trigger match?",
    "launched": "Was a run launched?",
}
STARTED = "Did the run begin?"
COMPLETED = "Did the run complete?"
_ADVICE: dict[Stage, str] = {
    "new": "See the first delivery: what was done is there.",
    "enabled": "Switch the flow on, then run it again for the event.",
    "connected": "Connect it again, or take the customer into use again, then run it again for the event.",
    "matched": "If it should have run, correct the data where it comes from, or the filter of the flow.",
    "launched": "See what the waiting runs wait for.",
}
_NO_FLOW = "If a flow should start, let its trigger name this event."
_UNDECIDED = "No flow has decided on it: it came a moment ago, or before the flow was declared."
_NOT_REACHED = "The chain was broken before."


def build_case(question: Question, facts: WhyNotFacts) -> Case:
    """The question with its facts and what became of each event."""
    return Case(question, facts, build_fates(question, facts))


def build_checks(case: Case) -> tuple[Check, ...]:
    """The chain, link by link. A flow that no event starts has fewer links."""
    if case.question.is_by_event:
        first: tuple[Check, ...] = (check_received(case), check_accepted(case), check_happened(case))
        stages: tuple[Stage, ...] = STAGES
    else:
        first, stages = (check_due(case),), ("enabled", "launched")
    middle = (_check_stage(case, stage) for stage in stages)
    return (*first, *middle, _check_started(case), _check_completed(case))


def _check_stage(case: Case, stage: Stage) -> Check:
    """Whether the events came past one link."""
    stopped = [fate for fate in case.fates if fate.stopped_at == stage]
    passed = [fate for fate in case.fates if fate.is_launched or _is_behind(fate, stage)]
    if stopped:
        return _say_stopped(case, stage, stopped)
    if passed:
        return Check(name=stage, question=QUESTIONS[stage], verdict="yes", sentence=_say_passed(case, stage, passed))
    if stage == "enabled" and not case.facts.is_enabled:
        return _say_switched_off_now(case)
    if stage == "new" and case.facts.arrivals.repeats and not case.fates:
        return _say_repeated(case)
    return _say_undecided(case, stage)


def _say_undecided(case: Case, stage: Stage) -> Check:
    """Of events that no flow has decided on, or where there is no event."""
    question = QUESTIONS[stage]
    if not any(fate.is_undecided for fate in case.fates):
        return Check(name=stage, question=question, verdict="not_reached", sentence=_NOT_REACHED)
    if stage == "new":
        return Check(name=stage, question=question, verdict="yes", sentence="It had not come before.")
    return Check(name=stage, question=question, verdict="unknown", sentence=_UNDECIDED)


def _is_behind(fate: Fate, stage: Stage) -> bool:
    return bool(fate.stopped_at) and STAGES.index(fate.stopped_at or stage) > STAGES.index(stage)


def _say_stopped(case: Case, stage: Stage, stopped: Sequence[Fate]) -> Check:
    decisions = [decision for fate in stopped for decision in fate.decisions]
    reason = say_reasons(_say_reason(one) for one in decisions) or "it had come before"
    events = [fate.event for fate in stopped if fate.event is not None]
    return Check(
        name=stage,
        question=QUESTIONS[stage],
        verdict="no",
        sentence=f"{case.count(len(stopped))} ended here: {reason}.",
        because=reason,
        advice=_NO_FLOW if decisions and not any(one.flow for one in decisions) else _ADVICE[stage],
        evidence=show_decisions(decisions) or show_records(events),
        more=max(len(decisions) - MAX_EVIDENCE, 0),
    )


def _say_reason(decision: Decision) -> str:
    """Why a decision went against a run; of a filter what it asks for and what was there."""
    if decision.code == "filter_not_matched" and decision.clause:
        return f"the filter asks for {decision.clause}, and {decision.reason}"
    return decision.reason or decision.code.replace("_", " ")


def _say_switched_off_now(case: Case) -> Check:
    reason = said_of_disabled(case.facts.setting)
    return Check(
        name="enabled",
        question=QUESTIONS["enabled"],
        verdict="no",
        sentence=f"It is switched off now: {reason}.",
        because=reason,
        advice=_ADVICE["enabled"],
    )


def _say_repeated(case: Case) -> Check:
    repeats = case.facts.arrivals.repeats
    first = repeats[0].duplicate_of
    told = f", the first of {say_time(time_of(first))}" if is_id(first) else ""
    reason = f"the delivery came before{told}, and a repeated delivery starts no second run"
    evidence = show_records(repeats)
    if is_id(first):
        said = "The first delivery"
        evidence = (
            Evidence(record_id=first, kind="external_webhook", time=time_of(first), sentence=said),
            *evidence,
        )
    return Check(
        name="new",
        question=QUESTIONS["new"],
        verdict="no",
        sentence=f"{reason[0].upper()}{reason[1:]}.",
        because=reason,
        advice=_ADVICE["new"],
        evidence=evidence[:MAX_EVIDENCE],
    )


def _say_passed(case: Case, stage: Stage, passed: Sequence[Fate]) -> str:
    if stage == "new":
        repeats = len(case.facts.arrivals.repeats)
        known = f" {count_of(repeats, 'repeated delivery')} was known as such." if repeats else ""
        return f"It had not come before.{known}"
    if stage == "enabled":
        return "It was switched on."
    if stage == "connected":
        return "The customer is in use, and the connection was not known to be lost."
    if stage == "matched":
        flow = case.question.flow
        clause = f" {flow.where.text}" if flow and flow.where else ""
        return f"The trigger matched.{' Its filter was true:' + clause if clause else ''}"
    runs = sum(len(fate.runs) for fate in passed)
    return f"{count_of(runs, 'run')} {'was' if runs == 1 else 'were'} launched."


def _check_started(case: Case) -> Check:
    """Whether the runs have left the queue."""
    runs = _runs_of(case)
    queued = [run for run in runs if run.state == "queued"]
    if not runs:
        return Check(name="started", question=STARTED, verdict="not_reached", sentence=_NOT_REACHED)
    if not queued:
        return Check(name="started", question=STARTED, verdict="yes", sentence="No run waits in the queue.")
    said = [_say_queued(run) for run in queued]
    return Check(
        name="started",
        question=STARTED,
        verdict="no",
        sentence=f"{count_of(len(queued), 'run')} of {len(runs):,} waits: {said[0]}.",
        because=said[0],
        advice="Look at the runs before it: the first of them is what all wait for.",
        evidence=_show_runs(queued),
        more=max(len(queued) - MAX_EVIDENCE, 0),
    )


def _say_queued(run: RunFate) -> str:
    waiting = run.waiting
    assert waiting is not None
    since = say_time(waiting.run.queued_ms)
    return f"its run waits since {since}, with {count_of(waiting.before, 'open run')} before it"


def _check_completed(case: Case) -> Check:
    """How the runs ended."""
    runs = _runs_of(case)
    if not runs or all(run.state == "queued" for run in runs):
        return Check(name="completed", question=COMPLETED, verdict="not_reached", sentence=_NOT_REACHED)
    by_state: dict[RunState, list[RunFate]] = {}
    for run in runs:
        by_state.setdefault(run.state, []).append(run)
    if failed := by_state.get("failed"):
        return _say_failed(case, failed, len(runs))
    if stopped := by_state.get("stopped"):
        return _ended_badly(stopped, len(runs), "was stopped before its end", "Run it again if it should go on.")
    if running := by_state.get("running"):
        sentence = f"{count_of(len(running), 'run')} of {len(runs):,} is running now."
        evidence = _show_runs(running)
        return Check(name="completed", question=COMPLETED, verdict="unknown", sentence=sentence, evidence=evidence)
    if by_state.get("unknown"):
        sentence = "What became of it is not in the log yet."
        return Check(name="completed", question=COMPLETED, verdict="unknown", sentence=sentence)
    done = by_state["completed"]
    return Check(
        name="completed",
        question=COMPLETED,
        verdict="yes",
        sentence=f"{count_of(len(done), 'run')} completed.",
        evidence=_show_runs(done),
        more=max(len(done) - MAX_EVIDENCE, 0),
    )


def _say_failed(case: Case, failed: Sequence[RunFate], total: int) -> Check:
    cause = case.facts.cause
    latest = failed[0].ended
    told = cause.explanation.summary if cause else (latest.error_message or latest.message) if latest else ""
    link = "failed: " if total == 1 or len(failed) == 1 else "failed; the latest: "
    said = f"{link}{told.rstrip('. ')}" if told else "failed"
    check = _ended_badly(failed, total, said, cause.explanation.advice if cause else "")
    if cause is None or cause.record is None:
        return check
    first = cause.record
    words = "The first failure, which explains it"
    shown = Evidence(record_id=first.id, kind=first.kind, time=first.time, sentence=words)
    return msgspec.structs.replace(check, evidence=(*check.evidence[: MAX_EVIDENCE - 1], shown))


def _ended_badly(runs: Sequence[RunFate], total: int, said: str, advice: str) -> Check:
    all_or_some = f"All {total:,} runs" if len(runs) == total else f"{len(runs):,} of {count_of(total, 'run')}"
    which = "The run" if total == 1 else all_or_some
    return Check(
        name="completed",
        question=COMPLETED,
        verdict="no",
        sentence=f"{which} {said}.",
        because=said,
        advice=advice,
        evidence=_show_runs(runs),
        more=max(len(runs) - MAX_EVIDENCE, 0),
    )


def _runs_of(case: Case) -> list[RunFate]:
    return [run for fate in case.fates for run in fate.runs]


def _show_runs(runs: Sequence[RunFate]) -> tuple[Evidence, ...]:
    return tuple(
        Evidence(
            record_id=run.id,
            kind="flow_run",
            time=_time_of(run),
            sentence=", ".join([run.flow, *_keys_of(run), run.state]),
        )
        for run in runs[:MAX_EVIDENCE]
    )


def _keys_of(run: RunFate) -> list[str]:
    """`order SO-1042`: what the run was about."""
    keys = run.ended.keys if run.ended else run.waiting.run.event.keys if run.waiting else {}
    return [f"{name} {value}" for name, value in list(keys.items())[:2]]


def _time_of(run: RunFate) -> int:
    if run.ended is not None:
        return run.ended.time
    if run.waiting is not None:
        return run.waiting.run.queued_ms
    return time_of(run.id) if is_id(run.id) else 0
