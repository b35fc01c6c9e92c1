"""When something is due: every so often, or at the times of a cron expression.

Cron is read by `cronsim`: 400 lines that follow Debian's cron to the letter, at the changes to and from summer time
too, kept up by Healthchecks, which lives on it. (croniter reads more dialects than can be explained on a page, and
answers otherwise around those changes.)
"""

from __future__ import annotations

import zoneinfo
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import msgspec
from cronsim import CronSim, CronSimError

from clew.core.clock import DAY_MS, HOUR_MS, SECOND_MS

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)
_FIELDS = (
    "minute (0-59)",
    "hour (0-23)",
    "day of the month (1-31)",
    "month (1-12 or JAN-DEC)",
    "day of the week (0-7 or SUN-SAT)",
)
SHORTEST_MS = SECOND_MS
LONGEST_MS = 366 * DAY_MS


class Schedule(msgspec.Struct, frozen=True, kw_only=True):
    """When something is due. Times are milliseconds since the epoch, UTC. Made by `parse_schedule`.

    Either `every_ms`: at each multiple of it since the epoch, so that it is the same whenever the server started.
    Or `cron`: five fields, in `time_zone`. As with Debian's cron, what is due at a fixed time in the hour that spring
    skips is due right after it, and what is due in the hour that autumn repeats is due once; what has `*` as its
    minute or hour goes on by the minute.
    """

    every_ms: int = 0
    cron: str = ""
    time_zone: str = "UTC"

    def next_after(self, time_ms: int) -> int:
        """The first time it is due after this moment, never the moment itself."""
        return next(self._after(time_ms))

    def missed_between(self, after_ms: int, until_ms: int, *, most: int = 1_000) -> list[int]:
        """When it was due after the one moment and up to the other, which is included: the last `most`, in order."""
        if until_ms <= after_ms:
            return []
        if self.every_ms:
            last = until_ms // self.every_ms
            first = max(after_ms // self.every_ms + 1, last - most + 1)
            return [count * self.every_ms for count in range(first, last + 1)]
        # Looked for from the end, a longer while each time: a year of minutes need not be counted for the last few.
        back_ms = HOUR_MS
        while True:
            begin_ms = max(after_ms, until_ms - back_ms)
            found = []
            for due_ms in self._after(begin_ms):
                if due_ms > until_ms:
                    break
                found.append(due_ms)
            if begin_ms == after_ms or len(found) >= most:
                return found[-most:]
            back_ms *= 4

    def _after(self, time_ms: int) -> Iterator[int]:
        if self.every_ms:
            while True:
                time_ms = (time_ms // self.every_ms + 1) * self.every_ms
                yield time_ms
        begin = _EPOCH + time_ms * _MS
        if self.time_zone != "UTC":  # cronsim knows UTC by its identity and is faster with it
            begin = begin.astimezone(zoneinfo.ZoneInfo(self.time_zone))
        for due in CronSim(self.cron, begin):
            due_ms = (due.astimezone(UTC) - _EPOCH) // _MS
            if due_ms > time_ms:  # two times in a skipped hour are both due right after it
                time_ms = due_ms
                yield due_ms


def parse_schedule(*, every: timedelta | None = None, cron: str = "", time_zone: str = "UTC") -> Schedule | None:
    """The schedule of these, or None where neither `every` nor `cron` is given.

    Raises `ValueError` that says what is wrong: both, an interval under a second or over a year, what is no cron
    expression or is never due, a time zone that is not known.
    """
    _check_time_zone(time_zone)
    if every is not None and cron:
        raise ValueError("every= and cron= are both given.")
    if every is not None:
        return Schedule(every_ms=_interval_ms(every))
    if cron == "":
        return None
    _check_cron(cron)
    return Schedule(cron=cron, time_zone=time_zone)


def _interval_ms(every: object) -> int:
    if not isinstance(every, timedelta):
        raise ValueError(f"every={every!r} is no duration.")
    every_ms, rest = divmod(every, _MS)
    if rest or not SHORTEST_MS <= every_ms <= LONGEST_MS:
        raise ValueError(f"every={every}: it is 1 second to 366 days, in whole milliseconds.")
    return every_ms


def _check_cron(cron: object) -> None:
    if not isinstance(cron, str) or len(cron.split()) != 5:
        names = ", ".join(name.partition(" (")[0] for name in _FIELDS)
        raise ValueError(f"cron={cron!r} does not have five fields: {names}.")
    for place, (field, name) in enumerate(zip(cron.split(), _FIELDS, strict=True)):
        if not _is_cron(" ".join(["*"] * place + [field] + ["*"] * (4 - place))):
            raise ValueError(f"cron={cron!r}: {field!r} is no {name}.")
    if not _is_cron(cron) or next(CronSim(cron, datetime(2024, 1, 1, tzinfo=UTC)), None) is None:
        raise ValueError(f"cron={cron!r} is never due.")


def _is_cron(cron: str) -> bool:
    try:
        CronSim(cron, datetime(2024, 1, 1, tzinfo=UTC))
    except CronSimError:
        return False
    return True


def _check_time_zone(time_zone: object) -> None:
    try:
        zoneinfo.ZoneInfo(time_zone)  # type: ignore[arg-type]  # whatever was given is told
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, TypeError, OSError):
        raise ValueError(f"time_zone={time_zone!r} is not known; write it as 'Europe/Berlin'.") from None
