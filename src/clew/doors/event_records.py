"""Checked events to records: ids, traces, what a declared integration fills in, and no secrets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Protocol

import msgspec

from clew.core.ids import digester, new_ids, trace_id_of
from clew.core.record import Direction, ErrorInfo, Record
from clew.core.redaction import MASK, Places, Redactor
from clew.doors import trace_context
from clew.doors.json_events import ABSENT, Batch, Event

# Bounded, as senders name the products.
_digester = lru_cache(maxsize=1_024)(digester)


class Connected(Protocol):
    """What an integration tells about its events."""

    @property
    def source_product(self) -> str:
        """The key of the product it leads from."""
        ...

    @property
    def target_product(self) -> str:
        """The key of the product it leads to."""
        ...

    @property
    def direction(self) -> str:
        """`one-way` or `two-way`."""
        ...


class First(msgspec.Struct, frozen=True):
    """The record that an event's id stands for already, and its trace.

    "" where that is not known: then it is what the event says again, else the record began it.
    """

    id: str
    trace_id: str


class Accepted(msgspec.Struct, frozen=True, gc=False):
    """A record to append, and the key under which it is appended once (empty: none)."""

    record: Record
    key: bytes


def to_records(
    batch: Batch,
    *,
    workspace: str,
    redactor: Redactor,
    integration_of: Callable[[str], Connected | None],
    traceparent: str = "",
    trace_of: Mapping[str, str] | None = None,
    first_of: Mapping[bytes, First] | None = None,
) -> list[Accepted]:
    """The records of a request's events, in their order.

    `trace_of` has the traces of `batch.foreign_parents()` as far as they are known. An event's trace is its own, else
    that of its correlation id, its parent, the request's `traceparent`, else a new one. `first_of` has, by their keys,
    the records of those of `keys_of_parents` that came before: children point to them.
    """
    ids = new_ids(batch.times_ms)
    firsts = _find_firsts(batch, workspace, first_of) if first_of else {}
    traces = _traces(
        batch,
        ids,
        workspace=workspace,
        request_trace=trace_context.trace_of(traceparent),
        trace_of=trace_of or {},
        firsts=firsts,
    )
    cleaner = redactor if batch.may_contain_secret(redactor) else None
    connected: dict[str, Connected | None] = {}
    accepted = []
    for place, event in enumerate(batch.events):
        name = event.integration
        if name and name not in connected:
            connected[name] = integration_of(name)
        parent = batch.parents.get(place)
        record = _record(
            event,
            record_id=ids[place],
            time_ms=batch.times_ms[place],
            workspace=workspace,
            trace_id=traces[place],
            parent_id=(event.parent_id or "").lower() if parent is None else _id_of(parent, ids, firsts),
            error=batch.errors.get(place),
            integration=connected[name] if name else None,
        )
        key = _key_of(event, workspace) if event.id else b""
        accepted.append(Accepted(without_secrets(record, cleaner) if cleaner else record, key))
    return accepted


def keys_of_parents(batch: Batch, workspace: str) -> tuple[bytes, ...]:
    """The keys of the events that others of the request name as their parents.

    Where one of them came before, its record is the one that was written then: see `first_of` of `to_records`.
    """
    return tuple([_key_of(batch.events[place], workspace) for place in sorted(set(batch.parents.values()))])


def _key_of(event: Event, workspace: str) -> bytes:
    return _digester("event", workspace, event.source_product or "")(event.id or "")


def _find_firsts(batch: Batch, workspace: str, first_of: Mapping[bytes, First]) -> dict[int, First]:
    """By their places, the parents that came before."""
    places = set(batch.parents.values())
    found = {place: first_of.get(_key_of(batch.events[place], workspace)) for place in places}
    return {place: first for place, first in found.items() if first}


def _id_of(place: int, ids: list[str], firsts: Mapping[int, First]) -> str:
    return firsts[place].id if place in firsts else ids[place]


def _record(
    event: Event,
    *,
    record_id: str,
    time_ms: int,
    workspace: str,
    trace_id: str,
    parent_id: str,
    error: ErrorInfo | None,
    integration: Connected | None,
) -> Record:
    source, target, direction = event.source_product or "", event.target_product or "", event.direction or ""
    if integration:
        source = source or integration.source_product
        target = target or integration.target_product
        direction = direction or _direction(integration.direction)
    # Only what is there: a call with more than 15 named arguments takes four times as long.
    fields: dict[str, Any] = {
        "id": record_id,
        "time": time_ms,
        "workspace": workspace,
        "kind": "integration_event",
        "event": event.event,
        "source_product": source,
        "target_product": target,
        "direction": direction,
        "status": event.status or ("failure" if error else "info"),
        "trace_id": trace_id,
        "parent_id": parent_id,
        "error": error,
        "duration_ms": event.duration_ms,
    }
    if event.keys or event.correlation_id:
        fields["keys"] = _keys(event)
    _add_reported(fields, event)
    return Record(**fields)


def reported_fields(event: Event) -> dict[str, Any]:
    """Of what was reported, that which goes into its record as it came: where there is something."""
    fields: dict[str, Any] = {}
    for name in ("source_product", "target_product", "duration_ms"):
        value = getattr(event, name)
        if value or value == 0:
            fields[name] = value
    _add_reported(fields, event)
    return fields


def _add_reported(fields: dict[str, Any], event: Event) -> None:
    for name in _PLAIN_FIELDS:
        value = getattr(event, name)
        if value:
            fields[name] = value
    if event.id:
        fields["sender_id"] = event.id
    if event.parameters is not ABSENT:
        text = str(event.parameters, "utf-8")
        if text != "null":
            fields["parameters"] = text
    if event.payload is not ABSENT:
        fields["payload"] = str(event.payload, "utf-8")
        fields["content_type"] = "application/json"


_PLAIN_FIELDS = ("type", "action", "message", "customer", "integration", "connection")


def _direction(text: str) -> Direction:
    return "two-way" if text == "two-way" else "one-way"


def _keys(event: Event) -> dict[str, str]:
    given = event.keys
    keys = {name: value if isinstance(value, str) else str(value) for name, value in given.items()} if given else {}
    if event.correlation_id:
        keys["correlation_id"] = event.correlation_id
    return keys


def _traces(
    batch: Batch,
    ids: list[str],
    *,
    workspace: str,
    request_trace: str,
    trace_of: Mapping[str, str],
    firsts: Mapping[int, First],
) -> list[str]:
    """Each event's trace. A chain of parents in the request is followed to the first whose trace is known."""
    by_correlation: dict[str, str] = {}
    traces: list[str] = []
    for place, event in enumerate(batch.events):
        trace = event.trace_id or ""
        if not trace and event.correlation_id:
            trace = by_correlation.get(event.correlation_id, "")
            if not trace:
                trace = _digester("trace", workspace)(event.correlation_id).hex()
                by_correlation[event.correlation_id] = trace
        if place in firsts:  # the record that there is: what this repetition says of its trace is not written
            first = firsts[place]
            trace = first.trace_id or trace or trace_id_of(first.id)
        if not trace and place not in batch.parents:
            known = trace_of.get(event.parent_id.lower(), "") if event.parent_id else ""
            trace = known or request_trace or trace_id_of(ids[place])
        traces.append(trace)
    for start in batch.parents:
        way, place = [], start
        while not traces[place]:
            way.append(place)
            place = batch.parents[place]
        for link in way:
            traces[link] = traces[place]
    return traces


def without_secrets(record: Record, redactor: Redactor) -> Record:
    """The record without the secrets in its payload, parameters, keys and error, and with the places they were at."""
    payload, in_payload = _text(redactor, record.payload)
    parameters, in_parameters = _text(redactor, record.parameters)
    keys = {name: MASK if redactor.is_secret(name) else value for name, value in record.keys.items()}
    in_keys = tuple(f"/{name}" for name in record.keys if redactor.is_secret(name))
    error, in_error = _error(redactor, record.error)
    found = {"/payload": in_payload, "/parameters": in_parameters, "/keys": in_keys, "/error": in_error}
    redacted = tuple(prefix + place for prefix, places in found.items() for place in places)
    if not redacted:
        return record
    return msgspec.structs.replace(
        record, payload=payload, parameters=parameters, keys=keys, error=error, redacted=(*record.redacted, *redacted)
    )


def _text(redactor: Redactor, text: str) -> tuple[str, Places]:
    return redactor.json_text(text) if text else (text, ())


def _error(redactor: Redactor, error: ErrorInfo | None) -> tuple[ErrorInfo | None, Places]:
    if error is None:
        return None, ()
    data, in_data = redactor.value(error.data)
    cause, in_cause = _error(redactor, error.caused_by)
    places = (*(f"/data{place}" for place in in_data), *(f"/caused_by{place}" for place in in_cause))
    return (msgspec.structs.replace(error, data=data, caused_by=cause) if places else error), places
