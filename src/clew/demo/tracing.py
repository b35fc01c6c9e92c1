"""W3C trace context between the sample products."""

from __future__ import annotations

import secrets

from clew.core.ids import is_trace_id, new_trace_id


def make_traceparent(trace_id: str) -> str:
    """The `traceparent` of a new, sampled span of a trace."""
    return f"00-{trace_id}-{secrets.token_hex(8)}-01"


def join_trace(traceparent: str) -> str:
    """The trace that a `traceparent` names, or a new one where it names none."""
    parts = traceparent.split("-")
    return parts[1] if len(parts) == 4 and is_trace_id(parts[1]) else new_trace_id()
