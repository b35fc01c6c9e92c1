"""What a request did while it was answered: the lines that `?logs=1` adds to its response.

Whoever answers calls `note`; outside a request that asked for its log it does nothing and costs one look-up.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Literal

from clew.core.record import LogLine

_lines: ContextVar[list[LogLine] | None] = ContextVar("request_log", default=None)


@contextmanager
def collect() -> Iterator[list[LogLine]]:
    """Collect what is noted inside the block, by this task and what it awaits."""
    lines: list[LogLine] = []
    token = _lines.set(lines)
    try:
        yield lines
    finally:
        _lines.reset(token)


def note(msg: str, data: Any = None, *, type: Literal["message", "error"] = "message") -> None:
    """Note a line in the present request's log. `data` must be JSON and free of secrets."""
    lines = _lines.get()
    if lines is not None:
        lines.append(LogLine(time=time.time_ns() // 1_000_000, type=type, msg=msg, data=data))
