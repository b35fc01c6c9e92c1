"""Trimming of the SQLite journal, a piece at a time: each piece is one short transaction of the writer's thread."""

from __future__ import annotations

import sqlite3

_PIECE_ENTRIES = 1_000
_PIECE_BYTES = 8 * 1024 * 1024
"""Freeing a large row reads each of its pages: about 10 ms for this much."""
_PIECE_KEYS = 1_000
"""Keys are digests: forgetting one touches a page of its own."""


def forget_entries(connection: sqlite3.Connection) -> int:
    """Forget some entries that every reader has done. Returns how many records went, 0 when nothing is left to forget.

    Without any reader nothing is done, and nothing is forgotten.
    """
    done = connection.execute("SELECT min(position) FROM reader").fetchone()[0] or 0
    last = records = size = 0
    rows = connection.execute(
        "SELECT id, count, length(data) FROM entry WHERE id <= ? ORDER BY id LIMIT ?", (done, _PIECE_ENTRIES)
    ).fetchall()
    for entry_id, entry_count, entry_size in rows:
        last = entry_id
        records += entry_count
        size += entry_size
        if size >= _PIECE_BYTES:
            break
    connection.execute("DELETE FROM entry WHERE id <= ?", (last,))
    return records


def forget_keys(connection: sqlite3.Connection, before_ms: int) -> int:
    """Forget some keys that came before this time. Returns how many went, 0 when nothing is left to forget."""
    return sum(
        connection.execute(
            f"DELETE FROM {table} WHERE key IN (SELECT key FROM {table} WHERE time < ? ORDER BY time LIMIT ?)",  # noqa: S608  # our own names
            (before_ms, _PIECE_KEYS),
        ).rowcount
        for table in ("item_key", "once_key")
    )
