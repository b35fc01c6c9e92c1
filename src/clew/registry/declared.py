"""What rows have in common that either code declares or a person adds: products, integrations, sources.

Code is the truth for what it declares: such a row cannot be changed from outside, and comes back with each start.
When code no longer declares it, the row stays as it was and is anyone's to change or archive.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from clew.core.errors import Conflict, NotFound
from clew.registry.audit import write_entry
from clew.state.database import Database


def declare_rows(
    database: Database,
    connection: sa.Connection,
    table: sa.Table,
    *,
    workspace: str,
    rows: Sequence[Mapping[str, Any]],
    now_ms: int,
) -> None:
    """Make these the workspace's declared rows of the table. Those that were and are no longer lose `declared` only."""
    connection.execute(sa.update(table).where(table.c.workspace == workspace).values(declared=False))
    full = [
        {**row, "workspace": workspace, "declared": True, "created_at": now_ms, "archived_at": None} for row in rows
    ]
    database.upsert(connection, table, full, keep=frozenset({"created_at"}))


def save_row(
    database: Database,
    connection: sa.Connection,
    table: sa.Table,
    row: Mapping[str, Any],
    *,
    by: str,
    now_ms: int,
) -> None:
    """Add a row or change it, and write down who did; one that was archived is in use again.

    Raises `Conflict` for a declared one.
    """
    workspace, key = row["workspace"], row["key"]
    _refuse_declared(connection, table, workspace, key)
    names = [name for name in row if name not in ("workspace", "key")]
    columns = (table.c[name] for name in (*names, "archived_at"))
    found = connection.execute(sa.select(*columns).where(*_at(table, workspace, key))).mappings().first()
    full = {**row, "declared": False, "created_at": now_ms, "archived_at": None}
    database.upsert(connection, table, [full], keep=frozenset({"created_at"}))
    before = {name: found[name] for name in names} if found else None
    is_restored = found is not None and found["archived_at"] is not None
    after = {name: row[name] for name in names}
    write_entry(
        connection,
        workspace,
        actor=by,
        action="restored" if is_restored else "changed" if found else "created",
        subject_kind=_noun(table),
        subject=key,
        before=None if is_restored and before == after else before,
        after=None if is_restored and before == after else after,
        at_ms=now_ms,
    )


def archive_row(connection: sa.Connection, table: sa.Table, workspace: str, key: str, *, by: str, now_ms: int) -> None:
    """Take a row out of use, and write down who did. One that is archived already keeps its time.

    Raises `NotFound` where there is none, `Conflict` for a declared one.
    """
    if not _refuse_declared(connection, table, workspace, key):
        raise NotFound(f"There is no {_noun(table)} {key!r}.")
    in_use = (*_at(table, workspace, key), table.c.archived_at.is_(None))
    if connection.execute(sa.update(table).where(*in_use).values(archived_at=now_ms)).rowcount:
        write_entry(
            connection,
            workspace,
            actor=by,
            action="archived",
            subject_kind=_noun(table),
            subject=key,
            at_ms=now_ms,
        )


def _refuse_declared(connection: sa.Connection, table: sa.Table, workspace: str, key: str) -> bool:
    """Whether there is such a row; raises `Conflict` where code declares it."""
    declared = connection.scalar(sa.select(table.c.declared).where(*_at(table, workspace, key)))
    if declared:
        raise Conflict(
            f"The {_noun(table)} {key!r} is declared in code.", hint="Change or remove it there and start again."
        )
    return declared is not None


def _at(table: sa.Table, workspace: str, key: str) -> tuple[sa.ColumnElement[bool], sa.ColumnElement[bool]]:
    return table.c.workspace == workspace, table.c.key == key


def _noun(table: sa.Table) -> str:
    return table.name.removesuffix("s")
