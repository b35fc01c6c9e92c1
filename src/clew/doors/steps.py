"""Steps of an event as JSON: what became of it, told by those who published, received and processed it.

A step is checked as an event is, and is told under the event: its trace, customer, connection and keys are the event's.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec

from clew.core.ids import digest, new_ids
from clew.core.record import Kind, LogLine, Record
from clew.core.redaction import Redactor
from clew.core.settings import Settings
from clew.doors import trace_context
from clew.doors.event_errors import Sort
from clew.doors.event_records import Accepted, reported_fields, without_secrets
from clew.doors.json_body import ObjectReader
from clew.doors.json_events import ABSENT, MAX_INT, MAX_NAME, Batch, Event, Message, Name, check_events

ACTIONS = ("Published", "Delivered", "Received", "Processed", "Retried", "Republished", "Ignored")
"""The actions that are offered. Any other text is taken as well."""
EVENT_KINDS: frozenset[Kind] = frozenset({"integration_event", "external_event", "internal_event"})
"""What steps are added to."""


class Step(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A step of an event as its sender wrote it. `null` is the same as leaving a field out.

    `action` is what was done: Published, Delivered, Received, Processed, Retried, Republished, Ignored, or a word of
    your own. Without a `status` it is a failure where it has an `error`, else a success. An error whose `type` is
    `delivery`, `configuration` or `data` says where it lies. With an `id` the step is recorded once.
    """

    action: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_NAME)]
    status: Literal["info", "success", "failure"] | None = None
    message: Message | None = None
    source_product: Name | None = None
    target_product: Name | None = None
    time: datetime | None = None
    id: Name | None = None
    parameters: msgspec.Raw = ABSENT
    payload: msgspec.Raw = ABSENT
    error: msgspec.Raw = ABSENT
    duration_ms: Annotated[int, msgspec.Meta(ge=0, le=MAX_INT)] | None = None


_READER = ObjectReader(
    msgspec.json.Decoder(Step),
    msgspec.json.Decoder(list[Step]),
    Sort(noun="step", article="A", fields=Step.__struct_fields__),
)


def read_steps(body: bytes, content_type: str, settings: Settings, now_ms: int) -> Batch:
    """The steps of a request's body (decompressed), checked. `now_ms` is the time of steps that give none.

    In the batch they stand as events, for an event has all that a step has. Raises what `read_events` raises.
    """
    steps, sent = _READER.read(body, content_type, settings)
    events = [Event(event="step", **msgspec.structs.asdict(step)) for step in steps]
    return check_events(sent, events, settings, now_ms)


def to_step_records(batch: Batch, event: Record, *, redactor: Redactor, traceparent: str = "") -> list[Accepted]:
    """The records of the steps of an event, in their order.

    They join the event's trace, whatever trace the request belongs to; that one is kept in their log lines.
    """
    ids = new_ids(batch.times_ms)
    cleaner = redactor if batch.may_contain_secret(redactor) else None
    shared = _shared_fields(event)
    lines = _lines(event, traceparent, batch)
    accepted = []
    for place, step in enumerate(batch.events):
        error = batch.errors.get(place)
        fields = {
            **shared,
            **reported_fields(step),
            "id": ids[place],
            "time": batch.times_ms[place],
            "status": step.status or ("failure" if error else "success"),
            "error": error,
        }
        if lines:
            fields["logs"] = (lines[place],)
        record = Record(**fields)
        key = digest("step", event.workspace, event.id, step.id) if step.id else b""
        accepted.append(Accepted(without_secrets(record, cleaner) if cleaner else record, key))
    return accepted


def _shared_fields(event: Record) -> dict[str, Any]:
    return {
        "workspace": event.workspace,
        "kind": "step",
        "event": event.event,
        "source_product": event.source_product,
        "target_product": event.target_product,
        "direction": event.direction,
        "customer": event.customer,
        "integration": event.integration,
        "connection": event.connection,
        "keys": event.keys,
        "trace_id": event.trace_id,
        "parent_id": event.id,
    }


def _lines(event: Record, traceparent: str, batch: Batch) -> list[LogLine]:
    """A line for each step about the trace of its sender, where that is another."""
    trace_id = trace_context.trace_of(traceparent)
    if not trace_id or trace_id == event.trace_id:
        return []
    said = "The sender told of it in a trace of its own."
    return [LogLine(time=time_ms, msg=said, data={"trace_id": trace_id}) for time_ms in batch.times_ms]
