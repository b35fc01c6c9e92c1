"""Copying files so that they are on disk, and known by their digest."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

PIECE_BYTES = 1024 * 1024

Progress = Callable[[int, int], object]
"""Called with the bytes that are done and the bytes in all. What it raises ends the work."""


class Tally:
    """Adds up what is done, and tells."""

    def __init__(self, progress: Progress, total: int) -> None:
        self._progress = progress
        self._total = total
        self.done = 0

    def add(self, size: int) -> None:
        """So many bytes more."""
        self.set(self.done + size)

    def set(self, done: int) -> None:
        """So many bytes in all."""
        self.done = done
        self._progress(done, self._total)


def copy_file(source: Path, target: Path, tally: Tally) -> tuple[int, str]:
    """Copy a file, synced and for its owner alone. Returns its size and its SHA-256."""
    digest, size = hashlib.sha256(), 0
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    number = os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(number, "wb") as writing, source.open("rb") as reading:
        while piece := reading.read(PIECE_BYTES):
            digest.update(piece)
            writing.write(piece)
            size += len(piece)
            tally.add(len(piece))
        writing.flush()
        os.fsync(number)
    return size, digest.hexdigest()


def digest_file(path: Path) -> tuple[int, str]:
    """The size and SHA-256 of a file."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
        return file.tell(), digest.hexdigest()


def sync_tree(directory: Path) -> None:
    """Make the names in a directory, and in those below it, survive a loss of power."""
    for path in directory.rglob("*"):
        if path.is_dir():
            sync_directory(path)
    sync_directory(directory)


def sync_directory(directory: Path) -> None:
    """Make the names in this directory survive a loss of power."""
    number = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
