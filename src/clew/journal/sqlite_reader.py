"""A reader of the SQLite journal: its cursor is a row, its reads are its own, its writes go through the writer."""

from __future__ import annotations

import sqlite3
import threading
import time
from pathlib import Path

import zstandard

from clew.core.errors import Unavailable
from clew.journal.journal import Block
from clew.journal.sqlite_entries import unpack
from clew.journal.sqlite_file import connect, unavailable
from clew.journal.sqlite_writer import Writer

BLOCK_BYTES = 64 * 1024 * 1024
"""A block ends early at about this size: `max_records` alone would let large records fill the memory."""
LOOK_EVERY_S = 0.5
"""How often a waiting reader looks for appends of other processes; those of its own wake it."""


class SqliteReader:
    """See `JournalReader`. Every call raises `Unavailable` where the file fails or the journal is closed."""

    def __init__(self, name: str, path: Path, *, journal_id: str, writer: Writer) -> None:
        self.name = name
        self._journal_id = journal_id
        self._writer = writer
        self._lock = threading.Lock()  # `close` may come from another thread
        self._decompressor = zstandard.ZstdDecompressor()
        writer.run(lambda file: file.execute("INSERT INTO reader (name) VALUES (?) ON CONFLICT DO NOTHING", (name,)))
        self._connection = connect(path)

    def read(self, max_records: int) -> Block | None:
        """See `JournalReader.read`. A block also ends at about 64 MiB, or with the entry that goes beyond it."""
        with self._lock:
            self._check_open()
            try:
                position, claimed = self._cursor()
                if claimed == position:
                    claimed = self._choose_extent(position, max_records)
                    if claimed == position:
                        return None
                    self._claim(position, claimed)
                return self._load(position, claimed)
            except sqlite3.Error as error:
                raise unavailable(error) from error

    def commit(self, block: Block) -> None:
        """See `JournalReader.commit`.

        Raises `ValueError` for a block that `read` did not hand out.
        """
        with self._lock:
            self._check_open()
            self._writer.run(lambda file: self._move(file, block.last))

    def wait(self, timeout_s: float) -> bool:
        """See `JournalReader.wait`. Appends of other processes are seen within half a second."""
        deadline = time.monotonic() + timeout_s
        while True:
            seen = self._writer.growths
            if self._has_more():
                return True
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                return False
            self._writer.wait_for_growth(seen, min(left_s, LOOK_EVERY_S))

    def close(self) -> None:
        """Let go of the file. Closing twice changes nothing."""
        with self._lock:
            self._connection.close()

    def _check_open(self) -> None:
        if self._writer.is_closed:
            raise Unavailable("The journal is closed.", hint="The server is stopping.")

    def _cursor(self) -> tuple[int, int]:
        position, claimed = self._connection.execute(
            "SELECT position, claimed FROM reader WHERE name = ?", (self.name,)
        ).fetchone()
        return position, claimed

    def _choose_extent(self, position: int, max_records: int) -> int:
        """The last entry of the next block; `position` where there is nothing new."""
        last, records, size = position, 0, 0
        rows = self._connection.execute("SELECT id, count, size FROM entry WHERE id > ? ORDER BY id", (position,))
        for entry_id, entry_count, entry_size in rows:
            records += entry_count
            size += entry_size
            if last != position and (records > max_records or size > BLOCK_BYTES):
                break
            last = entry_id
        rows.close()  # an open read would keep the write-ahead log from starting over
        return last

    def _claim(self, position: int, last: int) -> None:
        self._writer.run(
            lambda file: file.execute(
                "UPDATE reader SET claimed = ? WHERE name = ? AND position = ?", (last, self.name, position)
            )
        )

    def _load(self, position: int, claimed: int) -> Block:
        rows = self._connection.execute(
            "SELECT id, time, count, size, codec, data FROM entry WHERE id > ? AND id <= ? ORDER BY id",
            (position, claimed),
        ).fetchall()
        first = rows[0][0]
        return Block(
            first=first,
            last=claimed,
            lines=b"".join(unpack(data, codec, size, self._decompressor) for *_, size, codec, data in rows),
            count=sum(row[2] for row in rows),
            oldest_ms=rows[0][1],
            token=f"{self._journal_id}-{first}-{claimed}",
        )

    def _move(self, file: sqlite3.Connection, last: int) -> None:
        position, claimed = file.execute("SELECT position, claimed FROM reader WHERE name = ?", (self.name,)).fetchone()
        if last > claimed or position < last < claimed:
            raise ValueError(
                f"a block up to {last} was not handed out to {self.name!r}; it stands at {position}-{claimed}"
            )
        if last > position:
            file.execute("UPDATE reader SET position = ? WHERE name = ?", (last, self.name))

    def _has_more(self) -> bool:
        with self._lock:
            self._check_open()
            try:
                found = self._connection.execute(
                    "SELECT 1 FROM entry WHERE id > (SELECT position FROM reader WHERE name = ?) LIMIT 1", (self.name,)
                ).fetchone()
            except sqlite3.Error as error:
                raise unavailable(error) from error
        return found is not None
