"""What became of each event: how far it came on the way to a run, and where it stopped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import msgspec

from clew.core.record import Summary
from clew.diagnosis.decisions import Decision
from clew.diagnosis.why_not_facts import Question, Waiting, WhyNotFacts

Stage = Literal["new", "enabled", "connected", "matched", "launched"]
"""The links of the chain at which a decision may end it, in the order in which they are looked at."""
STAGES: tuple[Stage, ...] = ("new", "enabled", "connected", "matched", "launched")
_STAGE_OF: dict[str, Stage] = {
    "duplicate": "new",
    "flow_disabled": "enabled",
    "customer_archived": "connected",
    "connection_disconnected": "connected",
    "filter_not_matched": "matched",
    "no_flow_subscribed": "matched",
    "queue_full": "launched",
}
RunState = Literal["queued", "running", "completed", "failed", "stopped", "unknown"]
_ENDED: dict[str, RunState] = {"completed": "completed", "failed": "failed", "stopped": "stopped"}
_BY_STATUS: dict[str, RunState] = {"success": "completed", "failure": "failed", "info": "stopped"}
_BEST_FIRST: tuple[RunState, ...] = ("completed", "running", "queued", "unknown", "stopped", "failed")


class RunFate(msgspec.Struct, frozen=True, kw_only=True):
    """A run and where it stands. `unknown`: it was launched, is not open, and is not in the log.

    `ended` is its record where it has ended, `waiting` what the runner says where it has not.
    """

    id: str
    flow: str
    state: RunState
    ended: Summary | None = None
    waiting: Waiting | None = None


class Fate(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one event. `event` is None for a moment of a schedule.

    `stopped_at` is the link where it ended, "" where it came through or where nothing was decided; `decisions` are the
    ones that ended it there, or launched it. `runs` has one run of each flow, the one that went best.
    """

    event: Summary | None = None
    stopped_at: Stage | Literal[""] = ""
    decisions: tuple[Decision, ...] = ()
    runs: tuple[RunFate, ...] = ()

    @property
    def is_launched(self) -> bool:
        """Whether it led to a run."""
        return bool(self.runs)

    @property
    def is_undecided(self) -> bool:
        """Whether no flow has looked at it."""
        return not self.runs and not self.stopped_at


def build_fates(question: Question, facts: WhyNotFacts) -> tuple[Fate, ...]:
    """What became of each event, or where no event starts the flow, of each decision and run of its own."""
    decisions = _group(facts.decisions)
    runs = _find_runs(facts)
    if question.is_by_event:
        return tuple(_fate(event, decisions.get(event.id, ()), runs.get(event.id, ())) for event in facts.events)
    passed_over = [_fate(None, (one,), ()) for one in facts.decisions]
    ran = [Fate(runs=(run,)) for found in runs.values() for run in found]
    return (*ran, *passed_over)


def _fate(event: Summary | None, decisions: Sequence[Decision], runs: Sequence[RunFate]) -> Fate:
    launched = tuple(one for one in decisions if one.verdict == "launched")
    found = [*runs, *_not_found(launched, runs)]
    if found:
        return Fate(event=event, decisions=launched, runs=_best_of_each_flow(found))
    if event is not None and event.duplicate_of:
        return Fate(event=event, stopped_at="new", decisions=tuple(decisions))
    if not decisions:
        return Fate(event=event)
    # Of several flows the one that came furthest tells what kept the event from starting anything.
    furthest = max((_stage_of(one) for one in decisions), key=STAGES.index)
    there = tuple(one for one in decisions if _stage_of(one) == furthest)
    return Fate(event=event, stopped_at=furthest, decisions=there)


def _stage_of(decision: Decision) -> Stage:
    return _STAGE_OF.get(decision.code, "launched")


def _not_found(launched: Iterable[Decision], runs: Iterable[RunFate]) -> list[RunFate]:
    """Runs that a decision names and that are neither open nor in the log."""
    known = {run.id for run in runs}
    named = [one for one in launched if one.flow_run_id not in known]
    return [RunFate(id=one.flow_run_id, flow=one.flow, state="unknown") for one in named]


def _find_runs(facts: WhyNotFacts) -> dict[str, list[RunFate]]:
    """Runs by the event that led to them."""
    found: dict[str, list[RunFate]] = {}
    ended = {run.id for run in facts.ended}
    for run in facts.ended:
        state = _ENDED.get(run.state) or _BY_STATUS[run.status]
        found.setdefault(run.parent_id, []).append(RunFate(id=run.id, flow=run.flow, state=state, ended=run))
    for one in facts.waiting:
        if one.run.id not in ended:  # it may have ended between two questions
            state = "queued" if one.run.state == "queued" else "running"
            fate = RunFate(id=one.run.id, flow=one.run.flow, state=state, waiting=one)
            found.setdefault(one.run.parent_id, []).append(fate)
    return found


def _best_of_each_flow(runs: Sequence[RunFate]) -> tuple[RunFate, ...]:
    """One run of each flow: a run that was repeated and went well makes the one that failed good."""
    best: dict[str, RunFate] = {}
    for run in sorted(runs, key=lambda one: _BEST_FIRST.index(one.state)):
        best.setdefault(run.flow, run)
    return tuple(best.values())


def _group(decisions: Iterable[Decision]) -> Mapping[str, tuple[Decision, ...]]:
    """Decisions by the event they are about."""
    found: dict[str, list[Decision]] = {}
    for one in decisions:
        found.setdefault(one.event_id, []).append(one)
    return {name: tuple(items) for name, items in found.items()}
