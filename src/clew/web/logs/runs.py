"""The list of flow runs: those that have ended as the log has them, above them those that are open."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from clew.core.ids import time_of
from clew.core.record import Summary
from clew.flows.runner import OpenRun, Runner
from clew.web.dots import DOT_OF_STATUS
from clew.web.links import href_of, record_href, run_href
from clew.web.logs.url import LIVE, LogUrl
from clew.web.logs.views import RunRow
from clew.web.names import Names
from clew.web.wording import LAUNCHERS, cut, say_message, say_moment, say_other_day, say_took

MAX_OPEN = 100
"""Open runs that are shown above a page; the state they wait in is counted on the flow's own page."""
STATES = ("queued", "running", "stopping", "completed", "failed", "stopped")
OPEN_STATES = ("queued", "running", "stopping")

TitleOf = Callable[[str], str]
"""What people call a flow, by its key."""

_FOR_OPEN = frozenset({"flow", "customer", "connection", "integration", "state", "duration", "limit", LIVE})
"""What can be asked of an open run. With any other filter none is shown: they have no record yet to hold against it."""


def build_run_row(item: Summary, names: Names, title_of: TitleOf, now_ms: int) -> RunRow:
    """A run that has ended."""
    told = _told(item.parameters)
    launched_by = told.get("launched_by")
    launched_by = launched_by if isinstance(launched_by, dict) else {}
    nodes = told.get("nodes")
    nodes = nodes if isinstance(nodes, dict) else {}
    return RunRow(
        id=item.id,
        href=href_of(item),
        dot=DOT_OF_STATUS[item.status],
        state=cut(item.state) or item.status,
        flow=cut(title_of(item.flow)) or "flow run",
        key=cut(next(iter(item.keys.values()), "")),
        customer=cut(names.customer(item.customer)),
        integration=cut(names.integration(item.integration)),
        connection=cut(item.connection),
        launched_by=cut(_say_launcher(str(launched_by.get("type") or ""), bool(item.parent_id))),
        launched_href=record_href(item.parent_id) if item.parent_id else "",
        nodes=_say_nodes(nodes.values()),
        message=cut(say_message(item)) if item.status != "success" else "",
        moment=say_moment(item.time),
        day=say_other_day(item.time, now_ms),
        ended=None if item.duration_ms is None else say_moment(item.time + item.duration_ms),
        took=say_took(item.duration_ms),
    )


def build_open_row(run: OpenRun, names: Names, title_of: TitleOf, now_ms: int) -> RunRow:
    """A run that is open. It took what went by since it began."""
    time = time_of(run.id)
    return RunRow(
        id=run.id,
        href=run_href(run.id),
        dot="running",
        state=run.state,
        flow=cut(title_of(run.flow)),
        key=cut(next(iter(run.event.keys.values()), "")),
        customer=cut(names.customer(run.event.customer)),
        integration=cut(names.integration(run.event.integration)),
        connection=cut(run.event.connection),
        launched_by=cut(_say_launcher(run.launched_by.type, bool(run.parent_id))),
        launched_href=record_href(run.parent_id) if run.parent_id else "",
        nodes=_say_nodes({"state": node.state} for node in run.nodes.values()),
        message="",
        moment=say_moment(time),
        day=say_other_day(time, now_ms),
        ended=None,
        took=say_took(max(now_ms - run.started_ms, 0)) if run.started_ms is not None else "",
    )


def find_open(runner: Runner | None, workspace: str, url: LogUrl) -> tuple[OpenRun, ...]:
    """The open runs that the first page of this list shows, newest first."""
    if runner is None or not all(name in _FOR_OPEN for name, _ in url.pairs):
        return ()
    asked = {name: {value for key, value in url.pairs if key == name} for name in _FOR_OPEN}
    flows = asked["flow"]
    found = runner.open_runs(workspace, flow=next(iter(flows)) if len(flows) == 1 else "")
    matching = [run for run in found if _matches(run, asked)]
    return tuple(reversed(matching[-MAX_OPEN:]))


def _matches(run: OpenRun, asked: Mapping[str, set[str]]) -> bool:
    values = {
        "flow": run.flow,
        "state": run.state,
        "customer": run.event.customer,
        "connection": run.event.connection,
        "integration": run.event.integration,
    }
    return all(not asked[name] or value in asked[name] for name, value in values.items())


def _told(parameters: str) -> dict[str, Any]:
    try:
        told = msgspec.json.decode(parameters) if parameters else {}
    except msgspec.DecodeError:
        return {}
    return told if isinstance(told, dict) else {}


def _say_launcher(launcher: str, has_parent: bool) -> str:
    return LAUNCHERS.get(launcher, launcher) or ("event" if has_parent else "")


def _say_nodes(nodes: Iterable[Any]) -> str:
    states = [node.get("state") if isinstance(node, dict) else "" for node in nodes]
    return f"{states.count('completed')}/{len(states)}" if states else ""
