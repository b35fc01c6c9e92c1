"""What the pages of what is connected show."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from clew.web.chart import Chart
from clew.web.dots import Dot
from clew.web.layout import Layout
from clew.web.logs.views import Choice, Trouble
from clew.web.rendering import View
from clew.web.wording import Moment


class Link(msgspec.Struct, frozen=True):
    """Words, and where they lead; `href` "" for nowhere."""

    text: str
    href: str = ""


class Activity(msgspec.Struct, frozen=True):
    """The records of the last 24 hours, and those of them that failed. `failures.text` is "" where none did."""

    records: Link
    failures: Link


class LogLine(msgspec.Struct, frozen=True):
    """One log with how many records of the thing it has, and how many of them failed."""

    label: str
    activity: Activity


class Recent(msgspec.Struct, frozen=True):
    """The last 24 hours of one thing: over time, and log by log."""

    chart: Chart
    logs: tuple[LogLine, ...]
    href: str


class ProductRow(msgspec.Struct, frozen=True, kw_only=True):
    """A product in the list. One that records only name leads nowhere."""

    key: str
    title: Link
    base_url: str
    integrations: Link
    activity: Activity


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How an integration is: Failing, Working, Quiet or Archived. `remarks` is what is set up wrongly."""

    dot: Dot
    word: str
    detail: Link
    remarks: tuple[Link, ...] = ()


class IntegrationRow(msgspec.Struct, frozen=True, kw_only=True):
    """An integration in the list. `direction` is `One-way` or `Two-way`, `arrow` the same drawn."""

    key: str
    title: Link
    product: Link
    target: Link
    arrow: str
    direction: str
    standing: Standing


class SourceRow(msgspec.Struct, frozen=True):
    """A door of a product: where its webhooks are sent to, and how they are verified."""

    key: str
    path: str
    verify: str
    webhooks: Link
    is_declared: bool


class FlowLine(msgspec.Struct, frozen=True, kw_only=True):
    """A flow of an integration and how it does."""

    title: Link
    is_enabled: bool
    trigger: str
    rate: Link
    has_failure: bool


class Fact(msgspec.Struct, frozen=True):
    """A name and what stands beside it. `moment` is set where that is a time."""

    name: str
    value: Link
    is_mono: bool = False
    moment: Moment | None = None
    quiet: str = ""


class ConnectionRow(msgspec.Struct, frozen=True, kw_only=True):
    """A connection in the list."""

    key: str
    name: Link
    customer: Link
    integration: Link
    dot: Dot
    state: str
    since: str
    error: str
    last_active: str
    activity: Activity
    is_test: bool
    is_archived: bool


class ProductsPage(View, frozen=True, kw_only=True):
    """The products."""

    template: ClassVar[str] = "connected/products.html"

    layout: Layout
    counter: str
    rows: tuple[ProductRow, ...]


class ProductPage(View, frozen=True, kw_only=True):
    """One product."""

    template: ClassVar[str] = "connected/product.html"

    layout: Layout
    key: str
    title: str
    facts: tuple[Fact, ...]
    sources: tuple[SourceRow, ...]
    integrations: tuple[IntegrationRow, ...]
    recent: Recent


class IntegrationsPage(View, frozen=True, kw_only=True):
    """The integrations."""

    template: ClassVar[str] = "connected/integrations.html"

    layout: Layout
    counter: str
    rows: tuple[IntegrationRow, ...]


class IntegrationPage(View, frozen=True, kw_only=True):
    """One integration. `sentence` is how it connects its products: `Two-way: ERP ↔ Aptean Ship`."""

    template: ClassVar[str] = "connected/integration.html"

    layout: Layout
    key: str
    title: str
    sentence: str
    standing: Standing
    facts: tuple[Fact, ...]
    flows: tuple[FlowLine, ...]
    connections: tuple[ConnectionRow, ...]
    connections_href: str
    recent: Recent


class ConnectionsPage(View, frozen=True, kw_only=True):
    """The connections. Either `trouble` or a list is there; `what` says what an empty list was asked for."""

    template: ClassVar[str] = "connected/connections.html"

    layout: Layout
    counter: str = ""
    states: tuple[Choice, ...] = ()
    archived: Choice | None = None
    customer: str = ""
    integration: str = ""
    integrations: tuple[tuple[str, str], ...] = ()
    hidden: tuple[tuple[str, str], ...] = ()
    rows: tuple[ConnectionRow, ...] = ()
    what: str = ""
    clear_href: str = ""
    first_href: str = ""
    next_href: str = ""
    trouble: Trouble | None = None


class ConnectionPage(View, frozen=True, kw_only=True):
    """One connection. `actions` is where its forms are sent to, "" for who may only look."""

    template: ClassVar[str] = "connected/connection.html"

    layout: Layout
    row: ConnectionRow
    facts: tuple[Fact, ...]
    actions: str
    recent: Recent
