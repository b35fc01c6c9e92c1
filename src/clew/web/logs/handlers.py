"""The lists: what the URL asks, searched and shown."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable

import msgspec
from litestar import Response, get
from litestar.params import FromPath
from litestar.response import Redirect

from clew.core.errors import BadRequest, ClewError
from clew.core.ids import is_id, is_trace_id
from clew.core.record import Kind
from clew.log.parameters import ListRequest
from clew.log.query import Filter
from clew.log.search import Answer, CountAnswer
from clew.log.store import Count
from clew.registry.sessions import Session
from clew.web.chart import build_chart
from clew.web.face import Face, HttpRequest, WebFace, session_of
from clew.web.layout import ALL_RECORDS, FORMER_PATHS, LogName
from clew.web.legend import build_legends
from clew.web.logs.asked import find_log, parse_url, url_of
from clew.web.logs.downloads import build_downloads, build_preparation
from clew.web.logs.filters import (
    Suggestions,
    build_active,
    build_bounds,
    build_extra,
    build_fields,
    build_hidden,
    build_segments,
)
from clew.web.logs.items import build_items
from clew.web.logs.live import build_live
from clew.web.logs.outcomes import find_outcomes
from clew.web.logs.rows import build_rows
from clew.web.logs.runs import build_open_row, find_open
from clew.web.logs.saved_views import build_views_menu, find_views
from clew.web.logs.url import LogUrl
from clew.web.logs.views import AnyRow, ChartPart, Live, LogPage, Option, Rows, RowsPart, Trouble
from clew.web.wording import KIND_NAMES, say_count

MAX_SUGGESTIONS = 200
"""Customers and connections that are offered while typing; any other may be typed."""

_KEY = re.compile(r"[A-Za-z][\w.-]{0,63}=\S.*\Z", re.DOTALL)


class Found(msgspec.Struct, frozen=True):
    """What a list came to: its rows, what is said of how many there are, and whether it goes on by itself."""

    rows: Rows | None = None
    counter: str = ""
    failures: str = ""
    count: Count = Count(0)
    trouble: ClewError | None = None
    live: Live | None = None


@get(list(FORMER_PATHS))
async def show_under_its_name(request: HttpRequest) -> Redirect:
    """The logs that had another name before."""
    query = request.scope["query_string"].decode("latin-1")
    path = FORMER_PATHS[request.url.path]
    return Redirect(f"{path}?{query}" if query else path, status_code=301)


@get("/logs")
async def show_all_records(request: HttpRequest, face: Face) -> Response[str] | Redirect:
    """Records of every kind. What the search box sends may be a key, an id or a trace: then it leads there."""
    url = url_of(request, ALL_RECORDS)
    target = await _find_target(face, session_of(request), url)
    return Redirect(target) if target else await _show(request, face, ALL_RECORDS, url)


@get("/logs/{name:str}")
async def show_log(request: HttpRequest, face: Face, name: FromPath[str]) -> Response[str]:
    """Records of one kind."""
    log = find_log(name)
    return await _show(request, face, log, url_of(request, log))


@get(["/logs/chart", "/logs/{name:str}/chart"])
async def show_chart(request: HttpRequest, face: Face, name: FromPath[str] = "") -> Response[str]:
    """The records of a list over time: the part of its page that is asked for when the list is there."""
    log = find_log(name)
    url = url_of(request, log)
    asked = parse_url(face, session_of(request).member.workspace, log, url)
    return face.respond(ChartPart(chart=build_chart(await face.search.histogram(asked.query.filter), url)))


async def _find_target(face: WebFace, session: Session, url: LogUrl) -> str:
    """Where a text leads that is more than words, "" where it is not."""
    text = url.get("q")
    workspace = session.member.workspace
    if _KEY.match(text):
        return url.without("q").having("key", text).href
    if is_id(text) and await face.search.find(workspace, text.lower()):
        return f"/records/{text.lower()}"
    if is_trace_id(text) and await face.search.trace(workspace, text, limit=1):
        return url.without("q").having("trace_id", text).href
    return ""


async def _show(request: HttpRequest, face: WebFace, log: LogName, url: LogUrl) -> Response[str]:
    session = session_of(request)
    try:
        asked = parse_url(face, session.member.workspace, log, url)
    except BadRequest as error:
        return face.respond(await _page(face, session, log, url, Found(trouble=error)), status=error.status)
    if request.headers.get("hx-request-type") == "partial":
        answer = await face.search.page(asked)
        return face.respond(RowsPart(rows=await _rows(face, session, log, url, answer)))
    live = build_live(face, url)
    found = msgspec.structs.replace(await _ask(face, session, log, url, asked), live=live)
    return face.respond(await _page(face, session, log, url, found))


async def _ask(face: WebFace, session: Session, log: LogName, url: LogUrl, asked: ListRequest) -> Found:
    """The page, and at the same time how many records there are and how many of them failed."""
    filter, noun = asked.query.filter, _noun_of(log.kind)
    if filter.contains is not None:  # to count them, every payload would have to be read
        answer = await face.search.page(asked)
        return Found(await _rows(face, session, log, url, answer))
    if filter.status:
        answer, count = await asyncio.gather(face.search.page(asked), face.search.count_soon(filter))
        rows = await _rows(face, session, log, url, answer)
        return Found(rows, _say(count, answer, noun), count=count.count)
    answer, count, failed = await asyncio.gather(
        face.search.page(asked),
        face.search.count_soon(filter),
        face.search.count_soon(_failures_of(filter)),
    )
    rows = await _rows(face, session, log, url, answer)
    failures = _say(failed, None, "failure") if failed.count.count else ""
    return Found(rows, _say(count, answer, noun), failures, count=count.count)


def _noun_of(kind: Kind | None) -> str:
    name = KIND_NAMES[kind] if kind else "record"
    return name if name[:2].isupper() else f"{name[0].lower()}{name[1:]}"


def _failures_of(filter: Filter) -> Filter:
    return msgspec.structs.replace(filter, status=("failure",))


def _say(counted: CountAnswer, page: Answer | None, noun: str) -> str:
    """The counter: where it ended before it came to anything, there are those of the page at least."""
    shown = len(page.page.items) if page and counted.count.truncated else 0
    return say_count(max(counted.count.count, shown), noun, at_least=counted.count.truncated)


async def _rows(face: WebFace, session: Session, log: LogName, url: LogUrl, answer: Answer) -> Rows:
    workspace, now_ms = session.member.workspace, face.clock.now_ms()
    items = await _items(face, workspace, log, url, answer)
    is_empty = not items and log.kind is not None and not await _has_any(face, workspace, log.kind)
    return build_rows(answer, items, log.kind, url, now_ms, is_empty=is_empty)


async def _items(face: WebFace, workspace: str, log: LogName, url: LogUrl, answer: Answer) -> tuple[AnyRow, ...]:
    found = answer.page.items
    if log.kind == "flow_run":
        return (*_open_runs(face, workspace, url, answer), *build_items(face, workspace, log, found))
    return build_items(face, workspace, log, found, await find_outcomes(face, workspace, found) if log.kind else None)


def _open_runs(face: WebFace, workspace: str, url: LogUrl, answer: Answer) -> Iterable[AnyRow]:
    """The open runs, above the ended ones of the first page."""
    ended = {item.id for item in answer.page.items}
    # one may have ended meanwhile
    opened = [run for run in find_open(face.runner, workspace, url) if run.id not in ended]
    names, now_ms = face.names(workspace, (run.event.customer for run in opened)), face.clock.now_ms()
    return (build_open_row(run, names, face.flow_title, now_ms) for run in opened)


async def _has_any(face: WebFace, workspace: str, kind: Kind) -> bool:
    """Whether there may be a record of this kind at all: asked where a list has nothing to show."""
    asked = face.parser.parse_list([("kind", kind), ("limit", "1")], workspace=workspace)
    page = (await face.search.page(asked)).page
    return bool(page.items) or page.truncated


async def _page(face: WebFace, session: Session, log: LogName, url: LogUrl, found: Found) -> LogPage:
    workspace = session.member.workspace
    suggestions = _suggest(face, workspace)
    fields = build_fields(url, suggestions, log.kind)
    names = face.names(workspace, _values(url, "customer"))
    is_events = log.kind == "integration_event"
    trouble = found.trouble
    return LogPage(
        layout=await face.layout(session, log.title, path=log.path, search=url.get("q")),
        path=log.path,
        title=log.title,
        subtitle=log.subtitle,
        counter=found.counter,
        failures=found.failures,
        segments=build_segments(url),
        bounds=build_bounds(url),
        bounds_title="Created Date" if is_events else "Time",
        fields=fields,
        extra=build_extra(url, suggestions, log.kind),
        active=build_active(url, fields, names.of),
        hidden=build_hidden(url, fields),
        clear_href=url.cleared().href if url.has_filters else "",
        refresh_href=url.without("cursor").href,
        downloads=build_downloads(url),
        preparation=build_preparation(url, found.count),
        views=build_views_menu(await find_views(face, workspace, log.path), url),
        legends=build_legends(tuple(_values(url, "type"))) if is_events else (),
        chart_href="" if url.get("contains") else url.part("chart").href,
        live=found.live,
        rows=_going_on(found.rows, found.live),
        trouble=Trouble(trouble.detail, trouble.hint, log.path) if trouble else None,
    )


def _going_on(rows: Rows | None, live: Live | None) -> Rows | None:
    return msgspec.structs.replace(rows, live_src=live.src) if rows and live else rows


def _suggest(face: WebFace, workspace: str) -> Suggestions:
    registry = face.registry
    integrations = registry.integrations.list(workspace)
    connections = registry.connections.list(workspace, limit=MAX_SUGGESTIONS)
    return {
        "product": tuple(Option(row.key, row.title) for row in registry.products.list(workspace)),
        "customer": tuple(
            Option(row.key, row.name) for row in registry.customers.list(workspace, limit=MAX_SUGGESTIONS)
        ),
        "integration": tuple(Option(row.key, row.title) for row in integrations),
        "connection": tuple(Option(row.key, row.name) for row in connections),
        "source": tuple(Option(row.key, row.key) for row in registry.sources.list(workspace)),
        "flow": tuple(Option(flow.key, flow.title) for flow in face.flows.values()),
    }


def _values(url: LogUrl, name: str) -> Iterable[str]:
    return (value for key, value in url.pairs if key == name)
