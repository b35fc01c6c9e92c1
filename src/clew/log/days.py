"""Which days the log has, and how many rows and parts each."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from clew.log.rows import Day, read_days
from clew.log.sql import UNBOUNDED, Statement

FRESH_S = 1.0
"""How long the parts are believed: merges change them without a word to us, and rows never."""

_DAYS = Statement(
    "SELECT partition, count() AS parts, sum(rows) AS records FROM system.parts "  # noqa: S608  # no value is in it
    f"WHERE database = currentDatabase() AND table = 'log' AND active GROUP BY partition {UNBOUNDED}",
    {},
)


class Days:
    """The days of the log, asked again after every insert and once a second."""

    def __init__(self, ask: Callable[[Statement], bytes]) -> None:
        self._ask = ask
        self._changes = 0
        self._known: tuple[int, float, Mapping[int, Day]] = (-1, 0.0, {})

    def known(self) -> Mapping[int, Day]:
        """Each day that holds records, since the epoch. Every insert that has ended is in it."""
        changes, until_s, days = self._known
        if changes == self._changes and time.monotonic() < until_s:
            return days
        changes = self._changes  # before the question: what ends during it is asked for again
        days = read_days(self._ask(_DAYS))
        self._known = (changes, time.monotonic() + FRESH_S, days)
        return days

    def change(self) -> None:
        """Rows came or went."""
        self._changes += 1
