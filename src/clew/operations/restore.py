"""A data directory made of a backup: checked file by file, and opened once before it is called done.

All is made inside the target under one name, and moved to its place at the end: a restore that was cut short leaves a
directory that is not empty and is refused by the next one.
"""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from clew.core.errors import Conflict, Invalid, SettingsError, Unavailable
from clew.journal.sqlite_file import prepare_file
from clew.log.freezing import FrozenTable, thaw
from clew.log.schema import newest_schema
from clew.operations.backup import JOURNAL, LOG, STATE
from clew.operations.copying import Progress, Tally, copy_file, sync_tree
from clew.operations.manifest import Manifest, check_sizes, read_manifest
from clew.operations.sqlite_snapshot import open_file

_UNDER_WAY = ".restoring"


def restore(backup: Path, data_dir: Path, progress: Progress) -> Manifest:
    """Make the data directory of a backup. It must be empty, or not be there.

    Raises `Invalid` for a backup that is not whole or is of a newer version, `Conflict` for a directory that has
    something in it, `Unavailable` where the disk or the engine refuses. After any of them the directory is as it was.
    """
    manifest = read_manifest(backup)
    _check_version(manifest)
    check_sizes(backup, manifest)
    was_there = _check_empty(data_dir)
    making = data_dir / _UNDER_WAY
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)  # of what is made on the way, only the last is private
        making.mkdir(mode=0o700)
        _copy(backup, making, manifest, progress)
        _make_log(making, manifest)
        _check_opens(making)
        sync_tree(making)
        for path in sorted(making.iterdir()):
            path.rename(data_dir / path.name)
        making.rmdir()
    except BaseException as error:
        shutil.rmtree(making if was_there else data_dir, ignore_errors=True)
        if isinstance(error, OSError):
            raise Unavailable(
                f"{data_dir} could not be written: {error.strerror or error}.",
                hint="Look at its rights and at the room on its disk.",
            ) from error
        raise
    return manifest


def _check_version(manifest: Manifest) -> None:
    if manifest.log_schema > newest_schema():
        raise Invalid(
            f"The backup was made by Clew {manifest.clew}, whose log has schema {manifest.log_schema}; "
            f"this version knows {newest_schema()}.",
            hint="Restore it with that version.",
        )


def _check_empty(data_dir: Path) -> bool:
    """Whether the directory is there. Raises `Conflict` where something is in it."""
    try:
        found = sorted(path.name for path in data_dir.iterdir())
    except FileNotFoundError:
        return False
    except OSError as error:
        raise Conflict(f"{data_dir} cannot be used: {error.strerror}.", hint="Name a new directory.") from error
    if found:
        raise Conflict(
            f"{data_dir} is not empty: {', '.join(found[:3])}.",
            hint="Nothing is ever written over: name a new directory, or move away what is in this one.",
        )
    return True


def _copy(backup: Path, target: Path, manifest: Manifest, progress: Progress) -> None:
    tally = Tally(progress, manifest.size)
    for file in manifest.files:
        size, digest = copy_file(backup / file.path, target / file.path, tally)
        if (size, digest) != (file.size, file.sha256):
            raise Invalid(f"{file.path} is not what was backed up: its digest differs.", hint="Use another backup.")


def _make_log(target: Path, manifest: Manifest) -> None:
    parts = target / "log-parts"
    (target / LOG).rename(parts)
    tables = []
    for table in manifest.tables:
        directory = parts / table.name
        tables.append(FrozenTable(table.name, table.create, table.rows, directory if directory.is_dir() else None))
    thaw(target / LOG, tables)
    shutil.rmtree(parts)


def _check_opens(target: Path) -> None:
    try:
        prepare_file(target / JOURNAL)
        with closing(open_file(target / STATE, writes=True)) as state:
            state.execute("SELECT version_num FROM alembic_version").fetchone()
    except (sqlite3.Error, SettingsError) as error:
        raise Invalid(f"What was backed up does not open: {error}.", hint="Use another backup.") from error
