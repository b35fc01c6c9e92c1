"""State stores as copies of an empty one, so that a process runs the migrations once and not before each test."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from clew.core.settings import Settings
from clew.state.database import Database, open_database, sqlite_file


@cache
def empty_state() -> bytes:
    """The file of a state store of today's schema with nothing in it."""
    with TemporaryDirectory() as directory:
        settings = Settings(data_dir=directory)
        open_database(settings).close()
        file = sqlite_file(settings)
        assert file
        return file.read_bytes()


def open_state(settings: Settings) -> Database:
    """The state store of these settings as `open_database` opens it; an empty one where there is none."""
    file = sqlite_file(settings)
    assert file
    put_empty_state(file)
    return open_database(settings)


def put_empty_state(file: Path) -> None:
    """Put an empty state store there, unless there is one."""
    if not file.exists():
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file.touch(mode=0o600)
        file.write_bytes(empty_state())
