"""The steps of an application event: what became of it, one step after another, and whether it went well.

An application event is what a product, or the account's own program, says has happened. Its steps are what lies below
it in its thread, up to the next application event, which is a story of its own:

- the event itself: `Published`, unless it says otherwise;
- steps that were reported: records of kind `step`, and integration events whose action is that of a step;
- flow runs and node runs: `Processed`, from the second attempt on `Retried`; a node that was not run is `Ignored`;
- decisions: `Received` by the flow that was launched, `Ignored` where it was not, with the reason.

Two acknowledgements are expected of who receives an event: that it was received, and what became of it. Where the
second is missing there is a step for it, which is `pending`.

A step that failed is overcome where the same consumer later did the same and went well, or where its thread got over
it (see `thread`). The event failed where a failed step is left.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from clew.core.clock import from_rfc3339
from clew.core.failure_class import FailureClass, failure_class_of
from clew.core.record import Kind, Record
from clew.diagnosis.facts import Facts
from clew.diagnosis.thread import Entry, Thread, ThreadNode, build_thread
from clew.log.query import ACTIONS_OF_STEPS

StepStatus = Literal["success", "failure", "pending"]

PUBLISHED, DELIVERED, RECEIVED = "Published", "Delivered", "Received"
PROCESSED, RETRIED, REPUBLISHED, IGNORED = "Processed", "Retried", "Republished", "Ignored"
STOPPED = "Stopped"
"""A flow run, or a node, that somebody ended."""

ACTIONS = (PUBLISHED, DELIVERED, RECEIVED, PROCESSED, RETRIED, REPUBLISHED, IGNORED)
"""The words that are offered. A step that is reported may say any other."""

_FIRST_ACKNOWLEDGEMENTS = frozenset({DELIVERED, RECEIVED})
_NO_RESULTS = frozenset({PUBLISHED, DELIVERED, RECEIVED, REPUBLISHED})
_EVENT_KINDS: frozenset[Kind] = frozenset({"external_event", "internal_event"})
_RUN_ACTIONS = {"skipped": IGNORED, "stopped": STOPPED}


class EventStep(msgspec.Struct, frozen=True, kw_only=True):
    """One step. `record` tells of it; of a pending one it is the first acknowledgement, to which the second is missing.

    `time` is when it was done (ms). `product` is the key of the product that it happened in, `consumer` who received
    the event: a flow's or a product's key, "" for the event itself. `is_result`: it says what became of the event.
    `is_overcome`: it failed, and something later made it good. `reason` is why it failed or was ignored.
    """

    record: Entry
    time: int
    action: str
    status: StepStatus
    product: str
    consumer: str = ""
    reason: str = ""
    is_result: bool = False
    is_overcome: bool = False

    @property
    def is_failure(self) -> bool:
        """Whether it failed, and nothing made it good."""
        return self.status == "failure" and not self.is_overcome


class EventSteps(msgspec.Struct, frozen=True):
    """An application event with its steps, oldest first, itself among them, and the application events it led to.

    `cause` is the failed record nearest to the reason, None where nothing is left of any failure; `failure_class` is
    where the failure lies, None where that is not known.
    """

    event: Entry
    steps: tuple[EventStep, ...]
    led_to: tuple[Entry, ...] = ()
    cause: Entry | None = None
    failure_class: FailureClass | None = None

    @property
    def status(self) -> StepStatus:
        """`failure` where a failed step is left, `pending` where a result is missing, else `success`."""
        if any(step.is_failure for step in self.steps):
            return "failure"
        return "pending" if any(step.status == "pending" for step in self.steps) else "success"

    @property
    def failed(self) -> EventStep | None:
        """The first step that failed and was not made good."""
        return next((step for step in self.steps if step.is_failure), None)

    @property
    def last(self) -> EventStep:
        """The last step that says something of the event: one that was not ignored, where there is any."""
        told = [step for step in self.steps if step.action != IGNORED]
        return (told or list(self.steps))[-1]

    @property
    def synchronized_ms(self) -> int | None:
        """When the last of those that received it had processed it; None where one did not, or nobody received it."""
        if self.status != "success":
            return None
        own_ms = self.event.duration_ms or 0
        done = [
            step.time + (own_ms if step.record.id == self.event.id else 0)
            for step in self.steps
            if step.is_result and step.status == "success"
        ]
        return max(done, default=None)

    @property
    def flows(self) -> tuple[str, ...]:
        """The flows that ran for it, by key, each once."""
        return tuple(dict.fromkeys(step.record.flow for step in self.steps if step.record.kind == "flow_run"))

    def run_of(self, flow: str) -> str:
        """The id of the latest run of a flow for this event, "" where there is none."""
        runs = [step for step in self.steps if step.record.kind == "flow_run" and step.record.flow == flow]
        return max(runs, key=lambda step: step.time).record.id if runs else ""


def is_application_event(record: Entry) -> bool:
    """Whether the record is an event of its own, and not a step of another. The filter `role=event` means the same."""
    if record.kind in _EVENT_KINDS:
        return True
    is_step = bool(record.parent_id) and record.action in ACTIONS_OF_STEPS
    return record.kind == "integration_event" and not is_step


def find_steps(records: Sequence[Entry], event_id: str, customer: str = "") -> EventSteps:
    """The steps of one event. `records` are those of its thread; of another `customer` none is looked at.

    Raises `KeyError` where the event is not among them.
    """
    return find_all_steps(records, [event_id], customer)[event_id]


def find_all_steps(records: Sequence[Entry], event_ids: Sequence[str], customer: str = "") -> dict[str, EventSteps]:
    """The steps of several events, by the event's id. `records` are those of their threads.

    Raises `KeyError` where one of the events is not among them.
    """
    own = [one for one in records if not customer or one.customer in ("", customer)]
    thread: Thread = build_thread(own)
    wanted = frozenset(event_ids)
    nodes = {node.record.id: node for node in thread.walk() if node.record.id in wanted}
    return {event_id: _steps_of(nodes[event_id]) for event_id in event_ids}


def _steps_of(top: ThreadNode) -> EventSteps:
    event, below, led_to = top.record, list[ThreadNode](), list[Entry]()
    waiting = list(reversed(top.children))
    while waiting:
        node = waiting.pop()
        if is_application_event(node.record):
            led_to.append(node.record)
            continue
        below.append(node)
        waiting.extend(reversed(node.children))
    steps = [step for node in below if (step := _step(node, event))]
    steps = [_own_step(event), *sorted(steps, key=lambda step: (step.time, step.record.kind == "flow_run"))]
    told = _with_overcome(steps)
    failures = _deepest_failures([top, *below], told)
    return EventSteps(
        event=event,
        steps=(*told, *_missing(told, event)),
        led_to=tuple(led_to),
        cause=next(iter(failures), None),
        failure_class=next((found for one in failures if (found := class_of(one))), None),
    )


def _own_step(event: Entry) -> EventStep:
    action = event.action or PUBLISHED
    return EventStep(
        record=event,
        time=event.time,
        action=action,
        status="failure" if event.status == "failure" else "success",
        product=event.source_product,
        reason=_reason(event),
        is_result=action in (PROCESSED, RETRIED),
    )


def _step(node: ThreadNode, event: Entry) -> EventStep | None:
    """What a record below an event tells as a step, None where it is none."""
    record = node.record
    if record.kind in ("step", "integration_event"):
        return _reported_step(node, event)
    if record.kind in ("flow_run", "node_run"):
        return _run_step(node, event)
    return _decided_step(record) if record.kind == "decision" else None


def _reported_step(node: ThreadNode, event: Entry) -> EventStep:
    record = node.record
    action = record.action or record.type or "Step"
    source, target = record.source_product, record.target_product
    is_result = action not in _NO_RESULTS
    # An event with a duration tells when it began, a step that was reported when it was done.
    took_ms = record.duration_ms or 0 if is_result and record.kind == "integration_event" else 0
    return EventStep(
        record=record,
        time=record.time + took_ms,
        action=action,
        status="failure" if node.is_failure else "success",
        product=source,
        consumer=target if source == event.source_product and target else source,
        reason=_reason(record),
        is_result=is_result,
        is_overcome=node.is_failure and node.is_recovered,
    )


def _run_step(node: ThreadNode, event: Entry) -> EventStep:
    """A flow run or an attempt of a node, when it ended. One that failed and was tried again failed all the same."""
    record = node.record
    is_again = record.kind == "node_run" and _number(_told(record).get("attempt")) > 1
    has_failed = record.status == "failure" or (record.kind == "node_run" and bool(_error_message(record)))
    return EventStep(
        record=record,
        # A node's end, by its own clock, may be a moment after that of its run.
        time=max([_end_of(record), *(_end_of(one.record) for one in node.children if one.record.kind == "node_run")]),
        action=_RUN_ACTIONS.get(record.state) or (RETRIED if is_again else PROCESSED),
        status="failure" if has_failed else "success",
        product=_other_end(event.source_product, record.source_product, record.target_product),
        consumer=record.flow,
        reason=_reason(record),
        is_result=record.kind == "flow_run" and record.state != "stopped",
        is_overcome=has_failed and (record.status != "failure" or node.is_recovered),
    )


def _end_of(record: Entry) -> int:
    """When a run ended. A flow run's own time is that of its event, and it may have waited before it began."""
    try:
        return from_rfc3339(str(_told(record)["ended_at"]))
    except (KeyError, ValueError):
        return record.time + (record.duration_ms or 0)


def _other_end(source: str, one: str, other: str) -> str:
    """The end of an integration that an event comes to: not the one where it comes from."""
    return one if source == other and one else other


def _decided_step(record: Entry) -> EventStep:
    is_launched = record.state == "launched"
    has_failed = record.status == "failure"
    return EventStep(
        record=record,
        time=record.time,
        action=RECEIVED if is_launched else DELIVERED if has_failed else IGNORED,
        status="failure" if has_failed else "success",
        product=record.source_product,
        consumer=record.flow,
        reason="" if is_launched else _reason(record),
    )


def _with_overcome(steps: Sequence[EventStep]) -> list[EventStep]:
    """The same steps, those marked that something later made good."""
    return [
        msgspec.structs.replace(step, is_overcome=True)
        if step.status == "failure" and any(_makes_good(later, step) for later in steps[place + 1 :])
        else step
        for place, step in enumerate(steps)
    ]


def _makes_good(later: EventStep, failed: EventStep) -> bool:
    """Whether a later step went well that does what the failed one did not."""
    if later.status != "success" or later.action == IGNORED:
        return False
    kinds = (later.record.kind, failed.record.kind)
    if not failed.consumer:  # the event itself: who received it reports, or a flow ran, once more
        return later.is_result and later.record.kind in ("step", "flow_run")
    if later.consumer != failed.consumer:
        return False
    if later.record.kind == "flow_run":
        return failed.record.kind in ("flow_run", "node_run", "decision")
    if kinds == ("step", "step"):
        return later.is_result or not failed.is_result
    return kinds[0] == kinds[1] != "node_run" and later.record.event == failed.record.event


def _missing(steps: Sequence[EventStep], event: Entry) -> list[EventStep]:
    """A pending step for each consumer that has received the event, or was sent it, and did not say what became of it.

    An event that says it was published to another product is one that something must become of, too.
    """
    awaited: dict[str, EventStep] = {}
    done = {step.record.id for step in steps}
    for step in steps:
        run_id = _told(step.record).get("flow_run_id") if step.action in (RECEIVED, REPUBLISHED) else ""
        if isinstance(run_id, str) and run_id:
            if run_id not in done:
                awaited[run_id] = step
        elif step.action in _FIRST_ACKNOWLEDGEMENTS and step.status == "success":
            awaited[step.consumer] = step
        elif step.is_result or step.status == "failure":
            awaited.pop(step.consumer, None)
    is_sent = event.action == PUBLISHED and event.target_product not in ("", event.source_product)
    if is_sent and len(steps) == 1 and event.status != "failure":
        awaited[event.target_product] = steps[0]
    return [
        msgspec.structs.replace(
            step,
            action=PROCESSED,
            status="pending",
            product=step.consumer if not step.record.flow and step.consumer else event.target_product or step.product,
            reason="",
        )
        for step in awaited.values()
    ]


def _deepest_failures(nodes: Sequence[ThreadNode], steps: Sequence[EventStep]) -> list[Entry]:
    """The records whose failure is left, the deepest first: it is nearest to the reason."""
    if not any(step.is_failure for step in steps):
        return []
    overcome = {step.record.id for step in steps if step.is_overcome}
    made_good = {one.record.id for node in nodes if node.record.id in overcome for one in node.walk()}
    failed = (node for node in nodes if node.is_failure and not node.is_recovered)
    left = (node for node in failed if node.record.id not in made_good)
    return [node.record for node in sorted(left, key=lambda node: -node.depth)]


def class_of(record: Entry) -> FailureClass | None:
    """The class of a failed record, from the types of its errors, the innermost first, else from its HTTP status."""
    if not isinstance(record, Record):
        return _class_of_decision(record) or failure_class_of(record.error_type, record.http_status)
    facts = Facts(record, str)
    types = (failure_class_of(error.type) for error in facts.errors)
    found = next((one for one in types if one), None)
    return _class_of_decision(record) or found or failure_class_of("", facts.status_code)


def _class_of_decision(record: Entry) -> FailureClass | None:
    """A flow that could not take the event now, and one whose connection is gone."""
    if record.kind != "decision":
        return None
    return "configuration" if record.state == "connection_disconnected" else "delivery"


def _reason(record: Entry) -> str:
    """Why it failed, or was not done."""
    if record.kind == "decision":
        told = _told(record).get("reason")
        return told if isinstance(told, str) and told else record.message
    if record.status == "failure" or record.kind == "node_run":
        return _error_message(record) or ("" if record.status == "success" else record.message)
    return record.message if record.action == IGNORED else ""


def _error_message(record: Entry) -> str:
    """What the other side complained of, or its error says; of a summary the outermost words. "" for no error."""
    if not isinstance(record, Record):
        return record.error_message
    return (Facts(record, str).said or record.error.message or record.error.type) if record.error else ""


def _told(record: Entry) -> dict[str, Any]:
    """Its parameters, empty where they are no JSON object."""
    try:
        told = msgspec.json.decode(record.parameters) if record.parameters else {}
    except (msgspec.DecodeError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


def _number(value: Any) -> int:
    return value if isinstance(value, int) else 0
