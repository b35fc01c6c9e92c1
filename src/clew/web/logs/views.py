"""What the list pages show."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from clew.core.record import Status
from clew.web.dots import Dot
from clew.web.layout import Layout
from clew.web.rendering import View
from clew.web.wording import Moment


class Choice(msgspec.Struct, frozen=True):
    """One of several: a link."""

    label: str
    href: str
    is_current: bool


class Option(msgspec.Struct, frozen=True):
    """One value that a filter may have, and what it is called."""

    value: str
    label: str


class FilterField(msgspec.Struct, frozen=True, kw_only=True):
    """A filter that the form has: `shown` is what the chip says of its value, `remove_href` the list without it.

    With `is_closed` the options are all there are; else any text may be typed and they are suggestions.
    """

    name: str
    label: str
    value: str = ""
    shown: str = ""
    remove_href: str = ""
    placeholder: str = ""
    hint: str = ""
    options: tuple[Option, ...] = ()
    is_closed: bool = False


class ActiveFilter(msgspec.Struct, frozen=True):
    """A filter that only the URL has."""

    label: str
    value: str
    remove_href: str


class Bounds(msgspec.Struct, frozen=True):
    """The stretch of time that is chosen: what it is called, the others to choose, and From and To as typed."""

    label: str
    choices: tuple[Choice, ...]
    from_text: str
    to_text: str


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A record in the list. `day` is left out where it is today."""

    href: str
    status: Status
    state: str
    moment: Moment
    day: str
    kind: str
    source_product: str
    target_product: str
    arrow: str
    event: str
    key: str
    customer: str
    message: str
    http_status: int
    took: str


class RunRow(msgspec.Struct, frozen=True, kw_only=True):
    """A flow run in the list, ended or open. `nodes` says how many of its nodes are done: `3/4`."""

    href: str
    dot: Dot
    state: str
    flow: str
    key: str
    customer: str
    launched_by: str
    launched_href: str
    nodes: str
    moment: Moment
    day: str
    took: str


class Nothing(msgspec.Struct, frozen=True):
    """What an empty list says: what was searched, and where to look next."""

    title: str
    detail: str
    ways: tuple[Choice, ...]


class Rows(msgspec.Struct, frozen=True, kw_only=True):
    """A page of the list with its foot. What htmx asks for when it pages is this alone.

    A list of flow runs has `runs` instead of `items`, those that are open first.
    """

    items: tuple[Row, ...]
    runs: tuple[RunRow, ...]
    is_runs: bool
    nothing: Nothing | None
    newer_href: str
    older_href: str
    coverage: str
    warning: str
    has_kind: bool
    sort_href: str
    is_newest_first: bool


class Trouble(msgspec.Struct, frozen=True):
    """Why there is no list: the filter that does not exist, and those that do."""

    detail: str
    hint: str
    clear_href: str


class LogPage(View, frozen=True, kw_only=True):
    """A list. Either `rows` or `trouble` is there.

    `hidden` is what the form carries on: all of the state that is no field of it.
    """

    template: ClassVar[str] = "logs/page.html"

    layout: Layout
    path: str
    title: str
    subtitle: str
    counter: str
    failures: str
    segments: tuple[Choice, ...]
    bounds: Bounds
    fields: tuple[FilterField, ...]
    active: tuple[ActiveFilter, ...]
    hidden: tuple[tuple[str, str], ...]
    clear_href: str
    refresh_href: str
    rows: Rows | None
    trouble: Trouble | None


class RowsPart(View, frozen=True, kw_only=True):
    """The rows alone."""

    template: ClassVar[str] = "logs/_rows.html"

    rows: Rows
