"""The blocks that went into the log last, kept as they came: what a live tail looks through.

A large block is kept in stretches, so that the oldest lines of it can go while the latest stay.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from clew.core.errors import BadRequest
from clew.journal.journal import Block

STRETCHES = 8
"""What is let go of together is such a part of all that may be kept, or a smaller block. A longer line is one too."""

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
    """`count` lines of a block, from the place `begin` to `end`. So many records came `before` them in this process."""

    begin: TailPlace
    end: TailPlace
    lines: bytes
    count: int
    before: int

    def place_behind(self, number: int) -> TailPlace:
        """The place behind the line of this number, which counts from 0 here."""
        return self.end if number == self.count - 1 else TailPlace(self.begin.first, self.begin.line + number + 1)

    def line_at(self, start: int) -> bytes:
        """The line that starts at this byte, without its end."""
        return self.lines[start : self.lines.index(b"\n", start)]

    def all_lines(self) -> Iterator[Line]:
        """Each line, the oldest first."""
        start = 0
        for number in range(self.count):
            text = self.line_at(start)
            yield Line(self, number, start, text, self.place_behind(number))
            start += len(text) + 1


class Line(NamedTuple):
    """A line of what is held: its number there, which counts from 0, the byte it starts at, and the place behind it."""

    held: Held
    number: int
    start: int
    text: bytes
    place: TailPlace


class RecentBlocks:
    """The latest records without a gap, as many as fit. The caller locks.

    `begin` is where the oldest of them begins, `end` the place behind the latest; both are the same where none is held.
    `count` is how many records came since this process began.
    """

    def __init__(self, first: int) -> None:
        self.begin = self.end = TailPlace(first, 0)
        self.count = 0
        self._held: deque[Held] = deque()
        self._bytes = 0

    def add(self, block: Block, most_bytes: int) -> None:
        """Hold the next block, and let go of the oldest until all fit."""
        # What would be let go of at once is not even copied.
        start = block.lines.rfind(b"\n", 0, max(0, len(block.lines) - most_bytes)) + 1
        if start:
            self._held.clear()
            self._bytes = 0
        behind, before = TailPlace(block.last + 1, 0), self.count
        stretch = max(1, most_bytes // STRETCHES)
        for begin, lines, count in _cut(block, start, stretch):
            is_last = begin.line + count == block.count
            end = behind if is_last else TailPlace(begin.first, begin.line + count)
            self._held.append(Held(begin, end, lines, count, before + begin.line))
            self._bytes += len(lines)
        self.count, self.end = before + block.count, behind
        self.shrink(most_bytes)

    def shrink(self, most_bytes: int) -> None:
        """Let go of the oldest until all fit."""
        while self._bytes > most_bytes:
            self._bytes -= len(self._held.popleft().lines)
        self.begin = self._held[0].begin if self._held else self.end

    def find(self, place: TailPlace) -> Held | None:
        """What has the line behind this place, or what comes next; None where it has not come yet."""
        return next((held for held in self._held if held.end > place), None)

    def before(self, place: TailPlace) -> int:
        """How many records came before what `find` gives for this place."""
        held = self.find(place)
        return held.before if held else self.count


def _cut(block: Block, start: int, stretch_bytes: int) -> Iterator[tuple[TailPlace, bytes, int]]:
    """The lines of a block from this byte on, in stretches: where each begins, its lines and how many they are."""
    line = block.lines.count(b"\n", 0, start)
    while start < len(block.lines):
        most = start + stretch_bytes
        last = block.lines.rfind(b"\n", start, most)
        end = (last if last >= 0 else block.lines.index(b"\n", most)) + 1
        lines = block.lines[start:end]
        count = lines.count(b"\n")
        yield TailPlace(block.first, line), lines, count
        start, line = end, line + count
