"""A list that goes on by itself: its new rows, as the server sends them while the page is open."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from litestar import get
from litestar.background_tasks import BackgroundTask
from litestar.params import FromPath
from litestar.response import Stream

from clew.core.errors import Unavailable
from clew.log.tail_stream import HEADERS, send_tail, write_dropped, write_event
from clew.log.watcher import Arrived, Event
from clew.web.face import Face, HttpRequest, WebFace, session_of
from clew.web.layout import LogName
from clew.web.logs.asked import find_log, parse_url, url_of
from clew.web.logs.columns import columns_of
from clew.web.logs.items import build_items
from clew.web.logs.url import LIVE, LogUrl
from clew.web.logs.views import Live, LiveRow
from clew.web.security import SESSION_COOKIE

AFTER = "after"
"""Where the rows begin: a place in the tail. It wins over nothing but a `Last-Event-ID`."""
REST_S = 0.5
"""Between two looks at what has come: a person reads no faster, and each row costs some of the server's time."""


def build_live(face: WebFace, url: LogUrl) -> Live | None:
    """Whether a list is live, and how it becomes so; None where it cannot: on a later page, or with an end.

    Asked before the list is searched: what comes between is sent, and what is in both has the same link.
    """
    if face.tail is None or url.get("cursor") or url.get("to") or url.get("sort") == "asc":
        return None
    if url.get(LIVE) != "1":
        return Live(toggle_href=url.having(LIVE, "1").href, src="")
    return Live(toggle_href=url.without(LIVE).href, src=url.part("tail").having(AFTER, str(face.tail.here())).href)


@get(["/logs/tail", "/logs/{name:str}/tail"])
async def stream_rows(request: HttpRequest, face: Face, name: FromPath[str] = "") -> Stream:
    """New rows of a list, as server-sent events: `record` with a row as HTML, `dropped` as in the API.

    Raises as the list itself does, and as `LiveTail.watch` does.
    """
    log = find_log(name)
    given = url_of(request, log)
    session = session_of(request)
    asked = parse_url(face, session.member.workspace, log, given.without(AFTER))
    if face.tail is None:
        raise Unavailable("There is no live tail here.", hint="Reload the list instead.")
    watcher = face.tail.watch(asked.query.filter, request.headers.get("last-event-id", "") or given.get(AFTER))
    token = request.cookies.get(SESSION_COOKIE, "")

    async def write(events: Sequence[Event]) -> bytes:
        return await asyncio.to_thread(_write, face, session.member.workspace, log, events)

    stream = send_tail(watcher, write, may_go_on=lambda: face.registry.sessions.find(token) is not None, rest_s=REST_S)
    # Where the browser leaves before the stream has begun, nothing else would close it.
    return Stream(stream, headers=HEADERS, background=BackgroundTask(watcher.close))


def _write(face: WebFace, workspace: str, log: LogName, events: Sequence[Event]) -> bytes:
    arrived = [event.record for event in events if isinstance(event, Arrived)]
    rows = iter(build_items(face, workspace, log, arrived))
    columns = columns_of(log.kind)
    return b"".join(
        write_event(event, "record", face.templates.render(LiveRow(columns=columns, row=next(rows))).encode())
        if isinstance(event, Arrived)
        else write_dropped(event)
        for event in events
    )
