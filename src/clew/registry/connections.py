"""Connections: one customer's access to one integration. One is there from the first record that names it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Set
from typing import Any, Literal, TypeAlias

import msgspec
import sqlalchemy as sa

from clew.core.clock import Clock
from clew.core.errors import FieldError, NotFound
from clew.registry.audit import write_entry
from clew.registry.checks import check_title, refuse
from clew.registry.customers import Customers
from clew.registry.integrations import Integrations
from clew.state.database import Database
from clew.state.snapshot import Snapshot
from clew.state.tables import connections

ConnectionState = Literal["connected", "disconnected"]
STATES: tuple[ConnectionState, ...] = ("connected", "disconnected")
MAX_ERROR = 2_000

Seen: TypeAlias = tuple[str, str, str]
"""What a record says of its connection: the connection's key, the customer, the integration; the last two may be ""."""

Decide: TypeAlias = Callable[["Connection"], dict[str, Any]]

_AUDITED = ("name", "customer", "integration", "state", "error", "is_test")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


class Connection(msgspec.Struct, frozen=True, kw_only=True):
    """A connection, by the key that records carry. `name` is what people call it, the key until they say otherwise.

    `customer` and `integration` are the first that it was named with. `error` says why it is disconnected, in the
    words of who noticed. Times are ms: `first_seen_at` when it was made or first named by a record, `changed_at` since
    when it is in its state, `last_active_at` when the last record that names it came (right within a minute),
    `archived_at` when it was taken out of use.
    """

    workspace: str
    key: str
    name: str
    customer: str = ""
    integration: str = ""
    state: ConnectionState = "connected"
    error: str = ""
    is_test: bool = False
    first_seen_at: int
    changed_at: int
    last_active_at: int | None = None
    archived_at: int | None = None


class Connections:
    """The connections of every workspace. Which are known and which are cut off is held in memory."""

    def __init__(self, database: Database, clock: Clock, customers: Customers, integrations: Integrations) -> None:
        self._database = database
        self._clock = clock
        self._customers = customers
        self._integrations = integrations
        self._cut_off = Snapshot(database, clock, connections.name, _load_cut_off)
        self._known: dict[str, set[Seen]] = {}
        columns = (connections.c.workspace, connections.c.key, connections.c.customer, connections.c.integration)
        with database.read() as connection:
            for workspace, *seen in connection.execute(sa.select(*columns)):
                self._known.setdefault(workspace, set()).add((seen[0], seen[1], seen[2]))

    def known(self, workspace: str) -> Set[Seen]:
        """What need not be seen again."""
        return self._known.setdefault(workspace, set())

    def see(self, workspace: str, seen: Iterable[Seen], at_ms: int) -> None:
        """Make sure that these connections are there: new ones are on disk, first seen at `at_ms`, when it returns.

        One that is there already, without a customer or an integration, gets the one it is named with. Where all are
        known, which is nearly always, it is a look-up in a set. Empty keys are passed over. Raises `Unavailable` where
        the database cannot take a new one; then none of them was added.
        """
        known = self._known.setdefault(workspace, set())
        new = sorted({one for one in seen if one[0] and one not in known})
        if not new:
            return
        customers = {key: customer for key, customer, _ in reversed(new) if customer}
        integrations = {key: integration for key, _, integration in reversed(new) if integration}
        rows = [
            {
                "workspace": workspace,
                "key": key,
                "name": key,
                "customer": customers.get(key, ""),
                "integration": integrations.get(key, ""),
                "first_seen_at": at_ms,
                "changed_at": at_ms,
            }
            for key in dict.fromkeys(key for key, _, _ in new)
        ]
        with self._database.write() as connection:
            # Another process may have added some in the meantime: theirs stay, as they were first.
            self._database.insert_new(connection, connections, rows)
            _fill(connection, connections.c.customer, workspace, customers)
            _fill(connection, connections.c.integration, workspace, integrations)
        known.update(new)

    def list(
        self,
        workspace: str,
        *,
        customer: str = "",
        integration: str = "",
        state: ConnectionState | None = None,
        after: str = "",
        limit: int = 50,
        archived: bool = False,
    ) -> tuple[Connection, ...]:
        """At most `limit` connections by key, those behind the key `after`; with `archived` also those out of use."""
        table = connections.c
        query = _select().where(table.workspace == workspace, table.key > after)
        wanted = ((table.customer, customer), (table.integration, integration), (table.state, state))
        query = query.where(*(column == value for column, value in wanted if value))
        if not archived:
            query = query.where(table.archived_at.is_(None))
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(table.key).limit(limit)).mappings()
            return tuple(Connection(**row) for row in rows)

    def find(self, workspace: str, key: str) -> Connection | None:
        """The connection, archived or not, or None."""
        return self.find_all(workspace, [key]).get(key)

    def find_all(self, workspace: str, keys: Iterable[str]) -> dict[str, Connection]:
        """The connections of these keys, archived or not, by key; those not known are missing."""
        query = _select().where(connections.c.workspace == workspace, connections.c.key.in_(sorted(set(keys))))
        with self._database.read() as connection:
            return {row["key"]: Connection(**row) for row in connection.execute(query).mappings()}

    def cut_off(self, workspace: str, key: str) -> Connection | None:
        """The connection where it is disconnected or archived, None where nothing is against using it.

        From memory: what another process changed is seen within a second.
        """
        return self._cut_off.value().get((workspace, key))

    def save(
        self,
        workspace: str,
        key: str,
        *,
        customer: str = "",
        integration: str = "",
        name: str = "",
        is_test: bool = False,
        by: str = "",
    ) -> Connection:
        """Add a connection, or change one; an archived one is in use again. It keeps its state. Blocks.

        An empty name becomes the key. Raises `Invalid` for a wrong key, name or customer, and for an integration that
        is not there.
        """
        refuse(
            f"The connection {key[:120]!r}",
            _check_key(key),
            check_title(name, "/name"),
            check_title(customer, "/customer"),
            self._check_integration(workspace, integration),
        )
        now_ms = self._clock.now_ms()
        self._customers.see(workspace, [customer], now_ms)
        new = Connection(
            workspace=workspace,
            key=key,
            name=name.strip() or key,
            customer=customer,
            integration=integration,
            is_test=is_test,
            first_seen_at=now_ms,
            changed_at=now_ms,
        )
        with self._database.write(connections.name) as connection:
            before = _read(connection, workspace, key)
            kept = frozenset({"state", "error", "first_seen_at", "changed_at", "last_active_at"})
            self._database.upsert(connection, connections, [msgspec.structs.asdict(new)], keep=kept)
            after = _read(connection, workspace, key)
            assert after is not None
            if after != before:
                _note(connection, before, after, action=_action_of_saving(before), by=by, at_ms=now_ms)
        self._cut_off.refresh()
        self._known.setdefault(workspace, set()).add((key, after.customer, after.integration))
        return after

    def rename(self, workspace: str, key: str, name: str, by: str = "") -> Connection:
        """Say what people call the connection. An empty name becomes the key. Blocks.

        Raises `NotFound` where there is none, `Invalid` for a wrong name.
        """
        return self.change(workspace, key, name=name, by=by)

    def change(
        self, workspace: str, key: str, *, name: str | None = None, is_test: bool | None = None, by: str = ""
    ) -> Connection:
        """Change what people say of a connection; None leaves it as it is. Blocks. Raises as `rename`."""
        values: dict[str, Any] = {}
        if name is not None:
            refuse(f"The connection {key[:120]!r}", check_title(name, "/name"))
            values["name"] = name.strip() or key
        if is_test is not None:
            values["is_test"] = is_test
        return self._change(workspace, key, "changed", lambda _: values, by)

    def disconnect(self, workspace: str, key: str, error: str = "", by: str = "") -> Connection:
        """Say that the connection's access is lost, and why: from now on its events launch nothing. Blocks.

        One that is disconnected already keeps its time. Raises `NotFound` where there is none, `Invalid` for an error
        of more than 2,000 characters or with control characters.
        """
        refuse(f"The error of the connection {key[:120]!r}", _check_error(error))
        return self._set_state(workspace, key, "disconnected", error.strip(), by)

    def reconnect(self, workspace: str, key: str, by: str = "") -> Connection:
        """Say that the connection works again: from now on its events launch flows. Blocks.

        Raises `NotFound` where there is none.
        """
        return self._set_state(workspace, key, "connected", "", by)

    def archive(self, workspace: str, key: str, by: str = "") -> Connection:
        """Take a connection out of use: its records are still taken and found, its events launch nothing. Blocks.

        One that is archived already keeps its time. Raises `NotFound` where there is none.
        """
        now_ms = self._clock.now_ms()
        return self._change(workspace, key, "archived", lambda found: {"archived_at": found.archived_at or now_ms}, by)

    def restore(self, workspace: str, key: str, by: str = "") -> Connection:
        """Bring an archived connection back, in the state that it had. Blocks.

        Raises `NotFound` where there is none.
        """
        return self._change(workspace, key, "restored", lambda _: {"archived_at": None}, by)

    def _set_state(self, workspace: str, key: str, state: ConnectionState, error: str, by: str) -> Connection:
        now_ms = self._clock.now_ms()

        def decide(found: Connection) -> dict[str, Any]:
            return {"state": state, "error": error, "changed_at": found.changed_at if found.state == state else now_ms}

        return self._change(workspace, key, "reconnected" if state == "connected" else "disconnected", decide, by)

    def _change(self, workspace: str, key: str, action: str, decide: Decide, by: str) -> Connection:
        with self._database.write(connections.name) as connection:
            before = _read(connection, workspace, key)
            if before is None:
                raise NotFound(f"There is no connection {key[:120]!r}.")
            after = msgspec.structs.replace(before, **decide(before))
            if after != before:
                values = {name: getattr(after, name) for name in (*_AUDITED, "changed_at", "archived_at")}
                connection.execute(sa.update(connections).where(*_at(workspace, key)).values(**values))
                _note(connection, before, after, action=action, by=by, at_ms=self._clock.now_ms())
        self._cut_off.refresh()
        return after

    def _check_integration(self, workspace: str, key: str) -> FieldError | None:
        if not key or self._integrations.find(workspace, key):
            return None
        known = ", ".join(integration.key for integration in self._integrations.list(workspace)) or "none yet"
        return FieldError("/integration", f"There is no integration {key[:120]!r}. There are: {known}.")


def _select() -> sa.Select[tuple[object, ...]]:
    return sa.select(*(connections.c[name] for name in Connection.__struct_fields__))


def _at(workspace: str, key: str) -> tuple[sa.ColumnElement[bool], sa.ColumnElement[bool]]:
    return connections.c.workspace == workspace, connections.c.key == key


def _read(connection: sa.Connection, workspace: str, key: str) -> Connection | None:
    row = connection.execute(_select().where(*_at(workspace, key))).mappings().first()
    return Connection(**row) if row else None


def _fill(connection: sa.Connection, column: sa.Column[str], workspace: str, values: dict[str, str]) -> None:
    """Give the connections of these keys the value where they have none."""
    if not values:
        return
    empty = (connections.c.workspace == workspace, connections.c.key == sa.bindparam("of"), column == "")
    rows = [{"of": key, "value": value} for key, value in values.items()]
    connection.execute(sa.update(connections).where(*empty).values({column: sa.bindparam("value")}), rows)


def _load_cut_off(connection: sa.Connection) -> dict[tuple[str, str], Connection]:
    cut_off = (connections.c.state != "connected") | connections.c.archived_at.is_not(None)
    rows = (Connection(**row) for row in connection.execute(_select().where(cut_off)).mappings())
    return {(row.workspace, row.key): row for row in rows}


def _note(
    connection: sa.Connection, before: Connection | None, after: Connection, *, action: str, by: str, at_ms: int
) -> None:
    """Write who changed it. An action that only moves it in or out of use says it all."""
    then, now = (_audited(one) if one else {} for one in (before, after))
    write_entry(
        connection,
        after.workspace,
        actor=by,
        action=action,
        subject_kind="connection",
        subject=after.key,
        before=then if then != now else None,
        after=now if then != now else None,
        at_ms=at_ms,
    )


def _audited(row: Connection) -> dict[str, Any]:
    return {name: getattr(row, name) for name in _AUDITED}


def _action_of_saving(before: Connection | None) -> str:
    if before is None:
        return "created"
    return "changed" if before.archived_at is None else "restored"


def _check_key(key: str) -> FieldError | None:
    """What records may carry, but for the slash, with which no URL could name it."""
    if not key.strip() or "/" in key:
        return FieldError("/key", f"{key[:120]!r} is no key of a connection: it has a character, and no '/'.")
    return check_title(key, "/key", least=1)


def _check_error(error: str) -> FieldError | None:
    if len(error) > MAX_ERROR:
        return FieldError("/error", f"It has {len(error):,} characters; it may have at most {MAX_ERROR:,}.")
    return FieldError("/error", "It has control characters.") if _CONTROL.search(error) else None
