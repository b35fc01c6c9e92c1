"""The schema of the log and its versions: `schema/NNN_*.sql`, each applied once, in order.

A file is never changed after a release; what changes comes as the next number.
"""

from __future__ import annotations

from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any, Protocol

from clew.core.errors import SettingsError
from clew.log.rows import read_versions


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
    a newer Clew has been here.
    """
    files = _files()
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
