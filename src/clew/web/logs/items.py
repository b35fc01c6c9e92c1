"""Records as the rows of their log, however they came to be shown: by pages, or live."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from clew.core.record import Summary
from clew.web.face import WebFace
from clew.web.layout import LogName
from clew.web.logs.integration_events import build_event_row
from clew.web.logs.rows import build_row
from clew.web.logs.runs import build_run_row
from clew.web.logs.views import AnyRow, Outcome


def build_items(
    face: WebFace,
    workspace: str,
    log: LogName,
    found: Sequence[Summary],
    outcomes: Mapping[str, Outcome] | None = None,
) -> tuple[AnyRow, ...]:
    """A row of each record, for the columns of this log. `outcomes`: what a record led to, by its id."""
    names, now_ms = face.names(workspace, (item.customer for item in found)), face.clock.now_ms()
    if log.kind == "flow_run":
        return tuple(build_run_row(item, names, face.flow_title, now_ms) for item in found)
    if log.kind == "integration_event":
        return tuple(build_event_row(item, names) for item in found)
    known = outcomes or {}
    return tuple(build_row(item, names, now_ms, known.get(item.id)) for item in found)
