"""What the start page shows."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from clew.web.chart import Chart
from clew.web.dots import Dot
from clew.web.flows.views import Rate
from clew.web.layout import Layout
from clew.web.logs.views import Choice, Trouble
from clew.web.rendering import View
from clew.web.wording import Moment


class Figure(msgspec.Struct, frozen=True):
    """A number that leads to its records."""

    count: str
    label: str
    href: str


class Attention(msgspec.Struct, frozen=True, kw_only=True):
    """Something to look at: what it is, what is the matter with it, and a number that leads to its records."""

    dot: Dot
    what: str
    href: str
    matter: str
    count: str = ""
    count_href: str = ""


class FlowLine(msgspec.Struct, frozen=True, kw_only=True):
    """A flow and how its runs went. `runs` leads to all of them, `rate` to those that failed where some did."""

    title: str
    href: str
    is_enabled: bool
    runs: Figure
    rate: Rate


class Share(msgspec.Struct, frozen=True):
    """How many failures something has. `percent` is its bar's length, that of the first being 100."""

    label: str
    count: str
    percent: int
    href: str


class FailureRow(msgspec.Struct, frozen=True, kw_only=True):
    """What failed: one for each chain, however many of its records failed."""

    href: str
    moment: Moment
    day: str
    event: str
    key: str
    customer: str
    kind: str
    message: str


class FirstSteps(msgspec.Struct, frozen=True):
    """What to do where nothing has ever come in: make a key, report an event with it, declare a flow and serve it."""

    key: str
    report: str
    declare: str
    serve: str


class OverviewPage(View, frozen=True, kw_only=True):
    """How things are over a stretch of time. With `trouble` nothing else is shown, with `first_steps` no record."""

    template: ClassVar[str] = "overview/page.html"

    layout: Layout
    durations: tuple[Choice, ...]
    span: str = ""
    total: Figure | None = None
    chart: Chart | None = None
    attention: tuple[Attention, ...] = ()
    failing: tuple[Figure, ...] = ()
    flows: tuple[FlowLine, ...] = ()
    products: tuple[Share, ...] = ()
    customers: tuple[Share, ...] = ()
    failures: tuple[FailureRow, ...] = ()
    failures_href: str = ""
    first_steps: FirstSteps | None = None
    trouble: Trouble | None = None
