"""What retention took out of a record, in words."""

from __future__ import annotations

from clew.core.errors import NotFound
from clew.core.record import Record
from clew.core.removal import LOGS, PAYLOAD, find_removals, mark_of, place_of_body

_NAMES = {
    PAYLOAD: "the payload",
    place_of_body("request_body"): "the request's body",
    place_of_body("response_body"): "the response's body",
    LOGS: "the log lines",
}


def say_removed(record: Record) -> tuple[str, ...]:
    """A sentence for each day on which something of it was removed: `The payload was removed on 2026-11-22.`"""
    by_date: dict[str, list[str]] = {}
    for place, date in find_removals(record).items():
        by_date.setdefault(date, []).append(_NAMES.get(place, place))
    return tuple(_sentence(names, date) for date, names in sorted(by_date.items()))


def say_removed_place(record: Record, place: str) -> str:
    """The same of one place, "" where nothing was removed there."""
    date = find_removals(record).get(place)
    return _sentence([_NAMES.get(place, place)], date) if date else ""


def say_removed_lines(record: Record) -> str:
    """The same of its log lines."""
    return say_removed_place(record, LOGS)


def redacted_of(record: Record) -> tuple[str, ...]:
    """The places from which secrets were removed on the way in."""
    by_retention = {mark_of(place, date) for place, date in find_removals(record).items()}
    return tuple(place for place in record.redacted if place not in by_retention)


def refuse_removed_payload(record: Record) -> None:
    """Raise `NotFound` where the payload was removed: an empty file would say that there was none."""
    if said := say_removed_place(record, PAYLOAD):
        raise NotFound(f"{said[:-1]} by retention.", hint="A record that is pinned keeps its payload.")


def _sentence(names: list[str], date: str) -> str:
    listed = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
    verb = "were" if len(names) > 1 or names[0].endswith("lines") else "was"
    return f"{listed[0].upper()}{listed[1:]} {verb} removed on {date}."
