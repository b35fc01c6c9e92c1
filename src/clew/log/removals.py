"""What retention removed of each day of the log: to be shown, and to say from when on everything is kept.

A row is written before its records go. So where the process ends in between, an answer says that less is kept than
there is, and never that more is. How many went is then not known: the engine goes on by itself after a crash.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec
import sqlalchemy as sa

from clew.core.clock import DAY_MS, Clock
from clew.core.record import KINDS
from clew.state.database import Database
from clew.state.tables import removals

RECORDS = "records"
"""All records of the day."""
BODIES_OF_SUCCESSES = "bodies of successes"
BODIES_OF_FAILURES = "bodies of failures"

MOST_ROWS = 2_000
"""Removals that are remembered: those of the latest days. 14 days make some 40."""

_BEGUN = -1
"""What a row has for its records until it is known how many went. Those that go later are counted down from it."""

_BETWEEN = ", "

Reason = Literal["age", "budget"]


class Removal(msgspec.Struct, frozen=True, kw_only=True):
    """What went of a day (since the epoch). `removed_at` is in ms.

    `what` is `RECORDS`, one of the two sorts of bodies, or kinds as `name_kinds` writes them.

    `records` counts those that went or lost their bodies, `bytes` is about what that freed. Where not `is_counted` it
    was going when the process ended, or is going now: these are some of them, or none.
    """

    day: int
    what: str
    reason: Reason
    records: int = 0
    bytes: int = 0
    removed_at: int
    is_counted: bool = True


def name_kinds(kinds: Sequence[str]) -> str:
    """Kinds as one `what`."""
    return _BETWEEN.join(kinds)


def read_kinds_of(what: str) -> tuple[str, ...]:
    """The kinds that a `what` names, or itself."""
    return tuple(what.split(_BETWEEN))


class Removals:
    """The removals. One process writes them; any thread may ask."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._announced: set[tuple[int, str]] = set()
        self._begun: set[tuple[int, str]] = set()
        self._latest = self._read_latest()

    def announce(self, day: int, what: str, reason: Reason) -> None:
        """Note what is about to go. What was noted before stays as it is. Blocks."""
        if (day, what) in self._announced:
            return
        row = {"day": day, "what": what, "reason": reason, "records": _BEGUN, "bytes": 0}
        with self._database.write() as connection:
            is_new = connection.scalar(sa.select(removals.c.day).where(*_is(day, what))) is None
            self._database.insert_new(connection, removals, [row | {"removed_at": self._clock.now_ms()}])
            self._forget_oldest(connection)
        self._announced.add((day, what))
        if is_new:
            self._begun.add((day, what))
        self._latest = _merge(self._latest, what, day)

    def add(self, day: int, what: str, *, records: int, bytes_: int) -> None:
        """Note how much of what was announced went, 0 too: then it is known that nothing did. Blocks."""
        is_first = (day, what) in self._begun
        if not records and not is_first:
            return
        before = removals.c.records
        counted = sa.case((before < 0, before - records), else_=before + records)
        change = sa.update(removals).where(*_is(day, what))
        with self._database.write() as connection:
            connection.execute(
                change.values(
                    records=records if is_first else counted,
                    bytes=removals.c.bytes + bytes_,
                    removed_at=self._clock.now_ms(),
                )
            )
        self._begun.discard((day, what))

    def list(self, limit: int = 50) -> tuple[Removal, ...]:
        """What went, the latest first. Blocks."""
        query = sa.select(removals).where(removals.c.records != 0)
        order = (removals.c.removed_at.desc(), removals.c.day.desc(), removals.c.what)
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(*order).limit(limit)).mappings()
            return tuple(_removal(dict(row)) for row in rows)

    def removed_until_ms(self, kinds: Sequence[str] = ()) -> int:
        """Up to when records were removed of each of these kinds (of all, where none is named). 0: never.

        All that came later is there, of one of the kinds at least. What is pinned is there from before, too.
        """
        latest = self._latest
        days = [max(latest.get(RECORDS, -1), latest.get(kind, -1)) for kind in kinds or KINDS]
        return (min(days) + 1) * DAY_MS

    def bodies_removed_until_ms(self) -> int:
        """Up to when bodies were removed, of successes at least. 0: never."""
        return (max(self._latest.get(what, -1) for what in (BODIES_OF_SUCCESSES, BODIES_OF_FAILURES)) + 1) * DAY_MS

    def _read_latest(self) -> dict[str, int]:
        latest: dict[str, int] = {}
        with self._database.read() as connection:
            for what, day in _latest_days(connection).items():
                latest = _merge(latest, what, day)
        return latest

    def _forget_oldest(self, connection: sa.Connection) -> None:
        """Forget the oldest, but never the latest of its sort: that says up to when something was removed."""
        days = sa.select(removals.c.day).order_by(removals.c.day.desc())
        bound = connection.scalar(days.offset(MOST_ROWS).limit(1))
        if bound is None:
            return
        for what, latest in _latest_days(connection).items():
            is_old = (removals.c.what == what, removals.c.day <= bound, removals.c.day < latest)
            connection.execute(sa.delete(removals).where(*is_old))


def _is(day: int, what: str) -> tuple[sa.ColumnElement[bool], ...]:
    return removals.c.day == day, removals.c.what == what


def _removal(row: Mapping[str, Any]) -> Removal:
    records = row["records"]
    if records >= 0:
        return Removal(**row)
    return Removal(**{**row, "records": _BEGUN - records}, is_counted=False)


def _merge(latest: Mapping[str, int], what: str, day: int) -> dict[str, int]:
    return {**latest, **{name: max(latest.get(name, day), day) for name in read_kinds_of(what)}}


def _latest_days(connection: sa.Connection) -> dict[str, int]:
    """The latest day of each sort of removal."""
    query = sa.select(removals.c.what, sa.func.max(removals.c.day).label("latest")).group_by(removals.c.what)
    return {row.what: row.latest for row in connection.execute(query)}
