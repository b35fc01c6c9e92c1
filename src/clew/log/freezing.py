"""The log as it is at one moment, kept while it goes on: hard links to its parts, and tables made of such parts.

The engine's own BACKUP is not to be had in process. A part is never changed once it is written, so a second name for
each of its files is a copy that costs nothing, until it is copied elsewhere.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from clew.core.errors import Unavailable
from clew.log.engine import WRITER_SETTINGS, first_line, open_client

_SHADOW = "shadow"

_TABLES = (
    "SELECT name, create_table_query AS create, data_paths[1] AS path FROM system.tables "
    "WHERE database = currentDatabase() AND NOT is_temporary ORDER BY engine = 'MaterializedView', name"
)


class FrozenTable(msgspec.Struct, frozen=True):
    """A table: the statement that makes it, its rows, and where its parts are, each a directory of files.

    `directory` is None for a table that has no parts.
    """

    name: str
    create: str
    rows: int
    directory: Path | None

    def parts(self) -> list[Path]:
        """Its parts, in the order of their names."""
        return sorted(path for path in self.directory.iterdir() if path.is_dir()) if self.directory else []


class FrozenLog(msgspec.Struct, frozen=True):
    """A log at one moment: its tables, its schema's version and the engine's."""

    tables: tuple[FrozenTable, ...]
    schema: int
    engine: str


class _TableRow(msgspec.Struct, frozen=True):
    name: str
    create: str
    path: str


_ROWS = msgspec.json.Decoder(_TableRow)


@contextmanager
def frozen(directory: Path, name: str) -> Iterator[FrozenLog]:
    """The log of this directory, which this process owns, as it is now. It is there until the block ends.

    `name` has letters, digits and `_` alone: the engine names a directory by it, and would write others in another way.
    Raises `Unavailable` where the engine refuses.
    """
    client = open_client(directory, {})
    try:
        yield _freeze(client, directory, name)
    except ClickHouseError as error:
        raise Unavailable(f"The log could not be frozen: {first_line(error)}") from error
    finally:
        client.close()
        shutil.rmtree(directory / _SHADOW / name, ignore_errors=True)


def clear_frozen(directory: Path) -> None:
    """Let go of what a process that was killed had frozen: it keeps the room of parts that are gone."""
    shutil.rmtree(directory / _SHADOW, ignore_errors=True)


def _freeze(client: Client, directory: Path, name: str) -> FrozenLog:
    tables = []
    frozen_at = directory / _SHADOW / name
    for row in _ROWS.decode_lines(client.raw_query(_TABLES, fmt="JSONEachRow")):
        place: Path | None = None
        if row.path:
            client.command(f"ALTER TABLE `{row.name}` FREEZE WITH NAME '{name}'")
            place = frozen_at / Path(row.path).relative_to(directory)
        found = place if place and place.is_dir() else None
        rows = sum(int(count.read_text()) for count in found.glob("*/count.txt")) if found else 0
        tables.append(FrozenTable(row.name, row.create, rows, found))
    if not frozen_at.is_dir():  # the version of the schema alone is a part
        raise Unavailable(f"The engine froze nothing under the name {name!r}.")
    return FrozenLog(
        tables=tuple(tables),
        schema=int(_value(client, "SELECT max(version) FROM schema_version")),
        engine=_value(client, "SELECT version()"),
    )


def thaw(directory: Path, tables: Iterable[FrozenTable]) -> None:
    """Make a log of frozen tables in an empty directory. Their parts are moved into it.

    Raises `Unavailable` where the engine does not take one, or has other rows in the end.
    """
    directory.mkdir(parents=True, exist_ok=True)
    client = open_client(directory, WRITER_SETTINGS)
    try:
        for table in tables:
            client.command(table.create)
            for part in table.parts():
                _attach(client, table.name, part)
            _check_rows(client, table)
    except ClickHouseError as error:
        raise Unavailable(f"The log cannot be made again: {first_line(error)}") from error
    finally:
        client.close()


def _attach(client: Client, table: str, part: Path) -> None:
    query = "SELECT data_paths[1] FROM system.tables WHERE database = currentDatabase() AND name = {table:String}"
    part.rename(Path(_value(client, query, table=table)) / "detached" / part.name)
    client.command(f"ALTER TABLE `{table}` ATTACH PART '{part.name}'")


def _value(client: Client, query: str, **parameters: str) -> str:
    return client.raw_query(query, parameters=parameters, fmt="TabSeparatedRaw").decode().strip()


def _check_rows(client: Client, table: FrozenTable) -> None:
    found = int(_value(client, f"SELECT count() FROM `{table.name}`")) if table.directory else 0  # noqa: S608  # our own name
    if found != table.rows:
        raise Unavailable(f"The table {table.name} has {found} rows where {table.rows} were frozen.")
