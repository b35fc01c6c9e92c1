"""The page of one record, of the record, its chain and the tab that is open."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, get_args

import msgspec

from clew.core.record import Record
from clew.diagnosis.thread import Thread, ThreadNode, build_thread
from clew.web.layout import LOGS, Layout
from clew.web.names import Names
from clew.web.record.bodies import build_exchange, build_payload
from clew.web.record.chain import build_chain
from clew.web.record.facts import build_data, build_groups, build_lines, filtered
from clew.web.record.trouble import build_because, build_causes, dot_of, tabs_in_trouble
from clew.web.record.views import Details, RecordPage, Tab, TabName, ThreadView
from clew.web.wording import ARROWS, KIND_NAMES, http_status_of, say_event, say_moment, say_took

TABS: tuple[TabName, ...] = get_args(TabName)


class Subject(msgspec.Struct, frozen=True):
    """A record and all records of its chain, itself among them."""

    record: Record
    chain: Sequence[Record]


def log_path_of(record: Record) -> str:
    """The list that this record is in."""
    return next((log.path for log in LOGS if log.kind == record.kind), "/logs")


def build_record_page(subject: Subject, layout: Layout, tab: TabName, names: Names, *, is_raw: bool) -> RecordPage:
    """The page with this tab open, or with Details where the record has no such tab."""
    record = subject.record
    thread = build_thread(subject.chain)
    node = thread.find(record.id)
    assert node is not None
    tabs = _tabs(record, node, len(subject.chain), tab)
    current: TabName = next((t.name for t in tabs if t.is_current), "details")
    return RecordPage(
        layout=layout,
        id=record.id,
        status=record.status,
        dot=dot_of(node),
        state=record.state or record.status,
        event=say_event(record),
        kind=KIND_NAMES[record.kind],
        kind_href=log_path_of(record),
        moment=say_moment(record.time),
        took=say_took(record.duration_ms),
        http_status=http_status_of(record),
        customer=names.customer(record.customer),
        customer_href=filtered("customer", record.customer),
        source_product=names.product(record.source_product),
        target_product=names.product(record.target_product),
        arrow=ARROWS[record.direction],
        because=build_because(record, node),
        tabs=tabs,
        tab=current,
        **_content(record, thread, current, names, is_raw=is_raw),
    )


def _content(record: Record, thread: Thread, tab: TabName, names: Names, *, is_raw: bool) -> dict[str, Any]:
    """What the open tab shows, under the name of its field."""

    def chain() -> ThreadView:
        return build_chain(thread, record.id, names)

    contents: dict[TabName, Callable[[], dict[str, Any]]] = {
        "details": lambda: {"details": Details(build_groups(record, names), record.redacted, chain())},
        "data": lambda: {"data": build_data(record)},
        "payload": lambda: {"payload": build_payload(record, is_raw=is_raw)},
        "http": lambda: {"exchange": build_exchange(record)},
        "error": lambda: {"causes": build_causes(record.error)},
        "logs": lambda: {"lines": build_lines(record)},
        "trace": lambda: {"thread": chain()},
    }
    return contents[tab]()


def _tabs(record: Record, node: ThreadNode, chain_length: int, wanted: TabName) -> tuple[Tab, ...]:
    labels: dict[TabName, str] = {"details": "Details", "data": "Data"}
    if record.payload:
        labels["payload"] = "Payload"
    if record.http is not None:
        labels["http"] = "Request and Response"
    if record.error is not None:
        labels["error"] = "Error"
    labels |= {"logs": "Logs", "trace": "Trace"}
    counts: dict[TabName, int] = {"logs": len(record.logs), "trace": chain_length}
    current = wanted if wanted in labels else "details"
    dotted = tabs_in_trouble(record, node)
    return tuple(
        Tab(
            name=name,
            label=label,
            href=f"/records/{record.id}" if name == "details" else f"/records/{record.id}?tab={name}",
            is_current=name == current,
            has_failure=name in dotted,
            count=f"{counts[name]:,}" if counts.get(name) else "",
        )
        for name, label in labels.items()
    )
