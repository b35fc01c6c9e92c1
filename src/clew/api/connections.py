"""`/v1/connections`: which customer is connected by which integration, and whether that works."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Request, Response, Router, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from litestar.types import ControllerRouterHandler

from clew.api.authentication import requires
from clew.api.listed import Listed, check_choice, check_names, found, respond_page, show_as
from clew.registry.connections import STATES, Connection, ConnectionState
from clew.registry.keys import Principal, Scope
from clew.registry.registry import Registry

TAG = "What is connected"
FILTERS = ("customer", "integration", "state", "archived", "limit", "cursor")


class ConnectionForm(msgspec.Struct, frozen=True, kw_only=True):
    """A connection. `error` says why it is disconnected; `changed_at` since when it is in its state."""

    workspace: str
    key: str
    name: str
    customer: str
    integration: str
    state: ConnectionState
    error: str
    is_test: bool
    first_seen_at: str
    changed_at: str
    last_active_at: str | None
    archived_at: str | None


class NewConnection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A connection to add. Its integration must be known; its customer is added where it is not."""

    key: str
    customer: str = ""
    integration: str = ""
    name: str = ""
    is_test: bool = False


class ConnectionChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What people say of a connection. What is left out stays."""

    name: str | None = None
    is_test: bool | None = None


class Loss(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why the access is lost, in the words of who noticed."""

    error: str = ""


def build_connections(registry: Registry) -> list[Router]:
    """The routes. Reading needs `read`, saying that one is lost or works again `operate`, all else `admin`."""
    by_scope: dict[Scope, list[ControllerRouterHandler]] = {
        "read": _reading(registry),
        "operate": _states(registry),
        "admin": _changing(registry),
    }
    return [
        Router("/v1/connections", guards=[requires(registry.keys, scope)], route_handlers=handlers, tags=[TAG])
        for scope, handlers in by_scope.items()
    ]


def _reading(registry: Registry) -> list[ControllerRouterHandler]:
    @get("/", operation_id="listConnections", sync_to_thread=True)
    def list_connections(
        request: Request[Any, Any, Any],
        principal: NamedDependency[Principal],
        *,
        limit: Annotated[int, QueryParameter(ge=1, le=1000)] = 50,
        cursor: FromQuery[str] = "",
        customer: FromQuery[str] = "",
        integration: FromQuery[str] = "",
        in_state: Annotated[str, QueryParameter(name="state")] = "",
        archived: FromQuery[bool] = False,
    ) -> Response[Listed[ConnectionForm]]:
        """List the connections by key. `archived=true` has also those out of use."""
        check_names(request, FILTERS)
        check_choice("state", in_state, STATES)
        if principal.customer and customer not in ("", principal.customer):
            return Response(Listed(()))
        rows = registry.connections.list(
            principal.workspace,
            customer=principal.customer or customer,
            integration=integration,
            state=next((one for one in STATES if one == in_state), None),
            after=cursor,
            limit=limit + 1,
            archived=archived,
        )
        return respond_page(request, rows, limit=limit, show=_show, cursor_of=lambda row: row.key)

    @get("/{key:str}", operation_id="getConnection", sync_to_thread=True)
    def get_connection(principal: NamedDependency[Principal], key: FromPath[str]) -> ConnectionForm:
        """Show one connection, also one out of use."""
        row = registry.connections.find(principal.workspace, key)
        if row and principal.customer and row.customer != principal.customer:
            row = None
        return _show(found(row, "connection", key))

    return [list_connections, get_connection]


def _states(registry: Registry) -> list[ControllerRouterHandler]:
    @post("/{key:str}/disconnect", operation_id="disconnectConnection", status_code=200, sync_to_thread=True)
    def disconnect(principal: NamedDependency[Principal], key: FromPath[str], data: JSONBody[Loss]) -> ConnectionForm:
        """Say that the connection's access is lost: from now on its events launch nothing."""
        return _show(registry.connections.disconnect(principal.workspace, key, data.error, by=principal.actor))

    @post("/{key:str}/reconnect", operation_id="reconnectConnection", status_code=200, sync_to_thread=True)
    def reconnect(principal: NamedDependency[Principal], key: FromPath[str]) -> ConnectionForm:
        """Say that the connection works again: from now on its events launch flows."""
        return _show(registry.connections.reconnect(principal.workspace, key, by=principal.actor))

    return [disconnect, reconnect]


def _changing(registry: Registry) -> list[ControllerRouterHandler]:
    @post("/", operation_id="addConnection", sync_to_thread=True)
    def add_connection(principal: NamedDependency[Principal], data: JSONBody[NewConnection]) -> ConnectionForm:
        """Add a connection, or change one. One out of use is in use again; it keeps its state."""
        row = registry.connections.save(
            principal.workspace,
            data.key,
            customer=data.customer,
            integration=data.integration,
            name=data.name,
            is_test=data.is_test,
            by=principal.actor,
        )
        return _show(row)

    @patch("/{key:str}", operation_id="changeConnection", sync_to_thread=True)
    def change_connection(
        principal: NamedDependency[Principal], key: FromPath[str], data: JSONBody[ConnectionChange]
    ) -> ConnectionForm:
        """Say what people call a connection, and whether it is there to try things out."""
        row = registry.connections.change(
            principal.workspace, key, name=data.name, is_test=data.is_test, by=principal.actor
        )
        return _show(row)

    @delete("/{key:str}", operation_id="archiveConnection", sync_to_thread=True)
    def archive_connection(principal: NamedDependency[Principal], key: FromPath[str]) -> None:
        """Take a connection out of use. Its records are still taken and found; its events launch nothing."""
        registry.connections.archive(principal.workspace, key, by=principal.actor)

    @post("/{key:str}/restore", operation_id="restoreConnection", status_code=200, sync_to_thread=True)
    def restore_connection(principal: NamedDependency[Principal], key: FromPath[str]) -> ConnectionForm:
        """Bring an archived connection back, in the state that it had."""
        return _show(registry.connections.restore(principal.workspace, key, by=principal.actor))

    return [add_connection, change_connection, archive_connection, restore_connection]


def _show(row: Connection) -> ConnectionForm:
    return show_as(ConnectionForm, row)
