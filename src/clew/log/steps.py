"""Steps of a histogram: lengths that a reader knows, so that a bar has a name ("the hour from 14:00")."""

from __future__ import annotations

from clew.core.clock import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS

DEFAULT_BARS = 60
MAX_BARS = 1_000

STEPS_MS: dict[str, int] = {
    "1s": SECOND_MS,
    "2s": 2 * SECOND_MS,
    "5s": 5 * SECOND_MS,
    "10s": 10 * SECOND_MS,
    "15s": 15 * SECOND_MS,
    "30s": 30 * SECOND_MS,
    "1m": MINUTE_MS,
    "2m": 2 * MINUTE_MS,
    "5m": 5 * MINUTE_MS,
    "10m": 10 * MINUTE_MS,
    "15m": 15 * MINUTE_MS,
    "30m": 30 * MINUTE_MS,
    "1h": HOUR_MS,
    "2h": 2 * HOUR_MS,
    "3h": 3 * HOUR_MS,
    "6h": 6 * HOUR_MS,
    "12h": 12 * HOUR_MS,
    "1d": DAY_MS,
}
"""The round steps by their names, shortest first. Beyond them come whole days."""


def count_bars(from_ms: int, to_ms: int, step_ms: int) -> int:
    """How many bars of this step a range meets. Bars begin at multiples of the step, so the first may begin before."""
    return max((to_ms - 1) // step_ms - from_ms // step_ms + 1, 1)


def choose_step_ms(from_ms: int, to_ms: int, bars: int) -> int:
    """The shortest round step with at most `bars` bars over the range; where a day is too short, whole days."""
    for step_ms in STEPS_MS.values():
        if count_bars(from_ms, to_ms, step_ms) <= bars:
            return step_ms
    from_ms = max(from_ms, 0)  # no record is from before the epoch
    days = max((to_ms - from_ms) // DAY_MS // bars, 1)
    while count_bars(from_ms, to_ms, days * DAY_MS) > bars:
        days += 1
    return days * DAY_MS
