"""The start page: how things are, and where to look first."""

from __future__ import annotations

import asyncio
from urllib.parse import parse_qsl

from litestar import Response, get

from clew.core.errors import BadRequest, UnknownFilter
from clew.log.parameters import DURATIONS_MS
from clew.registry.sessions import Session
from clew.web.face import Face, HttpRequest, WebFace, session_of
from clew.web.layout import OVERVIEW_PATH
from clew.web.logs.url import DEFAULT_DURATION
from clew.web.logs.views import Trouble
from clew.web.overview.attention import Asked
from clew.web.overview.build import build_durations, build_overview
from clew.web.overview.questions import ask
from clew.web.overview.views import OverviewPage


@get("/")
async def show_overview(request: HttpRequest, face: Face) -> Response[str]:
    """The last 24 hours, or what `duration` says."""
    session = session_of(request)
    try:
        duration = _read_duration(request)
    except BadRequest as error:
        trouble = Trouble(error.detail, error.hint, OVERVIEW_PATH)
        layout = await face.layout(session, "Overview", path=OVERVIEW_PATH)
        return face.respond(OverviewPage(layout=layout, durations=build_durations(""), trouble=trouble), status=400)
    return face.respond(await _page(request, face, session, duration))


def _read_duration(request: HttpRequest) -> str:
    query = request.scope["query_string"].decode("latin-1")
    duration = DEFAULT_DURATION
    for name, value in parse_qsl(query, keep_blank_values=True, errors="replace"):
        if name != "duration":
            raise UnknownFilter(f"There is no filter {name[:80]!r} here.", hint="Filters are: duration.")
        if value not in DURATIONS_MS:
            allowed = ", ".join(DURATIONS_MS)
            raise UnknownFilter(f"duration={value[:80]!r} does not exist here.", hint=f"duration may be: {allowed}.")
        duration = value
    return duration


async def _page(request: HttpRequest, face: WebFace, session: Session, duration: str) -> OverviewPage:
    workspace = session.member.workspace
    layout, found = await asyncio.gather(
        face.layout(session, "Overview", path=OVERVIEW_PATH), ask(face, workspace, duration)
    )
    customers = {record.customer for record in found.latest}
    customers |= {connection.customer for connection in found.disconnected} | {one.value for one in found.customers}
    names = face.names(workspace, customers)
    address = (face.settings.public_url or str(request.base_url)).rstrip("/")
    return build_overview(layout, Asked(face, workspace, duration, names), found, address)
