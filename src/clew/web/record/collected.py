"""What a webhook or a pull brought: the events that were found in it."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from clew.core.record import Kind, Record
from clew.web.dots import DOT_OF_STATUS, Dot
from clew.web.links import record_href
from clew.web.wording import cut, say_event

COLLECTING: frozenset[Kind] = frozenset({"external_webhook", "external_event_pull"})
MAX_EVENTS = 100
"""Events that one page shows."""


class CollectedEvent(msgspec.Struct, frozen=True):
    """An event that was found. `key` tells it from others."""

    event: str
    key: str
    state: str
    dot: Dot
    href: str


class Collected(msgspec.Struct, frozen=True):
    """The events. `note` says why there is none, `left_out` counts those that are not shown."""

    events: tuple[CollectedEvent, ...]
    note: str
    left_out: int


def build_collected(record: Record, chain: Sequence[Record]) -> Collected | None:
    """What this record brought, None for one that brings nothing. `chain` are all records of its trace."""
    if record.kind not in COLLECTING:
        return None
    found = [one for one in chain if one.kind == "external_event" and one.parent_id == record.id]
    shown = tuple(_build(one) for one in found[:MAX_EVENTS])
    return Collected(shown, "" if found else _why_none(record), len(found) - len(shown))


def _build(event: Record) -> CollectedEvent:
    key = next(iter(event.keys.values()), "")
    state = event.state or event.status
    return CollectedEvent(
        cut(say_event(event)), cut(key), cut(state), DOT_OF_STATUS[event.status], record_href(event.id)
    )


def _why_none(record: Record) -> str:
    if record.duplicate_of:
        return "It came before: its events were taken then."
    if record.status == "failure":
        return "It was refused, so nothing was taken out of it."
    return record.message or "There was no event in it."
