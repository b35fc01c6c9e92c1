"""`/v1/views`: pages as somebody filtered them, under a name."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Request, Router, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody
from litestar.types import ControllerRouterHandler

from clew.api.authentication import requires
from clew.api.listed import Listed, check_names, found, show_as
from clew.core.errors import NotAllowed
from clew.registry.keys import Principal, Scope
from clew.registry.registry import Registry
from clew.registry.views import View


class ViewForm(msgspec.Struct, frozen=True, kw_only=True):
    """A saved view: `href` is where it is."""

    id: str
    workspace: str
    path: str
    name: str
    query: str
    href: str
    created_by: str
    created_at: str


class NewView(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A view to save: the path of a page, the query of its URL, and a name. The same path and name replaces it."""

    path: str
    name: str
    query: str = ""


def build_views(registry: Registry) -> list[Router]:
    """The routes. Reading needs `read`, saving and deleting `operate`."""
    by_scope: dict[Scope, list[ControllerRouterHandler]] = {"read": _reading(registry), "operate": _changing(registry)}
    return [
        Router("/v1/views", guards=[requires(registry.keys, scope)], route_handlers=handlers, tags=["The log"])
        for scope, handlers in by_scope.items()
    ]


def _reading(registry: Registry) -> list[ControllerRouterHandler]:
    @get("/", operation_id="listViews", sync_to_thread=True)
    def list_views(
        request: Request[Any, Any, Any], principal: NamedDependency[Principal], path: FromQuery[str] = ""
    ) -> Listed[ViewForm]:
        """List the saved views by page and name; `path` is the page they are of."""
        check_names(request, ("path",))
        _refuse_confined(principal)
        return Listed(tuple(map(_show, registry.views.list(principal.workspace, path or None))))

    @get("/{id:str}", operation_id="getView", sync_to_thread=True)
    def get_view(principal: NamedDependency[Principal], id: FromPath[str]) -> ViewForm:
        """Show one saved view."""
        _refuse_confined(principal)
        return _show(found(registry.views.find(principal.workspace, id), "view", id))

    return [list_views, get_view]


def _changing(registry: Registry) -> list[ControllerRouterHandler]:
    @post("/", operation_id="saveView", sync_to_thread=True)
    def save_view(principal: NamedDependency[Principal], data: JSONBody[NewView]) -> ViewForm:
        """Save a page as it is filtered."""
        return _show(registry.views.save(principal.workspace, data.path, data.name, data.query, by=principal.actor))

    @delete("/{id:str}", operation_id="deleteView", sync_to_thread=True)
    def delete_view(principal: NamedDependency[Principal], id: FromPath[str]) -> None:
        """Delete a saved view."""
        registry.views.delete(principal.workspace, id)

    return [save_view, delete_view]


def _refuse_confined(principal: Principal) -> None:
    """A view may name other customers in its filters."""
    if principal.customer:
        raise NotAllowed("A key for one customer sees no saved views.", hint="Use a key that belongs to no customer.")


def _show(view: View) -> ViewForm:
    return show_as(ViewForm, view)
