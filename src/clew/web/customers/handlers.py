"""A customer's pages: Integration Events, AIP Events, a step's payload, and republishing."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from urllib.parse import parse_qsl

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect
from litestar.status_codes import HTTP_303_SEE_OTHER

from clew.core.errors import BadRequest, ClewError, Conflict, Invalid, NotFound
from clew.core.ids import is_id
from clew.core.record import Record
from clew.diagnosis.application_events import Asked, FoundEvents, OpenEvent
from clew.diagnosis.event_steps import EventSteps
from clew.web.customers.aip import build_aip_row
from clew.web.customers.customer import AIP_PART, EVENTS_PART, Place, build_head, find_place
from clew.web.customers.details import Context, build_details
from clew.web.customers.document import build_document
from clew.web.customers.filters import build_filters
from clew.web.customers.rows import build_event_row, build_nothing, build_pages
from clew.web.customers.summary import build_summary, write_csv
from clew.web.customers.url import OF_STEPS, EventsUrl, read_asked, read_events_url
from clew.web.customers.views import AipPage, EventsPage, Filters, PayloadPage
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
from clew.web.layout import CUSTOMERS_PATH
from clew.web.links import href_of
from clew.web.logs.views import Trouble
from clew.web.names import Names
from clew.web.record.bodies import build_body
from clew.web.wording import cut, say_count, say_event, say_moment

SHOWN_TRIES = 30
SHOWN_PAUSE_S = 0.05
"""What was just written is waited for before its page is shown, for a second and a half in all."""


@get("/customers/{key:str}")
async def show_customer(request: HttpRequest, face: Face, key: FromPath[str]) -> Redirect:
    """A customer: its Integration Events."""
    place = await find_place(face, session_of(request), key)
    return Redirect(place.path(EVENTS_PART))


@get("/customers/{key:str}/integration-events")
async def show_events(request: HttpRequest, face: Face, key: FromPath[str]) -> Response[str]:
    """The tab Integration Events: filters, the events, the one that is open, and the summary of those ticked."""
    place = await find_place(face, session_of(request), key)
    return await _respond(face, place, _url_of(request, place, EVENTS_PART))


@get("/customers/{key:str}/integration-events/summary.csv")
async def download_summary(request: HttpRequest, face: Face, key: FromPath[str]) -> Response[bytes]:
    """The summary of the ticked events as a file."""
    place = await find_place(face, session_of(request), key)
    url = _url_of(request, place, EVENTS_PART)
    read_asked(face.parser, EventsUrl(asked=url.asked.cleared(), ticked=url.ticked), **_who(place))
    events = await face.events.find_all(place.workspace, place.key, url.ticked)
    names = face.names(place.workspace, [place.key])
    context = _context(face, place, url, names)
    rows = build_summary(events, await _reasons(face, place, events), url, names, context.integration_of)
    return Response(write_csv(rows), media_type="text/csv; charset=utf-8", headers=_as_file("integration-events.csv"))


@get("/customers/{key:str}/integration-events/{record_id:str}")
async def show_payload(request: HttpRequest, face: Face, key: FromPath[str], record_id: FromPath[str]) -> Response[str]:
    """The payload of an event or a step as a tree, with what is known beside it."""
    place = await find_place(face, session_of(request), key)
    record = await _find_record(face, place, record_id)
    names = face.names(place.workspace, [record.customer])
    document = build_document(record, names)
    here = f"{place.path(EVENTS_PART)}/{record.id}"
    event_id = request.query_params.get("event", "")
    page = PayloadPage(
        layout=await face.layout(place.session, f"Payload · {place.customer.name}", path=CUSTOMERS_PATH),
        head=await build_head(face, place, EVENTS_PART),
        title=cut(say_event(record)),
        action=cut(record.action),
        moment=say_moment(record.time),
        back_href=f"{place.path(EVENTS_PART)}?event={event_id}" if is_id(event_id) else place.path(EVENTS_PART),
        record_href=href_of(record),
        download_href=f"{here}/payload.json",
        body=build_body(document.decode(), False, len(document), "application/json"),
    )
    return face.respond(page)


@get("/customers/{key:str}/integration-events/{record_id:str}/payload.json")
async def download_document(
    request: HttpRequest, face: Face, key: FromPath[str], record_id: FromPath[str]
) -> Response[bytes]:
    """The same as a file."""
    place = await find_place(face, session_of(request), key)
    record = await _find_record(face, place, record_id)
    document = build_document(record, face.names(place.workspace, [record.customer]))
    return Response(document, media_type="application/json", headers=_as_file(f"{record.id}.json"))


@post("/customers/{key:str}/integration-events/{event_id:str}/republish", status_code=200)
async def republish_event(
    request: HttpRequest, face: Face, key: FromPath[str], event_id: FromPath[str]
) -> Response[str] | Redirect:
    """Send the event once more to one flow that consumed it, and show it with its new step."""
    session = session_of(request)
    form = await read_form(request)
    check_member_form(session, form)
    check_operator(session)
    place = await find_place(face, session, key)
    opened = await face.events.find(place.workspace, place.key, event_id)
    flow = form.get("flow", "")
    try:
        step_id = await _republish(face, place, opened, flow)
    except (Conflict, Invalid, NotFound) as error:
        url = read_events_url(place.path(EVENTS_PART), [("event", event_id)])
        return await _respond(face, place, url, refusal=error)
    await _wait_for(face, place, step_id)
    return Redirect(f"{place.path(EVENTS_PART)}?event={event_id}", status_code=HTTP_303_SEE_OTHER)


@get("/customers/{key:str}/aip-events")
async def show_aip_events(request: HttpRequest, face: Face, key: FromPath[str]) -> Response[str]:
    """The tab AIP Events."""
    place = await find_place(face, session_of(request), key)
    url = _url_of(request, place, AIP_PART)
    layout = await face.layout(place.session, f"AIP Events · {place.customer.name}", path=CUSTOMERS_PATH)
    names = face.names(place.workspace, [place.key])
    head = build_head(face, place, AIP_PART)
    try:
        asked = read_asked(face.parser, url, **_who(place))
    except BadRequest as error:
        filters = _filters(face, place, url, names)
        page = AipPage(layout=layout, head=await head, filters=filters, trouble=_trouble(error, url))
        return face.respond(page, status=error.status)
    asked = msgspec.structs.replace(asked, with_causes=True)
    (found, counter), above = await asyncio.gather(_ask(face, asked), head)
    pages = build_pages(found, url, face.clock.now_ms())
    reasons = await _reasons(face, place, found.items)
    page = AipPage(
        layout=layout,
        head=above,
        filters=_filters(face, place, url, names, found=found, counter=counter),
        rows=tuple(build_aip_row(one, reasons.get(one.event.id), place.key, names) for one in found.items),
        nothing=None if found.items else build_nothing(url, found.coverage, pages.older_href),
        pages=pages,
    )
    return face.respond(page)


def _url_of(request: HttpRequest, place: Place, part: str) -> EventsUrl:
    query = request.scope["query_string"].decode("latin-1")
    return read_events_url(place.path(part), parse_qsl(query, keep_blank_values=True, errors="replace"))


def _who(place: Place) -> dict[str, str]:
    return {"workspace": place.workspace, "customer": place.key}


def _as_file(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"', "X-Content-Type-Options": "nosniff"}


async def _respond(face: WebFace, place: Place, url: EventsUrl, *, refusal: ClewError | None = None) -> Response[str]:
    names = face.names(place.workspace, [place.key])
    title = f"Integration Events · {place.customer.name}"
    layout = await face.layout(place.session, title, path=CUSTOMERS_PATH)
    head = build_head(face, place, EVENTS_PART)
    try:
        asked = read_asked(face.parser, url, **_who(place))
    except BadRequest as error:
        filters = _filters(face, place, url, names)
        page = EventsPage(layout=layout, head=await head, filters=filters, trouble=_trouble(error, url))
        return face.respond(page, status=error.status)
    asked = msgspec.structs.replace(asked, opens_first=not url.event)
    (found, counter), above = await asyncio.gather(_ask(face, asked), head)
    opened, ticked = await asyncio.gather(
        _open(face, place, url, found), face.events.find_all(place.workspace, place.key, url.ticked)
    )
    context = _context(face, place, url, names)
    pages = build_pages(found, url, face.clock.now_ms())
    open_id = opened.steps.event.id if opened else ""
    reasons = await _reasons(face, place, ticked)
    page = EventsPage(
        layout=layout,
        head=above,
        filters=_filters(face, place, url, names, found=found, counter=counter),
        rows=tuple(build_event_row(one, url, names, context.source_of, open_id) for one in found.items),
        nothing=None if found.items else build_nothing(url, found.coverage, pages.older_href),
        pages=pages,
        details=build_details(opened, context) if opened else None,
        is_chosen=bool(url.event),
        summary=build_summary(ticked, reasons, url, names, context.integration_of),
        summary_href=url.summary_href,
        tick_all_href=url.ticking([*url.ticked, *(one.event.id for one in found.items)]).href,
        untick_href=url.ticking(()).href,
        carried=url.carried_by_ticks(one.event.id for one in found.items),
        refusal=Trouble(refusal.detail, refusal.hint, url.href) if refusal else None,
    )
    return face.respond(page, status=refusal.status if refusal else 200)


async def _ask(face: WebFace, asked: Asked) -> tuple[FoundEvents, str]:
    """The page, and how many events there are; where they are picked by their steps only these are counted."""
    found = await face.events.page(asked)
    if found.count is None:
        has_more = bool(found.next_cursor or found.prev_cursor)
        return found, say_count(len(found.items), "event") + (" on this page" if has_more else "")
    return found, say_count(found.count.count, "event", at_least=found.count.truncated)


async def _open(face: WebFace, place: Place, url: EventsUrl, found: FoundEvents) -> OpenEvent | None:
    """The event that the URL names, else the first of the list."""
    if url.event:
        return await face.events.find(place.workspace, place.key, url.event)
    if found.opened or not found.items:
        return found.opened
    return await face.events.find(place.workspace, place.key, found.items[0].event.id)


async def _reasons(face: WebFace, place: Place, events: Sequence[EventSteps]) -> dict[str, Record]:
    """The record that is the reason for each event's failure, whole."""
    causes = {one.event.id: one.cause.id for one in events if one.cause}
    found = await face.search.find_all(place.workspace, list(causes.values()))
    return {event_id: found[cause] for event_id, cause in causes.items() if cause in found}


def _context(face: WebFace, place: Place, url: EventsUrl, names: Names) -> Context:
    registry, workspace = face.registry, place.workspace
    return Context(
        url=url,
        path=place.path(EVENTS_PART),
        names=names,
        flows=face.flows,
        source_of=lambda key: registry.sources.find(workspace, key, archived=True),
        integration_of=lambda key: registry.integrations.find(workspace, key, archived=True),
        can_republish=face.republisher is not None and can_operate(place.session),
    )


def _filters(
    face: WebFace,
    place: Place,
    url: EventsUrl,
    names: Names,
    *,
    found: FoundEvents | None = None,
    counter: str = "",
) -> Filters:
    items = found.items if found else ()
    is_picking = any(url.asked.get(name) for name in OF_STEPS)
    failed = 0 if is_picking else sum(one.status == "failure" for one in items)
    has_more = found is not None and bool(found.next_cursor or found.prev_cursor)
    return build_filters(
        url,
        names=names,
        products=[one.key for one in face.registry.products.list(place.workspace)],
        events=(one.event.event for one in items if one.event.event),
        counter=counter,
        failures=say_count(failed, "failure") + (" on this page" if has_more else "") if failed else "",
    )


def _trouble(error: ClewError, url: EventsUrl) -> Trouble:
    return Trouble(error.detail, error.hint, url.asked.path)


async def _find_record(face: WebFace, place: Place, record_id: str) -> Record:
    """A record of the customer, or one of its events' that names none."""
    record = await face.search.find(place.workspace, record_id.lower()) if is_id(record_id) else None
    if record is None or record.customer not in ("", place.key):
        raise NotFound(
            f"There is no record {record_id[:80]!r} of this customer.",
            hint="It may be older than what is kept, or not yet in the log: that takes up to a second.",
        )
    return record


async def _republish(face: WebFace, place: Place, opened: OpenEvent, flow: str) -> str:
    """Republish to one consumer; gives the id of the step's record."""
    event = next(one for one in opened.chain if one.id == opened.steps.event.id)
    run_id = opened.steps.run_of(flow)
    if face.republisher is None:
        raise Conflict("No flows are declared here, so none can run.", hint="Start the server with the flow's module.")
    if not run_id:
        consumers = ", ".join(opened.steps.flows) or "none"
        raise Invalid(f"No flow {flow[:80]!r} has consumed this event.", hint=f"Those that did: {consumers}.")
    title = face.flows[flow].title if flow in face.flows else flow
    by = place.session.member.email
    return await face.republisher.republish(event, run_id, flow=flow, title=title, by=by)


async def _wait_for(face: WebFace, place: Place, record_id: str) -> None:
    """Until a record can be found, or for a while."""
    for _ in range(SHOWN_TRIES):
        if await face.search.find(place.workspace, record_id):
            return
        await asyncio.sleep(SHOWN_PAUSE_S)
