"""A list that goes on by itself: its new rows, as the server sends them while the page is open."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence

from litestar import get
from litestar.background_tasks import BackgroundTask
from litestar.params import FromPath
from litestar.response import Stream

from clew.core.errors import Unavailable
from clew.core.record import Summary
from clew.log.parameters import ListRequest
from clew.log.tail_stream import HEADERS, send_tail, write_dropped, write_event, write_plain_event
from clew.log.watcher import Arrived, Dropped, Event, LedTo, Watcher
from clew.web.face import Face, HttpRequest, WebFace, session_of
from clew.web.layout import LogName
from clew.web.logs.asked import find_log, parse_url, url_of
from clew.web.logs.columns import columns_of
from clew.web.logs.items import build_items
from clew.web.logs.outcomes import find_outcomes, leads_on
from clew.web.logs.url import LIVE, LogUrl
from clew.web.logs.views import AnyRow, Live, LiveRow, Outcome
from clew.web.security import SESSION_COOKIE

AFTER = "after"
"""Where the rows begin: a place in the tail. It wins over nothing but a `Last-Event-ID`."""
REST_S = 0.5
"""Between two looks at what has come: a person reads no faster, and each row costs some of the server's time."""
MOST_ROWS = 200
"""Rows that an open page keeps, where it was not asked for more (`live-tail.js`). Of more that wait, it gets the latest
and is told how many the others were."""
ASKED_AT_ONCE = 50
"""Records whose outcomes are looked for with one question."""


def build_live(face: WebFace, url: LogUrl) -> Live | None:
    """Whether a list is live, and how it becomes so; None where it cannot: on a later page, or with an end.

    Asked before the list is searched: what comes between is sent, and what is in both has the same id.
    """
    if face.tail is None or url.get("cursor") or url.get("to") or url.get("sort") == "asc":
        return None
    if url.get(LIVE) != "1":
        return Live(toggle_href=url.having(LIVE, "1").href, src="")
    return Live(toggle_href=url.without(LIVE).href, src=url.part("tail").having(AFTER, str(face.tail.here())).href)


@get(["/logs/tail", "/logs/{name:str}/tail"])
async def stream_rows(request: HttpRequest, face: Face, name: FromPath[str] = "") -> Stream:
    """New rows of a list, as server-sent events: `record` with a row as HTML, `dropped` as in the API, and `changed`
    with a row of the list that led to something since.

    Raises as the list itself does, and as `LiveTail.watch` does.
    """
    log = find_log(name)
    given = url_of(request, log)
    session = session_of(request)
    asked = parse_url(face, session.member.workspace, log, given.without(AFTER))
    if face.tail is None:
        raise Unavailable("There is no live tail here.", hint="Reload the list instead.")
    most = max(MOST_ROWS, asked.query.limit)
    after = request.headers.get("last-event-id", "") or given.get(AFTER)
    watcher = face.tail.watch(asked.query.filter, after, most=most)
    rows = _LiveRows(face, session.member.workspace, log, watcher, most)
    try:
        first = await rows.begin(asked)
    except BaseException:
        watcher.close()
        raise
    token = request.cookies.get(SESSION_COOKIE, "")
    stream = send_tail(
        watcher,
        rows.write,
        may_go_on=lambda: face.registry.sessions.find(token) is not None,
        ping_every_s=face.settings.tail_ping_s,
        rest_s=REST_S,
        first=first,
    )
    # Where the browser leaves before the stream has begun, nothing else would close it.
    return Stream(stream, headers=HEADERS, background=BackgroundTask(watcher.close))


class _LiveRows:
    """The rows of one stream. Where a log says what its records led to, that may become known after a row was sent."""

    def __init__(self, face: WebFace, workspace: str, log: LogName, watcher: Watcher, most: int) -> None:
        self._face = face
        self._workspace = workspace
        self._log = log
        self._watcher = watcher
        self._most = most
        self._shown: dict[str, Summary] = {}

    async def begin(self, asked: ListRequest) -> bytes:
        """The rows that the page has already, as they are now: it was made a moment ago, or the connection was lost."""
        if not leads_on(self._log.kind):
            return b""
        page = (await self._face.search.page(asked)).page
        self._follow(reversed(page.items))
        return await self._write_changed(page.items)

    async def write(self, events: Sequence[Event]) -> bytes:
        """What came, as events for the page."""
        arrived = [event.record for event in events if isinstance(event, Arrived)]
        self._follow(arrived)
        led = {cause for event in events if isinstance(event, LedTo) for cause in event.causes}
        changed = [item for record_id, item in self._shown.items() if record_id in led]
        outcomes = await self._find_outcomes(arrived)
        return await asyncio.to_thread(self._render, events, arrived, outcomes) + await self._write_changed(changed)

    def _follow(self, items: Iterable[Summary]) -> None:
        """Hear of what these lead to. Followed before their outcomes are asked for: in between nothing is lost."""
        if not leads_on(self._log.kind):
            return
        self._shown.update((item.id, item) for item in items)
        for record_id in list(self._shown)[: -self._most]:
            del self._shown[record_id]
        self._watcher.follow(self._shown)

    async def _find_outcomes(self, items: Sequence[Summary]) -> Mapping[str, Outcome]:
        outcomes: dict[str, Outcome] = {}
        for start in range(0, len(items) if leads_on(self._log.kind) else 0, ASKED_AT_ONCE):
            outcomes |= await find_outcomes(self._face, self._workspace, items[start : start + ASKED_AT_ONCE])
        return outcomes

    async def _write_changed(self, items: Sequence[Summary]) -> bytes:
        outcomes = await self._find_outcomes(items)
        return await asyncio.to_thread(self._render_changed, items, outcomes)

    def _render(self, events: Sequence[Event], arrived: Sequence[Summary], outcomes: Mapping[str, Outcome]) -> bytes:
        rows = iter(build_items(self._face, self._workspace, self._log, arrived, outcomes))
        pieces = []
        for event in events:
            if isinstance(event, Dropped):
                pieces.append(write_dropped(event))
            elif isinstance(event, Arrived):
                pieces.append(write_event(event, "record", self._render_row(next(rows))))
        return b"".join(pieces)

    def _render_changed(self, items: Sequence[Summary], outcomes: Mapping[str, Outcome]) -> bytes:
        rows = build_items(self._face, self._workspace, self._log, items, outcomes)
        return b"".join(write_plain_event("changed", self._render_row(row)) for row in rows)

    def _render_row(self, row: AnyRow) -> bytes:
        return self._face.templates.render(LiveRow(columns=columns_of(self._log.kind), row=row)).encode()
