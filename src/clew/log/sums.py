"""Counts of whole days, made once each: what a question over a month reads instead of its records.

Not a materialized view. A view is written beside the log and not with it: after a crash between the two, or of a block
of which a part was there already, it would count some records never or twice, and nobody would see it. What is here is
made from the log itself when a day is over, and used only where it adds up to the rows that the day has now. Records
are only ever added, so counts that add up are counts of the same records. A day that gets a late record is read from
its rows until it is counted again.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Mapping

import msgspec
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from clew.core.clock import DAY_MS, HOUR_MS, MINUTE_MS, Clock
from clew.core.errors import ClewError
from clew.log import day_values
from clew.log.day_values import DayValues
from clew.log.days import Days
from clew.log.engine import LimitReached, ask, first_line
from clew.log.query import Filter
from clew.log.rows import read_day_sums
from clew.log.sql import UNBOUNDED, Statement
from clew.log.windows import Window

LEAST_ROWS = 5_000
"""A day with fewer records is read as fast from its rows."""

SETTLED_MS = MINUTE_MS
"""How long a day must have got no record before it is counted: a history that is brought in is counted once."""

_LOG = logging.getLogger(__name__)


class SumTable(msgspec.Struct, frozen=True):
    """A table of counts: by workspace, by steps of time and by these columns."""

    name: str
    step_ms: int
    columns: frozenset[str]


TABLES = (
    SumTable("sums_hours", HOUR_MS, frozenset({"kind", "status"})),
    SumTable("sums_customers", DAY_MS, frozenset({"kind", "status", "customer"})),
    SumTable(
        "sums_days",
        DAY_MS,
        frozenset(
            {
                "kind",
                "status",
                "type",
                "event",
                "source_product",
                "target_product",
                "integration",
                "flow",
                "error_type",
            }
        ),
    ),
)
"""Those with the fewest rows first."""

_NAMES = (*(table.name for table in TABLES), day_values.TABLE)


class Cover(msgspec.Struct, frozen=True):
    """Days (since the epoch, in order) that a table answers for; the rest is the log's."""

    table: SumTable
    days: tuple[int, ...]


class Sums:
    """The tables of counts, and what of them can be believed."""

    def __init__(self, client: Client, days: Days, clock: Clock) -> None:
        self._client = client
        self._days = days
        self._clock = clock
        self._lock = threading.Lock()
        self._values = DayValues(lambda question: ask(client, question), client.command)
        self._counted = {name: self._read_counted(name) for name in _NAMES}
        self._settling: dict[int, tuple[int, int]] = {}
        self._refused: dict[int, int] = {}
        self.generation = 0

    def cover(self, columns: Iterable[str], window: Window, step_ms: int | None = None) -> Cover | None:
        """Where the counts by these columns, in bars of `step_ms`, need not be read from the rows of a window."""
        wanted = frozenset(columns)
        for table in TABLES:
            if wanted <= table.columns and not (step_ms or DAY_MS) % table.step_ms:
                days = tuple(day for day in self._believed(table.name) if _is_within(day, window))
                return Cover(table, days) if days else None
        return None

    def most(self, filter: Filter) -> dict[int, int]:
        """How many records match at most on each day (since the epoch) of which that is known."""
        return self._values.most(filter, self._believed(day_values.TABLE))

    def part_of_role(self, filter: Filter) -> float:
        """About which part of those that `most` tells has the role that is asked for."""
        return self._values.part_of_role(filter, self._believed(day_values.TABLE))

    def ask(self, question: Callable[[Cover | None], bytes], cover: Callable[[], Cover | None]) -> bytes:
        """Ask with what is covered; again without, where a day was counted anew in the middle of it."""
        generation = self.generation
        covered = cover()
        answer = question(covered)
        if covered is not None and generation != self.generation:
            return question(None)
        return answer

    def tidy(self) -> bool:
        """Count one day that is over and settled, the latest first. False where there is none."""
        now_ms = self._clock.now_ms()
        days = self._days.known()
        rows = {day: known.records for day, known in days.items()}
        self._settling = {
            day: self._settling[day] if self._settling.get(day, (0, 0))[0] == count else (count, now_ms)
            for day, count in rows.items()
        }
        for day in sorted(rows, reverse=True):
            is_over = (day + 1) * DAY_MS <= now_ms and self._settling[day][1] + SETTLED_MS <= now_ms
            if is_over and rows[day] >= LEAST_ROWS and self._is_wrong(day, rows[day]):
                self._count_or_refuse(day, rows[day])
                return True
        return self._forget_gone(rows)

    def count_day(self, day: int) -> None:
        """Count a day (since the epoch) anew. Raises as `forget_day` does."""
        with self._lock:
            self._doubt(day)
            for table in TABLES:
                self._client.command(f"ALTER TABLE {table.name} DROP PARTITION {day:d}")
                self._client.command(_fill(table, day))
            self._values.count(day)
            for name, counted in self._counted.items():
                counted.update(self._read_counted(name, day))

    def forget_day(self, day: int) -> None:
        """Drop what was counted of a day (since the epoch). Where it raises the day's rows are read.

        Raises `ClickHouseError`, `Unavailable` and `LimitReached`.
        """
        with self._lock:
            self._doubt(day)
            for table in TABLES:
                self._client.command(f"ALTER TABLE {table.name} DROP PARTITION {day:d}")
            self._values.forget(day)

    def _doubt(self, day: int) -> None:
        """Believe no count of a day. Only then is it another generation: who looked at it before asks again."""
        for counted in self._counted.values():
            counted.pop(day, None)
        self._values.doubt(day)
        self.generation += 1

    def _count_or_refuse(self, day: int, rows: int) -> None:
        try:
            self.count_day(day)
        except (ClickHouseError, ClewError, LimitReached) as error:
            _LOG.warning("day %d is not counted, its records are read instead: %s", day, first_line(error))
        if self._is_wrong(day, rows):
            self._refused[day] = rows

    def _is_wrong(self, day: int, rows: int) -> bool:
        """Whether counting a day anew is of use: it does not add up, and that was not tried with as many rows."""
        return self._refused.get(day) != rows and any(counted.get(day) != rows for counted in self._counted.values())

    def _forget_gone(self, rows: Mapping[int, int]) -> bool:
        """Drop the counts of a day that the log has no more."""
        gone = next((day for counted in self._counted.values() for day in counted if day not in rows), None)
        if gone is None:
            return False
        self.forget_day(gone)
        return True

    def _believed(self, name: str) -> list[int]:
        days, counted = self._days.known(), self._counted[name]
        return sorted(day for day, known in days.items() if counted.get(day) == known.records)

    def _read_counted(self, name: str, day: int | None = None) -> dict[int, int]:
        """What each day of a table adds up to."""
        of_day = "1" if day is None else f"time >= {day * DAY_MS:d} AND time < {(day + 1) * DAY_MS:d}"
        of_all = "name = ''" if name == day_values.TABLE else "1"
        question = Statement(
            f"SELECT intDiv(time, {DAY_MS}) AS day, sum(records) AS records FROM {name} "  # noqa: S608
            f"WHERE {of_day} AND {of_all} GROUP BY day {UNBOUNDED}",
            {},
        )
        return read_day_sums(ask(self._client, question))


def _is_within(day: int, window: Window) -> bool:
    return (window.from_ms is None or day * DAY_MS >= window.from_ms) and (
        window.to_ms is None or (day + 1) * DAY_MS <= window.to_ms
    )


def _fill(table: SumTable, day: int) -> str:
    columns = ", ".join(sorted(table.columns))
    return (
        f"INSERT INTO {table.name} (time, workspace, {columns}, records) "  # noqa: S608
        f"SELECT intDiv(time, {table.step_ms}) * {table.step_ms} AS step, workspace, {columns}, count() FROM log "
        f"WHERE time >= {day * DAY_MS:d} AND time < {(day + 1) * DAY_MS:d} GROUP BY step, workspace, {columns} "
        "SETTINGS max_threads = 1"
    )
