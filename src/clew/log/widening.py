"""How far a list looks next: as what is known beforehand says, and what the windows before held.

Each question costs some ten milliseconds even where it finds nothing. So windows that together cannot fill the page are
asked for as one, days that have no such record are left out, and the order of the table, in which one core reads until
the page is full, is kept only where the page will be full long before the end.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import msgspec

from clew.core.clock import DAY_MS
from clew.log.windows import MAX_MS, Window

FULL_TIMES = 4
"""A window that holds so many pages is read in the order of the table."""

MOST_ROWS = 20_000_000
"""No more records than these are looked through in one question that could be several: some seconds at worst."""


class Look(msgspec.Struct, frozen=True):
    """One question of a list: its window, the days in it that can have a record (None: all), and how it is read.

    `can_divide`: it is several windows at once. Where that is too much for one question, they are asked one by one.
    """

    window: Window
    days: tuple[int, ...] | None = None
    is_in_order: bool = True
    can_divide: bool = False


class Widening:
    """The windows of a list (see `windows_back`, `windows_on`), one question after another.

    `rows` are the records of each day there is (since the epoch), `most` how many of them match at most, where that is
    known. About `part` of that is expected, and not far less where it `is_told`. `start_ms` is the latest time that can
    hold a record, if known. Where `rows` is empty, as for what an index finds, all is asked at once and in no order.
    """

    def __init__(
        self,
        windows: Sequence[Window],
        rows: Mapping[int, int],
        most: Mapping[int, int],
        *,
        is_told: bool,
        later: bool,
        part: float = 1.0,
        start_ms: int | None = None,
    ) -> None:
        self._left = list(windows)
        self._rows = rows
        self._most = most
        self._days = {day: part * _share(count, day, rows, most) for day, count in rows.items()}
        self._is_told = is_told
        self._later = later
        self._end_ms = start_ms
        self._looked_ms = 0.0
        self._last: list[Window] = []
        self._is_divided = False

    def next(self, found: int, wanted: int) -> Look | None:
        """Where to look after so many of the wanted records were found; None where all was looked at."""
        while self._left:
            taken = 1
            while (
                not self._is_divided
                and taken < len(self._left)
                and self._is_short(self._joined(taken), wanted - found, found)
            ):
                taken += 1
            window = self._joined(taken)
            self._last, self._left = self._left[:taken], self._left[taken:]
            expected = self._expected(window, found)
            self._looked_ms += sum(self._overlap_ms(day, window) for day in self._days)
            days = [day for day in self._days if _meets(day, window)]
            possible = tuple(day for day in days if self._most.get(day) != 0)
            if possible or not days:
                is_in_order = expected > FULL_TIMES * (wanted - found)
                return Look(window, possible if len(possible) < len(days) else None, is_in_order, taken > 1)
        return None

    def divide(self) -> None:
        """Look at the windows of the last look, and at all that are left, one by one."""
        self._left, self._is_divided = self._last + self._left, True

    def _is_short(self, window: Window, wanted: int, found: int) -> bool:
        """Whether a window hardly has as many as are wanted, and is not too much for one question.

        As many as are expected are there or not by chance: a few more are cheaper than another question.
        """
        rows = sum(count for day, count in self._rows.items() if _meets(day, window))
        return rows < MOST_ROWS and self._expected(window, found) < wanted + math.sqrt(wanted)

    def _joined(self, count: int) -> Window:
        first, last = self._left[0], self._left[count - 1]
        return Window(first.from_ms, last.to_ms) if self._later else Window(last.from_ms, first.to_ms)

    def _expected(self, window: Window, found: int) -> float:
        """About how many records a window has: as known beforehand and, where that is too little, as it was so far."""
        told, ms = 0.0, 0.0
        for day, count in self._days.items():
            if overlap_ms := self._overlap_ms(day, window):
                told += count * overlap_ms / self._length_ms(day)
                ms += overlap_ms
        if self._is_told or not self._looked_ms:
            return told
        return min(told, (found + 1) * ms / self._looked_ms)

    def _overlap_ms(self, day: int, window: Window) -> int:
        from_ms = max(day * DAY_MS, day * DAY_MS if window.from_ms is None else window.from_ms)
        to_ms = min(day * DAY_MS + self._length_ms(day), MAX_MS if window.to_ms is None else window.to_ms)
        return max(to_ms - from_ms, 0)

    def _length_ms(self, day: int) -> int:
        """How much of a day has passed."""
        if self._end_ms is None or not day * DAY_MS < self._end_ms < (day + 1) * DAY_MS:
            return DAY_MS
        return self._end_ms - day * DAY_MS


class Stepping:
    """Windows that are looked at one by one, each in the order of the table: those of a scan."""

    def __init__(self, windows: Sequence[Window]) -> None:
        self._left = list(windows)

    def next(self, found: int, wanted: int) -> Look | None:
        """The next of them, None where there is none. How much was found changes nothing."""
        return Look(self._left.pop(0)) if self._left else None

    def divide(self) -> None:
        """They are never joined."""


def _meets(day: int, window: Window) -> bool:
    return (window.from_ms is None or window.from_ms < (day + 1) * DAY_MS) and (
        window.to_ms is None or window.to_ms > day * DAY_MS
    )


def _share(count: int, day: int, rows: Mapping[int, int], most: Mapping[int, int]) -> float:
    """How many records of a day match: at most, where that is known, else as many as on the latest day where it is."""
    if day in most:
        return most[day]
    known = [other for other in most if other in rows]
    if not known:
        return count
    latest = max(known)
    return count * most[latest] / max(rows[latest], 1)
