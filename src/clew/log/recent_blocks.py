"""The blocks that went into the log last, kept as they came: what a live tail looks through."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from clew.core.errors import BadRequest
from clew.journal.journal import Block

_PLACE = re.compile(r"(\d{1,18})\.(\d{1,9})")


class TailPlace(NamedTuple):
    """A place in the journal: before line `line` of the block that begins at position `first`.

    Blocks keep their extent for ever, so it means the same after a restart.
    """

    first: int
    line: int

    def __str__(self) -> str:
        return f"{self.first}.{self.line}"


def read_place(text: str) -> TailPlace:
    """The place that a tail called so. Raises `BadRequest`."""
    found = _PLACE.fullmatch(text)
    if found is None:
        raise BadRequest(
            f"A live tail cannot go on from {text[:80]!r}.",
            hint="Send the last `id` that it gave, or none to begin with what comes now.",
        )
    return TailPlace(int(found[1]), int(found[2]))


class Held(msgspec.Struct, frozen=True):
    """A block, and how many records had come before it since this process began."""

    block: Block
    before: int

    @property
    def end(self) -> TailPlace:
        """The place behind it."""
        return TailPlace(self.block.last + 1, 0)

    def lines(self) -> Iterator[tuple[TailPlace, bytes]]:
        """Each line with the place behind it."""
        lines, start = self.block.lines, 0
        for number in range(1, self.block.count + 1):
            end = lines.index(b"\n", start)
            yield self.end if number == self.block.count else TailPlace(self.block.first, number), lines[start:end]
            start = end + 1


class RecentBlocks:
    """The latest blocks without a gap, as many as fit. The caller locks.

    `first` is the position that the oldest begins at, `end` that behind the latest; both are the same where none is
    held. `count` is how many records came since this process began.
    """

    def __init__(self, first: int) -> None:
        self.first = first
        self.end = first
        self.count = 0
        self._held: deque[Held] = deque()
        self._bytes = 0

    def add(self, block: Block, most_bytes: int) -> None:
        """Hold the next block, and let go of the oldest until all fit. One that is too large itself is not held."""
        self._held.append(Held(block, self.count))
        self._bytes += len(block.lines)
        self.count += block.count
        self.end = block.last + 1
        self.shrink(most_bytes)

    def shrink(self, most_bytes: int) -> None:
        """Let go of the oldest until all fit."""
        while self._bytes > most_bytes:
            gone = self._held.popleft()
            self._bytes -= len(gone.block.lines)
            self.first = gone.block.last + 1

    def find(self, first: int) -> Held | None:
        """The block that has this position, or the one behind it; None where it has not come yet."""
        return next((held for held in self._held if held.block.last >= first), None)
