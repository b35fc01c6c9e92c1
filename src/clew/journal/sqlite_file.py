"""The journal's SQLite file: how it is made, opened and measured, and what its errors mean to a caller."""

from __future__ import annotations

import os
import secrets
import sqlite3
from contextlib import closing
from importlib.resources import files
from pathlib import Path

from clew.core.errors import JournalFull, SettingsError, Unavailable
from clew.state.write_ahead_log import use_write_ahead_log

FORMAT = 1
APPLICATION_ID = int.from_bytes(b"Clew")
BUSY_TIMEOUT_S = 10.0
"""How long one process waits for another that writes."""
CACHE_KIB = 32 * 1024
"""The writer's page cache: keys are digests, so every look-up goes to another page of their table."""

_STORAGE_ERRORS = frozenset(
    {
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_NOTADB,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_PROTOCOL,
        sqlite3.SQLITE_NOLFS,
    }
)


def connect(path: Path) -> sqlite3.Connection:
    """A connection whose transactions are explicit and synced. The caller keeps it to one thread at a time."""
    connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA synchronous = FULL")
    return connection


def prepare_file(path: Path) -> str:
    """Make the file where there is none, and return the journal's id.

    Raises `SettingsError` where the file is something else or of another format; it is left as it was.
    """
    try:
        with closing(connect(path)) as connection:
            if _is_empty(connection):
                _create(connection)
            _check_format(connection, path)
            journal_id: str = connection.execute("SELECT id FROM journal").fetchone()[0]
            return journal_id
    except sqlite3.Error as error:
        raise SettingsError(
            f"The journal {str(path)!r} cannot be opened: {error}.",
            hint="It must be a file of Clew, or not exist, in a directory that the server may write to.",
        ) from error


def _is_empty(connection: sqlite3.Connection) -> bool:
    tables: int = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    return tables == 0 and _pragma(connection, "application_id") == 0


def _create(connection: sqlite3.Connection) -> None:
    use_write_ahead_log(connection, BUSY_TIMEOUT_S)
    connection.execute("BEGIN IMMEDIATE")
    if _is_empty(connection):  # another process may have been first
        for statement in files("clew.journal").joinpath("schema.sql").read_text().split(";\n"):
            connection.execute(statement)
        connection.execute("INSERT INTO journal (id) VALUES (?)", (secrets.token_hex(8),))
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {FORMAT}")
    connection.execute("COMMIT")


def _check_format(connection: sqlite3.Connection, path: Path) -> None:
    if _pragma(connection, "application_id") != APPLICATION_ID:
        raise SettingsError(
            f"{str(path)!r} is a database, but no journal of Clew.", hint="Choose another data directory."
        )
    found = _pragma(connection, "user_version")
    if found != FORMAT:
        raise SettingsError(
            f"The journal {str(path)!r} has format {found}; this version reads format {FORMAT}.",
            hint="Start the version of Clew that wrote it, or choose another data directory.",
        )


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    value: int = connection.execute(f"PRAGMA {name}").fetchone()[0]
    return value


def size_on_disk(path: Path) -> int:
    """Bytes of the file and of its write-ahead log."""
    return sum(part.stat().st_size for part in (path, path.with_name(path.name + "-wal")) if part.exists())


def free_bytes(path: Path) -> int:
    """Bytes that the disk of this file has left."""
    disk = os.statvfs(path)
    return disk.f_bavail * disk.f_frsize


def is_storage_error(error: Exception) -> bool:
    """Whether the file or its disk is the reason, and not what was to be written."""
    return isinstance(error, sqlite3.Error) and _primary_code(error) in _STORAGE_ERRORS


def unavailable(error: Exception) -> Unavailable:
    """What a storage error is to a caller: `JournalFull` where room is missing, else `Unavailable`."""
    if _primary_code(error) == sqlite3.SQLITE_FULL:
        return journal_full()
    return Unavailable(
        f"The journal could not be reached: {error}.", hint="Nothing of this was written. Send it again."
    )


def journal_full() -> JournalFull:
    """The refusal of an append for which there is no room."""
    return JournalFull(
        "The journal has no room left.",
        hint="Nothing of this was written; send it again later. "
        "The operator makes room on the disk or raises CLEW_JOURNAL_MAX_BYTES.",
        retry_after_s=30,
    )


def _primary_code(error: Exception) -> int:
    # Errors that Python's module raises itself carry no code.
    code: int = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_MISUSE)
    return code & 0xFF
