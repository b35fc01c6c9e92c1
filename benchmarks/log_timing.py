"""One line of the results, and how it comes about: the same question again and again, with other values each time."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from benchmarks.load import percentile

REPETITIONS = 30
LEAST = 5
BUDGET_S = 30.0
"""How long one question is repeated: a scan of everything is asked less often."""
WARM_UP = 3
READ_BYTES = 1024 * 1024


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A question, measured. `first_ms` is the first one, before any of the files was in memory.

    `engine_ms` is the p50 of what was spent inside the engine, `peer_ms` that of PostgreSQL. `rows` is the median of
    what was found, `truncated` how many answers ended at a bound.
    """

    name: str
    goal_ms: float | None = None
    first_ms: float
    p50_ms: float
    p95_ms: float
    repetitions: int
    rows: int = 0
    truncated: int = 0
    engine_ms: float | None = None
    peer_ms: float | None = None

    @property
    def verdict(self) -> str:
        """Whether the goal was reached, in words."""
        if self.goal_ms is None:
            return ""
        return "met" if self.p95_ms < self.goal_ms else "not met"


class Asked(msgspec.Struct, frozen=True):
    """One repetition: seconds in all and inside the engine, rows, and whether it ended at a bound."""

    took_s: float
    engine_s: float = 0.0
    rows: int = 0
    truncated: bool = False


def repeat(
    ask: Callable[[int], Asked], files: Path, *, repetitions: int = REPETITIONS, budget_s: float = BUDGET_S
) -> list[Asked]:
    """Ask with the values 0, 1, 2 ...: the first with nothing of the files of a directory in memory; then with all of
    them, as far as they fit, a few to warm up that do not count and as many as said.

    Where the time is up it ends sooner. Gives the first, then those that count.
    """
    forget_pages(files)
    asked = [ask(0)]
    read_pages(files)
    begun_s = time.monotonic()
    warm_up = min(WARM_UP, repetitions // 4)
    warm = [ask(place) for place in range(1, 1 + warm_up) if time.monotonic() - begun_s < budget_s / 4]
    for place in range(1 + len(warm), 1 + len(warm) + repetitions):
        if len(asked) > LEAST and time.monotonic() - begun_s > budget_s:
            break
        asked.append(ask(place))
    return asked


def line_of(name: str, goal_ms: float | None, asked: list[Asked], *, has_engine: bool) -> Line:
    """The line of what `repeat` gave."""
    first, counted = asked[0], asked[1:]
    took = sorted(one.took_s for one in counted)
    return Line(
        name=name,
        goal_ms=goal_ms,
        first_ms=_ms(first.took_s),
        p50_ms=_ms(percentile(took, 0.5)),
        p95_ms=_ms(percentile(took, 0.95)),
        repetitions=len(counted),
        rows=int(percentile(sorted(one.rows for one in counted), 0.5)),
        truncated=sum(one.truncated for one in counted),
        engine_ms=_ms(percentile(sorted(one.engine_s for one in counted), 0.5)) if has_engine else None,
    )


def forget_pages(directory: Path) -> None:
    """Let the system forget what it holds of a directory's files: the next one who reads them reads the disk."""
    for file in _open_each(directory):
        os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)


def read_pages(directory: Path) -> None:
    """Let the system hold a directory's files in memory, as far as they fit."""
    piece = bytearray(READ_BYTES)
    for file in _open_each(directory):
        while os.readv(file, [piece]):
            pass


def _open_each(directory: Path) -> Iterator[int]:
    """The files of a directory, opened one after the other. What an open log deletes meanwhile is passed over."""
    for folder, _, names in os.walk(directory):
        for name in names:
            try:
                file = os.open(Path(folder, name), os.O_RDONLY)
            except FileNotFoundError:
                continue
            try:
                yield file
            finally:
                os.close(file)


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 2)
