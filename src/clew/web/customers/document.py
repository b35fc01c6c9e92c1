"""A step's payload as a file: the payload as it came, with what there is to know of it around it."""

from __future__ import annotations

from typing import Any

import msgspec

from clew.core.clock import to_rfc3339
from clew.core.record import Record
from clew.web.names import Names


def build_document(record: Record, names: Names) -> bytes:
    """The JSON of a record for who looks into it: date, time and status first, then what it belongs to, then what it
    carried. Payload and parameters are as they came, number by number; a payload that is no JSON is its text.

    What is not known of it is left out, and the payload is null where there is none.
    """
    exact = to_rfc3339(record.time)
    document: dict[str, Any] = {
        "date": exact[:10],
        "time": exact[11:],
        "status": record.status,
        "state": record.state,
        "event": record.event,
        "action": record.action,
        "message": record.message,
        "source_product": names.product(record.source_product),
        "target_product": names.product(record.target_product),
        "direction": record.direction,
        "customer": names.customer(record.customer),
        "integration": record.integration,
        "connection": record.connection,
        "flow": record.flow,
        "node": record.node,
        "type": record.type,
        "kind": record.kind,
        "id": record.id,
        "caused_by": record.parent_id,
        "correlation_id": record.keys.get("correlation_id") or record.trace_id,
        "keys": record.keys,
        "duration_ms": record.duration_ms,
        "error": record.error,
        "parameters": _as_json(record.parameters),
    }
    known = {name: value for name, value in document.items() if value not in ("", None, {})}
    payload = record.payload if record.payload_encoding == "base64" else _as_json(record.payload)
    if record.payload_encoding == "base64":
        known["payload_encoding"] = "base64"
    return msgspec.json.format(msgspec.json.encode({**known, "payload": payload}), indent=2)


def _as_json(text: str) -> Any:
    """The JSON of a text as it is, the text itself where it is none."""
    if not text:
        return None
    try:
        msgspec.json.decode(text, type=msgspec.Raw)
        msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return text
    return msgspec.Raw(text.encode())
