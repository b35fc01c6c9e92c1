"""What an event led to: the flow runs that it launched, and why the other flows did not run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from clew.core.record import Record
from clew.diagnosis.decisions import Decision, build_decisions
from clew.flows.flow import Flow
from clew.web.dots import DOT_OF_STATUS, Dot
from clew.web.lines import say_actual
from clew.web.links import flow_href, record_href, run_href, why_not_href
from clew.web.wording import cut, say_took

EVENT_KINDS = ("external_event", "internal_event")


class LaunchedRun(msgspec.Struct, frozen=True):
    """A flow run that the event launched. `state` is "" where it has not ended."""

    title: str
    href: str
    dot: Dot
    state: str
    took: str


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """A flow that did not run: why in a sentence, and the clause, what it wants and what it saw where there is one.

    `trigger_href` leads to the trigger's configuration, "" where the flow is not declared.
    """

    title: str
    code: str
    sentence: str
    clause: str
    expected: str
    actual: str
    trigger_href: str
    record_href: str
    is_failure: bool


class Launches(msgspec.Struct, frozen=True):
    """What an event led to. `note` says why there is nothing, `check_href` leads to the guided check of it."""

    runs: tuple[LaunchedRun, ...]
    refused: tuple[Refused, ...]
    note: str
    check_href: str


def build_launches(record: Record, chain: Sequence[Record], flows: Mapping[str, Flow]) -> Launches | None:
    """What this event led to, None for a record that is no event. `chain` are all records of its trace."""
    if record.kind not in EVENT_KINDS:
        return None
    decisions = [one for one in build_decisions(chain, record.id) if one.event_id == record.id]
    records = {one.id: one for one in chain}
    runs = _runs(record, chain, decisions, flows)
    refused = tuple(_refused(one, records[one.record_id], flows) for one in decisions if one.verdict != "launched")
    note = "" if runs or refused else "No flow has looked at it: none is declared, or it came a moment ago."
    check_href = "" if runs else why_not_href(customer=record.customer, event=record.event, at_ms=record.time)
    return Launches(runs, refused, note, check_href)


def _runs(
    record: Record, chain: Sequence[Record], decisions: Sequence[Decision], flows: Mapping[str, Flow]
) -> tuple[LaunchedRun, ...]:
    """The runs that its decisions name, and those that were reported as its children."""
    ended = {one.id: one for one in chain if one.kind == "flow_run"}
    launched = {one.flow_run_id: one.flow for one in decisions if one.verdict == "launched" and one.flow_run_id}
    reported = {one.id: one.flow for one in ended.values() if one.parent_id == record.id}
    return tuple(_run(run_id, flow, ended.get(run_id), flows) for run_id, flow in (launched | reported).items())


def _run(run_id: str, flow: str, ended: Record | None, flows: Mapping[str, Flow]) -> LaunchedRun:
    title = _title(flow, flows) or "flow run"
    if ended is None:
        return LaunchedRun(title, run_href(run_id), "running", "", "")
    return LaunchedRun(title, run_href(run_id), DOT_OF_STATUS[ended.status], ended.state, say_took(ended.duration_ms))


def _refused(decision: Decision, record: Record, flows: Mapping[str, Flow]) -> Refused:
    return Refused(
        title=_title(decision.flow, flows) or "No flow",
        code=decision.code.replace("_", " "),
        sentence=record.message or decision.reason,
        clause=decision.clause,
        expected=cut(decision.expected),
        actual=cut(say_actual(decision.actual)) if decision.clause else "",
        trigger_href=flow_href(decision.flow, "trigger") if decision.flow in flows else "",
        record_href=record_href(decision.record_id),
        is_failure=record.status == "failure",
    )


def _title(key: str, flows: Mapping[str, Flow]) -> str:
    return flows[key].title if key in flows else key
