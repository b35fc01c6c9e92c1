"""Slowing down whoever guesses: after some failures under a name, each further try has to wait longer."""

from __future__ import annotations

import threading

import msgspec

from clew.core.clock import HOUR_MS, MINUTE_MS, SECOND_MS, Clock
from clew.core.errors import TooMany

FREE_FAILURES = 5
FIRST_WAIT_MS = 30 * SECOND_MS
LONGEST_WAIT_MS = 15 * MINUTE_MS
"""A guesser gets about 100 tries a day; someone whose name is abused waits a quarter of an hour at most."""
FORGET_MS = HOUR_MS
"""Failures count together when they are less than this apart."""
MOST_NAMES = 10_000
"""The names remembered. To push one out an attacker needs as many sign-ins, each of which costs a slow hash."""


class _Failures(msgspec.Struct):
    count: int
    last_at: int


class Throttle:
    """Failures by name, in memory: a restart forgives."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._by_name: dict[str, _Failures] = {}

    def begin(self, name: str) -> None:
        """Count a try as failed before it is made, so that tries at the same time count too.

        Raises `TooMany`, with `retry_after_s`, where the name has to wait; that try does not count.
        """
        now_ms = self._clock.now_ms()
        with self._lock:
            failures = self._by_name.pop(name, None)
            if failures is None or now_ms - failures.last_at >= FORGET_MS:
                failures = _Failures(0, now_ms)
            self._make_room()
            self._by_name[name] = failures
            wait_ms = failures.last_at + _wait_ms(failures.count) - now_ms
            if wait_ms > 0:
                seconds = -(-wait_ms // SECOND_MS)
                raise TooMany(
                    "There were too many failed tries to sign in with this e-mail.",
                    hint=f"Try again in {seconds} s, or ask an administrator for a sign-in link.",
                    retry_after_s=seconds,
                )
            failures.count += 1
            failures.last_at = now_ms

    def succeed(self, name: str) -> None:
        """Forget the failures of this name."""
        with self._lock:
            self._by_name.pop(name, None)

    def _make_room(self) -> None:
        # The dictionary is in the order of the last try: its first entry is the one to miss least.
        while len(self._by_name) >= MOST_NAMES:
            del self._by_name[next(iter(self._by_name))]


def _wait_ms(failures: int) -> int:
    if failures < FREE_FAILURES:
        return 0
    # The exponent is bounded as the result is: 2**6 times half a minute is beyond the longest wait.
    return int(min(FIRST_WAIT_MS * 2 ** min(failures - FREE_FAILURES, 6), LONGEST_WAIT_MS))
