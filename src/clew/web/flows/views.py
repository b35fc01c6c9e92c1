"""What the pages of the flows show."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from clew.web.dots import Dot
from clew.web.graph import GraphView
from clew.web.layout import Layout
from clew.web.rendering import View
from clew.web.wording import Moment


class Rate(msgspec.Struct, frozen=True):
    """How the runs of the last 24 hours went: `98.5 %`, "" where there was none. `href` leads to them.

    Where some failed it leads to these.
    """

    words: str
    detail: str
    href: str
    has_failure: bool


class LastRun(msgspec.Struct, frozen=True):
    """The latest run that has ended, or one that is open."""

    href: str
    dot: Dot
    state: str
    moment: Moment
    day: str
    took: str
    customer: str


class FlowRow(msgspec.Struct, frozen=True, kw_only=True):
    """A flow in the list."""

    key: str
    title: str
    href: str
    integration: str
    trigger: str
    filter: str
    is_enabled: bool
    last: LastRun | None
    rate: Rate


class FlowsPage(View, frozen=True, kw_only=True):
    """The flows that are declared."""

    template: ClassVar[str] = "flows/page.html"

    layout: Layout
    counter: str
    flows: tuple[FlowRow, ...]


class NodeRow(msgspec.Struct, frozen=True, kw_only=True):
    """A node as it is declared."""

    name: str
    title: str
    after: tuple[str, ...]
    when: str
    retries: str
    timeout: str
    on_error: str
    place: str


class TriggerEvent(msgspec.Struct, frozen=True):
    """Events that start it: their name, "" for all, and the source they come from. `href` leads to those that came."""

    event: str
    source: str
    href: str


class FlowPage(View, frozen=True, kw_only=True):
    """One flow: what starts it, its nodes, and how it does."""

    template: ClassVar[str] = "flows/flow.html"

    layout: Layout
    key: str
    title: str
    version: str
    place: str
    integration: str
    is_enabled: bool
    enabled_by: str
    can_switch: bool
    graph: GraphView
    events: tuple[TriggerEvent, ...]
    schedule: str
    filter: str
    concurrency: str
    nodes: tuple[NodeRow, ...]
    rate: Rate
    runs: tuple[LastRun, ...]
    runs_href: str
    why_not_href: str
