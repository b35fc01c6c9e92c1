"""The journal on one machine: a SQLite file with a write-ahead log, synced at every commit.

One thread writes (`sqlite_writer.py`); each reader has a connection of its own (`sqlite_reader.py`). Several processes
may open the same file: SQLite serialises their transactions.
"""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

from clew.core.clock import HOUR_MS, Clock
from clew.core.errors import Unavailable
from clew.journal.journal import Append, JournalStatus, ReaderStatus, Receipt
from clew.journal.sqlite_file import connect, prepare_file, size_on_disk, unavailable
from clew.journal.sqlite_reader import SqliteReader
from clew.journal.sqlite_trim import forget_entries, forget_keys
from clew.journal.sqlite_writer import Room, Writer

RESERVE_BYTES = 32 * 1024 * 1024
"""What appends leave free on the disk, so that cursors and trimming can still be written."""


class SqliteJournal:
    """See `Journal`.

    `path` is the file, made where there is none. `max_bytes` is the most that appends may make it on disk, write-ahead
    log included (0: the disk is the limit), `queue_bytes` the most that waits in memory, `reserve_bytes` what appends
    leave free on the disk.

    Raises `SettingsError` where the file cannot be opened, is something else, or is of another format.
    """

    def __init__(
        self,
        path: Path,
        *,
        clock: Clock,
        max_bytes: int = 0,
        queue_bytes: int = 64 * 1024 * 1024,
        keep_keys_hours: int = 48,
        reserve_bytes: int = RESERVE_BYTES,
    ) -> None:
        self._path = path
        self._clock = clock
        self._keep_keys_ms = keep_keys_hours * HOUR_MS
        self._id = prepare_file(path)
        self._lock = threading.Lock()
        self._readers: dict[str, SqliteReader] = {}
        self._status_connection = connect(path)
        self._writer = Writer(
            path, clock=clock, room=Room(max_bytes=max_bytes, queue_bytes=queue_bytes, reserve_bytes=reserve_bytes)
        )

    async def append(self, append: Append) -> Receipt:
        """See `Journal.append`. May be called from any number of event loops and threads.

        A call that is cancelled while it waits may have been written all the same. Where the disk fails in another
        way than being full, it raises `Unavailable`; if the process is killed right after a sync that failed, what was
        refused may still turn up. A key makes sending it again safe.
        """
        return await self._writer.submit(append)

    def reader(self, name: str) -> SqliteReader:
        """See `Journal.reader`. The same name gives the same object."""
        with self._lock:
            if name not in self._readers:
                self._readers[name] = SqliteReader(name, self._path, journal_id=self._id, writer=self._writer)
            return self._readers[name]

    def forget_reader(self, name: str) -> None:
        """See `Journal.forget_reader`."""
        with self._lock:
            reader = self._readers.pop(name, None)
            if reader is not None:
                reader.close()
        self._writer.run(lambda file: file.execute("DELETE FROM reader WHERE name = ?", (name,)).rowcount)

    def trim(self) -> int:
        """See `Journal.trim`. It works in small pieces between which appends go on.

        The file keeps its size: the pages that become free are used again by the next appends.
        """
        forgotten = 0
        while records := self._writer.run(forget_entries):
            forgotten += records
            self._writer.note_room()
        before_ms = self._clock.now_ms() - self._keep_keys_ms
        while self._writer.run(lambda file: forget_keys(file, before_ms)):
            pass
        return forgotten

    def status(self) -> JournalStatus:
        """See `Journal.status`. A few look-ups by key, whatever the journal holds."""
        with self._lock:
            if self._writer.is_closed:
                raise Unavailable("The journal is closed.", hint="The server is stopping.")
            file = self._status_connection
            try:
                file.execute("BEGIN")  # one snapshot for all positions
                last, readers = self._read_positions(file)
                return JournalStatus(
                    last=last,
                    size=size_on_disk(self._path),
                    waiting=self._writer.waiting_bytes,
                    readers=readers,
                    trouble=self._writer.trouble,
                )
            except (sqlite3.Error, OSError) as error:
                raise unavailable(error) from error
            finally:
                if file.in_transaction:
                    file.execute("ROLLBACK")

    def close(self) -> None:
        """See `Journal.close`. Closing twice changes nothing."""
        self._writer.close()
        with self._lock:
            for reader in self._readers.values():
                reader.close()
            self._status_connection.close()

    def _read_positions(self, file: sqlite3.Connection) -> tuple[int, tuple[ReaderStatus, ...]]:
        sequence = file.execute("SELECT seq FROM sqlite_sequence WHERE name = 'entry'").fetchone()
        newest = file.execute("SELECT total FROM entry ORDER BY id DESC LIMIT 1").fetchone()
        cursors = file.execute("SELECT name, position FROM reader ORDER BY name").fetchall()
        readers = []
        for name, position in cursors:
            oldest = file.execute(
                "SELECT total - count, time FROM entry WHERE id > ? ORDER BY id LIMIT 1", (position,)
            ).fetchone()
            lag = newest[0] - oldest[0] if oldest else 0
            lag_ms = max(0, self._clock.now_ms() - oldest[1]) if oldest else 0
            readers.append(ReaderStatus(name=name, position=position, lag=lag, lag_ms=lag_ms))
        return (sequence[0] if sequence else 0), tuple(readers)
