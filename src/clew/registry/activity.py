"""When customers and connections were last named by a record: noted in memory, written once a minute."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import sqlalchemy as sa

from clew.core.clock import MINUTE_MS, Clock
from clew.core.errors import Unavailable
from clew.registry.connections import Seen
from clew.state.database import Database
from clew.state.tables import connections, customers

_log = logging.getLogger(__name__)

Noted = dict[tuple[str, str], int]
"""When (ms) the customer or connection of a workspace and a key was named last."""


class Activity:
    """Notes who is active. `note` belongs to one thread, which never waits for the disk."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._customers: Noted = {}
        self._connections: Noted = {}
        self._written_at = clock.now_ms()
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="clew-activity")

    def note(self, workspace: str, customers: Iterable[str], connections: Iterable[Seen]) -> None:
        """Note that records name these now. What is noted is on disk a minute later, if more comes, or at `close`."""
        now_ms = self._clock.now_ms()
        for key in customers:
            self._customers[workspace, key] = now_ms
        for key, _, _ in connections:
            self._connections[workspace, key] = now_ms
        if now_ms - self._written_at >= MINUTE_MS:
            self._written_at = now_ms
            # After `close` it takes nothing more; who is still being answered then is answered all the same.
            with suppress(RuntimeError):
                self._writer.submit(self._write, *self._take())

    def close(self) -> None:
        """Write what is noted. Closing twice changes nothing."""
        self._writer.shutdown(wait=True)
        self._write(*self._take())

    def _take(self) -> tuple[Noted, Noted]:
        noted = self._customers, self._connections
        self._customers, self._connections = {}, {}
        return noted

    def _write(self, of_customers: Noted, of_connections: Noted) -> None:
        if not of_customers and not of_connections:
            return
        try:
            with self._database.write() as connection:
                _write_noted(connection, customers, of_customers)
                _write_noted(connection, connections, of_connections)
        except Unavailable as error:
            # Whoever is active after a minute is noted again; to refuse their records for it would be worse.
            _log.warning("Who was active last was not written down: %s", error.detail)


def _write_noted(connection: sa.Connection, table: sa.Table, noted: Noted) -> None:
    if not noted:
        return
    last = table.c.last_active_at
    at: sa.BindParameter[int] = sa.bindparam("at")
    this = (table.c.workspace == sa.bindparam("of_workspace"), table.c.key == sa.bindparam("of_key"))
    newer = sa.update(table).where(*this, last.is_(None) | (last < at)).values(last_active_at=at)
    rows = [{"of_workspace": workspace, "of_key": key, "at": at_ms} for (workspace, key), at_ms in noted.items()]
    connection.execute(newer, rows)
