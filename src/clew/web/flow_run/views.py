"""What the page of one flow run shows."""

from __future__ import annotations

from typing import ClassVar, Literal

import msgspec

from clew.web.because import Because
from clew.web.dots import Dot
from clew.web.graph import GraphView
from clew.web.json_tree import JsonTree
from clew.web.layout import Layout
from clew.web.lines import Lines
from clew.web.record.views import BodyView, Cause
from clew.web.rendering import View
from clew.web.tabs import Tab
from clew.web.wording import Moment

RunTabName = Literal["graph", "error", "logs", "input", "requests"]
NodeTabName = Literal["input", "output", "logs", "error", "requests"]


class Launch(msgspec.Struct, frozen=True):
    """Who started it: `order.released`, a schedule, a call of the API. `href` leads to the event, "" without one."""

    label: str
    href: str


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """A node in the table. `about` is what it did, `3 runs · 1 error`, or why it did not run."""

    name: str
    title: str
    href: str
    dot: Dot
    state: str
    about: str
    took: str
    is_current: bool


class NodeLink(msgspec.Struct, frozen=True):
    """The node run before or after this one. `href` is "" where that node did not run."""

    name: str
    href: str
    has_failure: bool


class Attempt(msgspec.Struct, frozen=True):
    """One run of a node among several."""

    label: str
    href: str
    dot: Dot
    is_current: bool


class Skip(msgspec.Struct, frozen=True):
    """Why a node was not run: the clause that was not true, what it wants, and what it saw."""

    clause: str
    expected: str
    actual: str
    reason: str


class RequestRow(msgspec.Struct, frozen=True, kw_only=True):
    """A request that a node made."""

    href: str
    dot: Dot
    moment: Moment
    node: str
    method: str
    url: str
    http_status: int
    message: str
    took: str


class NodePanel(msgspec.Struct, frozen=True, kw_only=True):
    """A node that is open, with one of its runs. Without a run there are no tabs, and `reason` says why.

    `tab` says which of the last five is there.
    """

    name: str
    title: str
    dot: Dot
    words: str
    reason: str
    when: str
    place: str
    record_href: str
    skip: Skip | None
    upstream: tuple[NodeLink, ...]
    downstream: tuple[NodeLink, ...]
    attempts: tuple[Attempt, ...] = ()
    tabs: tuple[Tab, ...] = ()
    tab: NodeTabName | Literal[""] = ""
    input: JsonTree | None = None
    output: BodyView | None = None
    lines: Lines | None = None
    causes: tuple[Cause, ...] = ()
    requests: tuple[RequestRow, ...] = ()


class Message(msgspec.Struct, frozen=True):
    """What came of a button that could not do its work."""

    detail: str
    hint: str


class FlowRunPage(View, frozen=True, kw_only=True):
    """One flow run. `tab` says which of the last fields are there; `graph` and `steps` belong to the first tab."""

    template: ClassVar[str] = "flow_run/page.html"

    layout: Layout
    id: str
    title: str
    flow_href: str
    state: str
    dot: Dot
    moment: Moment
    took: str
    launch: Launch | None
    customer: str
    customer_href: str
    source_product: str
    target_product: str
    arrow: str
    record_href: str
    repeats_href: str
    because: Because | None
    can_repeat: bool
    can_stop: bool
    is_open: bool
    message: Message | None
    tabs: tuple[Tab, ...]
    tab: RunTabName
    graph: GraphView | None = None
    steps: tuple[Step, ...] = ()
    node: NodePanel | None = None
    causes: tuple[Cause, ...] = ()
    failed: tuple[Step, ...] = ()
    lines: Lines | None = None
    input: BodyView | None = None
    requests: tuple[RequestRow, ...] = ()
