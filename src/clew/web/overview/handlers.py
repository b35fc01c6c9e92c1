"""The start page: how things are, and where to look first."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec
from litestar import Response, get

from clew.core.record import Kind, Summary
from clew.log.parameters import Pair
from clew.web.face import Face, HttpRequest, WebFace, session_of
from clew.web.flows.handlers import build_flow_rows
from clew.web.layout import LOGS, OVERVIEW_PATH
from clew.web.links import RUNS_PATH, href_of
from clew.web.logs.url import LogUrl
from clew.web.names import Names
from clew.web.overview.views import FailureRow, Figure, OverviewPage
from clew.web.wording import KIND_NAMES, cut, say_event, say_message, say_moment, say_other_day

LOOKED_AT = "100"
"""Failed records that are looked at for the latest chains that failed."""
SHOWN = 8

_FAILURE: Pair = ("status", "failure")
_DAY: Pair = ("duration", "24h")
FAILURES_HREF = LogUrl("/logs", (_FAILURE,)).href


class Day(msgspec.Struct, frozen=True):
    """How many records of the last 24 hours there are, how many failed, and of each kind that fails."""

    records: int
    failures: int
    runs: int
    failing: dict[Kind, int]


@get("/")
async def show_overview(request: HttpRequest, face: Face) -> Response[str]:
    """The last 24 hours."""
    session = session_of(request)
    workspace = session.member.workspace
    layout = await face.layout(session, "Overview", path=OVERVIEW_PATH)
    day, latest, healths = await asyncio.gather(
        _ask_day(face, workspace), _latest_failures(face, workspace), face.health.find_all(workspace)
    )
    names = face.names(workspace, [one.customer for one in latest])
    now_ms = face.clock.now_ms()
    page = OverviewPage(
        layout=layout,
        figures=(
            Figure(f"{day.records:,}", "records", "/logs", has_failure=False),
            Figure(f"{day.failures:,}", "failures", FAILURES_HREF, has_failure=day.failures > 0),
            Figure(f"{day.runs:,}", "flow runs", RUNS_PATH, has_failure=False),
        ),
        failing=tuple(_figure(kind, count) for kind, count in day.failing.items()),
        flows=build_flow_rows(face, workspace, healths),
        failures=tuple(_row(one, names, now_ms) for one in latest),
        failures_href=FAILURES_HREF,
    )
    return face.respond(page)


async def _ask_day(face: WebFace, workspace: str) -> Day:
    failing = (await face.failing.find(workspace)).kinds
    kinds = [log.kind for log in LOGS if log.kind and log.kind in failing]
    records, failures, runs, *each = await asyncio.gather(
        _count(face, workspace),
        _count(face, workspace, _FAILURE),
        _count(face, workspace, ("kind", "flow_run")),
        *(_count(face, workspace, _FAILURE, ("kind", kind)) for kind in kinds),
    )
    return Day(records, failures, runs, dict(zip(kinds, each, strict=True)))


async def _count(face: WebFace, workspace: str, *pairs: Pair) -> int:
    filter = face.parser.parse_filter([_DAY, *pairs], workspace=workspace)
    return (await face.search.count(filter)).count.count


async def _latest_failures(face: WebFace, workspace: str) -> list[Summary]:
    """One failed record for each of the latest chains: its flow run where one failed, else what failed first."""
    asked = face.parser.parse_list([_DAY, _FAILURE, ("limit", LOOKED_AT)], workspace=workspace)
    chains: dict[str, list[Summary]] = {}
    for item in (await face.search.page(asked)).page.items:
        chains.setdefault(item.trace_id or item.id, []).append(item)
    broken = [chain for chain in chains.values() if not _is_recovered(chain)]
    return [_speaker(chain) for chain in broken[:SHOWN]]


def _is_recovered(chain: Sequence[Summary]) -> bool:
    """Whether all that failed is requests of nodes that got over it: else their node runs had failed as well."""
    return all(one.kind == "api_request" and one.flow and one.node for one in chain)


def _speaker(chain: Sequence[Summary]) -> Summary:
    """The record of a chain that speaks for it. `chain` is newest first."""
    return next((one for one in chain if one.kind == "flow_run"), chain[-1])


def _figure(kind: Kind, count: int) -> Figure:
    log = next(log for log in LOGS if log.kind == kind)
    return Figure(f"{count:,}", log.label, LogUrl(log.path, (_FAILURE,)).href, has_failure=True)


def _row(item: Summary, names: Names, now_ms: int) -> FailureRow:
    event, key = cut(say_event(item)), cut(next(iter(item.keys.values()), ""))
    return FailureRow(
        href=href_of(item),
        moment=say_moment(item.time),
        day=say_other_day(item.time, now_ms),
        event=event,
        key="" if key in event else key,
        customer=cut(names.customer(item.customer)),
        kind=KIND_NAMES[item.kind],
        message=cut(say_message(item)),
    )
