from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from clew.state.write_ahead_log import use_write_ahead_log

PATIENCE_S = 60.0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "new.db"


@pytest.fixture
def holder(path: Path) -> Iterator[sqlite3.Connection]:
    """Another connection, which holds the file for itself."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        yield connection


def mode_of(path: Path) -> str:
    with closing(sqlite3.connect(path)) as connection:
        found: str = connection.execute("PRAGMA journal_mode").fetchone()[0]
        return found


def test_who_holds_the_file_is_waited_for(path: Path, holder: sqlite3.Connection) -> None:
    tries = threading.Semaphore(0)

    class Telling(sqlite3.Connection):
        def execute(self, *arguments: Any) -> sqlite3.Cursor:
            tries.release()
            return super().execute(*arguments)

    def change() -> None:
        with closing(sqlite3.connect(path, timeout=0, factory=Telling)) as connection:
            use_write_ahead_log(connection, PATIENCE_S)

    changing = threading.Thread(target=change)
    changing.start()
    for _ in range(2):
        assert tries.acquire(timeout=PATIENCE_S)
    holder.execute("ROLLBACK")
    changing.join()
    assert mode_of(path) == "wal"


@pytest.mark.usefixtures("holder")
def test_who_holds_it_too_long_is_not(path: Path) -> None:
    with (
        closing(sqlite3.connect(path, timeout=0)) as connection,
        pytest.raises(sqlite3.OperationalError, match="locked"),
    ):
        use_write_ahead_log(connection, 0)


def test_a_file_that_is_none_is_refused_at_once(path: Path) -> None:
    path.write_bytes(b"not a database" * 100)
    with closing(sqlite3.connect(path)) as connection, pytest.raises(sqlite3.DatabaseError, match="not a database"):
        use_write_ahead_log(connection, PATIENCE_S)
