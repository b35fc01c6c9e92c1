"""All pages as one router: routes, who may see them, headers, and pages for what goes wrong."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from litestar import Response, Router, get
from litestar.connection import ASGIConnection
from litestar.di import Provide
from litestar.exceptions import HTTPException
from litestar.handlers import BaseRouteHandler
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect
from litestar.types import Guard

from clew.core.errors import ClewError, NotFound, NotSignedIn
from clew.registry.sessions import Session
from clew.web.connected.connections import CHANGES, show_connection, show_connections
from clew.web.connected.integrations import show_integration, show_integrations
from clew.web.connected.products import show_product, show_products
from clew.web.customers.handlers import (
    download_document,
    download_summary,
    republish_event,
    show_aip_events,
    show_customer,
    show_events,
    show_payload,
)
from clew.web.customers.listing import show_customers
from clew.web.exports.handlers import remove_export, send_export, show_export, show_exports, start_export
from clew.web.face import Face, HttpRequest, WebFace, stranger_layout
from clew.web.failures import FailurePage
from clew.web.flow_run.handlers import repeat_run, show_flow_run, stop_run
from clew.web.flows.handlers import disable_flow, enable_flow, show_flow, show_flows
from clew.web.layout import Layout, build_layout
from clew.web.logs.downloads import download_log
from clew.web.logs.facets import show_facets
from clew.web.logs.handlers import show_all_records, show_chart, show_log, show_under_its_name
from clew.web.logs.live import stream_rows
from clew.web.logs.saved_views import delete_view, save_view
from clew.web.logs.scan_stream import scan_log
from clew.web.overview.handlers import show_overview
from clew.web.record.handlers import download_payload, show_record
from clew.web.record.pins import pin_record, unpin_record
from clew.web.security import SESSION_COOKIE, SecurityHeaders
from clew.web.settings.activity import show_activity
from clew.web.settings.logging_page import show_logging, turn_switch
from clew.web.sign_in.handlers import show_link, show_sign_in, sign_in, sign_out, use_link
from clew.web.time_zone import ZoneOfRequest
from clew.web.troubleshooting.handlers import show_troubleshooting
from clew.web.zone.handlers import choose_zone, show_zone

log = logging.getLogger("clew.web")

FindFace = Callable[[], WebFace]


def build_web(face: WebFace) -> Router:
    """The pages. Whoever is not signed in is led to the sign-in and then back.

    Raises `NotFound` where a file that every page needs is missing: the front-end libraries come by the build hook.
    """
    face.static.href("vendor/htmx.js")
    return build_pages(lambda: face)


def build_pages(find_face: FindFace) -> Router:
    """The routes of the pages. What they show is asked of the face that `find_face` gives when a page is asked for."""
    behind_the_door = Router(
        path="/",
        guards=[_signed_in(find_face)],
        route_handlers=[
            show_overview,
            show_under_its_name,
            show_all_records,
            show_log,
            show_chart,
            show_facets,
            scan_log,
            stream_rows,
            download_log,
            start_export,
            show_exports,
            show_export,
            send_export,
            remove_export,
            save_view,
            delete_view,
            show_record,
            download_payload,
            pin_record,
            unpin_record,
            show_flow_run,
            stop_run,
            repeat_run,
            show_flows,
            show_flow,
            enable_flow,
            disable_flow,
            show_logging,
            turn_switch,
            show_activity,
            show_zone,
            choose_zone,
            show_customers,
            show_customer,
            show_events,
            download_summary,
            show_payload,
            download_document,
            republish_event,
            show_aip_events,
            show_troubleshooting,
            show_products,
            show_product,
            show_integrations,
            show_integration,
            show_connections,
            show_connection,
            *CHANGES,
            sign_out,
            show_nothing,
        ],
    )
    return Router(
        path="/",
        route_handlers=[behind_the_door, show_sign_in, sign_in, show_link, use_link, send_static],
        dependencies={"face": Provide(find_face, sync_to_thread=False)},
        middleware=[SecurityHeaders, ZoneOfRequest],
        exception_handlers=_failure_pages(find_face),
        include_in_schema=False,
    )


@get("/static/{name:path}")
async def send_static(request: HttpRequest, face: Face, name: FromPath[str], v: FromQuery[str] = "") -> Response[bytes]:
    """A file of the package."""
    return face.static.respond(str(name).lstrip("/"), v, request.headers.get("if-none-match", ""))


@get(
    [
        "/{rest:path}",
        "/logs/{name:str}/{rest:path}",
        "/records/{record_id:str}/{rest:path}",
        "/flow-runs/{run_id:str}/{rest:path}",
        "/flows/{key:str}/{rest:path}",
        "/customers/{key:str}/{rest:path}",
        "/customers/{key:str}/integration-events/{record_id:str}/{rest:path}",
        "/products/{key:str}/{rest:path}",
        "/integrations/{key:str}/{rest:path}",
        "/connections/{key:str}/{rest:path}",
        "/activity/{rest:path}",
        "/exports/{export_id:str}/{rest:path}",
    ]
)
async def show_nothing(request: HttpRequest) -> Response[str]:
    """Any other address."""
    raise NotFound(f"There is nothing at {request.url.path[:200]}.", hint="Check the link.")


def _signed_in(find_face: FindFace) -> Guard:
    """A guard that leaves the session in `state.session`, and raises `NotSignedIn` where there is none."""

    def guard(connection: ASGIConnection[Any, Any, Any, Any], _handler: BaseRouteHandler) -> None:
        token = connection.cookies.get(SESSION_COOKIE, "")
        session = find_face().registry.sessions.find(token) if token else None
        if session is None:
            raise NotSignedIn("You are not signed in, or your session has ended.")
        connection.state.session = session

    return guard


Handler = Callable[[HttpRequest, Any], Response[Any]]


def _failure_pages(find_face: FindFace) -> dict[Any, Handler]:
    def refused(request: HttpRequest, error: ClewError) -> Response[Any]:
        if isinstance(error, NotSignedIn):
            return _to_sign_in(request)
        face = find_face()
        page = FailurePage(
            layout=_layout(face, request, error.title),
            status=error.status,
            title=error.title,
            detail=error.detail,
            hint=error.hint,
            is_signed_in=_session(request) is not None,
        )
        response = face.respond(page, status=error.status)
        if error.retry_after_s is not None:
            response.headers["Retry-After"] = str(error.retry_after_s)
        return response

    def not_taken(request: HttpRequest, error: HTTPException) -> Response[Any]:
        face = find_face()
        page = FailurePage(
            layout=_layout(face, request, "This did not work"),
            status=error.status_code,
            title="This did not work",
            detail=error.detail,
            is_signed_in=_session(request) is not None,
        )
        return face.respond(page, status=error.status_code)

    def unexpected(request: HttpRequest, error: Exception) -> Response[Any]:
        log.error("%s %s failed", request.method, request.url.path, exc_info=error)
        return refused(request, ClewError("The server made a mistake; its log has the details."))

    return {ClewError: refused, HTTPException: not_taken, Exception: unexpected}


def _session(request: HttpRequest) -> Session | None:
    session = request.state.get("session")
    return session if isinstance(session, Session) else None


def _layout(face: WebFace, request: HttpRequest, title: str) -> Layout:
    session = _session(request)
    if session is None:
        return stranger_layout(request, title)
    return build_layout(
        title,
        member=session.member.email,
        form_token=session.csrf_token,
        failures=face.failing.last_known(session.member.workspace),
        is_admin=session.member.role == "admin",
    )


def _to_sign_in(request: HttpRequest) -> Response[Any]:
    """To the sign-in, and from there back to what was asked where that was a page."""
    query = request.scope["query_string"].decode("latin-1")
    here = f"{request.url.path}?{query}" if query else request.url.path
    is_page = request.method == "GET" and here != "/"
    target = f"/sign-in?next={quote(here, safe='/')}" if is_page else "/sign-in"
    if request.headers.get("hx-request") == "true":
        return Response("", status_code=401, headers={"HX-Redirect": target}, media_type="text/html")
    return Redirect(target, status_code=303)
