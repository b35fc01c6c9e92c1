"""The one noun of Clew: a record. Everything that is logged is one `Record`, and a record never changes.

A record travels as one JSON line: from the door that made it into the journal, and from there, byte for byte, into
the log, whose columns bear the names of these fields. Nothing is re-encoded on the way.
"""

from __future__ import annotations

import base64
from typing import Any, Literal

import msgspec

Kind = Literal[
    "integration_event",
    "step",
    "api_request",
    "external_webhook",
    "external_event_pull",
    "external_event",
    "internal_event",
    "flow_run",
    "node_run",
    "decision",
    "notification",
]
Status = Literal["info", "success", "failure"]
Direction = Literal["", "one-way", "two-way"]
PayloadEncoding = Literal["utf-8", "base64"]

KINDS: tuple[str, ...] = Kind.__args__  # type: ignore[attr-defined]  # typing has no public accessor for this
STATUSES: tuple[str, ...] = Status.__args__  # type: ignore[attr-defined]
DIRECTIONS: tuple[str, ...] = ("one-way", "two-way")


class ErrorInfo(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What went wrong, with its causes: `caused_by` leads inwards, the innermost is the reason."""

    type: str = ""
    key: str = ""
    message: str = ""
    data: Any = None
    stack: str = ""
    caused_by: ErrorInfo | None = None

    def innermost(self) -> ErrorInfo:
        """The reason: the end of the chain of causes."""
        return self.caused_by.innermost() if self.caused_by else self


class LogLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line a step wrote while it worked. `time` is in milliseconds since the epoch, UTC."""

    time: int
    msg: str
    type: Literal["message", "text", "error", "data", "compare", "api-request"] = "message"
    data: Any = None


class Body(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A request's or a response's body. `size` is its whole length in bytes: the text was cut where it is shorter."""

    text: str
    size: int
    encoding: PayloadEncoding = "utf-8"
    cut: bool = False


class HttpExchange(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One HTTP request and its response. `direction` is seen from us: `incoming` came to us, `outgoing` we sent.

    A record whose payload is the request's body (an external webhook) leaves `request_body` empty.
    """

    direction: Literal["incoming", "outgoing"]
    method: str
    url: str
    status_code: int = 0
    request_headers: dict[str, str] = {}
    request_body: Body | None = None
    response_headers: dict[str, str] = {}
    response_body: Body | None = None


class Record(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that happened.

    `id` is a UUIDv7 of ours whose time is `time` (milliseconds since the epoch, UTC), so an id alone finds its day.
    `parent_id` is the record that caused this one; `trace_id` (32 hex digits, W3C) is shared by the whole chain.
    `state` is the native word of the system it came from, `status` one of our three.
    `parameters` is the JSON text of an object, `payload` the body as it came (base64 where it is no UTF-8): text, so
    that numbers beyond 64 bits, escapes and odd spacing survive.
    `sender_id` is the id the sender gave; `duplicate_of` the record that the same delivery made first.
    `redacted` names the places from which a secret was removed before the record was written.
    """

    id: str
    time: int
    workspace: str
    kind: Kind
    type: str = ""
    event: str = ""
    source_product: str = ""
    target_product: str = ""
    direction: Direction = ""
    action: str = ""
    status: Status = "info"
    state: str = ""
    message: str = ""
    error: ErrorInfo | None = None
    customer: str = ""
    integration: str = ""
    connection: str = ""
    source: str = ""
    flow: str = ""
    flow_version: str = ""
    node: str = ""
    trace_id: str = ""
    parent_id: str = ""
    sender_id: str = ""
    duplicate_of: str = ""
    keys: dict[str, str] = {}
    parameters: str = ""
    payload: str = ""
    payload_encoding: PayloadEncoding = "utf-8"
    content_type: str = ""
    http: HttpExchange | None = None
    duration_ms: int | None = None
    logs: tuple[LogLine, ...] = ()
    redacted: tuple[str, ...] = ()

    def payload_bytes(self) -> bytes:
        """The payload as it came."""
        return base64.b64decode(self.payload) if self.payload_encoding == "base64" else self.payload.encode()


class Summary(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=False):
    """A record as a list shows it: every field but the bodies, the log lines and the error's inside.

    `payload_bytes` is the payload's length as text. `http_*` and `error_*` are taken out of `http` and `error`.
    """

    id: str
    time: int
    workspace: str
    kind: Kind
    type: str = ""
    event: str = ""
    source_product: str = ""
    target_product: str = ""
    direction: Direction = ""
    action: str = ""
    status: Status = "info"
    state: str = ""
    message: str = ""
    customer: str = ""
    integration: str = ""
    connection: str = ""
    source: str = ""
    flow: str = ""
    flow_version: str = ""
    node: str = ""
    trace_id: str = ""
    parent_id: str = ""
    sender_id: str = ""
    duplicate_of: str = ""
    keys: dict[str, str] = {}
    parameters: str = ""
    content_type: str = ""
    payload_bytes: int = 0
    http_direction: str = ""
    http_method: str = ""
    http_url: str = ""
    http_status: int = 0
    error_type: str = ""
    error_message: str = ""
    duration_ms: int | None = None


_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(Record)


def encode_line(record: Record) -> bytes:
    """The record as its JSON line, without the line end. Defaults are left out."""
    return _ENCODER.encode(record)


def decode_line(line: bytes) -> Record:
    """The record of a line that `encode_line` made.

    Raises `msgspec.DecodeError` or `msgspec.ValidationError` for anything else.
    """
    return _DECODER.decode(line)


def summarize(record: Record) -> Summary:
    """The record as a list shows it."""
    http, error = record.http, record.error
    shared = {name: getattr(record, name) for name in Summary.__struct_fields__ if hasattr(record, name)}
    shared["payload_bytes"] = len(record.payload.encode())
    return Summary(
        **shared,
        http_direction=http.direction if http else "",
        http_method=http.method if http else "",
        http_url=http.url if http else "",
        http_status=http.status_code if http else 0,
        error_type=error.type if error else "",
        error_message=error.message if error else "",
    )


def text_of(body: bytes) -> tuple[str, PayloadEncoding]:
    """A body as text: itself where it is UTF-8, else base64."""
    try:
        return body.decode(), "utf-8"
    except UnicodeDecodeError:
        return base64.b64encode(body).decode(), "base64"
