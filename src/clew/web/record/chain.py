"""The chain of a record as rows with the thread drawn before them.

A tree of nested lists could be as deep as its chain is long, deeper than a template or a browser nests. So the rows are
flat, and each says what is drawn in each column to its left.
"""

from __future__ import annotations

from collections.abc import Iterator

from clew.core.record import Record
from clew.diagnosis.thread import Thread, ThreadNode
from clew.web.links import href_of
from clew.web.logs.url import ALL_TIME, LogUrl
from clew.web.names import Names
from clew.web.record.trouble import dot_of
from clew.web.record.views import Guide, Stroke, ThreadRow, ThreadView
from clew.web.wording import ARROWS, KIND_NAMES, cut, http_status_of, say_event, say_message, say_offset, say_took

MAX_ROWS = 500
"""Rows that are shown in any case; beyond them only the way to failures, as many again."""
MAX_GUIDES = 16
"""Columns that are drawn; a deeper row says how many are not."""

_BLANK = Guide("", "")


def build_chain(thread: Thread, record: Record, names: Names, *, read_first: int = 0) -> ThreadView:
    """The chain as rows. `record` is what the page is about, `read_first` how many of a longer trace were read."""
    rows: list[ThreadRow] = []
    count = failures = 0
    for node, guides in _walk(thread):
        count += 1
        is_current = node.record.id == record.id
        if len(rows) < MAX_ROWS or is_current or (node.is_on_path and len(rows) < 2 * MAX_ROWS):
            rows.append(_row(node, guides, names, is_current=is_current))
        else:
            failures += node.is_failure
    return ThreadView(
        rows=tuple(rows),
        count=count,
        left_out=count - len(rows),
        left_out_failures=failures,
        read_first=read_first,
        all_href=LogUrl("/logs", (("trace_id", record.trace_id), ("duration", ALL_TIME))).href,
    )


def _walk(thread: Thread) -> Iterator[tuple[ThreadNode, tuple[Guide, ...]]]:
    """Every node with what is drawn before it. Only the last columns of a deep one are kept."""
    waiting: list[tuple[ThreadNode, tuple[Guide, ...], tuple[Guide, ...]]] = [
        (root, (), ()) for root in reversed(thread.roots)
    ]
    while waiting:
        node, guides, below = waiting.pop()
        yield node, guides
        waiting.extend(reversed(_children(node, below)))


def _children(
    node: ThreadNode, before: tuple[Guide, ...]
) -> list[tuple[ThreadNode, tuple[Guide, ...], tuple[Guide, ...]]]:
    """The children, each with its own guides and those that go on before its children."""
    found = []
    is_red_later = False
    is_last = True
    for child in reversed(node.children):
        elbow = Guide("elbow on" if child.is_on_path else "elbow", _line(child, is_last, is_red_later))
        onwards = _BLANK if is_last else Guide("", "line on" if is_red_later else "line")
        found.append((child, (*before, elbow)[-MAX_GUIDES:], (*before, onwards)[-MAX_GUIDES:]))
        is_red_later = is_red_later or child.is_on_path
        is_last = False
    return found[::-1]


def _line(child: ThreadNode, is_last: bool, is_red_later: bool) -> Stroke:
    if is_last:
        return ""
    if is_red_later:
        return "line on"
    return "half" if child.is_on_path else "line"


def _row(node: ThreadNode, guides: tuple[Guide, ...], names: Names, *, is_current: bool) -> ThreadRow:
    record = node.record
    return ThreadRow(
        href=href_of(record),
        is_current=is_current,
        is_quiet=record.kind == "decision" and record.status == "info",
        dot=dot_of(node),
        state=cut(record.state),
        event=cut(say_event(record)),
        kind=KIND_NAMES[record.kind],
        source_product=names.product(record.source_product),
        target_product=names.product(record.target_product),
        arrow=ARROWS[record.direction],
        http_status=http_status_of(record),
        message=cut(say_message(record)),
        offset=say_offset(node.offset_ms) if node.depth else "",
        took=say_took(record.duration_ms),
        guides=guides,
        level=node.depth + 1,
        hidden_levels=max(node.depth - MAX_GUIDES, 0),
    )
