"""Search inside words while the page is open: its rows, and how far it came, as the server sends them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import msgspec
from litestar import get
from litestar.params import FromPath
from litestar.response import Stream

from clew.log.scan import ScanStep, begin_scan, parse_scan
from clew.log.tail_stream import HEADERS, write_plain_event
from clew.web.face import Face, HttpRequest, WebFace, session_of
from clew.web.layout import LogName
from clew.web.logs.asked import find_log, fixed_of, url_of
from clew.web.logs.columns import columns_of
from clew.web.logs.items import build_items
from clew.web.logs.outcomes import find_outcomes
from clew.web.logs.rows import say_coverage
from clew.web.logs.scanning import say_reached
from clew.web.logs.url import LogUrl, filters_of
from clew.web.logs.views import Outcome, ScannedRows
from clew.web.wording import say_count


@get(["/logs/scan", "/logs/{name:str}/scan"])
async def scan_log(request: HttpRequest, face: Face, name: FromPath[str] = "") -> Stream:
    """The rows that a search inside words finds, as server-sent events: `step` with its rows as HTML, and `failed`.

    Raises as the list itself does, and as `scan` does.
    """
    log = find_log(name)
    url = url_of(request, log)
    workspace = session_of(request).member.workspace
    asked = parse_scan(face.parser, filters_of(url), workspace=workspace, fixed=fixed_of(log))

    async def write(step: ScanStep) -> bytes:
        outcomes = await find_outcomes(face, workspace, step.items) if log.kind else {}
        return await asyncio.to_thread(_write, face, workspace, log, url, step, outcomes=outcomes)

    return Stream(await begin_scan(face.search, asked, write), headers=HEADERS)


def _write(
    face: WebFace, workspace: str, log: LogName, url: LogUrl, step: ScanStep, *, outcomes: Mapping[str, Outcome]
) -> bytes:
    """A step: its rows, the sentence that says how far it came, and the link that goes on from here."""
    items = build_items(face, workspace, log, step.items, outcomes)
    html = face.templates.render(ScannedRows(columns=columns_of(log.kind), items=items)) if items else ""
    told = {
        "rows": html,
        "matches": step.matches,
        "said": _say(url, step),
        "coverage": say_coverage(step.coverage, face.clock.now_ms()),
        "fraction": step.fraction,
        "next": url.at(step.next_cursor).href if step.next_cursor else "",
        "is_done": step.is_done,
    }
    return write_plain_event("step", msgspec.json.encode(told))


def _say(url: LogUrl, step: ScanStep) -> str:
    if step.next_cursor is None and not step.coverage.truncated:
        return f"Searched all of it: {say_count(step.matches, 'more record')} found."
    if step.reached_ms is None:
        return "The search cannot go on within its limit of time or memory: ask for a shorter time."
    return say_reached(url, step.reached_ms, step.matches)
