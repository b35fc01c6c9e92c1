"""The list of flows, one flow, and switching it."""

from __future__ import annotations

import asyncio

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect
from litestar.status_codes import HTTP_303_SEE_OTHER

from clew.core.errors import Conflict, NotFound
from clew.flows.flow import Flow
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
from clew.web.flows.build import build_flow_page, build_flow_row
from clew.web.flows.health import Health
from clew.web.flows.views import FlowRow, FlowsPage
from clew.web.layout import FLOWS_PATH
from clew.web.links import flow_href
from clew.web.wording import say_count

RECENT = "6"
"""Runs that a flow's page shows; the log has the rest."""


@get("/flows")
async def show_flows(request: HttpRequest, face: Face) -> Response[str]:
    """The flows that are declared, those that fail first."""
    session = session_of(request)
    workspace = session.member.workspace
    healths = await face.health.find_all(workspace)
    rows = build_flow_rows(face, workspace, healths)
    layout = await face.layout(session, "Flows", path=FLOWS_PATH)
    return face.respond(FlowsPage(layout=layout, counter=say_count(len(rows), "flow"), flows=rows))


@get("/flows/{key:str}")
async def show_flow(request: HttpRequest, face: Face, key: FromPath[str]) -> Response[str]:
    """One flow."""
    session = session_of(request)
    workspace = session.member.workspace
    flow = _find(face, key)
    pairs = [("kind", "flow_run"), ("flow", key), ("limit", RECENT)]
    runs = (await face.search.page(face.parser.parse_list(pairs, workspace=workspace))).page.items
    page = build_flow_page(
        flow,
        await face.layout(session, flow.title, path=FLOWS_PATH),
        await face.health.find(workspace, key),
        runs,
        names=face.names(workspace, [run.customer for run in runs]),
        now_ms=face.clock.now_ms(),
        is_enabled=face.is_enabled(workspace, flow),
        setting=face.flow_settings.find(workspace, key) if face.flow_settings else None,
        can_switch=face.flow_settings is not None and can_operate(session),
    )
    return face.respond(page)


@post("/flows/{key:str}/enable", status_code=200)
async def enable_flow(request: HttpRequest, face: Face, key: FromPath[str]) -> Redirect:
    """Let events and schedules launch it, and show it."""
    return await _switch(request, face, key, is_enabled=True)


@post("/flows/{key:str}/disable", status_code=200)
async def disable_flow(request: HttpRequest, face: Face, key: FromPath[str]) -> Redirect:
    """Let no event and no schedule launch it, and show it."""
    return await _switch(request, face, key, is_enabled=False)


async def _switch(request: HttpRequest, face: WebFace, key: str, *, is_enabled: bool) -> Redirect:
    session = session_of(request)
    check_member_form(session, await read_form(request))
    check_operator(session)
    flow = _find(face, key)
    if face.flow_settings is None:
        raise Conflict("Flows cannot be switched on this server.")
    workspace, email, save = session.member.workspace, session.member.email, face.flow_settings.save
    await asyncio.to_thread(save, workspace, flow.key, enabled=is_enabled, changed_by=email)
    return Redirect(flow_href(key), status_code=HTTP_303_SEE_OTHER)


def build_flow_rows(face: WebFace, workspace: str, healths: dict[str, Health]) -> tuple[FlowRow, ...]:
    """Every flow with how it does, those that fail first."""
    names = face.names(workspace, [health.last.customer for health in healths.values() if health.last])
    now_ms = face.clock.now_ms()
    rows = [
        build_flow_row(
            flow,
            healths.get(flow.key, Health()),
            names,
            now_ms,
            is_enabled=face.is_enabled(workspace, flow),
        )
        for flow in face.flows.values()
    ]
    return tuple(sorted(rows, key=lambda row: not row.rate.has_failure))


def _find(face: WebFace, key: str) -> Flow:
    flow = face.flows.get(key)
    if flow is None:
        declared = ", ".join(face.flows) or "none"
        raise NotFound(f"There is no flow {key[:80]!r}.", hint=f"Declared now: {declared}.")
    return flow
