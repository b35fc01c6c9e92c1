"""From an order number or an id to its flow runs."""

from __future__ import annotations

from clew.core.ids import is_id
from clew.core.record import Record, Summary, summarize
from clew.flows.runner import OpenRun
from clew.log.parameters import ListRequest
from clew.log.query import Filter, KeyFilter, Query
from clew.web.dots import DOT_OF_STATUS
from clew.web.face import WebFace
from clew.web.links import href_of, run_href
from clew.web.logs.url import ALL_TIME, LogUrl
from clew.web.names import Names
from clew.web.troubleshooting.views import FoundRun, RunsFound
from clew.web.wording import cut, say_moment, say_other_day

MAX_RUNS = 20
"""Runs that are shown; the log has the rest."""


async def find_runs(face: WebFace, workspace: str, text: str) -> RunsFound:
    """The flow runs, open ones first, of an order, of a key (`order=SO-1042`), or of a record's or a run's id."""
    keys = _read_keys(face, workspace, text)
    ended: tuple[Summary, ...] = ()
    if is_id(text):
        ended = await _runs_of_record(face, workspace, text.lower())
    elif keys:
        filter = Filter(workspace=workspace, kind=("flow_run",), keys=keys)
        ended = (await face.search.page(ListRequest(Query(filter=filter, limit=MAX_RUNS), b"", ()))).page.items
    opened = [run for run in _open_runs(face, workspace, text, keys) if run.id not in {one.id for one in ended}]
    names = face.names(workspace, [*(run.event.customer for run in opened), *(one.customer for one in ended)])
    rows = [_open_row(face, run, names) for run in opened] + [_row(face, one, names) for one in ended]
    searched = ", ".join(key.name for key in keys)
    where = f"the keys {searched}" if searched else "the ids of records"
    return RunsFound(
        text=text,
        runs=tuple(rows[:MAX_RUNS]),
        note="" if rows else f"No flow run was found: {where} were searched over all time that is kept.",
        href=LogUrl("/logs", (("q", text), ("duration", ALL_TIME))).href,
    )


def _read_keys(face: WebFace, workspace: str, text: str) -> tuple[KeyFilter, ...]:
    """`order=SO-1042` as it is; else the text as the value of any key that a source takes out of its events."""
    name, equals, value = text.partition("=")
    if equals and name and value:
        return (KeyFilter(name.strip(), value.strip()),)
    declared = (source.definition.get("keys") for source in face.registry.sources.list(workspace))
    names = dict.fromkeys(name for keys in declared if isinstance(keys, dict) for name in keys)
    return tuple(KeyFilter(name, text) for name in names or {"order": None})


async def _runs_of_record(face: WebFace, workspace: str, record_id: str) -> tuple[Summary, ...]:
    record = await face.search.find(workspace, record_id)
    if record is None or record.kind == "flow_run" or not record.trace_id:
        return (summarize(record),) if record is not None and record.kind == "flow_run" else ()
    chain: list[Record] = await face.search.trace(workspace, record.trace_id)
    return tuple(summarize(one) for one in chain if one.kind == "flow_run")[:MAX_RUNS]


def _open_runs(face: WebFace, workspace: str, text: str, keys: tuple[KeyFilter, ...]) -> list[OpenRun]:
    if face.runner is None:
        return []
    if is_id(text):
        run = face.runner.find(workspace, text.lower())
        return [run] if run else []
    wanted = {(key.name, key.value) for key in keys}
    return [run for run in face.runner.open_runs(workspace) if wanted & set(run.event.keys.items())]


def _row(face: WebFace, run: Summary, names: Names) -> FoundRun:
    return FoundRun(
        href=href_of(run),
        dot=DOT_OF_STATUS[run.status],
        title=face.flow_title(run.flow),
        state=run.state or run.status,
        key=cut(", ".join(run.keys.values())),
        customer=cut(names.customer(run.customer)),
        moment=say_moment(run.time),
        day=say_other_day(run.time, face.clock.now_ms()),
    )


def _open_row(face: WebFace, run: OpenRun, names: Names) -> FoundRun:
    return FoundRun(
        href=run_href(run.id),
        dot="running",
        title=face.flow_title(run.flow),
        state=run.state,
        key=cut(", ".join(run.event.keys.values())),
        customer=cut(names.customer(run.event.customer)),
        moment=say_moment(run.queued_ms),
        day=say_other_day(run.queued_ms, face.clock.now_ms()),
    )
