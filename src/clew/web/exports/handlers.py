"""Exports in the browser: begun from a list, watched on a page of their own, and fetched from there."""

from __future__ import annotations

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import File, Redirect
from litestar.status_codes import HTTP_303_SEE_OTHER

from clew.core.errors import NotFound, Unavailable
from clew.log.export import CONTENT_TYPES
from clew.log.query import Filter
from clew.log.report_parameters import parse_export
from clew.operations.exports import Export, Exports
from clew.registry.sessions import Session
from clew.web.exports.views import ExportPage, ExportRow, ExportsPage
from clew.web.face import Face, HttpRequest, WebFace, check_member_form, read_form, session_of
from clew.web.logs.asked import find_log, fixed_of, url_of
from clew.web.logs.downloads import FORMAT_LABELS, name_file
from clew.web.logs.url import filters_of
from clew.web.time_zone import zone_words
from clew.web.wording import say_count, say_minute, say_size

PATH = "/exports"


@post(["/logs/exports", "/logs/{name:str}/exports"], status_code=200)
async def start_export(request: HttpRequest, face: Face, name: FromPath[str] = "") -> Redirect:
    """Begin an export of every record under the filters of the address, and show how far it is.

    Raises as the list itself does, and `TooMany` where this member has as many as may be.
    """
    session = session_of(request)
    form = await read_form(request)
    check_member_form(session, form)
    exports = _exports_of(face)
    log, workspace = find_log(name), session.member.workspace
    pairs = (
        *filters_of(url_of(request, log).without("format").without("limit")),
        ("format", form.get("format", "csv")),
    )
    asked = parse_export(face.parser, pairs, workspace=workspace, fixed=fixed_of(log))
    expected = await _count(face, asked.filter)
    now_ms = face.clock.now_ms()
    export = Export(
        id=exports.new_id(),
        workspace=workspace,
        member=session.member.id,
        title=log.title,
        file_name=name_file(log, now_ms, asked.format),
        format=asked.format,
        state="waiting",
        asked_at=now_ms,
        expected=expected,
    )
    exports.start(export, asked.filter, asked.sort)
    return Redirect(f"{PATH}/{export.id}", status_code=HTTP_303_SEE_OTHER)


async def _count(face: WebFace, filter: Filter) -> int:
    """How many records there are, 0 where that cannot be told soon."""
    if filter.contains is not None:
        return 0
    count = (await face.search.count_soon(filter)).count
    return 0 if count.truncated else count.count


@get(PATH)
async def show_exports(request: HttpRequest, face: Face) -> Response[str]:
    """The exports of who is signed in."""
    session = session_of(request)
    found = _exports_of(face).list(session.member.workspace, session.member.id)
    layout = await face.layout(session, "Exports", path=PATH)
    return face.respond(ExportsPage(layout=layout, exports=tuple(_row(export) for export in found)))


@get(f"{PATH}/{{export_id:str}}")
async def show_export(request: HttpRequest, face: Face, export_id: FromPath[str]) -> Response[str]:
    """An export and how far it is. Raises `NotFound` for one of somebody else."""
    session = session_of(request)
    export = _find(face, session, export_id)
    layout = await face.layout(session, f"Export of {export.title}", path=PATH)
    return face.respond(ExportPage(layout=layout, export=_row(export)))


@get(f"{PATH}/{{export_id:str}}/file")
async def send_export(request: HttpRequest, face: Face, export_id: FromPath[str]) -> File:
    """The file. Raises `NotFound` for one that is not whole, or of somebody else."""
    export = _find(face, session_of(request), export_id)
    if export.state != "done":
        raise NotFound("The file is not whole yet.", hint=f"{PATH}/{export.id} shows how far it is.")
    path = _exports_of(face).path(export)
    if not path.is_file():
        raise NotFound("The file is gone from the server.", hint="Begin the export again.")
    return File(path, filename=export.file_name, media_type=CONTENT_TYPES[export.format])


@post(f"{PATH}/{{export_id:str}}/remove", status_code=200)
async def remove_export(request: HttpRequest, face: Face, export_id: FromPath[str]) -> Redirect:
    """End an export and remove its file."""
    session = session_of(request)
    check_member_form(session, await read_form(request))
    _exports_of(face).remove(_find(face, session, export_id))
    return Redirect(PATH, status_code=HTTP_303_SEE_OTHER)


def _exports_of(face: WebFace) -> Exports:
    if face.exports is None:
        raise Unavailable("This server makes no exports.")
    return face.exports


def _find(face: WebFace, session: Session, export_id: str) -> Export:
    return _exports_of(face).find(session.member.workspace, session.member.id, export_id)


def _row(export: Export) -> ExportRow:
    href, ends = f"{PATH}/{export.id}", export.kept_until
    is_counted = export.format != "parquet" and export.expected > 0
    return ExportRow(
        href=href,
        title=export.title,
        format=FORMAT_LABELS[export.format],
        state=export.state,
        said=_say(export),
        asked=f"{say_minute(export.asked_at)} {zone_words()}",
        kept=f"until {say_minute(ends)} {zone_words()}" if ends is not None and export.state == "done" else "",
        done=min(export.records, export.expected),
        total=export.expected if is_counted else 0,
        file_href=f"{href}/file" if export.state == "done" else "",
        remove_href=f"{href}/remove",
        is_running=not export.has_ended,
        has_failed=export.state == "failed",
    )


def _say(export: Export) -> str:
    size = say_size(export.size)
    if export.state == "waiting":
        return "It waits until another export has ended."
    if export.state == "failed":
        return export.error
    if export.format == "parquet":
        return size
    if export.state == "done":
        return f"{say_count(export.records, 'record')}, {size}"
    expected = f" of {export.expected:,}" if export.expected else ""
    return f"{export.records:,}{expected} records, {size}"
