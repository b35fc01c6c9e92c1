"""Records as the API shows them: RFC 3339 times, JSON as JSON, absent things as null, links to what belongs to them."""

from __future__ import annotations

from typing import Any

import msgspec

from clew.core.clock import to_rfc3339
from clew.core.record import Direction, ErrorInfo, HttpExchange, Kind, PayloadEncoding, Record, Status, Summary
from clew.log.search import Coverage


class RecordItem(msgspec.Struct, frozen=True, kw_only=True):
    """A record in a list: all but the bodies, the log lines and the error's inside."""

    id: str
    time: str
    kind: Kind
    type: str | None
    event: str | None
    source_product: str | None
    target_product: str | None
    direction: Direction | None
    action: str | None
    status: Status
    state: str | None
    message: str | None
    customer: str | None
    integration: str | None
    connection: str | None
    source: str | None
    flow: str | None
    flow_version: str | None
    node: str | None
    trace_id: str | None
    parent_id: str | None
    sender_id: str | None
    duplicate_of: str | None
    keys: dict[str, str]
    parameters: Any
    content_type: str | None
    payload_bytes: int
    http_direction: str | None
    http_method: str | None
    http_url: str | None
    http_status: int | None
    error_type: str | None
    error_message: str | None
    duration_ms: int | None


class CoverageForm(msgspec.Struct, frozen=True, kw_only=True, rename={"from_time": "from"}):
    """What was searched: the range of time, how far indexing has come, the oldest record kept."""

    from_time: str | None
    to: str
    indexed_until: str
    oldest_kept: str | None
    truncated: bool


class LogEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One line a step wrote."""

    time: str
    type: str
    msg: str
    data: Any


class Links(msgspec.Struct, frozen=True, kw_only=True):
    """Where to go from a record: paths on this server. `page` is the one for people."""

    payload: str
    trace: str
    page: str
    parent: str | None
    duplicate_of: str | None


class WholeRecord(RecordItem, frozen=True, kw_only=True):
    """One record whole.

    `payload` is JSON where the payload is JSON, else its text (base64 where `payload_encoding` says so).
    `redacted` names the places from which a secret was removed on the way in, and those that retention emptied:
    `/payload (retention, 2026-11-22)`.
    """

    payload: Any
    payload_encoding: PayloadEncoding
    http: HttpExchange | None
    error: ErrorInfo | None
    logs: list[LogEntry]
    redacted: list[str]
    links: Links


class TraceItem(RecordItem, frozen=True, kw_only=True):
    """A record in its chain: parents come before children, `depth` is 0 for a root."""

    depth: int


def item_fields(summary: Summary) -> dict[str, Any]:
    """The fields that every form of a record shares."""
    fields = {name: getattr(summary, name) or None for name in RecordItem.__struct_fields__}
    fields |= {
        "time": to_rfc3339(summary.time),
        "keys": summary.keys,
        "parameters": json_or_none(summary.parameters),
        "payload_bytes": summary.payload_bytes,
        "duration_ms": summary.duration_ms,
    }
    return fields


def show_coverage(coverage: Coverage) -> CoverageForm:
    """What was searched."""
    return msgspec.convert(coverage.to_json(), CoverageForm)


def show_item(summary: Summary) -> RecordItem:
    """A record in a list."""
    return RecordItem(**item_fields(summary))


def show_whole(record: Record, summary: Summary) -> WholeRecord:
    """One record whole. `summary` is the same record's."""
    return WholeRecord(
        **item_fields(summary),
        payload=_payload(record),
        payload_encoding=record.payload_encoding,
        http=record.http,
        error=record.error,
        logs=[LogEntry(time=to_rfc3339(x.time), type=x.type, msg=x.msg, data=x.data) for x in record.logs],
        redacted=list(record.redacted),
        links=_links(record),
    )


def _links(record: Record) -> Links:
    return Links(
        payload=f"/v1/records/{record.id}/payload",
        trace=f"/v1/records/{record.id}/trace",
        page=f"/records/{record.id}",
        parent=f"/v1/records/{record.parent_id}" if record.parent_id else None,
        duplicate_of=f"/v1/records/{record.duplicate_of}" if record.duplicate_of else None,
    )


def _payload(record: Record) -> Any:
    # a sender that does not say what it sends nearly always sends JSON
    if record.payload_encoding == "utf-8" and (not record.content_type or "json" in record.content_type):
        parsed = json_or_none(record.payload)
        return record.payload or None if parsed is None else parsed
    return record.payload or None


def json_or_none(text: str) -> msgspec.Raw | None:
    """JSON text as it came, to be put into a response unchanged; None where it is empty or no JSON."""
    try:
        return msgspec.Raw(msgspec.json.decode(text, type=msgspec.Raw)) if text else None
    except (msgspec.DecodeError, RecursionError):
        return None
