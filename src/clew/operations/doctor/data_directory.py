"""The data directory: whether it can be used, who may read it, and the room on its disk."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from clew.core.settings import MIB, Settings
from clew.journal.sqlite import RESERVE_BYTES
from clew.operations.doctor.finding import Finding, ok, problem, say_bytes, warning
from clew.operations.places import Places

LITTLE_BYTES = 1024 * MIB
"""Less room than this is gone within a day of some load."""


def examine_directory(settings: Settings, places: Places) -> Iterator[Finding]:
    """The directory, its rights, and its disk."""
    directory = places.data_dir
    if not directory.exists():
        yield warning(
            "data directory", f"{directory} is not there yet.", "`clew serve` makes it, or set CLEW_DATA_DIR."
        )
        return
    yield _examine_rights(directory)
    if places.secret is not None and places.secret.exists():
        yield _examine_secret(places.secret)
    yield examine_disk(shutil.disk_usage(directory).free, size_of(places.log), settings.log_max_bytes)


def _examine_rights(directory: Path) -> Finding:
    part = "data directory"
    if not directory.is_dir():
        return problem(part, f"{directory} is no directory.", "Set CLEW_DATA_DIR to another.")
    if not os.access(directory, os.R_OK | os.W_OK | os.X_OK):
        return problem(part, f"{directory} cannot be read and written by this user.", "Run as its owner, or change it.")
    info = directory.stat()
    if info.st_mode & 0o077:
        rights = stat.filemode(info.st_mode)
        return warning(part, f"Other users can look into {directory} ({rights}).", f"chmod 700 {directory}")
    if info.st_uid != os.geteuid():
        return warning(part, f"{directory} belongs to another user than this one.", "Run the server as its owner.")
    return ok(part, f"{directory} can be used, by its owner alone.")


def _examine_secret(path: Path) -> Finding:
    if path.stat().st_mode & 0o077:
        return problem("secret", f"Other users can read {path}, which signs sessions.", f"chmod 600 {path}")
    return ok("secret", "The secret of sessions and cursors is its owner's alone.")


def examine_disk(free: int, log: int, budget: int) -> Finding:
    """Whether there is room: for the journal at once, and for a log of its budget (0: there is none)."""
    found = f"{say_bytes(free)} are free; the log has {say_bytes(log)}"
    found += f" of {say_bytes(budget)}." if budget else "."
    if free < 2 * RESERVE_BYTES:
        return problem("disk", found, "Make room: nothing more is accepted when it is gone.")
    if budget and free + log < budget:
        return warning("disk", found, "The log may grow beyond the disk: make room, or lower CLEW_LOG_MAX_BYTES.")
    if free < LITTLE_BYTES:
        return warning("disk", found, "Make room soon: nothing more is accepted when it is gone.")
    return ok("disk", found)


def size_of(directory: Path) -> int:
    """Bytes of the files below a directory. What goes away meanwhile counts nothing."""
    size = 0
    for folder, _, names in os.walk(directory):
        for name in names:
            try:
                size += (Path(folder) / name).lstat().st_size
            except FileNotFoundError:
                continue
    return size
