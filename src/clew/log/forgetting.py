"""Taking records, or their bodies, out of the table, a day at a time: what `LogStore.forget` and `empty` do here.

A day of which nothing stays is dropped as a partition, which takes no time and no room. Otherwise the engine writes the
day's parts anew without what goes. It notes down what it is to do before it begins and goes on with it after a crash.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from clew.core.errors import Unavailable
from clew.core.record import Kind, Status
from clew.log import retention_sql
from clew.log.days import Days
from clew.log.engine import first_line
from clew.log.rows import read_count, read_day_uses, read_kinds
from clew.log.sql import Conditions, Statement
from clew.log.store import DayUse, Kept, KindUse
from clew.log.sums import Sums

FORGETTING_SETTINGS = {
    # A change is answered when it is done.
    "mutations_sync": 1,
    "alter_sync": 1,
    "max_execution_time": 0,
    "output_format_json_quote_64bit_integers": 0,
}

_GIVE_UP = (
    "KILL MUTATION WHERE database = currentDatabase() AND table = 'log' AND NOT is_done AND latest_fail_reason != ''"
)
"""What failed once is not tried for ever by the engine, in the way of all that comes after: it is asked for again."""


class Forgetting:
    """Takes out of the table what is to go. `client` is its own, `ask` is for short questions."""

    def __init__(self, client: Client, ask: Callable[[Statement], bytes], days: Days, sums: Sums) -> None:
        self._client = client
        self._ask = ask
        self._days = days
        self._sums = sums
        self._lock = threading.Lock()

    def days(self) -> tuple[DayUse, ...]:
        """See `LogStore.days`. What is replaced but not yet deleted from the disk is not counted."""
        return read_day_uses(self._ask(retention_sql.DAYS))

    def kinds(self, workspace: str) -> tuple[KindUse, ...]:
        """See `LogStore.kinds`."""
        return read_kinds(self._ask(retention_sql.kinds(workspace)), sum(day.bytes for day in self.days()))

    def forget(self, day: int, kinds: Sequence[Kind], kept: Kept) -> int:
        """See `LogStore.forget`."""
        conditions = retention_sql.forgotten(day, kinds, kept)
        with self._lock:
            count = self._count(conditions)
            if not count:
                return 0
            is_whole = any(use.day == day and use.records == count for use in self.days())
            if is_whole:
                self._run(Statement(f"ALTER TABLE log DROP PARTITION {day:d}", {}))
            else:
                self._run(retention_sql.delete(day, conditions))
            self._days.change()
            self._forget_sums(day)
            return count

    def empty(self, day: int, statuses: Sequence[Status], kept: Kept, date: str) -> int:
        """See `LogStore.empty`."""
        conditions = retention_sql.emptied(day, statuses, kept)
        with self._lock:
            count = self._count(conditions)
            if count:
                self._run(retention_sql.empty(day, conditions, date))
                self._days.change()
            return count

    def _forget_sums(self, day: int) -> None:
        """Counts that were made before could add up again by chance, when as many records come as went."""
        try:
            self._sums.forget_day(day)
        except ClickHouseError as error:
            raise Unavailable(f"The log still has counts of what went: {first_line(error)}") from error

    def _count(self, conditions: Conditions) -> int:
        question = retention_sql.count(conditions)
        try:
            return read_count(self._client.raw_query(question.text, parameters=question.values, fmt="JSONEachRow"))
        except ClickHouseError as error:
            raise Unavailable(f"The log could not tell what is to go: {first_line(error)}") from error

    def _run(self, change: Statement) -> None:
        try:
            self._client.command(change.text, parameters=change.values)
        except ClickHouseError as error:
            self._client.command(_GIVE_UP)
            raise Unavailable(f"The log did not remove what is to go: {first_line(error)}") from error
