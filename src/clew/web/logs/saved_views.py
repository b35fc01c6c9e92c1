"""Saved views: a list as somebody filtered it, kept under a name for everyone."""

from __future__ import annotations

import asyncio

from litestar import post
from litestar.params import FromPath
from litestar.response import Redirect
from litestar.status_codes import HTTP_303_SEE_OTHER

from clew.core.errors import Invalid, NotFound
from clew.registry.views import View
from clew.web.face import Face, HttpRequest, WebFace, check_member_form, read_form, session_of
from clew.web.logs.asked import log_at, pairs_of, parse_url
from clew.web.logs.url import LogUrl, read_url
from clew.web.logs.views import SavedView, ViewsMenu
from clew.web.wording import cut


async def find_views(face: WebFace, workspace: str, path: str) -> tuple[View, ...]:
    """The views that were saved of the list at this path."""
    return await asyncio.to_thread(face.registry.views.list, workspace, path)


def build_views_menu(saved: tuple[View, ...], url: LogUrl) -> ViewsMenu:
    """The menu of a list's views. The one that is open is the one that asks the same."""
    here = url.without("cursor")
    asked = sorted(here.pairs)
    items = tuple(_build(view, asked) for view in saved)
    current = next((item.name for item in items if item.is_current), "")
    return ViewsMenu(items=items, path=here.path, query=here.query, current=current)


def _build(view: View, asked: list[tuple[str, str]]) -> SavedView:
    saved = read_url(view.path, pairs_of(view.query))
    return SavedView(
        name=cut(view.name),
        href=saved.href,
        delete_href=f"/logs/views/{view.id}/delete",
        is_current=sorted(saved.pairs) == asked,
        note=f"Saved by {view.created_by}" if view.created_by else "",
    )


@post("/logs/views", status_code=200)
async def save_view(request: HttpRequest, face: Face) -> Redirect:
    """Keep a list under a name, and show it."""
    session = session_of(request)
    form = await read_form(request)
    check_member_form(session, form)
    log = log_at(form.get("path", ""))
    if log is None:
        raise NotFound(f"There is no log at {form.get('path', '')[:80]!r}.", hint="Save a view from the list itself.")
    name = form.get("name", "").strip()
    if not name:
        raise Invalid("The view has no name.", hint="Go back and type one.")
    url = read_url(log.path, pairs_of(form.get("query", ""))).without("cursor")
    workspace = session.member.workspace
    parse_url(face, workspace, log, url)  # a view that could not be opened is not kept
    await asyncio.to_thread(face.registry.views.save, workspace, log.path, name, url.query, session.member.email)
    return Redirect(url.href, status_code=HTTP_303_SEE_OTHER)


@post("/logs/views/{view_id:str}/delete", status_code=200)
async def delete_view(request: HttpRequest, face: Face, view_id: FromPath[str]) -> Redirect:
    """Forget a view. The list that it was stays open."""
    session = session_of(request)
    check_member_form(session, await read_form(request))
    workspace, views = session.member.workspace, face.registry.views
    view = await asyncio.to_thread(views.find, workspace, view_id)
    if view is None:
        raise NotFound("This view is not there any more.", hint="Someone else may have deleted it.")
    await asyncio.to_thread(views.delete, workspace, view_id)
    return Redirect(view.href, status_code=HTTP_303_SEE_OTHER)
