"""What time it is, as something a test can hold still."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol

SECOND_MS = 1_000
MINUTE_MS = 60 * SECOND_MS
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS

_FIRST_MS = -62_135_596_800_000  # 0001-01-01T00:00:00.000Z
_LAST_MS = 253_402_300_799_999  # 9999-12-31T23:59:59.999Z


class Clock(Protocol):
    """The present time in milliseconds since the epoch, UTC."""

    def now_ms(self) -> int:
        """The present time."""
        ...


class SystemClock:
    """The machine's clock."""

    def now_ms(self) -> int:
        """The present time."""
        return time.time_ns() // 1_000_000


class FakeClock:
    """A clock for tests: it stands still until it is moved."""

    def __init__(self, now_ms: int = 1_780_000_000_000) -> None:
        self._now_ms = now_ms

    def now_ms(self) -> int:
        """The present time."""
        return self._now_ms

    def advance(self, ms: int) -> None:
        """Move the clock by `ms` milliseconds."""
        self._now_ms += ms


def to_rfc3339(ms: int) -> str:
    """Milliseconds since the epoch as RFC 3339 in UTC with milliseconds: `2026-11-22T06:41:25.410Z`."""
    return f"{datetime.fromtimestamp(ms // 1000, UTC).replace(tzinfo=None).isoformat()}.{ms % 1000:03d}Z"


def from_rfc3339(text: str) -> int:
    """RFC 3339, or a bare date, as milliseconds since the epoch. A time without an offset is UTC.

    Raises `ValueError` for anything else, and for a moment outside the years 1 to 9999 in UTC.
    """
    moment = datetime.fromisoformat(text.strip())
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    ms = int(moment.replace(microsecond=0).timestamp()) * 1000 + moment.microsecond // 1000
    if not _FIRST_MS <= ms <= _LAST_MS:
        raise ValueError(f"{text!r} is outside the years 1 to 9999")
    return ms
