"""Which flows could have started for an event, whether they did, and if not why: read from their decisions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from clew.core.record import Kind, Record, Summary
from clew.diagnosis.thread import ThreadNode, build_thread

_WORK: frozenset[Kind] = frozenset({"flow_run", "node_run", "api_request", "notification"})
"""What is done after the decisions: what such a record leads to was decided on for other events."""


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """Whether one flow started for one event. `flow` is "" where the event has no flow at all.

    `verdict` is the word of the decision (`launched`, `not_launched`), `code` why. For a filter `clause` is the part
    that did not match, `expected` what it asks for, `actual` the JSON value that it saw.
    `event_id` is the record decided on, `record_id` the decision's own record, `flow_run_id` the run it launched.
    """

    record_id: str
    event_id: str
    time: int
    flow: str
    verdict: str
    code: str
    reason: str
    clause: str
    expected: str
    actual: Any
    flow_run_id: str


class _Parameters(msgspec.Struct, frozen=True):
    verdict: str = ""
    code: str = ""
    clause: str | None = None
    expected: Any = None
    actual: Any = None
    reason: str | None = None
    flow_run_id: str | None = None


def build_decisions(records: Sequence[Record], record_id: str) -> tuple[Decision, ...]:
    """The decisions that a record belongs to, oldest first.

    Of an event those on it; of a webhook those on its events; of a run, or what came of one, those on its event.
    `records` are those of its chain. Raises `KeyError` where the record is not among them.
    """
    thread = build_thread(records)
    nodes = {node.record.id: node for node in thread.walk()}
    parents = {child.record.id: node for node in nodes.values() for child in node.children}
    by_id = {record.id: record for record in records}
    node: ThreadNode | None = nodes[record_id]
    while node is not None:
        found = [by_id[one.record.id] for one in _find_below(node)]
        if found:
            return tuple(read_decision(record) for record in found)
        node = parents.get(node.record.id)
    return ()


def _find_below(start: ThreadNode) -> Iterator[ThreadNode]:
    """The decisions below it that do not come of a run's work."""
    waiting = [] if start.record.kind in _WORK else [start]
    while waiting:
        node = waiting.pop()
        waiting.extend(child for child in reversed(node.children) if child.record.kind not in _WORK)
        if node.record.kind == "decision" and node is not start:
            yield node


def read_decision(record: Record | Summary) -> Decision:
    """The decision that a record of the kind `decision` holds."""
    given = _parameters_of(record)
    return Decision(
        record_id=record.id,
        event_id=record.parent_id,
        time=record.time,
        flow=record.flow,
        verdict=given.verdict or ("launched" if record.state == "launched" else "not_launched"),
        code=given.code or record.state,
        reason=given.reason or record.message,
        clause=given.clause or "",
        expected=given.expected if isinstance(given.expected, str) else _json(given.expected),
        actual=given.actual,
        flow_run_id=given.flow_run_id or "",
    )


def _json(value: Any) -> str:
    return "" if value is None else msgspec.json.encode(value).decode()


def _parameters_of(record: Record | Summary) -> _Parameters:
    try:
        return msgspec.json.decode(record.parameters or "{}", type=_Parameters)
    except (msgspec.DecodeError, RecursionError):
        return _Parameters()
