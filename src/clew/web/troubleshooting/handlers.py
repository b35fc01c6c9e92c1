"""The troubleshooting page: what the URL asks, asked of the diagnosis."""

from __future__ import annotations

import asyncio
from urllib.parse import parse_qsl

from litestar import Response, get
from litestar.response import Redirect

from clew.core.errors import BadRequest, ClewError, Invalid, NotAllowed
from clew.core.record import Summary
from clew.diagnosis.why_not import WhyNot
from clew.web.face import Face, HttpRequest, WebFace, session_of
from clew.web.layout import TROUBLESHOOTING_PATH
from clew.web.logs.url import LogUrl
from clew.web.troubleshooting.asked import Asked, fixed_href, read_asked
from clew.web.troubleshooting.build import EXAMPLE_ANSWER, build_example, build_failure, build_form, build_logs
from clew.web.troubleshooting.found import find_runs
from clew.web.troubleshooting.steps import build_answered, build_checklist, build_verdict
from clew.web.troubleshooting.views import Answered, FlowVerdict, Notice, RunsFound, TroubleshootingPage

MAX_SUGGESTIONS = 200
"""Customers that are offered while typing; any other may be typed."""
LATEST = "5"
"""Failures that the page begins with."""
_FAILED = (("kind", "flow_run"), ("kind", "external_webhook"), ("kind", "integration_event"), ("status", "failure"))


@get(TROUBLESHOOTING_PATH)
async def show_troubleshooting(request: HttpRequest, face: Face) -> Response[str] | Redirect:
    """The guide; with a question, its answer. An order that has one flow run leads there."""
    workspace = session_of(request).member.workspace
    try:
        asked = read_asked(_pairs_of(request))
        found = await find_runs(face, workspace, asked.find) if asked.find else None
        if found and len(found.runs) == 1:
            return Redirect(found.runs[0].href, status_code=303)
        return await _answer(request, face, asked, found)
    except (BadRequest, Invalid, NotAllowed) as error:
        return await _show(request, face, Asked(), error=error)


def _pairs_of(request: HttpRequest) -> list[tuple[str, str]]:
    query = request.scope["query_string"].decode("latin-1")
    return parse_qsl(query, keep_blank_values=True, errors="replace")


async def _answer(request: HttpRequest, face: WebFace, asked: Asked, found: RunsFound | None) -> Response[str]:
    """The page with what was found and answered. A question that makes no sense is shown as it was asked."""
    if not asked.is_question:
        return await _show(request, face, asked, found=found)
    try:
        if asked.integration:
            return await _show(request, face, asked, found=found, flows=await _explain_each(request, face, asked))
        workspace = session_of(request).member.workspace
        answer = await face.why_nots.explain(asked.request(workspace, face.clock.now_ms()))
    except (BadRequest, Invalid, NotAllowed) as error:
        return await _show(request, face, asked, found=found, error=error)
    return await _show(request, face, asked, found=found, answer=answer)


async def _explain_each(request: HttpRequest, face: WebFace, asked: Asked) -> tuple[FlowVerdict, ...]:
    """Every flow of an integration."""
    workspace, now_ms = session_of(request).member.workspace, face.clock.now_ms()
    keys = [one.key for one in face.flows.values() if one.integration and one.integration.key == asked.integration]
    if not keys:
        raise BadRequest(f"There is no flow of an integration {asked.integration[:80]!r}.", hint="Choose one.")
    requests = [asked.of_flow(key).request(workspace, now_ms) for key in keys]
    answers = await asyncio.gather(*(face.why_nots.explain(one) for one in requests))
    return tuple(
        build_verdict(answer, fixed_href(one, answer.question.from_ms, answer.question.to_ms))
        for one, answer in zip(requests, answers, strict=True)
    )


async def _show(
    request: HttpRequest,
    face: WebFace,
    asked: Asked,
    *,
    found: RunsFound | None = None,
    answer: WhyNot | None = None,
    flows: tuple[FlowVerdict, ...] = (),
    error: ClewError | None = None,
) -> Response[str]:
    session = session_of(request)
    workspace, now_ms = session.member.workspace, face.clock.now_ms()
    layout = await face.layout(session, "Monitoring & Troubleshooting", path=TROUBLESHOOTING_PATH)
    failed = await _latest_failures(face, workspace)
    names = face.names(workspace, (item.customer for item in failed))
    customers = await asyncio.to_thread(face.registry.customers.list, workspace, limit=MAX_SUGGESTIONS)
    base_url = (face.settings.public_url or str(request.base_url)).rstrip("/")
    page = TroubleshootingPage(
        layout=layout,
        logs=build_logs(),
        failures=tuple(build_failure(item, names, now_ms) for item in failed),
        failures_href=LogUrl("/logs", (("status", "failure"),)).href,
        form=build_form(asked, customers, face.flows, names),
        checklist=build_checklist(answer),
        example=build_example(base_url),
        example_answer=EXAMPLE_ANSWER,
        found=found,
        find=asked.find,
        answer=_shown(face, workspace, answer, asked, base_url) if answer else None,
        flows=flows,
        notice=Notice(error.detail, error.hint) if error else None,
    )
    return face.respond(page, status=error.status if error else 200)


def _shown(face: WebFace, workspace: str, answer: WhyNot, asked: Asked, base_url: str) -> Answered:
    question = answer.question
    href = fixed_href(asked.request(workspace, answer.facts.now_ms), question.from_ms, question.to_ms)

    def is_signed(source: str) -> bool:
        found = face.registry.sources.find(workspace, source)
        return bool(found and found.definition.get("verify"))

    return build_answered(answer, href, base_url, is_signed)


async def _latest_failures(face: WebFace, workspace: str) -> tuple[Summary, ...]:
    pairs = [*_FAILED, ("duration", "24h"), ("limit", LATEST)]
    return (await face.search.page(face.parser.parse_list(pairs, workspace=workspace))).page.items
