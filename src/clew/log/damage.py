"""Parts of the log that the engine could not read at a start. It puts them aside and goes on without a word.

Their records are in no answer, so somebody must be told.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

_ASIDE = "data/default/log/detached"
_BROKEN = ("broken", "unexpected")
"""How the names begin of what the engine put aside by itself."""


class DamagedPart(msgspec.Struct, frozen=True):
    """A part that was put aside, and how many records it had: None where even that cannot be read."""

    path: Path
    records: int | None


def find_damaged(directory: Path) -> tuple[DamagedPart, ...]:
    """The damaged parts of the log in a directory, by name. The engine need not be open, and may be."""
    try:
        found = sorted(path for path in (directory / _ASIDE).iterdir() if path.name.startswith(_BROKEN))
    except (FileNotFoundError, NotADirectoryError):
        return ()
    return tuple(DamagedPart(path, _read_count(path)) for path in found)


def say_damage(parts: tuple[DamagedPart, ...]) -> str:
    """What is to be said of some damaged parts."""
    counted = [part.records for part in parts if part.records is not None]
    many = f"{len(parts):,} parts of the log are" if len(parts) > 1 else "A part of the log is"
    records = f"{sum(counted):,} records" if len(counted) == len(parts) else f"at least {sum(counted):,} records"
    return f"{many} damaged and put aside, with {records} that are in no answer."


def _read_count(part: Path) -> int | None:
    try:
        return int((part / "count.txt").read_text())
    except (OSError, ValueError):
        return None
