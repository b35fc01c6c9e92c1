"""SQLite's write-ahead log: with it readers do not wait for the writer, nor it for them."""

from __future__ import annotations

import sqlite3
import time

LOOK_EVERY_S = 0.01


def use_write_ahead_log(connection: sqlite3.Connection, wait_s: float) -> None:
    """Have the file use a write-ahead log from now on; where it does already, nothing happens.

    Where another connection is about to do the same, SQLite gives up at once, whatever the connection's timeout: here
    it is waited for. Raises `sqlite3.OperationalError` where the file is still locked after `wait_s`.
    """
    deadline_s = time.monotonic() + wait_s
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() >= deadline_s:
                raise
        time.sleep(LOOK_EVERY_S)
