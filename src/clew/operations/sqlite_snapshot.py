"""A SQLite file as it is at one moment, copied while others write on.

A reader of a file with a write-ahead log sees the moment at which it began, however long it reads. The log grows until
it ends, as nothing of it can be written back before.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

from clew.core.errors import Unavailable

BUSY_S = 10.0
"""How long a writer is waited for. Ours take milliseconds."""
PAGES_AT_ONCE = 1_024
"""How much is copied between two calls of `tell`: 4 MiB."""

Tell = Callable[[int], object]
"""Called with the bytes that were copied so far."""


class SqliteSnapshot:
    """One moment of a file. It may be used in any one thread at a time."""

    def __init__(self, file: sqlite3.Connection) -> None:
        self._file = file

    @property
    def size(self) -> int:
        """Bytes of the copy."""
        return self._number("PRAGMA page_count") * self._number("PRAGMA page_size")

    def read(self, query: str) -> list[tuple[object, ...]]:
        """The rows of a question."""
        return self._file.execute(query).fetchall()

    def _number(self, query: str) -> int:
        number: int = self._file.execute(query).fetchone()[0]
        return number

    def copy_to(self, target: Path, tell: Tell) -> None:
        """Write the moment as a file of its own. Raises `Unavailable` where it cannot be written."""
        page_size = self._number("PRAGMA page_size")

        def progress(_status: int, remaining: int, total: int) -> None:
            tell((total - remaining) * page_size)

        try:
            with closing(sqlite3.connect(target)) as copy:
                self._file.backup(copy, pages=PAGES_AT_ONCE, progress=progress)
        except sqlite3.Error as error:
            raise Unavailable(f"{target.name} could not be copied: {error}.") from error


def open_file(path: Path, *, writes: bool = False) -> sqlite3.Connection:
    """A connection to a file that is there already; without `writes` one that changes nothing of it.

    Raises `sqlite3.Error`.
    """
    mode = "rw" if writes else "ro"
    return sqlite3.connect(
        f"file:{quote(str(path.absolute()))}?mode={mode}",
        uri=True,
        timeout=BUSY_S,
        isolation_level=None,
        check_same_thread=False,
    )


@contextmanager
def snapshot(path: Path) -> Iterator[SqliteSnapshot]:
    """The file as it is now, until the block ends. Raises `Unavailable` where it cannot be read."""
    with _opened(path, "BEGIN") as file:
        file.execute("SELECT count(*) FROM sqlite_master").fetchone()  # the moment is that of the first read
        yield SqliteSnapshot(file)


@contextmanager
def writes_held(path: Path) -> Iterator[None]:
    """Inside, nobody writes to the file: whoever wants to waits. Raises `Unavailable` where a writer does not end."""
    with _opened(path, "BEGIN IMMEDIATE"):
        yield


@contextmanager
def _opened(path: Path, begin: str) -> Iterator[sqlite3.Connection]:
    try:
        file = open_file(path, writes=True)  # also who only reads needs the write-ahead log's index
        try:
            file.execute(begin)
        except BaseException:
            file.close()
            raise
    except sqlite3.Error as error:
        raise Unavailable(f"{path} cannot be read: {error}.", hint="Look at the rights of the file.") from error
    with closing(file):
        yield file
