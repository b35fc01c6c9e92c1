"""The page of one record, of the record, its chain and the tab that is open."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, get_args

import msgspec

from clew.core.record import Record
from clew.diagnosis.thread import Thread, ThreadNode, build_thread
from clew.flows.flow import Flow
from clew.web.because import Because, build_because
from clew.web.layout import LOGS, Layout
from clew.web.links import customer_href, href_of, record_href
from clew.web.names import Names
from clew.web.record.bodies import build_exchange, build_payload
from clew.web.record.chain import build_chain
from clew.web.record.collected import build_collected
from clew.web.record.facts import build_data, build_groups, build_log_lines
from clew.web.record.launches import build_launches
from clew.web.record.removed import redacted_of, say_removed, say_removed_lines
from clew.web.record.trouble import build_causes, dot_of, tabs_in_trouble
from clew.web.record.views import Details, PinView, RecordPage, TabName, ThreadView
from clew.web.tabs import Tab
from clew.web.wording import ARROWS, KIND_NAMES, http_status_of, say_event, say_moment, say_took

TABS: tuple[TabName, ...] = get_args(TabName)
EVENT_DETAILS = "Event Details"
"""What the page of an integration event is called."""


class Subject(msgspec.Struct, frozen=True):
    """A record and all records of its chain, itself among them. `flows` are those that are declared, by key.

    `read_first`: of a trace with more records so many are in it, and those next to this one; 0 where all are.
    """

    record: Record
    chain: Sequence[Record]
    flows: Mapping[str, Flow] = {}
    read_first: int = 0


def log_path_of(record: Record) -> str:
    """The list that this record is in."""
    return next((log.path for log in LOGS if log.kind == record.kind), "/logs")


def build_record_page(
    subject: Subject, layout: Layout, tab: TabName, names: Names, pin: PinView | None = None, *, is_raw: bool
) -> RecordPage:
    """The page with this tab open, or with Details where the record has no such tab."""
    record = subject.record
    thread = build_thread(subject.chain)
    node = thread.find(record.id)
    assert node is not None
    tabs = _tabs(subject, node, tab)
    run_label, run_href = _run_link(subject)
    current: TabName = tab if any(t.is_current and t.name == tab for t in tabs) else "details"
    return RecordPage(
        layout=layout,
        id=record.id,
        status=record.status,
        dot="failure" if record.status == "failure" else dot_of(node),
        state=record.state or record.status,
        heading=EVENT_DETAILS if record.kind == "integration_event" else "",
        event=say_event(record),
        kind=KIND_NAMES[record.kind],
        kind_href=log_path_of(record),
        run_label=run_label,
        run_href=run_href,
        moment=say_moment(record.time),
        took=say_took(record.duration_ms),
        http_status=http_status_of(record),
        customer=names.customer(record.customer),
        customer_href=customer_href(record.customer),
        source_product=names.product(record.source_product),
        target_product=names.product(record.target_product),
        arrow=ARROWS[record.direction],
        because=_because(subject, node, names),
        pin=pin,
        tabs=tabs,
        tab=current,
        **_content(subject, thread, current, names, is_raw=is_raw),
    )


def _because(subject: Subject, node: ThreadNode, names: Names) -> Because | None:
    """Why it failed or did not run, or what failed below it. One that went well is not to blame for its chain."""
    because = build_because(subject.chain, subject.record.id, names)
    is_its_own = node.is_failure or node.has_failure_below
    return because if because and (is_its_own or not because.href) else None


def _run_link(subject: Subject) -> tuple[str, str]:
    """Where the flow run is that this is, or the node run that made this request: label and link, "" for neither."""
    record = subject.record
    if record.kind == "flow_run":
        return "Open the flow run", href_of(record)
    if record.kind == "node_run" and record.parent_id:
        return "Open in its flow run", href_of(record)
    made_by = next((one for one in subject.chain if one.id == record.parent_id and one.kind == "node_run"), None)
    return (f"Made by {made_by.node}", href_of(made_by)) if made_by else ("", "")


def _content(subject: Subject, thread: Thread, tab: TabName, names: Names, *, is_raw: bool) -> dict[str, Any]:
    """What the open tab shows, under the name of its field."""
    record = subject.record

    def chain() -> ThreadView:
        return build_chain(thread, record, names, read_first=subject.read_first)

    def details() -> Details:
        parent = next((one for one in subject.chain if one.id == record.parent_id), None)
        return Details(
            groups=build_groups(record, names, parent),
            redacted=redacted_of(record),
            removed=say_removed(record),
            thread=chain(),
            launches=build_launches(record, subject.chain, subject.flows),
            collected=build_collected(record, subject.chain),
            data=build_data(record) if record.kind == "integration_event" else None,
        )

    contents: dict[TabName, Callable[[], dict[str, Any]]] = {
        "details": lambda: {"details": details()},
        "data": lambda: {"data": build_data(record)},
        "payload": lambda: {"payload": build_payload(record, is_raw=is_raw)},
        "http": lambda: {"exchange": build_exchange(record)},
        "error": lambda: {"causes": build_causes(record.error)},
        "logs": lambda: {"lines": build_log_lines(record), "lines_note": say_removed_lines(record)},
        "trace": lambda: {"thread": chain()},
    }
    return contents[tab]()


def _tabs(subject: Subject, node: ThreadNode, wanted: TabName) -> tuple[Tab, ...]:
    record = subject.record
    labels: dict[TabName, str] = {"details": "Details"}
    if record.kind != "integration_event":  # its page begins with its data
        labels["data"] = "Data"
    if record.payload:
        labels["payload"] = "Payload"
    if record.http is not None:
        labels["http"] = "Request and Response"
    if record.error is not None:
        labels["error"] = "Error"
    labels |= {"logs": "Logs", "trace": "Trace"}
    chain = f"{subject.read_first:,}+" if subject.read_first else f"{len(subject.chain):,}"
    counts: dict[TabName, str] = {"logs": f"{len(record.logs):,}" if record.logs else "", "trace": chain}
    current = wanted if wanted in labels else "details"
    dotted = tabs_in_trouble(record, node)
    return tuple(
        Tab(
            name=name,
            label=label,
            href=record_href(record.id, "" if name == "details" else name),
            is_current=name == current,
            has_failure=name in dotted,
            count=counts.get(name, ""),
        )
        for name, label in labels.items()
    )
