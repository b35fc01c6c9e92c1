"""Event Details: the event that is open, a row for each of its steps, and why it failed."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from clew.core.failure_class import FailureClass
from clew.core.record import Direction, Record
from clew.diagnosis.application_events import OpenEvent
from clew.diagnosis.event_steps import EventStep, EventSteps
from clew.diagnosis.explanation import explain
from clew.diagnosis.thread import Entry
from clew.flows.flow import Flow
from clew.registry.integrations import Integration
from clew.web.because import build_because, reason_href
from clew.web.customers.rows import DOTS, WORDS, SourceOf, key_of, say_fired_by
from clew.web.customers.url import EventsUrl
from clew.web.customers.views import Details, Failure, LedTo, StepRow
from clew.web.links import href_of, record_href
from clew.web.logs.views import Option
from clew.web.names import Names
from clew.web.time_zone import is_same_day
from clew.web.wording import ARROWS, cut, say_day, say_event, say_moment, say_took

IntegrationOf = Callable[[str], Integration | None]
"""The integration of a key, where it is known."""


class Ends(msgspec.Struct, frozen=True):
    """The two products that an event goes between, by key, and whether the second answers."""

    source: str
    target: str
    direction: Direction


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """What the page of an event is made with. `path` is where the customer's events are."""

    url: EventsUrl
    path: str
    names: Names
    flows: Mapping[str, Flow]
    source_of: SourceOf
    integration_of: IntegrationOf
    can_republish: bool

    def flow_title(self, key: str) -> str:
        """What people call a flow."""
        return self.flows[key].title if key in self.flows else key


def build_details(opened: OpenEvent, context: Context) -> Details:
    """The event that is open. Its failure is explained from its whole thread."""
    steps, names = opened.steps, context.names
    event = steps.event
    ends = find_ends(steps, context.integration_of)
    correlation_id = event.keys.get("correlation_id") or event.trace_id
    asked = context.url.asked
    consumers = tuple(Option(key, context.flow_title(key)) for key in steps.flows if key in context.flows)
    can_republish = context.can_republish and bool(consumers)
    return Details(
        id=event.id,
        event=cut(say_event(event)),
        key=cut(key_of(event)),
        connects=say_ends(ends, names),
        fired=say_moment(event.time),
        fired_by=say_fired_by(event, names, context.source_of),
        synchronized=_say_synchronized(steps),
        interval=_say_interval(steps),
        correlation_id=cut(correlation_id),
        correlation_href=context.url.asking(asked.having("correlation_id", correlation_id)).showing(event.id).href,
        is_correlated=asked.get("correlation_id") == correlation_id,
        record_href=record_href(event.id),
        failure=_build_failure(opened, ends, names),
        steps=tuple(_step_row(step, event, context) for step in steps.steps),
        led_to=tuple(_led_to(other, context) for other in steps.led_to),
        consumers=consumers if can_republish else (),
        republish_href=f"{context.path}/{event.id}/republish" if can_republish else "",
    )


def find_ends(steps: EventSteps, integration_of: IntegrationOf) -> Ends:
    """Where an event came from and where it goes: as it says itself, else as what became of it does.

    An event of a webhook says only where it came from; its integration, or that of a flow that took it, says the rest.
    """
    event = steps.event
    source, target, direction = event.source_product, event.target_product, event.direction
    keys = (event.integration, *(step.record.integration for step in steps.steps))
    known = (found for key in dict.fromkeys(keys) if key and (found := integration_of(key)))
    integration = next(known, None)
    if integration:
        ends = (integration.source_product, integration.target_product)
        target = target or (ends[0] if source == ends[1] else ends[1])
        source = source or ends[0]
        direction = direction or integration.direction
    for step in steps.steps:
        target = target or (step.product if step.product != source else "")
        direction = direction or step.record.direction
    return Ends(source, target, direction)


def say_ends(ends: Ends, names: Names) -> str:
    """`One-way: ERP → Ship`, `Two-way: ERP ↔ Ship`, `Within ERP`."""
    source, target = names.product(ends.source), names.product(ends.target)
    if ends.source and ends.source == ends.target:
        return f"Within {source}"
    if not source or not target:
        return f"From {source}" if source else ""
    between = f"{source} {ARROWS[ends.direction]} {target}"
    return f"{ends.direction.capitalize()}: {between}" if ends.direction else between


def _say_synchronized(steps: EventSteps) -> str:
    done_ms = steps.synchronized_ms
    if _is_told_at_once(steps):
        return "reported as processed"
    if done_ms is not None:
        return f"synchronised {say_moment(done_ms).clock}"
    if steps.status == "failure":
        return "synchronised never"
    return "not synchronised yet" if steps.status == "pending" else "nothing to synchronise"


def _say_interval(steps: EventSteps) -> str:
    done_ms = steps.synchronized_ms
    if done_ms is None or _is_told_at_once(steps):
        return ""
    return f"{say_took(max(done_ms - steps.event.time, 0))} later"


def _is_told_at_once(steps: EventSteps) -> bool:
    """Whether an event that was reported when all was done does not say how long that took."""
    return steps.synchronized_ms == steps.event.time and len(steps.steps) == 1


def _step_row(step: EventStep, event: Entry, context: Context) -> StepRow:
    record = step.record
    is_own = record.kind in ("step", "integration_event") or record.id == event.id
    told = cut(step.reason)
    return StepRow(
        source_product=context.names.product(step.product),
        event=cut(say_event(record if is_own and record.event else event)),
        moment=say_moment(step.time),
        day="" if is_same_day(step.time, event.time) else say_day(step.time, event.time),
        action=cut(step.action),
        about=_say_about(step, context),
        reason=f"{told.rstrip('.')}; {_say_overcome(record)}" if told and step.is_overcome else told,
        dot="info" if step.is_overcome else DOTS[step.status],
        word=WORDS[step.status],
        is_failure=step.is_failure,
        record_href=href_of(record),
        payload_href="" if step.status == "pending" else f"{context.path}/{record.id}?event={event.id}",
    )


def _say_overcome(record: Entry) -> str:
    """How a failure was got over: the run tried the node again or went on without it, or somebody did it again."""
    if record.kind != "node_run" or record.status == "failure":
        return "made good later"
    return "tried again" if record.state == "failed" else "the run went on"


def _say_about(step: EventStep, context: Context) -> str:
    """Who took the step: the node of a flow, or the flow."""
    record = step.record
    if record.kind == "node_run":
        return cut(record.node)
    return cut(context.flow_title(record.flow)) if record.flow else ""


def _led_to(other: Entry, context: Context) -> LedTo:
    key = key_of(other)
    label = cut(f"{say_event(other)} {key}" if key else say_event(other))
    # One that names no customer is on no customer's tab.
    href = context.url.showing(other.id).href if other.customer else href_of(other)
    return LedTo(label, href, other.status == "failure")


def _build_failure(opened: OpenEvent, ends: Ends, names: Names) -> Failure | None:
    failed, cause = opened.steps.failed, opened.steps.cause
    if failed is None:
        return None
    record = cause if isinstance(cause, Record) else None
    because = build_because(opened.chain, failed.record.id, names)
    explanation = explain(record, names.product) if record else None
    reason = because.summary if because else explanation.summary if explanation else failed.reason
    advice = because.advice if because else explanation.advice if explanation else ""
    return Failure(
        sentence=say_class(opened.steps, ends, names),
        reason=reason,
        advice=advice,
        cause_href=because.href if because and because.href else reason_href(record) if record else "",
    )


_SENTENCES: dict[FailureClass | None, str] = {
    "data": "Received by {who}, not processed: the data was refused.",
    "configuration": "Received by {who}, not processed: the configuration does not fit.",
    "delivery": "Delivery failed: {who} could not be reached, or could not take it.",
    None: "Received by {who}, not processed.",
}


def say_class(steps: EventSteps, ends: Ends, names: Names) -> str:
    """Where a failure lies, in words: `Received by Ship, not processed: the data was refused.`"""
    cause, failed = steps.cause, steps.failed
    told = cause.target_product if cause and cause.kind in ("api_request", "integration_event", "step") else ""
    product = told or ends.target or (failed.product if failed else "")
    return _SENTENCES[steps.failure_class].format(who=names.product(product) or "the other side")
