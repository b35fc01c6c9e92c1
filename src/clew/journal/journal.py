"""The journal: the record of truth. A record is accepted when it is on disk here, and only then.

Every later stage reads from here and is never called by an earlier one. This file is the contract; `memory.py` is the
reference, `sqlite.py` the driver for one machine. It is written so that several processes can share a journal: a
writer needs no knowledge of the others, and a reader's name is held by one process at a time.

How it is used::

    receipt = await journal.append(Append(items))       # returns when it is on disk
    reader = journal.reader("log")
    while block := reader.read(max_records=20_000):     # the same block until it is committed, also after a crash
        store.insert(block.lines, token=block.token)
        reader.commit(block)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import msgspec


class Item(msgspec.Struct, frozen=True):
    """One record to append: its id and its JSON line (without line end).

    `key` is a digest under which it is appended once: where the key came before, the line is left out and the first
    id is answered. An empty key never matches.
    """

    id: str
    line: bytes
    key: bytes = b""


class Once(msgspec.Struct, frozen=True):
    """A key for an append as a whole (an Idempotency-Key, a webhook's delivery id).

    Where `key` came before with the same `fingerprint`, nothing is appended and the first receipt is answered again,
    with `repeated` set. With another fingerprint the append raises `KeyReused`.
    """

    key: bytes
    fingerprint: bytes = b""


class Append(msgspec.Struct, frozen=True):
    """What is appended together: all of it or nothing.

    `fresh` are keys of its items that must not have come before, for its lines name the ids that they stand for: where
    one has, nothing is appended and `KeysKnown` is raised.
    """

    items: tuple[Item, ...]
    once: Once | None = None
    fresh: tuple[bytes, ...] = ()

    def size(self) -> int:
        """Bytes that it holds in memory while it waits, near enough to bound the queue."""
        return sum(len(item.line) for item in self.items) + 200 * len(self.items)


class KeysKnown(Exception):
    """Keys of `Append.fresh` that came before; `ids` has the first id of each. Nothing was appended."""

    def __init__(self, ids: Mapping[bytes, str]) -> None:
        super().__init__(f"{len(ids)} keys came before")
        self.ids = ids


class Receipt(msgspec.Struct, frozen=True):
    """The answer to an append. `ids` has one id for each item, the first one's id for a duplicate."""

    ids: tuple[str, ...]
    duplicates: int = 0
    repeated: bool = False


class Block(msgspec.Struct, frozen=True):
    """A range of the journal, as a reader gets it: `lines` is JSON lines, each with its line end, `count` of them.

    `oldest_ms` is when the first of it was appended. `token` names the range for ever: the same range, the same token.
    """

    first: int
    last: int
    lines: bytes
    count: int
    oldest_ms: int
    token: str


class ReaderStatus(msgspec.Struct, frozen=True):
    """Where a reader stands: everything up to `position` is done, `lag` records wait, the oldest for `lag_ms`."""

    name: str
    position: int
    lag: int
    lag_ms: int


class JournalStatus(msgspec.Struct, frozen=True):
    """`last` is the last position, `size` the bytes on disk, `waiting` the bytes not yet written.

    `trouble` is why the latest append was not written; empty where it was, and where trimming has made room since.
    """

    last: int
    size: int
    waiting: int
    readers: tuple[ReaderStatus, ...]
    trouble: str = ""


class JournalReader(Protocol):
    """One reader with a durable cursor. Its calls block and belong in one thread."""

    name: str

    def read(self, max_records: int) -> Block | None:
        """The next block, or None where there is nothing new.

        It holds at least one append's worth and, beyond that, at most `max_records` records; a driver may have merged
        small appends that waited together into one, of at most 1,000 records. Until it is committed the same block is
        answered, whatever `max_records` says and also after a crash: its extent is on disk before it is handed out.
        """
        ...

    def commit(self, block: Block) -> None:
        """Move the cursor behind the block. Committing a block twice changes nothing."""
        ...

    def wait(self, timeout_s: float) -> bool:
        """Wait for something to read. True as soon as there is, False after `timeout_s`."""
        ...


class Journal(Protocol):
    """An append-only sequence of records with readers."""

    async def append(self, append: Append) -> Receipt:
        """Write and sync. Returns when it would survive a loss of power.

        Raises `JournalBusy` where too much waits already, `JournalFull` where the disk has no room, `KeyReused` for a
        `Once` with another fingerprint, `KeysKnown` for a fresh key that is not. After any of them nothing of it was
        written. A `Once` that came before is answered first.
        """
        ...

    def reader(self, name: str) -> JournalReader:
        """The reader of this name, made at the beginning of the journal on first sight.

        Open every reader before the first `trim`: what is trimmed is gone for those who come later.
        """
        ...

    def forget_reader(self, name: str) -> None:
        """Forget a reader and its cursor: trimming waits for it no longer. One that is not known changes nothing.

        Nobody may be reading under this name. The next `reader` of it begins at the beginning of what is left.
        """
        ...

    def trim(self) -> int:
        """Forget what every reader has done, and keys older than `keep_keys_hours`. Returns how many records went."""
        ...

    def status(self) -> JournalStatus:
        """How it stands. Cheap enough for a health check."""
        ...

    def close(self) -> None:
        """Write what waits, then close. Appends after it raise `Unavailable`."""
        ...
