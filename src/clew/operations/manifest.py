"""What a backup says of itself: every file of it with its size and digest, and which versions wrote it.

It is written last, so a backup without one was cut short.
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from clew.core.errors import Invalid

FORMAT = 1
FILE = "manifest.json"


class BackedUpFile(msgspec.Struct, frozen=True):
    """A file: its path inside the backup, its bytes, and their SHA-256 in hexadecimal."""

    path: str
    size: int
    sha256: str


class BackedUpTable(msgspec.Struct, frozen=True):
    """A table of the log. Its parts are the directories of `log/NAME` in the backup, where it has any."""

    name: str
    create: str
    rows: int


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """A backup. `indexed` is the journal's position up to which records are in the log, `last` its last position."""

    format: int
    made_at: str
    clew: str
    engine: str
    log_schema: int
    state_revision: str
    indexed: int
    last: int
    tables: tuple[BackedUpTable, ...]
    files: tuple[BackedUpFile, ...]

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)

    @property
    def records(self) -> int:
        """Records in the log."""
        return sum(table.rows for table in self.tables if table.name == "log")


def write_manifest(directory: Path, manifest: Manifest) -> None:
    """Write it, synced."""
    with (directory / FILE).open("wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(manifest)))
        file.flush()
        os.fsync(file.fileno())


def read_manifest(directory: Path) -> Manifest:
    """The manifest of a backup. Raises `Invalid` for what is no whole backup, or one of another format."""
    hint = "A backup is a directory that `clew backup` wrote to its end."
    try:
        content = (directory / FILE).read_bytes()
    except FileNotFoundError as error:
        raise Invalid(f"{directory} has no {FILE}: it is no backup, or one that was cut short.", hint=hint) from error
    except OSError as error:
        raise Invalid(f"{directory} cannot be read: {error.strerror}.", hint=hint) from error
    try:
        found = msgspec.json.decode(content, type=_Format).format
        if found == FORMAT:
            return msgspec.json.decode(content, type=Manifest)
    except msgspec.DecodeError as error:
        raise Invalid(f"The {FILE} of {directory} cannot be read: {error}.", hint=hint) from error
    raise Invalid(f"The backup has format {found}; this version reads format {FORMAT}.", hint="Use a newer Clew.")


class _Format(msgspec.Struct, frozen=True):
    format: int


def check_sizes(directory: Path, manifest: Manifest) -> None:
    """Raise `Invalid` where a file is missing or has another size: what takes long is begun with whole files only."""
    for file in manifest.files:
        path = directory / file.path
        if not path.is_relative_to(directory) or ".." in Path(file.path).parts:
            raise Invalid(f"The backup names {file.path!r}, which is outside of it.")
        found = path.stat().st_size if path.is_file() else None
        if found != file.size:
            said = "is missing" if found is None else f"has {found} bytes instead of {file.size}"
            raise Invalid(f"{file.path} {said}.", hint="The backup is not whole: use another one.")
