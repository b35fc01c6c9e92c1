"""Pins: records that people want to keep. Retention leaves them alone, each with its whole trace."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
import sqlalchemy as sa

from clew.core.clock import Clock
from clew.core.errors import Conflict, NotFound
from clew.state.database import Database
from clew.state.tables import pins

MOST = 1_000
"""How many records a workspace may pin: each is compared with every record of a day that is removed."""


class Pin(msgspec.Struct, frozen=True, kw_only=True):
    """A record that is kept, with its trace ("": it has none). `title` is what it is called; `pinned_at` is in ms."""

    workspace: str
    record_id: str
    trace_id: str = ""
    title: str = ""
    pinned_by: str = ""
    pinned_at: int


class Pins:
    """The pins of every workspace. All calls block."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def pin(self, workspace: str, record_id: str, *, trace_id: str = "", title: str = "", by: str = "") -> Pin:
        """Keep a record and its trace. One that is pinned stays as it was pinned.

        Raises `Conflict` where the workspace has as many pins as it may.
        """
        row = {
            "workspace": workspace,
            "record_id": record_id,
            "trace_id": trace_id,
            "title": title,
            "pinned_by": by,
            "pinned_at": self._clock.now_ms(),
        }
        with self._database.write() as connection:
            self._database.insert_new(connection, pins, [row])
            count = sa.select(sa.func.count()).select_from(pins).where(pins.c.workspace == workspace)
            if (connection.scalar(count) or 0) > MOST:
                raise Conflict(
                    f"{MOST:,} records are pinned, and no more may be.",
                    hint="Unpin some that are no longer needed: /settings/logging lists them.",
                )
            return _pin(connection.execute(sa.select(pins).where(*_at(workspace, record_id))).mappings().one())

    def unpin(self, workspace: str, record_id: str) -> None:
        """Keep a record no longer than others. Raises `NotFound` where it is not pinned."""
        with self._database.write() as connection:
            if connection.execute(sa.delete(pins).where(*_at(workspace, record_id))).rowcount == 0:
                raise NotFound(f"The record {record_id[:80]!r} is not pinned.")

    def find(self, workspace: str, record_id: str) -> Pin | None:
        """The pin of a record, or None."""
        with self._database.read() as connection:
            row = connection.execute(sa.select(pins).where(*_at(workspace, record_id))).mappings().first()
        return _pin(row) if row else None

    def list(self, workspace: str) -> tuple[Pin, ...]:
        """What a workspace pinned, the latest first."""
        return self._read(sa.select(pins).where(pins.c.workspace == workspace))

    def list_all(self) -> tuple[Pin, ...]:
        """What all workspaces pinned, the latest first."""
        return self._read(sa.select(pins))

    def _read(self, query: sa.Select[tuple[object, ...]]) -> tuple[Pin, ...]:
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(pins.c.pinned_at.desc(), pins.c.record_id.desc())).mappings()
            return _pins(rows)


def _at(workspace: str, record_id: str) -> tuple[sa.ColumnElement[bool], sa.ColumnElement[bool]]:
    return pins.c.workspace == workspace, pins.c.record_id == record_id


def _pins(rows: Iterable[sa.RowMapping]) -> tuple[Pin, ...]:
    return tuple(_pin(row) for row in rows)


def _pin(row: sa.RowMapping) -> Pin:
    return Pin(**{name: row[name] for name in Pin.__struct_fields__})
