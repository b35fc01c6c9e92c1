"""Configuration Activity: who changed what, from what to what, and when.

An entry is written in the transaction of its change: both are there or neither.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import sqlalchemy as sa

from clew.core.clock import Clock
from clew.core.ids import new_id, time_of
from clew.state.database import Database
from clew.state.tables import audit


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A change. `actor` is a member's e-mail, or a key's name and how it begins; empty: the server itself.

    `subject_kind` and `subject` say what was changed (`product`, `erp`). `before` and `after` have the fields that
    differ, without secrets; both are empty where the action says it all (`archived`). `time` is in ms.
    """

    id: str
    workspace: str
    time: int
    actor: str
    action: str
    subject_kind: str
    subject: str
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}


class Audit:
    """The entries of every workspace. They are kept for ever."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def write(
        self,
        workspace: str,
        *,
        actor: str,
        action: str,
        subject_kind: str,
        subject: str,
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
        at_ms: int | None = None,
    ) -> None:
        """Write an entry by itself, for a change that is not in this database. See `write_entry`. Blocks."""
        with self._database.write() as connection:
            write_entry(
                connection,
                workspace,
                actor=actor,
                action=action,
                subject_kind=subject_kind,
                subject=subject,
                before=before,
                after=after,
                at_ms=self._clock.now_ms() if at_ms is None else at_ms,
            )

    def list(
        self,
        workspace: str,
        *,
        before_id: str = "",
        limit: int = 50,
        from_ms: int | None = None,
        to_ms: int | None = None,
        actor: str = "",
        subject_kind: str = "",
        subject: str = "",
    ) -> tuple[Entry, ...]:
        """At most `limit` entries, newest first: those older than the entry `before_id`, where it is given.

        `from_ms` is in the range, `to_ms` is not. Empty: any. Blocks.
        """
        query = sa.select(*(audit.c[name] for name in Entry.__struct_fields__)).where(audit.c.workspace == workspace)
        bounds = (
            audit.c.id < before_id if before_id else None,
            audit.c.time >= from_ms if from_ms is not None else None,
            audit.c.time < to_ms if to_ms is not None else None,
            audit.c.actor == actor if actor else None,
            audit.c.subject_kind == subject_kind if subject_kind else None,
            audit.c.subject == subject if subject else None,
        )
        query = query.where(*(bound for bound in bounds if bound is not None))
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(audit.c.id.desc()).limit(limit)).mappings()
            return tuple(_entry(row) for row in rows)


def write_entry(
    connection: sa.Connection,
    workspace: str,
    *,
    actor: str,
    action: str,
    subject_kind: str,
    subject: str,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    at_ms: int,
) -> None:
    """Write an entry in the transaction of the change it tells of.

    Of `before` and `after` the fields that differ are kept. Where both are given and nothing differs, nothing was
    changed and nothing is written.
    """
    if before is not None and before == after:
        return
    before, after = before or {}, after or {}
    names = [name for name in {**before, **after} if name not in before or before[name] != after.get(name)]
    row = {
        "id": _next_id(connection, workspace, at_ms),
        "workspace": workspace,
        "time": at_ms,
        "actor": actor,
        "action": action,
        "subject_kind": subject_kind,
        "subject": subject,
        "before": _json(before, names),
        "after": _json(after, names),
    }
    connection.execute(sa.insert(audit).values(**row))


def _next_id(connection: sa.Connection, workspace: str, at_ms: int) -> str:
    """An id above all that are there: the order of entries is that of their ids, also within a millisecond."""
    latest = connection.scalar(sa.select(sa.func.max(audit.c.id)).where(audit.c.workspace == workspace))
    return new_id(max(at_ms, time_of(latest) + 1) if latest else at_ms)


def _json(values: Mapping[str, Any], names: list[str]) -> str:
    return msgspec.json.encode({name: values[name] for name in names if name in values}).decode()


def _entry(row: sa.RowMapping) -> Entry:
    values = {**row, "before": msgspec.json.decode(row["before"]), "after": msgspec.json.decode(row["after"])}
    return Entry(**values)
