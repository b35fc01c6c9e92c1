"""Customers: whose data flows. One is there from the first record that names it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Set
from typing import Any, TypeAlias

import msgspec
import sqlalchemy as sa

from clew.core.clock import Clock
from clew.core.errors import NotFound
from clew.registry.audit import write_entry
from clew.registry.checks import check_title, refuse
from clew.state.database import Database
from clew.state.tables import customers

Decide: TypeAlias = Callable[["Customer"], dict[str, Any]]


class Customer(msgspec.Struct, frozen=True, kw_only=True):
    """A customer, by the key that records carry. `name` is what people call it, the key until they say otherwise.

    `first_seen_at` is when the first record that names it came (ms), `last_active_at` when the last one did (right
    within a minute; None: not since this is written down), `archived_at` when it was taken out of use. `is_test`: it
    is there to try things out.
    """

    workspace: str
    key: str
    name: str
    first_seen_at: int
    archived_at: int | None = None
    is_test: bool = False
    last_active_at: int | None = None


class Customers:
    """The customers of every workspace. Which keys are known is held in memory, the rest is read when asked."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._known: dict[str, set[str]] = {}
        with database.read() as connection:
            for workspace, key in connection.execute(sa.select(customers.c.workspace, customers.c.key)):
                self._known.setdefault(workspace, {""}).add(key)

    def known(self, workspace: str) -> Set[str]:
        """The keys that need not be seen again: those known here, and the empty one."""
        return self._known.setdefault(workspace, {""})

    def see(self, workspace: str, keys: Iterable[str], at_ms: int) -> None:
        """Make sure that these customers are there: new ones are on disk, first seen at `at_ms`, when it returns.

        Where all are known, which is nearly always, it is a look-up in a set. Empty keys are passed over. Raises
        `Unavailable` where the database cannot take a new one; then none of them was added.
        """
        known = self._known.setdefault(workspace, {""})
        new = {key for key in keys if key not in known}
        if not new:
            return
        rows = [{"workspace": workspace, "key": key, "name": key, "first_seen_at": at_ms} for key in sorted(new)]
        # Another process may have added some in the meantime: theirs stay, as they were first.
        with self._database.write() as connection:
            self._database.insert_new(connection, customers, rows)
        known.update(new)

    def list(
        self, workspace: str, *, starting: str = "", after: str = "", limit: int = 50, archived: bool = False
    ) -> tuple[Customer, ...]:
        """At most `limit` customers by key, those behind the key `after`, whose key or name begins with `starting`.

        Upper and lower case are the same to `starting` within ASCII. With `archived` also those out of use.
        """
        query = _select().where(customers.c.workspace == workspace, customers.c.key > after)
        if starting:
            query = query.where(
                customers.c.key.istartswith(starting, autoescape=True)
                | customers.c.name.istartswith(starting, autoescape=True)
            )
        if not archived:
            query = query.where(customers.c.archived_at.is_(None))
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(customers.c.key).limit(limit)).mappings()
            return tuple(Customer(**row) for row in rows)

    def find(self, workspace: str, key: str) -> Customer | None:
        """The customer, archived or not, or None."""
        return self.find_all(workspace, [key]).get(key)

    def find_all(self, workspace: str, keys: Iterable[str]) -> dict[str, Customer]:
        """The customers of these keys, archived or not, by key; those not known are missing. For a page of records."""
        query = _select().where(customers.c.workspace == workspace, customers.c.key.in_(sorted(set(keys))))
        with self._database.read() as connection:
            return {row["key"]: Customer(**row) for row in connection.execute(query).mappings()}

    def rename(self, workspace: str, key: str, name: str, by: str = "") -> Customer:
        """Say what people call the customer. An empty name becomes the key.

        Raises `NotFound` where there is none, `Invalid` for a wrong name.
        """
        return self.change(workspace, key, name=name, by=by)

    def change(
        self, workspace: str, key: str, *, name: str | None = None, is_test: bool | None = None, by: str = ""
    ) -> Customer:
        """Change what people say of a customer; None leaves it as it is. Raises as `rename`."""
        values: dict[str, Any] = {}
        if name is not None:
            refuse(f"The customer {key[:120]!r}", check_title(name, "/name"))
            values["name"] = name.strip() or key
        if is_test is not None:
            values["is_test"] = is_test
        return self._change(workspace, key, "changed", lambda _: values, by)

    def archive(self, workspace: str, key: str, by: str = "") -> Customer:
        """Take a customer out of the lists. Records that name it go on being taken and found.

        One that is archived already keeps its time. Raises `NotFound` where there is none.
        """
        now_ms = self._clock.now_ms()
        return self._change(workspace, key, "archived", lambda found: {"archived_at": found.archived_at or now_ms}, by)

    def restore(self, workspace: str, key: str, by: str = "") -> Customer:
        """Bring an archived customer back. Raises `NotFound` where there is none."""
        return self._change(workspace, key, "restored", lambda _: {"archived_at": None}, by)

    def _change(self, workspace: str, key: str, action: str, decide: Decide, by: str) -> Customer:
        where = (customers.c.workspace == workspace, customers.c.key == key)
        with self._database.write() as connection:
            row = connection.execute(_select().where(*where)).mappings().first()
            if row is None:
                raise NotFound(f"There is no customer {key[:120]!r}.")
            before = Customer(**row)
            values = decide(before)
            after = msgspec.structs.replace(before, **values)
            if after != before:
                connection.execute(sa.update(customers).where(*where).values(**values))
                _note(connection, before, after, action=action, by=by, at_ms=self._clock.now_ms())
        return after


def _note(connection: sa.Connection, before: Customer, after: Customer, *, action: str, by: str, at_ms: int) -> None:
    """Write who changed it. That it goes in or out of use is said by the action alone."""
    then, now = ({"name": one.name, "is_test": one.is_test} for one in (before, after))
    write_entry(
        connection,
        after.workspace,
        actor=by,
        action=action,
        subject_kind="customer",
        subject=after.key,
        before=then if then != now else None,
        after=now if then != now else None,
        at_ms=at_ms,
    )


def _select() -> sa.Select[tuple[object, ...]]:
    return sa.select(*(customers.c[name] for name in Customer.__struct_fields__))
