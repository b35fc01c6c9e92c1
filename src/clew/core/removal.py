"""What retention took out of a record that it left: its bodies. What it was about stays, and that they were there.

Each place is named in the record's `redacted`, as `/payload (retention, 2026-11-22)`: beside the places whose secrets
were removed on the way in, so that whoever needs a payload whole looks in one place whether it is.
"""

from __future__ import annotations

import re

import msgspec

from clew.core.record import Body, HttpExchange, Record

PAYLOAD = "/payload"
LOGS = "/logs"
HTTP_BODIES = ("request_body", "response_body")
"""The fields of an HTTP exchange that hold bodies. What is left of one is its size."""

_MARK = re.compile(r"(/[\w/]+) \(retention, (\d{4}-\d{2}-\d{2})\)\Z", re.ASCII)


def mark_of(place: str, date: str) -> str:
    """What `redacted` says of a place that was emptied on a day (`2026-11-22`)."""
    return f"{place} (retention, {date})"


def place_of_body(name: str) -> str:
    """How one of `HTTP_BODIES` is named in a mark."""
    return f"/http/{name}"


def find_removals(record: Record) -> dict[str, str]:
    """The places that retention emptied, each with the day on which it did. Empty where it took nothing."""
    found = (_MARK.match(entry) for entry in record.redacted)
    return {match[1]: match[2] for match in found if match}


def remove_bodies(record: Record, date: str) -> Record:
    """The record without payload, bodies of requests and responses, and log lines; itself where it has none."""
    http = record.http
    marks = [mark_of(PAYLOAD, date)] if record.payload else []
    marks += [mark_of(LOGS, date)] if record.logs else []
    if http is not None:
        marks += [mark_of(place_of_body(name), date) for name in HTTP_BODIES if _has_text(http, name)]
    if not marks:
        return record
    return msgspec.structs.replace(
        record,
        payload="",
        logs=(),
        http=_without_bodies(http) if http else None,
        redacted=(*record.redacted, *marks),
    )


def _has_text(http: HttpExchange, name: str) -> bool:
    body: Body | None = getattr(http, name)
    return body is not None and body.text != ""


def _without_bodies(http: HttpExchange) -> HttpExchange:
    left = {
        name: Body(text="", size=getattr(http, name).size, cut=True) for name in HTTP_BODIES if _has_text(http, name)
    }
    return msgspec.structs.replace(http, **left)
