"""What went wrong with a record, and where its red dots lead.

A dot is on a tab where the reason is, or where the way to it goes on. Who follows nothing but dots ends at the error.
"""

from __future__ import annotations

from clew.core.record import ErrorInfo, Record
from clew.diagnosis.thread import ThreadNode
from clew.web.because import reason_tab
from clew.web.dots import Dot
from clew.web.lines import json_of
from clew.web.record.views import Cause


def dot_of(node: ThreadNode) -> Dot:
    """The record's dot in its chain. A failure that was got over is none to look at."""
    if node.is_failure:
        return "info" if node.is_recovered else "failure"
    if node.has_failure_below:
        return "below"
    return "success" if node.record.status == "success" else "info"


def tabs_in_trouble(record: Record, node: ThreadNode) -> frozenset[str]:
    """The tabs with a red dot."""
    tabs: set[str] = set()
    if node.has_failure_below:
        tabs.add("trace")
    if record.status == "failure":
        tabs.add(reason_tab(record))
    return frozenset(tabs)


def build_causes(error: ErrorInfo | None) -> tuple[Cause, ...]:
    """The error and its causes, outermost first."""
    causes = []
    while error is not None:
        causes.append(
            Cause(
                type=error.type,
                key=error.key,
                message=error.message,
                data=json_of(error.data),
                stack=error.stack,
                is_reason=error.caused_by is None,
            )
        )
        error = error.caused_by
    return tuple(causes)
