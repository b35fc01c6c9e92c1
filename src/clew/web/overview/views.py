"""What the start page shows."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from clew.web.flows.views import FlowRow
from clew.web.layout import Layout
from clew.web.rendering import View
from clew.web.wording import Moment


class Figure(msgspec.Struct, frozen=True):
    """A number that leads to its records."""

    count: str
    label: str
    href: str
    has_failure: bool


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


class OverviewPage(View, frozen=True, kw_only=True):
    """How things are: the last 24 hours in numbers, the flows, and what failed last."""

    template: ClassVar[str] = "overview/page.html"

    layout: Layout
    figures: tuple[Figure, ...]
    failing: tuple[Figure, ...]
    flows: tuple[FlowRow, ...]
    failures: tuple[FailureRow, ...]
    failures_href: str
