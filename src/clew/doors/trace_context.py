"""W3C Trace Context: the trace that a request belongs to, from its `traceparent` header."""

from __future__ import annotations

import re

from clew.core.ids import is_trace_id

_TRACEPARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?\Z")
_NO_SPAN = "0" * 16


def trace_of(traceparent: str) -> str:
    """The trace id of a `traceparent` header, or "" where there is none or it is not valid.

    Source: W3C Trace Context, section 3.2. Version ff is invalid; a later version may have more fields behind.
    """
    match = _TRACEPARENT.match(traceparent.strip())
    if not match:
        return ""
    version, trace_id, span_id, more = match.groups()
    if version == "ff" or span_id == _NO_SPAN or not is_trace_id(trace_id) or (version == "00" and more):
        return ""
    return trace_id
