"""A process that appends to a journal and reads from it until it is killed, and says on stdout what it was promised.

`ack ID` for each record acknowledged; `block FIRST LAST TOKEN DIGEST` for each block read, before it is committed.
Run as `python crashing_writer.py FILE RUN`.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from pathlib import Path

from clew.core.clock import SystemClock
from clew.core.ids import digest
from clew.journal.journal import Append, Item
from clew.journal.sqlite import SqliteJournal

WRITERS = 32


def say(*words: object) -> None:
    os.write(sys.stdout.fileno(), (" ".join(map(str, words)) + "\n").encode())


def item_of(record_id: str) -> Item:
    return Item(record_id, f'{{"id":"{record_id}","message":"{"x" * 300}"}}'.encode(), digest(record_id))


async def append_for_ever(journal: SqliteJournal, prefix: str, size: int) -> None:
    number = 0
    while True:
        items = tuple(item_of(f"{prefix}-{number + place}") for place in range(size))
        number += size
        receipt = await journal.append(Append(items))
        for record_id in receipt.ids:
            say("ack", record_id)


def read_for_ever(journal: SqliteJournal) -> None:
    reader = journal.reader("log")
    while True:
        if reader.wait(1) and (block := reader.read(50)):
            say("block", block.first, block.last, block.token, digest(block.lines).hex())
            reader.commit(block)


async def run(path: Path, run_name: str) -> None:
    journal = SqliteJournal(path, clock=SystemClock(), queue_bytes=2**20)
    threading.Thread(target=read_for_ever, args=(journal,), daemon=True).start()
    await asyncio.gather(
        *(append_for_ever(journal, f"{run_name}-{writer}", size=1 + writer % 4) for writer in range(WRITERS))
    )


if __name__ == "__main__":
    asyncio.run(run(Path(sys.argv[1]), sys.argv[2]))
