"""The `traceparent` header as W3C Trace Context has it."""

from __future__ import annotations

import pytest

from clew.doors.trace_context import trace_of

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.mark.parametrize(
    "header",
    [f"00-{TRACE}-00f067aa0ba902b7-01", f" 00-{TRACE}-00f067aa0ba902b7-00 ", f"01-{TRACE}-00f067aa0ba902b7-01-more"],
)
def test_a_valid_header_gives_its_trace(header: str) -> None:
    assert trace_of(header) == TRACE


@pytest.mark.parametrize(
    "header",
    [
        "",
        "nonsense",
        f"ff-{TRACE}-00f067aa0ba902b7-01",
        f"00-{'0' * 32}-00f067aa0ba902b7-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-00f067aa0ba902b7-01",
        f"00-{TRACE}-00f067aa0ba902b7-01-more",
        f"00-{TRACE}-00f067aa0ba902b7",
    ],
)
def test_an_invalid_header_gives_none(header: str) -> None:
    assert trace_of(header) == ""
