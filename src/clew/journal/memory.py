"""The journal in memory: the contract in the plainest code, and what the other drivers are held against.

It keeps nothing across a restart. An append is one position.
"""

from __future__ import annotations

import secrets
import threading

import msgspec

from clew.core.clock import HOUR_MS, Clock
from clew.core.errors import JournalFull, KeyReused, Unavailable
from clew.journal.journal import Append, Block, Item, JournalStatus, KeysKnown, ReaderStatus, Receipt


class _Entry(msgspec.Struct, frozen=True):
    position: int
    time_ms: int
    lines: tuple[bytes, ...]

    def size(self) -> int:
        return sum(len(line) + 1 for line in self.lines)


class _Key(msgspec.Struct, frozen=True):
    first_id: str
    time_ms: int


class _Answer(msgspec.Struct, frozen=True):
    fingerprint: bytes
    receipt: Receipt
    time_ms: int


class _Cursor(msgspec.Struct):
    position: int = 0
    claimed: int = 0


class MemoryJournal:
    """See `Journal`. `max_bytes` is the most that its lines may take (0: no bound)."""

    def __init__(self, *, clock: Clock, max_bytes: int = 0, keep_keys_hours: int = 48) -> None:
        self._clock = clock
        self._max_bytes = max_bytes
        self._keep_keys_ms = keep_keys_hours * HOUR_MS
        self._id = secrets.token_hex(8)
        self._changed = threading.Condition()
        self._last = 0
        self._trouble = ""
        self._entries: list[_Entry] = []
        self._keys: dict[bytes, _Key] = {}
        self._answers: dict[bytes, _Answer] = {}
        self._cursors: dict[str, _Cursor] = {}
        self._is_closed = False

    async def append(self, append: Append) -> Receipt:
        """See `Journal.append`. Nothing ever waits, so it is never busy."""
        with self._changed:
            self._check_open()
            if append.once and (answer := self._answers.get(append.once.key)):
                if answer.fingerprint != append.once.fingerprint:
                    raise KeyReused("This key came before with another body.", hint="A new body needs a new key.")
                return msgspec.structs.replace(answer.receipt, repeated=True)
            known = {key: self._keys[key].first_id for key in append.fresh if key in self._keys}
            if known:
                raise KeysKnown(known)
            now_ms = self._clock.now_ms()
            fresh = self._fresh_items(append)
            self._add_entry(_Entry(self._last + 1, now_ms, tuple(item.line for item in fresh)))
            self._keys |= {item.key: _Key(item.id, now_ms) for item in fresh if item.key}
            ids = tuple(self._keys[item.key].first_id if item.key else item.id for item in append.items)
            receipt = Receipt(ids, duplicates=len(ids) - len(fresh))
            if append.once:
                self._answers[append.once.key] = _Answer(append.once.fingerprint, receipt, now_ms)
            return receipt

    def reader(self, name: str) -> MemoryReader:
        """See `Journal.reader`."""
        with self._changed:
            self._check_open()
            self._cursors.setdefault(name, _Cursor())
        return MemoryReader(name, self)

    def forget_reader(self, name: str) -> None:
        """See `Journal.forget_reader`."""
        with self._changed:
            self._check_open()
            self._cursors.pop(name, None)

    def trim(self) -> int:
        """See `Journal.trim`. Without any reader nothing is forgotten."""
        with self._changed:
            self._check_open()
            done = min((cursor.position for cursor in self._cursors.values()), default=0)
            forgotten = sum(len(entry.lines) for entry in self._entries if entry.position <= done)
            self._entries = [entry for entry in self._entries if entry.position > done]
            if forgotten:
                self._trouble = ""
            oldest_ms = self._clock.now_ms() - self._keep_keys_ms
            self._keys = {key: known for key, known in self._keys.items() if known.time_ms >= oldest_ms}
            self._answers = {key: known for key, known in self._answers.items() if known.time_ms >= oldest_ms}
            return forgotten

    def status(self) -> JournalStatus:
        """See `Journal.status`. `size` is the bytes of the lines."""
        with self._changed:
            self._check_open()
            readers = tuple(self._reader_status(name) for name in sorted(self._cursors))
            return JournalStatus(last=self._last, size=self._size(), waiting=0, readers=readers, trouble=self._trouble)

    def close(self) -> None:
        """See `Journal.close`. Closing twice changes nothing."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    # For its readers.

    def read(self, name: str, max_records: int) -> Block | None:
        """See `JournalReader.read`."""
        with self._changed:
            self._check_open()
            cursor = self._cursors[name]
            if cursor.claimed == cursor.position:
                cursor.claimed = self._choose_extent(cursor.position, max_records)
            claimed = [entry for entry in self._entries if cursor.position < entry.position <= cursor.claimed]
            if not claimed:
                return None
            lines = [line for entry in claimed for line in entry.lines]
            first, last = claimed[0].position, claimed[-1].position
            return Block(
                first=first,
                last=last,
                lines=b"".join(line + b"\n" for line in lines),
                count=len(lines),
                oldest_ms=claimed[0].time_ms,
                token=f"{self._id}-{first}-{last}",
            )

    def commit(self, name: str, block: Block) -> None:
        """See `JournalReader.commit`."""
        with self._changed:
            self._check_open()
            cursor = self._cursors[name]
            if block.last > cursor.position:
                if block.last != cursor.claimed:
                    raise ValueError(f"a block up to {block.last} was not handed out to {name!r}")
                cursor.position = block.last

    def wait(self, name: str, timeout_s: float) -> bool:
        """See `JournalReader.wait`."""
        with self._changed:
            found = self._changed.wait_for(
                lambda: self._is_closed or bool(self._waiting_entries(self._cursors[name].position)), timeout_s
            )
            self._check_open()
            return found

    def _fresh_items(self, append: Append) -> list[Item]:
        fresh: list[Item] = []
        seen: set[bytes] = set()
        for item in append.items:
            if not item.key or (item.key not in self._keys and item.key not in seen):
                fresh.append(item)
                seen.add(item.key)
        return fresh

    def _add_entry(self, entry: _Entry) -> None:
        if not entry.lines:
            return
        if self._max_bytes and self._size() + entry.size() > self._max_bytes:
            self._trouble = "The journal has no room left."
            raise JournalFull(self._trouble, hint="Send it again later.", retry_after_s=30)
        self._entries.append(entry)
        self._last = entry.position
        self._trouble = ""
        self._changed.notify_all()

    def _choose_extent(self, position: int, max_records: int) -> int:
        last, records = position, 0
        for entry in self._waiting_entries(position):
            records += len(entry.lines)
            if last != position and records > max_records:
                break
            last = entry.position
        return last

    def _waiting_entries(self, position: int) -> list[_Entry]:
        return [entry for entry in self._entries if entry.position > position]

    def _reader_status(self, name: str) -> ReaderStatus:
        position = self._cursors[name].position
        waiting = self._waiting_entries(position)
        return ReaderStatus(
            name=name,
            position=position,
            lag=sum(len(entry.lines) for entry in waiting),
            lag_ms=max(0, self._clock.now_ms() - waiting[0].time_ms) if waiting else 0,
        )

    def _size(self) -> int:
        return sum(entry.size() for entry in self._entries)

    def _check_open(self) -> None:
        if self._is_closed:
            raise Unavailable("The journal is closed.", hint="The server is stopping.")


class MemoryReader:
    """See `JournalReader`. Its cursor is kept by the journal."""

    def __init__(self, name: str, journal: MemoryJournal) -> None:
        self.name = name
        self._journal = journal

    def read(self, max_records: int) -> Block | None:
        """See `JournalReader.read`."""
        return self._journal.read(self.name, max_records)

    def commit(self, block: Block) -> None:
        """See `JournalReader.commit`."""
        self._journal.commit(self.name, block)

    def wait(self, timeout_s: float) -> bool:
        """See `JournalReader.wait`."""
        return self._journal.wait(self.name, timeout_s)
