"""Where everything of a server is kept, by its settings."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

import msgspec

from clew.core.errors import Unavailable
from clew.core.settings import Settings
from clew.log.engine import directory_of
from clew.log.freezing import frozen
from clew.operations.backup import JOURNAL, LOG, SECRET, Source
from clew.state.database import sqlite_file


class Places(msgspec.Struct, frozen=True):
    """The files and directories of a server. `state` is None where it is none, `secret` where the settings have it."""

    data_dir: Path
    journal: Path
    state: Path | None
    secret: Path | None
    log: Path
    backups: Path


def find_places(settings: Settings) -> Places:
    """Where a server of these settings keeps what. Raises `SettingsError` for an address that cannot be used."""
    data_dir = Path(settings.data_dir).expanduser()
    return Places(
        data_dir=data_dir,
        journal=data_dir / JOURNAL,
        state=sqlite_file(settings),
        secret=None if settings.secret_key else data_dir / SECRET,
        log=directory_of(settings.log_url or (data_dir / LOG)),
        backups=Path(settings.backup_dir or (data_dir / "backups")),
    )


def source_of(places: Places, pause: Callable[[], AbstractContextManager[None]]) -> Source:
    """What to back up, for the process that owns the log. Raises `Unavailable` where a part is no file."""
    if places.state is None:
        raise Unavailable(
            "The state is in a database server, which a backup of files does not hold.",
            hint="Back that up with its own tools, and the data directory while the server is stopped.",
        )
    return Source(
        journal=places.journal,
        state=places.state,
        secret=places.secret,
        pause=pause,
        freeze=partial(frozen, places.log),
    )
