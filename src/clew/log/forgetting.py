"""Taking records, or their bodies, out of the table, a day at a time: what `LogStore.forget` and `empty` do here.

A day of which nothing stays is dropped as a partition, which takes no time and no room. Otherwise the engine writes the
day's parts anew without what goes. It notes down what it is to do before it begins and goes on with it after a crash.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from clew.core.errors import Unavailable
from clew.core.record import Kind, Status
from clew.log import retention_sql
from clew.log.days import Days
from clew.log.engine import LimitReached, ask, first_line
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
    """Takes out of the table what is to go. `client` is its own, `ask` is for short questions.

    Inside `hold` nothing is inserted.
    """

    def __init__(
        self,
        client: Client,
        ask: Callable[[Statement], bytes],
        days: Days,
        sums: Sums,
        hold: Callable[[], AbstractContextManager[object]],
    ) -> None:
        self._client = client
        self._ask = ask
        self._hold = hold
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
            # First: counts that were made before could add up again by chance, when as many records come as went.
            self._forget_sums(day)
            try:
                return self._drop_whole(day, conditions) or self._delete(day, conditions, count)
            finally:
                self._days.change()

    def empty(self, day: int, statuses: Sequence[Status], kept: Kept, date: str) -> int:
        """See `LogStore.empty`."""
        conditions = retention_sql.emptied(day, statuses, kept)
        with self._lock:
            count = self._count(conditions)
            if count:
                self._run(retention_sql.empty(day, conditions, date))
                self._days.change()
            return count

    def _drop_whole(self, day: int, conditions: Conditions) -> int:
        """Drop the day where all of it goes: how many records it had, 0 where something of it stays.

        No block comes in between counting and dropping: it could have what is to stay.
        """
        with self._hold():
            count = self._count(conditions)
            if not any(use.day == day and use.records == count for use in self.days()):
                return 0
            self._run(Statement(f"ALTER TABLE log DROP PARTITION {day:d}", {}))
            return count

    def _delete(self, day: int, conditions: Conditions, count: int) -> int:
        self._run(retention_sql.delete(day, conditions))
        return count

    def _forget_sums(self, day: int) -> None:
        try:
            self._sums.forget_day(day)
        except (ClickHouseError, LimitReached) as error:
            raise Unavailable(f"The log could not let go of its counts: {first_line(error)}") from error

    def _count(self, conditions: Conditions) -> int:
        try:
            return read_count(ask(self._client, retention_sql.count(conditions)))
        except LimitReached as error:
            raise Unavailable(f"The log could not tell what is to go: {first_line(error)}") from error

    def _run(self, change: Statement) -> None:
        try:
            self._client.command(change.text, parameters=change.values)
        except ClickHouseError as error:
            self._client.command(_GIVE_UP)
            raise Unavailable(f"The log did not remove what is to go: {first_line(error)}") from error
