"""A request's body as JSON objects of one sort: one object, an array, or one object a line.

What can be asked of the whole body is asked here once (content type, UTF-8, size), and each object is decoded in C.
"""

from __future__ import annotations

import re
from typing import Generic, TypeVar

import msgspec

from clew.core.errors import BadRequest, FieldError, Invalid, TooLarge, UnsupportedMediaType
from clew.core.settings import Settings
from clew.doors.event_errors import Form, Sent, Sort, explain, place_of, split

JSON_TYPES = ("application/json",)
LINES_TYPES = ("application/x-ndjson", "application/ndjson", "application/jsonl")

_CHARSET = re.compile(r'charset\s*=\s*"?([^";\s]+)', re.IGNORECASE)

T = TypeVar("T")


class ObjectReader(Generic[T]):
    """Reads objects of a type, by its decoders. `sort` is what they are called where they are refused."""

    def __init__(self, one: msgspec.json.Decoder[T], many: msgspec.json.Decoder[list[T]], sort: Sort) -> None:
        self._one = one
        self._many = many
        self._sort = sort

    def read(self, body: bytes, content_type: str, settings: Settings) -> tuple[list[T], Sent]:
        """The objects of a body (decompressed), at least one, and what they were read from.

        Raises `UnsupportedMediaType`, `BadRequest` for what is no JSON, `TooLarge` for an object over the limit and
        `Invalid` for one that does not fit its type. Each names the place: byte, line, JSON Pointer.
        """
        sent = Sent(body, _form_of(body, content_type), self._sort)
        _check_text(body)
        if len(body) > settings.max_event_bytes:
            _check_sizes(sent, settings.max_event_bytes)
        try:
            objects = self._decode(body, sent.form)
        except (msgspec.DecodeError, RecursionError) as error:
            raise explain(sent, self._one, error, settings.max_depth) from error
        if not objects:
            raise Invalid(
                f"There is no {self._sort.noun} in the request.",
                hint="Send at least one.",
                errors=(FieldError("", "empty"),),
            )
        return objects, sent

    def _decode(self, body: bytes, form: Form) -> list[T]:
        if form == "object":
            return [self._one.decode(body)]
        return self._many.decode(body) if form == "array" else self._one.decode_lines(body)


def _form_of(body: bytes, content_type: str) -> Form:
    media_type, _, parameters = content_type.partition(";")
    media_type = media_type.strip().lower()
    charset = _CHARSET.search(parameters) if parameters else None
    if charset and charset.group(1).lower() not in ("utf-8", "utf8", "us-ascii"):
        raise UnsupportedMediaType(f"The charset {charset.group(1)[:40]!r} is not taken.", hint="Send UTF-8.")
    if media_type in LINES_TYPES:
        return "lines"
    if media_type and media_type not in JSON_TYPES:
        raise UnsupportedMediaType(
            f"The content type {media_type[:80]!r} is not taken here.",
            hint=f"Send {' or '.join((*JSON_TYPES, LINES_TYPES[0]))}.",
        )
    return "array" if body.lstrip()[:1] == b"[" else "object"


def _check_text(body: bytes) -> None:
    try:
        body.decode()
    except UnicodeDecodeError as error:
        raise BadRequest(
            f"The body is no UTF-8: byte {error.start} cannot be read.",
            hint="Send UTF-8.",
            errors=(FieldError("", place_of(body, error.start)),),
        ) from error
    if not body.strip():
        raise BadRequest("The body is empty.", hint="Send a JSON object, an array of them, or one a line.")


def _check_sizes(sent: Sent, max_bytes: int) -> None:
    try:
        parts = split(sent.body, sent.form)
    except (msgspec.DecodeError, RecursionError):
        return  # the decoder says it better
    large = [part for part in parts if len(part.text) > max_bytes]
    if large:
        errors = [FieldError(part.pointer, part.says(f"It has {len(part.text)} bytes.")) for part in large]
        raise TooLarge(
            f"{sent.sort.article} {sent.sort.noun} has more than {max_bytes} bytes.",
            hint="Send less in its payload, or raise CLEW_MAX_EVENT_BYTES.",
            errors=tuple(errors[:20]),
        )
