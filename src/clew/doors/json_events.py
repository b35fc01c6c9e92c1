"""Integration events as JSON: one object, an array, or one object a line.

A request is taken whole or refused whole: `read_events` answers with every event checked, or raises with the places of
what is wrong. It is built for batches: what can be asked of the whole body is asked once (UTF-8, control characters,
size), what each event needs is decoded in C, and Python looks only at what is there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import msgspec

from clew.core.clock import DAY_MS, MINUTE_MS, to_rfc3339
from clew.core.errors import FieldError
from clew.core.ids import is_id, is_trace_id
from clew.core.json_text import first_deeper, is_deeper, pointer_of
from clew.core.record import ErrorInfo
from clew.core.redaction import Redactor
from clew.core.settings import Settings
from clew.doors.event_errors import Sent, Sort, problem_at, refuse, too_deep
from clew.doors.json_body import ObjectReader

MAX_NAME = 200
MAX_MESSAGE = 10_000
MAX_KEYS = 50
MAX_KEY_VALUE = 500
MAX_INT = 2**53 - 1  # what every JSON reader can count to
_MAX_KEY_BITS = 3 * MAX_KEY_VALUE  # so that an integer has fewer digits than a text may have

Name = Annotated[str, msgspec.Meta(max_length=MAX_NAME)]
Message = Annotated[str, msgspec.Meta(max_length=MAX_MESSAGE)]
ABSENT = msgspec.Raw(b"")
"""What a field kept as it came has where it was left out. To be asked for with `is`."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_KEY_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}\Z")
# How JSON writes a control character (but DEL, which may stand as it is). An escaped backslash may look like it too.
_ESCAPED_CONTROL = re.compile(rb"\\(?:u00|[bfnrt])")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_CONTROL_IN_TEXT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_OWN_NAMES = (
    "event", "type", "source_product", "target_product", "action", "customer", "integration", "connection", "id",
    "correlation_id",
)  # fmt: skip


class Event(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, gc=False):
    """An integration event as its sender wrote it. `null` is the same as leaving a field out.

    `parameters` (an object), `payload` (anything) and `error` (an object, or its message) are kept as they came.
    """

    event: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_NAME)]
    type: Name | None = None
    source_product: Name | None = None
    target_product: Name | None = None
    direction: Literal["one-way", "two-way"] | None = None
    action: Name | None = None
    status: Literal["info", "success", "failure"] | None = None
    message: Message | None = None
    customer: Name | None = None
    integration: Name | None = None
    connection: Name | None = None
    time: datetime | None = None
    id: Name | None = None
    trace_id: str | None = None
    parent_id: Name | None = None
    correlation_id: Name | None = None
    keys: dict[str, str | int] | None = None
    parameters: msgspec.Raw = ABSENT
    payload: msgspec.Raw = ABSENT
    error: msgspec.Raw = ABSENT
    duration_ms: Annotated[int, msgspec.Meta(ge=0, le=MAX_INT)] | None = None


class ReportedError(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """An error as its sender wrote it. See `ErrorInfo`."""

    type: Name | None = None
    key: Name | None = None
    message: Message | None = None
    data: Any = None
    stack: str | None = None
    caused_by: ReportedError | None = None

    def info(self) -> ErrorInfo:
        """The error as a record has it."""
        return ErrorInfo(
            type=self.type or "",
            key=self.key or "",
            message=self.message or "",
            data=self.data,
            stack=self.stack or "",
            caused_by=self.caused_by.info() if self.caused_by else None,
        )


class Batch(msgspec.Struct, kw_only=True):
    """The events of one request, checked. `times_ms`, `errors` and `parents` go by an event's place.

    `parents` leads from a place to the place of its parent in the same request. `key_names` are those of all events.
    """

    events: list[Event]
    times_ms: list[int]
    errors: dict[int, ErrorInfo]
    parents: dict[int, int]
    key_names: set[str]

    def may_contain_secret(self, redactor: Redactor) -> bool:
        """Whether any event may have something to remove. Asked once: fields that cannot hold a secret are left out."""
        free = [
            raw for event in self.events for raw in (event.payload, event.parameters, event.error) if raw is not ABSENT
        ]
        return redactor.may_contain_secret(b"\n".join(free)) or any(map(redactor.is_secret, self.key_names))

    def foreign_parents(self) -> set[str]:
        """The ids of parents that are not in this request: their traces are for the caller to look up."""
        return {
            event.parent_id.lower()
            for place, event in enumerate(self.events)
            if event.parent_id and place not in self.parents and not event.trace_id and not event.correlation_id
        }


_SORT = Sort(noun="event", article="An", fields=Event.__struct_fields__)
_READER = ObjectReader(msgspec.json.Decoder(Event), msgspec.json.Decoder(list[Event]), _SORT)
_ERROR = msgspec.json.Decoder(ReportedError | str)


def read_events(body: bytes, content_type: str, settings: Settings, now_ms: int) -> Batch:
    """The events of a request's body (decompressed), checked. `now_ms` is the time of events that give none.

    Raises `UnsupportedMediaType`, `BadRequest` for what is no JSON, `TooLarge` for an event over the limit and
    `Invalid` for what is wrong in one. Each names the place: byte, line, JSON Pointer.
    """
    events, sent = _READER.read(body, content_type, settings)
    return check_events(sent, events, settings, now_ms)


def check_events(sent: Sent, events: list[Event], settings: Settings, now_ms: int) -> Batch:
    """The events that were decoded from a body, checked for what a decoder does not know. Raises `Invalid`."""
    return _Checker(sent, events, settings, now_ms).check()


class _Checker:
    """What the decoder does not know: one pass over the events that collects what is wrong."""

    def __init__(self, sent: Sent, events: list[Event], settings: Settings, now_ms: int) -> None:
        body = sent.body
        self._settings = settings
        self._now_ms = now_ms
        self._oldest_ms = now_ms - settings.max_age_days * DAY_MS
        self._newest_ms = now_ms + settings.max_ahead_minutes * MINUTE_MS
        self._may_have_control = b"\x7f" in body or _ESCAPED_CONTROL.search(body) is not None
        self._may_be_deep = is_deeper(body, settings.max_depth) if len(events) == 1 else True
        self._sent = sent
        self._wrong: list[tuple[int, FieldError]] = []
        self._batch = Batch(events=events, times_ms=[], errors={}, parents={}, key_names=set())

    def check(self) -> Batch:
        """The batch; raises `Invalid` where anything is wrong."""
        times = self._batch.times_ms
        has_parents = False
        may_be_deep, max_depth = self._may_be_deep, self._settings.max_depth
        for place, event in enumerate(self._batch.events):
            times.append(self._now_ms if event.time is None else self._time_ms(place, event.time))
            if event.keys:
                self._check_keys(place, event.keys)
            if event.error is not ABSENT:
                self._check_error(place, event.error)
            if event.parameters is not ABSENT:
                self._check_parameters(place, event.parameters)
            if event.payload is not ABSENT and may_be_deep:
                text = bytes(event.payload)
                if text.count(b"{") + text.count(b"[") > max_depth:  # asked here too: a call costs as much as counting
                    self._check_depth(place, "payload", text)
            if event.trace_id and not is_trace_id(event.trace_id):
                self._add(place, ["trace_id"], "It is no W3C trace id: 32 small hex digits, not all zero.")
            if event.parent_id:
                has_parents = True
            if self._may_have_control:
                self._check_control(place, event)
        if has_parents:
            self._find_parents()
        if self._wrong:
            raise refuse(self._sent, self._wrong, len(self._batch.events))
        return self._batch

    def _add(self, place: int, path: list[str | int], detail: str) -> None:
        self._wrong.append((place, FieldError(pointer_of(path), detail)))

    def _time_ms(self, place: int, moment: datetime) -> int:
        since = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - _EPOCH
        time_ms = since.days * DAY_MS + since.seconds * 1000 + since.microseconds // 1000
        if time_ms < self._oldest_ms:
            days = self._settings.max_age_days
            self._add(
                place, ["time"], f"{moment.isoformat()} is before {to_rfc3339(self._oldest_ms)}, {days} days ago."
            )
        elif time_ms > self._newest_ms:
            self._add(place, ["time"], f"{moment.isoformat()} is in the future, after {to_rfc3339(self._newest_ms)}.")
        return time_ms

    def _check_keys(self, place: int, keys: dict[str, str | int]) -> None:
        if len(keys) > MAX_KEYS:
            self._add(place, ["keys"], f"It has {len(keys)} keys; {MAX_KEYS} are allowed.")
        for name, value in keys.items():
            if name not in self._batch.key_names:
                if not _KEY_NAME.match(name):
                    self._add(place, ["keys", name], "A key's name is 1 to 64 letters, digits, '_', '.' and '-'.")
                    continue
                self._batch.key_names.add(name)
            size = len(value) if isinstance(value, str) else MAX_KEY_VALUE * (value.bit_length() > _MAX_KEY_BITS) + 1
            if size > MAX_KEY_VALUE:
                self._add(place, ["keys", name], f"It is longer than {MAX_KEY_VALUE} characters.")

    def _check_parameters(self, place: int, raw: msgspec.Raw) -> None:
        text = bytes(raw)
        if text == b"null":
            return
        if not text.startswith(b"{"):
            self._add(place, ["parameters"], "An object is expected: {name: value}.")
        self._check_depth(place, "parameters", text)

    def _check_depth(self, place: int, field: str, text: bytes) -> bool:
        if not is_deeper(text, self._settings.max_depth):
            return True
        inner = first_deeper(text, self._settings.max_depth)
        self._add(place, [field], too_deep(self._settings.max_depth, f"/{field}{inner}" if inner else ""))
        return False

    def _check_error(self, place: int, raw: msgspec.Raw) -> None:
        text = bytes(raw)
        if text == b"null" or not self._check_depth(place, "error", text):
            return
        try:
            error = _ERROR.decode(text)
        except msgspec.DecodeError as problem:
            self._wrong.append((place, problem_at("/error", problem)))
            return
        info = ErrorInfo(message=error) if isinstance(error, str) else error.info()
        self._batch.errors[place] = info
        if self._may_have_control:
            self._check_error_control(place, info)

    def _check_error_control(self, place: int, info: ErrorInfo) -> None:
        path: list[str | int] = ["error"]
        cause: ErrorInfo | None = info
        while cause:
            for name, pattern in (
                ("type", _CONTROL),
                ("key", _CONTROL),
                ("message", _CONTROL_IN_TEXT),
                ("stack", _CONTROL_IN_TEXT),
            ):
                self._check_characters(place, [*path, name], getattr(cause, name), pattern)
            path, cause = [*path, "caused_by"], cause.caused_by

    def _check_control(self, place: int, event: Event) -> None:
        # What is printable has none, and is asked in a tenth of the time; what is not may be a space or a mark.
        if not _own_text(event).isprintable():
            for name in _OWN_NAMES:
                self._check_characters(place, [name], getattr(event, name) or "", _CONTROL)
        if event.message and not event.message.isprintable():
            self._check_characters(place, ["message"], event.message, _CONTROL_IN_TEXT)
        if event.keys:
            for name, value in event.keys.items():
                if isinstance(value, str) and not value.isprintable():
                    self._check_characters(place, ["keys", name], value, _CONTROL)

    def _check_characters(self, place: int, path: list[str | int], value: str, pattern: re.Pattern[str]) -> None:
        found = pattern.search(value)
        if found:
            self._add(place, path, f"It has the control character U+{ord(found.group()):04X} at {found.start()}.")

    def _find_parents(self) -> None:
        places: dict[str, int] = {}
        for place, event in enumerate(self._batch.events):
            if event.id:
                places.setdefault(event.id, place)
        parents = self._batch.parents
        for place, event in enumerate(self._batch.events):
            if not event.parent_id:
                continue
            if event.parent_id in places:
                parents[place] = places[event.parent_id]
            elif not is_id(event.parent_id):
                given = repr(event.parent_id[:80])
                self._add(
                    place, ["parent_id"], f"{given} is no record's id (a UUID), nor an event's id in this request."
                )
        for place in _in_circles(parents):
            self._add(place, ["parent_id"], "The event is its own ancestor.")


def _own_text(event: Event) -> str:
    """What `_OWN_NAMES` hold, in one text."""
    return (
        f"{event.event}{event.type}{event.source_product}{event.target_product}{event.action}{event.customer}"
        f"{event.integration}{event.connection}{event.id}{event.correlation_id}"
    )


def _in_circles(parents: dict[int, int]) -> Iterator[int]:
    """One place of each circle among the parents."""
    done: set[int] = set()
    for start in parents:
        way: set[int] = set()
        place: int | None = start
        while place is not None and place not in done:
            done.add(place)
            way.add(place)
            place = parents.get(place)
            if place in way:
                yield place
