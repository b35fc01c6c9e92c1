"""The lists: what the URL asks, searched and shown."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from urllib.parse import parse_qsl

import msgspec
from litestar import Response, get
from litestar.params import FromPath
from litestar.response import Redirect

from clew.core.errors import BadRequest, ClewError, NotFound
from clew.core.ids import is_id, is_trace_id
from clew.log.parameters import ListRequest
from clew.log.query import Filter
from clew.log.search import Answer, CountAnswer
from clew.registry.sessions import Session
from clew.web.face import Face, HttpRequest, WebFace, session_of
from clew.web.layout import ALL_RECORDS, FORMER_PATHS, LOGS, LogName
from clew.web.logs.filters import (
    Suggestions,
    build_active,
    build_bounds,
    build_fields,
    build_hidden,
    build_segments,
)
from clew.web.logs.rows import build_rows
from clew.web.logs.runs import build_open_row, build_run_row, find_open
from clew.web.logs.url import LogUrl, filters_of, read_url
from clew.web.logs.views import LogPage, Option, Rows, RowsPart, Trouble
from clew.web.wording import say_count

MAX_SUGGESTIONS = 200
"""Customers that are offered while typing; any other may be typed."""

_KEY = re.compile(r"[A-Za-z][\w.-]{0,63}=\S.*\Z", re.DOTALL)
_BY_NAME = {log.path.rpartition("/")[2]: log for log in LOGS if log.kind}


@get(list(FORMER_PATHS))
async def show_under_its_name(request: HttpRequest) -> Redirect:
    """The logs that had another name before."""
    query = request.scope["query_string"].decode("latin-1")
    path = FORMER_PATHS[request.url.path]
    return Redirect(f"{path}?{query}" if query else path, status_code=301)


@get("/logs")
async def show_all_records(request: HttpRequest, face: Face) -> Response[str] | Redirect:
    """Records of every kind. What the search box sends may be a key, an id or a trace: then it leads there."""
    url = _url_of(request)
    target = await _find_target(face, session_of(request), url)
    return Redirect(target) if target else await _show(request, face, ALL_RECORDS, url)


@get("/logs/{name:str}")
async def show_log(request: HttpRequest, face: Face, name: FromPath[str]) -> Response[str]:
    """Records of one kind."""
    log = _BY_NAME.get(name)
    if log is None:
        raise NotFound(f"There is no log {name[:80]!r}.", hint=f"There are: {', '.join(_BY_NAME)}.")
    return await _show(request, face, log, _url_of(request))


def _url_of(request: HttpRequest) -> LogUrl:
    query = request.scope["query_string"].decode("latin-1")
    return read_url(request.url.path, parse_qsl(query, keep_blank_values=True, errors="replace"))


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
        asked = face.parser.parse_list(
            filters_of(url),
            workspace=session.member.workspace,
            fixed={"kind": (log.kind,)} if log.kind else None,
        )
    except BadRequest as error:
        return face.respond(await _page(face, session, log, url, trouble=error), status=error.status)
    if request.headers.get("hx-request-type") == "partial":
        answer = await face.search.page(asked)
        return face.respond(RowsPart(rows=_rows(face, session, log, url, answer)))
    answer, counter, failures = await _ask(face, asked)
    rows = _rows(face, session, log, url, answer)
    return face.respond(await _page(face, session, log, url, rows=rows, counter=counter, failures=failures))


async def _ask(face: WebFace, asked: ListRequest) -> tuple[Answer, str, str]:
    """The page, and at the same time how many records there are and how many of them failed."""
    filter = asked.query.filter
    if filter.status:
        answer, count = await asyncio.gather(face.search.page(asked), face.search.count(filter))
        noun = "failure" if filter.status == ("failure",) else "record"
        return answer, _say(count, noun), ""
    answer, count, failed = await asyncio.gather(
        face.search.page(asked), face.search.count(filter), face.search.count(_failures_of(filter))
    )
    return answer, _say(count, "record"), _say(failed, "failure") if failed.count.count else ""


def _failures_of(filter: Filter) -> Filter:
    return msgspec.structs.replace(filter, status=("failure",))


def _say(answer: CountAnswer, noun: str) -> str:
    return say_count(answer.count.count, noun, at_least=answer.count.truncated)


def _rows(face: WebFace, session: Session, log: LogName, url: LogUrl, answer: Answer) -> Rows:
    if log.kind == "flow_run":
        return _run_rows(face, session, url, answer)
    names = face.names(session.member.workspace, (item.customer for item in answer.page.items))
    return build_rows(answer, url, names, face.clock.now_ms())


def _run_rows(face: WebFace, session: Session, url: LogUrl, answer: Answer) -> Rows:
    """Ended runs; above those of the first page the open ones."""
    workspace, now_ms, items = session.member.workspace, face.clock.now_ms(), answer.page.items
    opened = find_open(face.runner, workspace, url)
    ended = {item.id for item in items}
    opened = tuple(run for run in opened if run.id not in ended)  # one may have ended meanwhile
    names = face.names(workspace, [*(item.customer for item in items), *(run.event.customer for run in opened)])
    rows = [build_open_row(run, names, face.flow_title, now_ms) for run in opened]
    rows += [build_run_row(item, names, face.flow_title, now_ms) for item in items]
    return build_rows(answer, url, names, now_ms, tuple(rows))


async def _page(
    face: WebFace,
    session: Session,
    log: LogName,
    url: LogUrl,
    *,
    rows: Rows | None = None,
    counter: str = "",
    failures: str = "",
    trouble: ClewError | None = None,
) -> LogPage:
    workspace = session.member.workspace
    fields = build_fields(url, _suggest(face, workspace), log.kind)
    names = face.names(workspace, _values(url, "customer"))
    active = build_active(url, fields, names.of)
    return LogPage(
        layout=await face.layout(session, log.title, path=log.path, search=url.get("q")),
        path=log.path,
        title=log.title,
        subtitle=log.subtitle,
        counter=counter,
        failures=failures,
        segments=build_segments(url),
        bounds=build_bounds(url),
        fields=fields,
        active=active,
        hidden=build_hidden(url, fields),
        clear_href=url.cleared().href if url.has_filters else "",
        refresh_href=url.without("cursor").href,
        rows=rows,
        trouble=Trouble(trouble.detail, trouble.hint, log.path) if trouble else None,
    )


def _suggest(face: WebFace, workspace: str) -> Suggestions:
    registry = face.registry
    return Suggestions(
        products=tuple(Option(row.key, row.title) for row in registry.products.list(workspace)),
        customers=tuple(Option(row.key, row.name) for row in registry.customers.list(workspace, limit=MAX_SUGGESTIONS)),
        flows=tuple(Option(flow.key, flow.title) for flow in face.flows.values()),
    )


def _values(url: LogUrl, name: str) -> Iterable[str]:
    return (value for key, value in url.pairs if key == name)
