"""The page of one flow run, and its two buttons."""

from __future__ import annotations

from contextlib import suppress

from litestar import Response, get, post
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect
from litestar.status_codes import HTTP_303_SEE_OTHER

from clew.core.errors import ClewError, Conflict, NotFound
from clew.core.ids import is_id
from clew.diagnosis.flow_runs import FoundRun
from clew.flows.runner import Runner
from clew.registry.sessions import Session
from clew.web.because import build_because
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
from clew.web.flow_run.build import Shown, build_run_page
from clew.web.flow_run.node import Chosen
from clew.web.flow_run.views import Message
from clew.web.links import RUNS_PATH, record_href, run_href


@get("/flow-runs/{run_id:str}")
async def show_flow_run(
    request: HttpRequest, face: Face, run_id: FromPath[str], tab: FromQuery[str] = "graph"
) -> Response[str] | Redirect:
    """One run, with one of its tabs open and, under the graph, one of its nodes: `node`, `run` and `view` say which."""
    session = session_of(request)
    chosen = Chosen(**{name: request.query_params.get(name, "") for name in Chosen.__struct_fields__})
    try:
        found = await face.runs.find(session.member.workspace, run_id)
    except NotFound:
        # A node run that was reported without its flow run is a record like any other.
        if is_id(chosen.run) and await face.search.find(session.member.workspace, chosen.run.lower()):
            return Redirect(record_href(chosen.run.lower()))
        raise
    return await _respond(face, session, found, tab, chosen)


@post("/flow-runs/{run_id:str}/stop", status_code=200)
async def stop_run(request: HttpRequest, face: Face, run_id: FromPath[str]) -> Redirect:
    """End the run, and show it."""
    session = session_of(request)
    check_member_form(session, await read_form(request))
    check_operator(session)
    workspace = session.member.workspace
    # Where it ended before the button was pressed, the page says so itself.
    with suppress(NotFound):
        await _runner_of(face).stop(workspace, run_id)
    return Redirect(run_href(run_id), status_code=HTTP_303_SEE_OTHER)


@post("/flow-runs/{run_id:str}/repeat", status_code=200)
async def repeat_run(request: HttpRequest, face: Face, run_id: FromPath[str]) -> Response[str] | Redirect:
    """Run it again with the same input, and show the new run. What refuses is said on the old one's page."""
    session = session_of(request)
    check_member_form(session, await read_form(request))
    check_operator(session)
    workspace = session.member.workspace
    try:
        result = await _runner_of(face).repeat(workspace, run_id)
    except Conflict as error:
        found = await face.runs.find(workspace, run_id)
        return await _respond(face, session, found, "graph", Chosen(), refusal=error)
    return Redirect(run_href(result.run_id), status_code=HTTP_303_SEE_OTHER)


def _runner_of(face: WebFace) -> Runner:
    if face.runner is None:
        raise Conflict("No flows are declared here, so none can run.", hint="Start the server with the flow's module.")
    return face.runner


async def _respond(
    face: WebFace, session: Session, found: FoundRun, tab: str, chosen: Chosen, *, refusal: ClewError | None = None
) -> Response[str]:
    run, workspace = found.run, session.member.workspace
    names = face.names(workspace, [run.facts.customer])
    flow = face.flows.get(run.facts.flow)
    has_failed = run.record is not None and run.record.status == "failure"
    shown = Shown(
        run=run,
        flow=flow,
        event=found.event,
        because=build_because(found.chain, run.facts.id, names) if has_failed else None,
        can_operate=face.runner is not None and can_operate(session),
        message=Message(refusal.detail, refusal.hint) if refusal else None,
    )
    layout = await face.layout(session, f"{shown.title} · flow run", path=RUNS_PATH)
    return face.respond(build_run_page(shown, layout, tab, chosen, names), status=refusal.status if refusal else 200)
