"""A process in which no file can grow beyond a place for a while: a disk that fails.

It is a process of its own, as the limit holds for all that runs in one. Run as `python failing_disk.py SCENARIO FILE`.
"""

from __future__ import annotations

import asyncio
import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from clew.core.clock import SystemClock
from clew.core.errors import Unavailable
from clew.core.ids import digest
from clew.journal.journal import Append, Item
from clew.journal.sqlite import SqliteJournal


@contextmanager
def files_limited_to(size: int) -> Iterator[None]:
    """While it lasts, this process cannot write beyond this place of any file."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def wal_bytes(path: Path) -> int:
    return path.with_name(path.name + "-wal").stat().st_size


def one(name: str) -> Append:
    return Append((Item(name, f'"{name}"'.encode()),))


def noise(seed: int) -> Append:
    """About 64 KB that compression makes only half as small."""
    return Append((Item(str(seed), b"".join(digest(str(seed), str(n)).hex().encode() for n in range(2_000))),))


def why_unavailable(journal: SqliteJournal, append: Append) -> Unavailable:
    try:
        asyncio.run(journal.append(append))
    except Unavailable as error:
        return error
    raise AssertionError("it was written")


def refuse_and_go_on(journal: SqliteJournal, path: Path) -> None:
    reader = journal.reader("log")
    asyncio.run(journal.append(one("before")))
    with files_limited_to(wal_bytes(path) + 10_000):
        first = why_unavailable(journal, noise(1))
        assert first.retry_after_s
        second = why_unavailable(journal, noise(2))
        assert journal.status().trouble == first.detail == second.detail
    assert asyncio.run(journal.append(one("after"))).ids == ("after",)
    assert journal.status().trouble == ""
    block = reader.read(10)
    assert block is not None
    assert block.lines == b'"before"\n"after"\n'


def hand_nothing_out(journal: SqliteJournal, path: Path) -> None:
    reader = journal.reader("log")
    asyncio.run(journal.append(one("a")))
    with files_limited_to(wal_bytes(path)):
        try:
            raise AssertionError(f"it was handed out: {reader.read(10)}")
        except Unavailable:
            pass
    block = reader.read(10)
    assert block is not None
    with files_limited_to(wal_bytes(path)):
        try:
            reader.commit(block)
            raise AssertionError("it was committed")
        except Unavailable:
            pass
    assert reader.read(10) == block
    reader.commit(block)
    assert reader.read(10) is None


SCENARIOS = {"refuse-and-go-on": refuse_and_go_on, "hand-nothing-out": hand_nothing_out}

if __name__ == "__main__":
    file = Path(sys.argv[2])
    opened = SqliteJournal(file, clock=SystemClock())
    SCENARIOS[sys.argv[1]](opened, file)
    opened.close()
