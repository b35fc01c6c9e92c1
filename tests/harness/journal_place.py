"""Where a journal is kept, by either driver, and what is put into it."""

from __future__ import annotations

from pathlib import Path

from clew.core.clock import FakeClock
from clew.core.ids import digest
from clew.journal.journal import Append, Item, Journal, Once
from clew.journal.memory import MemoryJournal
from clew.journal.sqlite import SqliteJournal

DRIVERS = ["memory", "sqlite"]


class Place:
    """Where a journal is kept: it can be opened again, as after a restart."""

    def __init__(self, driver: str, directory: Path) -> None:
        self.driver = driver
        self.clock = FakeClock()
        self._path = directory / "journal.db"
        self._memory: MemoryJournal | None = None
        self._opened: list[Journal] = []

    def open(self, max_bytes: int = 0) -> Journal:
        """The journal of this place. The memory driver lives as long as the place; the file is opened afresh."""
        if self.driver == "memory":
            self._memory = self._memory or MemoryJournal(clock=self.clock, max_bytes=max_bytes)
            journal: Journal = self._memory
        else:
            journal = SqliteJournal(self._path, clock=self.clock, max_bytes=max_bytes)
        self._opened.append(journal)
        return journal

    def close(self) -> None:
        for journal in self._opened:
            journal.close()


def item(name: str, key: str = "", size: int = 0) -> Item:
    return Item(name, f'{{"id":"{name}","pad":"{"x" * size}"}}'.encode(), digest(key) if key else b"")


def append_of(*names: str, once: Once | None = None) -> Append:
    return Append(tuple(item(name) for name in names), once)


def lines_of(*names: str) -> bytes:
    return b"".join(item(name).line + b"\n" for name in names)


def read_everything(journal: Journal, name: str = "log", max_records: int = 1_000) -> bytes:
    reader = journal.reader(name)
    lines = b""
    while block := reader.read(max_records):
        lines += block.lines
        reader.commit(block)
    return lines
