"""Merging the parts of days that are over, once each: questions over them are two to three times as fast afterwards.

The engine merges small parts by itself but leaves large ones as they are. A day with one part has nothing to merge, so
what was done needs no note. A day that still gets records is left alone, and so is everything while much comes in.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Mapping
from pathlib import Path

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from clew.core.clock import DAY_MS, HOUR_MS, SECOND_MS, Clock
from clew.log.days import Days
from clew.log.engine import ask, first_line
from clew.log.retention_sql import DAYS
from clew.log.rows import Day, read_day_uses

QUIET_MS = 3 * HOUR_MS
"""How long a day that is over must have got no record: what is late comes within hours."""
MOST_BYTES = 20 * 1024**3
"""A day with more stays in its parts: a merge of it would keep the disk busy for minutes."""
ROOM = 3
"""How many times a day's bytes must be free on the disk: the new part is written beside the old ones."""
BUSY_RECORDS_A_S = 1_000
"""What comes in faster than this has the processor for itself."""

_LOG = logging.getLogger(__name__)


class Merging:
    """Merges days, one a call."""

    def __init__(self, client: Client, days: Days, clock: Clock, directory: Path) -> None:
        self._client = client
        self._days = days
        self._clock = clock
        self._directory = directory
        self._since: dict[int, tuple[int, int]] = {}
        self._refused: dict[int, Day] = {}
        self._seen: tuple[int, int] | None = None

    def tidy(self) -> bool:
        """Merge the oldest day that is over, quiet and in several parts. False where there is none, or no peace.

        Never True: the next day waits for the next look, so that other work comes between.
        """
        now_ms, days = self._clock.now_ms(), self._days.known()
        self._since = {
            day: self._since[day] if self._since.get(day, (0, 0))[0] == known.records else (known.records, now_ms)
            for day, known in days.items()
        }
        if self._is_busy(now_ms, days):
            return False
        for day in sorted(days):
            is_quiet = (day + 1) * DAY_MS <= now_ms and self._since[day][1] + QUIET_MS <= now_ms
            if is_quiet and days[day].parts > 1 and self._refused.get(day) != days[day] and self._has_room(day):
                self._merge(day, days[day])
                return False
        return False

    def _is_busy(self, now_ms: int, days: Mapping[int, Day]) -> bool:
        """Whether much came since the last look; at the first one nobody knows."""
        records = sum(known.records for known in days.values())
        before, self._seen = self._seen, (now_ms, records)
        return before is None or (records - before[1]) * SECOND_MS > BUSY_RECORDS_A_S * max(now_ms - before[0], 1)

    def _has_room(self, day: int) -> bool:
        uses = read_day_uses(ask(self._client, DAYS))
        size = next((use.bytes for use in uses if use.day == day), 0)
        return size <= MOST_BYTES and shutil.disk_usage(self._directory).free >= ROOM * size

    def _merge(self, day: int, known: Day) -> None:
        try:
            self._client.command(f"OPTIMIZE TABLE log PARTITION {day:d} FINAL")
        except ClickHouseError as error:
            # Tried again when the day's parts are others: what does not go now is only slower.
            self._refused[day] = known
            _LOG.warning("day %d is not merged: %s", day, first_line(error))
        self._days.change()
