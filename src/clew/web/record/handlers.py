"""The page of one record, and its payload as it came."""

from __future__ import annotations

import asyncio

from litestar import Response, get
from litestar.params import FromPath, FromQuery

from clew.diagnosis.chain import MOST_CHAIN, find_chain
from clew.web.face import Face, HttpRequest, WebFace, can_operate, session_of
from clew.web.record.bodies import file_name_of, media_type_of
from clew.web.record.build import EVENT_DETAILS, TABS, Subject, build_record_page, log_path_of
from clew.web.record.finding import find_record
from clew.web.record.pins import build_pin
from clew.web.record.removed import refuse_removed_payload
from clew.web.record.views import TabName
from clew.web.wording import say_event

_PAYLOAD_POLICY = "default-src 'none'; sandbox"


@get("/records/{record_id:str}")
async def show_record(
    request: HttpRequest,
    face: Face,
    record_id: FromPath[str],
    tab: FromQuery[str] = "details",
    view: FromQuery[str] = "tree",
) -> Response[str]:
    """One record, with one of its tabs open. An unknown tab is Details."""
    session = session_of(request)
    workspace = session.member.workspace
    subject = await _find_subject(face, workspace, record_id)
    record = subject.record
    title = EVENT_DETAILS if record.kind == "integration_event" else say_event(record)
    layout = await face.layout(session, title, path=log_path_of(record))
    opened: TabName = next((name for name in TABS if name == tab), "details")
    names = face.names(workspace, [record.customer])
    found = await asyncio.to_thread(face.registry.pins.find, workspace, record.id)
    pin = build_pin(record, found, can_operate=can_operate(session))
    return face.respond(build_record_page(subject, layout, opened, names, pin, is_raw=view == "raw"))


@get("/records/{record_id:str}/payload")
async def download_payload(request: HttpRequest, face: Face, record_id: FromPath[str]) -> Response[bytes]:
    """The payload, byte for byte, as a file. Whatever it is, a browser will not run it here."""
    record = await find_record(face, session_of(request).member.workspace, record_id)
    refuse_removed_payload(record)
    headers = {
        "Content-Disposition": f'attachment; filename="{file_name_of(record)}"',
        "Content-Security-Policy": _PAYLOAD_POLICY,
        "Content-Type": media_type_of(record),
    }
    return Response(record.payload_bytes(), headers=headers)


async def _find_subject(face: WebFace, workspace: str, record_id: str) -> Subject:
    record = await find_record(face, workspace, record_id)
    chain = await find_chain(face.search, record)
    return Subject(record, chain.records, face.flows, read_first=MOST_CHAIN if chain.is_cut else 0)
