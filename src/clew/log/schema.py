"""The schema of the log and its versions: `schema/NNN_*.sql`, each applied once, in order.

A file is never changed after a release; what changes comes as the next number.
"""

from __future__ import annotations

import re
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Protocol

from clew.core.errors import SettingsError
from clew.log.rows import read_versions

_CREATED = re.compile(r"CREATE TABLE IF NOT EXISTS (\w+)")


class Commands(Protocol):
    """What is needed of a ClickHouse client to make tables."""

    def command(self, cmd: str, parameters: dict[str, Any] | None = ...) -> Any:
        """Run one statement."""
        ...

    def raw_query(self, query: str, *, fmt: str) -> bytes:
        """Run one question."""
        ...


def apply_schema(client: Commands) -> None:
    """Bring the tables to the newest version.

    Each file can be applied twice (`IF NOT EXISTS`), for its version is written after it. Raises `SettingsError` where
    a newer Clew has been here, and where a file stands in a table's way.
    """
    files = _files()
    _check_way(client, files)
    _apply(client, files[0])
    applied = read_versions(client.raw_query("SELECT version FROM schema_version", fmt="JSONEachRow"))
    if applied and max(applied) > max(files):
        raise SettingsError(
            f"The log has schema version {max(applied)}, this Clew knows {max(files)}.",
            hint="It was opened by a newer Clew: start that one, or another data directory.",
        )
    for version in sorted(set(files) - {0} - set(applied)):
        _apply(client, files[version])
        client.command("INSERT INTO schema_version (version) SELECT {version:UInt32}", {"version": version})


def _check_way(client: Commands, files: dict[int, Traversable]) -> None:
    """The embedded engine takes a file of the working directory for the table of its name, where there is none yet."""
    names = {name for file in files.values() for name in _CREATED.findall(file.read_text("utf-8"))}
    in_way = sorted(name for name in names if Path(name).exists())
    there = client.raw_query("SELECT name FROM system.tables WHERE database = currentDatabase()", fmt="TSV")
    if missing := [name for name in in_way if name not in there.decode().split()]:
        raise SettingsError(
            f"{Path(missing[0]).absolute()} stands in the way: the log's engine takes it for its table {missing[0]}.",
            hint="Start Clew in another directory, or give that file another name.",
        )


def newest_schema() -> int:
    """The version that this Clew knows."""
    return max(_files())


def _files() -> dict[int, Traversable]:
    folder = resources.files("clew.log") / "schema"
    return {int(file.name[:3]): file for file in folder.iterdir() if file.name.endswith(".sql")}


def _apply(client: Commands, file: Traversable) -> None:
    for statement in file.read_text("utf-8").split(";\n"):
        if statement.strip():
            client.command(statement)
