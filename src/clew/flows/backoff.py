"""How long a node waits before it is tried again."""

from __future__ import annotations

import random

from clew.core.clock import HOUR_MS
from clew.core.record import ErrorInfo
from clew.flows.graph import Node

LONGEST_BACKOFF_S = 3_600.0
JITTER = 0.2
"""How far a delay is moved either way: what failed together is not tried again together."""


def backoff_s(node: Node, failures: int, error: ErrorInfo) -> float:
    """How long to wait: about twice as long each time, and no less than the other side asked for."""
    delay_s = min(node.backoff_s * 2.0 ** (failures - 1), LONGEST_BACKOFF_S)
    delay_s *= random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - it spreads load, it guards nothing
    asked = error.data.get("retry_after") if isinstance(error.data, dict) else None
    if isinstance(asked, str) and asked.isdigit():
        delay_s = max(delay_s, min(float(asked), HOUR_MS / 1000))
    return delay_s
