"""Log lines: what a record, or the node runs of a flow run, wrote while they worked, each type shown in its own way."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from clew.core.ids import is_id
from clew.core.record import LogLine
from clew.web.json_tree import MAX_NODES, JsonTree, build_json_tree
from clew.web.links import record_href
from clew.web.wording import Moment, say_moment

MAX_LINES = 1_000
"""Lines that one page shows."""


class Comparison(msgspec.Struct, frozen=True):
    """What was expected and what was there, each as text."""

    expected: str
    actual: str
    is_equal: bool


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A line that was logged. `node` with its `node_href` says which node run wrote it, where a page has several.

    `comparison` for a line that compares, `href` of the request's record for one that tells of a request.
    """

    moment: Moment
    type: str
    msg: str
    data: JsonTree | None = None
    comparison: Comparison | None = None
    href: str = ""
    node: str = ""
    node_href: str = ""


class Lines(msgspec.Struct, frozen=True):
    """What was logged, oldest first. `left_out` counts lines that are not shown."""

    items: tuple[Line, ...]
    left_out: int


class Origin(msgspec.Struct, frozen=True):
    """The node run that wrote a line."""

    node: str = ""
    href: str = ""


NOBODY = Origin()


def build_lines(logs: Sequence[tuple[Origin, LogLine]]) -> Lines:
    """Log lines as they are shown, in their order."""
    shown = logs[:MAX_LINES]
    each = max(MAX_NODES // max(len(shown), 1), 20)  # values of one line's data: all lines share what a page may hold
    return Lines(tuple(_build(origin, line, each) for origin, line in shown), len(logs) - len(shown))


def _build(origin: Origin, line: LogLine, max_nodes: int) -> Line:
    comparison = _comparison_of(line)
    href = _request_of(line)
    return Line(
        moment=say_moment(line.time),
        type=line.type,
        msg=line.msg,
        data=None if comparison or href else json_of(line.data, max_nodes),
        comparison=comparison,
        href=href,
        node=origin.node,
        node_href=origin.href,
    )


def _comparison_of(line: LogLine) -> Comparison | None:
    data = line.data
    if line.type != "compare" or not isinstance(data, dict) or not {"expected", "actual"} <= data.keys():
        return None
    expected, actual = data["expected"], data["actual"]
    return Comparison(say_value(expected), say_value(actual), bool(data.get("equal", expected == actual)))


def _request_of(line: LogLine) -> str:
    """Where a line about a request leads: its record."""
    data = line.data
    if line.type != "api-request" or not isinstance(data, dict):
        return ""
    record_id = data.get("record_id") or data.get("id")
    return record_href(record_id, "http") if isinstance(record_id, str) and is_id(record_id) else ""


def say_value(value: object) -> str:
    """A value in one line: a text as it is, anything else as JSON."""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def say_actual(value: object) -> str:
    """What a condition saw, written as a condition would: `'CA'`, `420`, `nothing`."""
    if value is None:
        return "nothing"
    return f"'{value}'" if isinstance(value, str) else say_value(value)


def json_of(value: object, max_nodes: int = MAX_NODES) -> JsonTree | None:
    """A value of ours as a tree, None where there is none."""
    return None if value is None else build_json_tree(msgspec.json.encode(value).decode(), max_nodes)
