"""A process is killed while it writes and reads: what it was promised holds."""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from clew.core.clock import SystemClock
from clew.core.ids import digest
from clew.journal.journal import Append, Item
from clew.journal.sqlite import SqliteJournal

KILLS = 5


class Promises:
    """What the killed processes said."""

    def __init__(self) -> None:
        self.acknowledged: list[str] = []
        self.blocks: dict[tuple[int, int], set[tuple[str, str]]] = {}

    def hear(self, line: str) -> None:
        kind, *words = line.split()
        if kind == "ack":
            self.acknowledged.append(words[0])
        else:
            first, last, token, lines_digest = words
            self.blocks.setdefault((int(first), int(last)), set()).add((token, lines_digest))


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[SqliteJournal, Promises]]:
    path = tmp_path_factory.mktemp("journal") / "journal.db"
    moments = random.Random(20)
    promises = Promises()
    for run in range(KILLS):
        run_until_killed(path, f"run{run}", after_lines=moments.randrange(20, 4_000), promises=promises)
    journal = SqliteJournal(path, clock=SystemClock(), queue_bytes=2**26)
    yield journal, promises
    journal.close()


def run_until_killed(path: Path, run: str, *, after_lines: int, promises: Promises) -> None:
    script = Path(__file__).with_name("crashing_writer.py")
    with subprocess.Popen(
        [sys.executable, str(script), str(path), run], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        for _ in range(after_lines):
            line = process.stdout.readline()
            assert line, process.stderr.read().decode()
            promises.hear(line.decode())
        process.kill()
        # A last line may be cut only if the kernel cut a write, which a pipe does not for so few bytes.
        for line in process.stdout:
            promises.hear(line.decode())


def ids_in(journal: SqliteJournal, reader_name: str) -> Counter[str]:
    found: Counter[str] = Counter()
    reader = journal.reader(reader_name)
    while block := reader.read(10_000):
        found.update(json.loads(line)["id"] for line in block.lines.splitlines())
        reader.commit(block)
    return found


def test_every_acknowledged_record_is_there_once(killed: tuple[SqliteJournal, Promises]) -> None:
    journal, promises = killed
    found = ids_in(journal, "check")
    assert len(promises.acknowledged) > KILLS * 20
    assert [record_id for record_id in promises.acknowledged if found[record_id] != 1] == []
    assert [record_id for record_id, times in found.items() if times != 1] == []


def test_what_is_sent_again_after_the_crash_is_recognised(killed: tuple[SqliteJournal, Promises]) -> None:
    journal, promises = killed
    again = tuple(Item("new", b"{}", digest(record_id)) for record_id in promises.acknowledged)
    receipt = asyncio.run(journal.append(Append(again)))
    assert receipt.ids == tuple(promises.acknowledged)


def test_blocks_follow_each_other_and_come_again_the_same(killed: tuple[SqliteJournal, Promises]) -> None:
    journal, promises = killed
    reader = journal.reader("log")
    while block := reader.read(50):
        promises.hear(f"block {block.first} {block.last} {block.token} {digest(block.lines).hex()}")
        reader.commit(block)
    assert [extent for extent, said in promises.blocks.items() if len(said) != 1] == []
    extents = sorted(promises.blocks)
    assert [first for first, _ in extents] == [1, *(last + 1 for _, last in extents[:-1])]
    assert extents[-1][1] == journal.status().last
