"""What the doctor says of one part."""

from __future__ import annotations

from typing import Literal

import msgspec

Level = Literal["ok", "warning", "problem"]


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What was found of a part, and what to do about it, "" where nothing is to be done.

    A `warning` works and may not for long; a `problem` does not work.
    """

    part: str
    level: Level
    found: str
    todo: str = ""


def ok(part: str, found: str) -> Finding:
    """It is as it should be."""
    return Finding(part=part, level="ok", found=found)


def warning(part: str, found: str, todo: str) -> Finding:
    """It works and may not for long."""
    return Finding(part=part, level="warning", found=found, todo=todo)


def problem(part: str, found: str, todo: str) -> Finding:
    """It does not work."""
    return Finding(part=part, level="problem", found=found, todo=todo)


def say_bytes(size: float) -> str:
    """`1.5 GB`."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


def say_time(ms: float) -> str:
    """`3 h`: a length of time in the largest unit of which it has two."""
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("min", 60_000), ("s", 1_000)):
        if ms >= 2 * size:
            return f"{ms / size:.0f} {unit}"
    return f"{ms:.0f} ms"
