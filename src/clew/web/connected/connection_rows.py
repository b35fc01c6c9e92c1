"""Connections as rows: of their own list, and on the page of their integration."""

from __future__ import annotations

from collections.abc import Sequence

from clew.log.store import FacetValue
from clew.registry.connections import Connection
from clew.web.connected.activity import build_activity, count_each
from clew.web.connected.views import ConnectionRow, Link
from clew.web.face import WebFace
from clew.web.links import connection_href, customer_href, integration_href
from clew.web.names import Names
from clew.web.wording import cut, say_ago, say_minute


async def build_connection_rows(
    face: WebFace, workspace: str, connections: Sequence[Connection]
) -> tuple[ConnectionRow, ...]:
    """The connections with how each did in the last 24 hours: one question for all of them."""
    if not connections:
        return ()
    asked = [("connection", one.key) for one in connections]
    counted = await count_each(face, workspace, "connection", *asked)
    names = face.names(workspace, [one.customer for one in connections])
    return tuple(build_connection_row(face, one, counted.get(one.key), names) for one in connections)


def build_connection_row(
    face: WebFace, connection: Connection, counted: FacetValue | None, names: Names
) -> ConnectionRow:
    """One connection. It has a red dot where it is disconnected or something of it failed."""
    is_cut_off = connection.state == "disconnected"
    failed = bool(counted and counted.failures)
    active_ms = connection.last_active_at
    return ConnectionRow(
        key=cut(connection.key),
        name=Link(cut(connection.name), connection_href(connection.key)),
        customer=link_customer(connection, names),
        integration=link_integration(face, connection),
        dot="failure" if is_cut_off or failed else "info" if connection.archived_at is not None else "success",
        state=connection.state.capitalize(),
        since=say_minute(connection.changed_at),
        error=cut(connection.error),
        last_active=say_ago(face.clock.now_ms() - active_ms) if active_ms is not None else "",
        activity=build_activity(counted, ("connection", connection.key)),
        is_test=connection.is_test,
        is_archived=connection.archived_at is not None,
    )


def link_customer(connection: Connection, names: Names) -> Link:
    """Whose it is; no words where nobody said it."""
    key = connection.customer
    return Link(cut(names.customer(key)), customer_href(key)) if key else Link("")


def link_integration(face: WebFace, connection: Connection) -> Link:
    """Whose access it is. One that only records name has no page."""
    workspace, key = connection.workspace, connection.integration
    found = face.registry.integrations.find(workspace, key, archived=True)
    return Link(found.title, integration_href(key)) if found else Link(cut(key))
