"""Entries: rows of joined JSON lines, packed by the writer and unpacked by readers."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator

import msgspec
import zstandard

ENTRY_BYTES = 1024 * 1024
"""Appends that wait together share a row up to about this size: a row costs more than its bytes."""
ENTRY_RECORDS = 1_000
"""... and up to this many records, so that a reader's `max_records` is held to at least so closely."""

RAW, ZSTD = 0, 1
COMPRESSION_LEVEL = -3
"""Of zstd. Measured on records of 1.4 KB, synced, at 64 waiting appends and in batches of 1,000 (k records/s, twice):
level 1 40 and 41, 218 and 206; level -3 53 and 58, 260 and 188; level -7 54 and 50, 261 and 258; uncompressed 57 and
48, 157. Level -3 makes a batch 4.5 times smaller, level 1 6 times; what is trimmed within days need not be smaller.
"""
_COMPRESS_FROM = 4096
"""Bytes. A smaller row is about one page either way."""


class Entry(msgspec.Struct, frozen=True):
    """What one row will hold."""

    data: bytes
    count: int


def pack(groups: Iterable[list[bytes]]) -> Iterator[Entry]:
    """Merge the lines of appends into entries. The lines of one append are never divided."""
    lines: list[bytes] = []
    size = 0
    for group in groups:
        group_size = sum(map(len, group)) + len(group)
        if lines and (size + group_size > ENTRY_BYTES or len(lines) + len(group) > ENTRY_RECORDS):
            yield _entry(lines)
            lines, size = [], 0
        lines += group
        size += group_size
    if lines:
        yield _entry(lines)


def _entry(lines: list[bytes]) -> Entry:
    return Entry(b"\n".join(lines) + b"\n", len(lines))


def insert_entries(
    connection: sqlite3.Connection, entries: Iterable[Entry], now_ms: int, compressor: zstandard.ZstdCompressor
) -> None:
    """Add the entries behind the last one."""
    newest = connection.execute("SELECT total FROM entry ORDER BY id DESC LIMIT 1").fetchone()
    total: int = newest[0] if newest else 0
    for entry in entries:
        total += entry.count
        is_packed = len(entry.data) >= _COMPRESS_FROM
        connection.execute(
            "INSERT INTO entry (time, count, total, size, codec, data) VALUES (?, ?, ?, ?, ?, ?)",
            (
                now_ms,
                entry.count,
                total,
                len(entry.data),
                ZSTD if is_packed else RAW,
                compressor.compress(entry.data) if is_packed else entry.data,
            ),
        )


def unpack(data: bytes, codec: int, size: int, decompressor: zstandard.ZstdDecompressor) -> bytes:
    """The lines of a row."""
    return data if codec == RAW else decompressor.decompress(data, max_output_size=size)
