"""What went wrong with a record, and where its red dots lead.

A dot is on a tab where the reason is, or where the way to it goes on. Who follows nothing but dots ends at the error.
"""

from __future__ import annotations

import msgspec

from clew.core.record import ErrorInfo, Record
from clew.diagnosis.thread import ThreadNode
from clew.web.json_tree import MAX_NODES, JsonTree, build_json_tree
from clew.web.record.views import Because, Cause, Dot, TabName
from clew.web.wording import say_event, say_message


def dot_of(node: ThreadNode) -> Dot:
    """The record's dot in its chain."""
    if node.is_failure:
        return "failure"
    if node.has_failure_below:
        return "below"
    return "success" if node.record.status == "success" else "info"


def tabs_in_trouble(record: Record, node: ThreadNode) -> frozenset[TabName]:
    """The tabs with a red dot."""
    tabs: set[TabName] = set()
    if node.has_failure_below:
        tabs.add("trace")
    if record.status == "failure":
        tabs.add(reason_tab(record))
    return frozenset(tabs)


def reason_tab(record: Record) -> TabName:
    """Where a failed record says why: its error, else its message, else the response it got."""
    if record.error is not None:
        return "error"
    return "http" if record.http is not None and not record.message else "data"


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


def json_of(value: object, max_nodes: int = MAX_NODES) -> JsonTree | None:
    """A value of ours as a tree, None where there is none."""
    return None if value is None else build_json_tree(msgspec.json.encode(value).decode(), max_nodes)


def build_because(record: Record, node: ThreadNode) -> Because | None:
    """Why it failed, or what failed below it: the innermost reason there is, and the way there."""
    failure = node.first_failure()
    if failure is None:
        return None
    if failure is not node:
        reason = _reason_of(failure.record) or say_event(failure.record)
        return Because(reason, _where(record, failure), f"/records/{failure.record.id}?tab={_tab_of(failure)}")
    reason = _reason_of(record)
    outer = say_message(record)
    return Because(reason or "It failed and did not say why.", outer if outer != reason else "", "")


def _reason_of(record: object) -> str:
    """What the innermost error says."""
    assert isinstance(record, Record)
    if record.error is not None:
        reason = record.error.innermost()
        if reason.message or reason.type:
            return reason.message or reason.type
    return record.message


def _where(record: Record, failure: ThreadNode) -> str:
    did = "It failed because" if record.status == "failure" else "It went well itself, but"
    return f"{did} {say_event(failure.record)} failed {'after' if failure.offset_ms else 'with'} it."


def _tab_of(node: ThreadNode) -> TabName:
    assert isinstance(node.record, Record)
    return reason_tab(node.record)
