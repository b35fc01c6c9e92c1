"""Connections: their list, one of them, and what operators do to it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import get_args
from urllib.parse import parse_qsl

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect
from litestar.status_codes import HTTP_303_SEE_OTHER
from litestar.types import ControllerRouterHandler

from clew.core.errors import BadRequest, NotFound, UnknownFilter
from clew.registry.connections import STATES, Connection, Connections, ConnectionState
from clew.web.connected.activity import ask_recent
from clew.web.connected.connection_rows import (
    build_connection_row,
    build_connection_rows,
    link_customer,
    link_integration,
)
from clew.web.connected.views import ConnectionPage, ConnectionsPage, Fact, Link
from clew.web.face import (
    Face,
    HttpRequest,
    WebFace,
    can_operate,
    check_member_form,
    check_operator,
    read_form,
    session_of,
)
from clew.web.layout import CONNECTIONS_PATH
from clew.web.links import connection_href, connection_key
from clew.web.logs.url import LogUrl
from clew.web.logs.views import Choice, Trouble
from clew.web.names import Names
from clew.web.wording import say_count, say_minute, say_moment

PAGE = 50
FILTERS = ("customer", "integration", "state", "archived")
_NAMES = (*FILTERS, "after")


class Asked(msgspec.Struct, frozen=True):
    """What the list was asked for."""

    url: LogUrl
    customer: str
    integration: str
    state: ConnectionState | None
    with_archived: bool
    after: str


@get("/connections")
async def show_connections(request: HttpRequest, face: Face) -> Response[str]:
    """The connections by key. Filters and paging are in the URL."""
    session = session_of(request)
    layout = await face.layout(session, "Connections", path=CONNECTIONS_PATH)
    try:
        asked = _read(request)
    except BadRequest as error:
        trouble = Trouble(error.detail, error.hint, CONNECTIONS_PATH)
        return face.respond(ConnectionsPage(layout=layout, trouble=trouble), status=400)
    workspace = session.member.workspace
    found = await asyncio.to_thread(
        face.registry.connections.list,
        workspace,
        customer=asked.customer,
        integration=asked.integration,
        state=asked.state,
        after=asked.after,
        limit=PAGE + 1,
        archived=asked.with_archived,
    )
    shown, has_more, url = found[:PAGE], len(found) > PAGE, asked.url
    page = ConnectionsPage(
        layout=layout,
        counter="" if asked.after else say_count(len(shown), "connection", at_least=has_more),
        states=tuple(_states(asked)),
        archived=_archived_choice(asked),
        customer=asked.customer,
        integration=asked.integration,
        integrations=tuple((one.key, one.title) for one in face.registry.integrations.list(workspace)),
        hidden=tuple(pair for pair in url.pairs if pair[0] in ("state", "archived")),
        rows=await build_connection_rows(face, workspace, shown),
        what=_say_asked(asked, face.names(workspace, [asked.customer])),
        clear_href=CONNECTIONS_PATH if url.pairs else "",
        first_href=url.without("after").href if asked.after else "",
        next_href=url.having("after", shown[-1].key).href if has_more else "",
    )
    return face.respond(page)


@get("/connections/{key:str}")
async def show_connection(request: HttpRequest, face: Face, key: FromPath[str]) -> Response[str]:
    """One connection, also one out of use."""
    session = session_of(request)
    workspace = session.member.workspace
    connection = await asyncio.to_thread(_find, face, workspace, connection_key(key))
    layout, recent = await asyncio.gather(
        face.layout(session, connection.name, path=CONNECTIONS_PATH),
        ask_recent(face, workspace, ("connection", connection.key)),
    )
    names = face.names(workspace, [connection.customer])
    page = ConnectionPage(
        layout=layout,
        row=build_connection_row(face, connection, None, names),
        facts=tuple(_facts(face, connection, names)),
        actions=connection_href(connection.key) if can_operate(session) else "",
        recent=recent,
    )
    return face.respond(page)


@post("/connections/{key:str}/disconnect", status_code=200)
async def disconnect(request: HttpRequest, face: Face, key: FromPath[str]) -> Redirect:
    """Say that its access is lost: from now on its events launch nothing."""
    return await _change(
        request, face, key, lambda place, form: place.connections.disconnect(*place.at, form.get("error", ""), place.by)
    )


@post("/connections/{key:str}/reconnect", status_code=200)
async def reconnect(request: HttpRequest, face: Face, key: FromPath[str]) -> Redirect:
    """Say that it works again."""
    return await _change(request, face, key, lambda place, _: place.connections.reconnect(*place.at, place.by))


@post("/connections/{key:str}/archive", status_code=200)
async def archive(request: HttpRequest, face: Face, key: FromPath[str]) -> Redirect:
    """Take it out of use."""
    return await _change(request, face, key, lambda place, _: place.connections.archive(*place.at, place.by))


@post("/connections/{key:str}/restore", status_code=200)
async def restore(request: HttpRequest, face: Face, key: FromPath[str]) -> Redirect:
    """Bring it back."""
    return await _change(request, face, key, lambda place, _: place.connections.restore(*place.at, place.by))


@post("/connections/{key:str}/rename", status_code=200)
async def rename(request: HttpRequest, face: Face, key: FromPath[str]) -> Redirect:
    """Say what people call it."""
    return await _change(
        request, face, key, lambda place, form: place.connections.rename(*place.at, form.get("name", ""), place.by)
    )


CHANGES: list[ControllerRouterHandler] = [disconnect, reconnect, archive, restore, rename]
"""What operators do to a connection."""


class Place(msgspec.Struct, frozen=True):
    """A connection that is to be changed: where it is, and by whom."""

    connections: Connections
    at: tuple[str, str]
    by: str


Change = Callable[[Place, dict[str, str]], Connection]


async def _change(request: HttpRequest, face: WebFace, key: str, change: Change) -> Redirect:
    """Change the connection and show it."""
    session = session_of(request)
    form = await read_form(request)
    check_member_form(session, form)
    check_operator(session)
    place = Place(face.registry.connections, (session.member.workspace, connection_key(key)), session.member.email)
    await asyncio.to_thread(change, place, form)
    return Redirect(connection_href(connection_key(key)), status_code=HTTP_303_SEE_OTHER)


def _find(face: WebFace, workspace: str, key: str) -> Connection:
    connection = face.registry.connections.find(workspace, key)
    if connection is None:
        raise NotFound(
            f"There is no connection {key[:80]!r}.", hint="A connection is there from the first record that names it."
        )
    return connection


def _read(request: HttpRequest) -> Asked:
    query = request.scope["query_string"].decode("latin-1")
    pairs = parse_qsl(query, keep_blank_values=True, errors="replace")
    given = {name: value.strip() for name, value in pairs if value.strip()}
    for name, _ in pairs:
        if name not in _NAMES:
            raise UnknownFilter(f"There is no filter {name[:80]!r} here.", hint=f"Filters are: {', '.join(FILTERS)}.")
    state: ConnectionState | None = None
    if text := given.get("state", ""):
        state = next((one for one in STATES if one == text), None)
        if state is None:
            allowed = ", ".join(get_args(ConnectionState))
            raise UnknownFilter(f"state={text[:80]!r} does not exist here.", hint=f"state may be: {allowed}.")
    if given.get("archived", "1") != "1":
        raise UnknownFilter(f"archived={given['archived'][:80]!r} does not exist here.", hint="archived may be: 1.")
    return Asked(
        url=LogUrl(CONNECTIONS_PATH, tuple(given.items())),
        customer=given.get("customer", ""),
        integration=given.get("integration", ""),
        state=state,
        with_archived="archived" in given,
        after=given.get("after", ""),
    )


def _states(asked: Asked) -> Iterable[Choice]:
    url = asked.url.without("after")
    for value, label in (("", "All"), ("connected", "Connected"), ("disconnected", "Disconnected")):
        yield Choice(label, url.having("state", value).href, value == (asked.state or ""))


def _archived_choice(asked: Asked) -> Choice:
    url = asked.url.without("after").having("archived", "" if asked.with_archived else "1")
    return Choice("Archived too", url.href, asked.with_archived)


def _say_asked(asked: Asked, names: Names) -> str:
    """What an empty list was asked for: `disconnected connections of Acme`."""
    what = f"{asked.state} connection" if asked.state else "connection"
    whose = f" of {names.customer(asked.customer)}" if asked.customer else ""
    where = f" to {names.integration(asked.integration)}" if asked.integration else ""
    return f"{what}{whose}{where}"


def _facts(face: WebFace, connection: Connection, names: Names) -> Iterable[Fact]:
    yield Fact("Id", Link(connection.key), is_mono=True)
    yield Fact("Customer", link_customer(connection, names))
    yield Fact("Integration", link_integration(face, connection))
    since = f"since {say_minute(connection.changed_at)}"
    yield Fact("State", Link(connection.state.capitalize()), quiet=since)
    if connection.error:
        yield Fact("Error", Link(connection.error))
    yield Fact("Created", Link(""), moment=say_moment(connection.first_seen_at))
    yield Fact("Updated", Link(""), moment=say_moment(connection.changed_at))
    if connection.last_active_at is None:
        yield Fact("Last active", Link("not since it was made"))
    else:
        yield Fact("Last active", Link(""), moment=say_moment(connection.last_active_at))
    yield Fact("Test", Link("yes" if connection.is_test else "no"))
    if connection.archived_at is not None:
        yield Fact("Archived", Link(""), moment=say_moment(connection.archived_at))
