"""Pinning the record of a page, so that retention leaves it and its trace alone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from litestar import post
from litestar.params import FromPath
from litestar.response import Redirect
from litestar.status_codes import HTTP_303_SEE_OTHER

from clew.core.record import Record
from clew.registry.pins import Pin, Pins
from clew.web.face import Face, HttpRequest, WebFace, check_member_form, check_operator, read_form, session_of
from clew.web.links import record_href
from clew.web.record.finding import find_record
from clew.web.record.views import PinView
from clew.web.time_zone import zone_words
from clew.web.wording import say_event, say_minute


@post("/records/{record_id:str}/pin", status_code=200)
async def pin_record(request: HttpRequest, face: Face, record_id: FromPath[str]) -> Redirect:
    """Keep the record and its trace, and show it."""

    def pin(pins: Pins, record: Record, by: str) -> object:
        return pins.pin(record.workspace, record.id, trace_id=record.trace_id, title=say_event(record), by=by)

    return await _change(request, face, record_id, pin)


@post("/records/{record_id:str}/unpin", status_code=200)
async def unpin_record(request: HttpRequest, face: Face, record_id: FromPath[str]) -> Redirect:
    """Keep the record no longer than others, and show it."""
    return await _change(request, face, record_id, lambda pins, record, _: pins.unpin(record.workspace, record.id))


async def _change(
    request: HttpRequest, face: WebFace, record_id: str, change: Callable[[Pins, Record, str], object]
) -> Redirect:
    session = session_of(request)
    check_member_form(session, await read_form(request))
    check_operator(session)
    record = await find_record(face, session.member.workspace, record_id)
    await asyncio.to_thread(change, face.registry.pins, record, session.member.email)
    return Redirect(record_href(record.id), status_code=HTTP_303_SEE_OTHER)


def build_pin(record: Record, pin: Pin | None, *, can_operate: bool) -> PinView | None:
    """How the record is pinned and what can be done about it; None where there is nothing to say."""
    if pin is None and not can_operate:
        return None
    action = "unpin" if pin else "pin"
    by = f" by {pin.pinned_by}" if pin and pin.pinned_by else ""
    return PinView(
        href=f"{record_href(record.id)}/{action}" if can_operate else "",
        label=action.capitalize(),
        note=f"Kept with its trace: pinned{by}, {say_minute(pin.pinned_at)} {zone_words()}." if pin else "",
    )
