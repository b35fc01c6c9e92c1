"""What the list pages show."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from clew.core.record import Status
from clew.web.chart import Chart
from clew.web.dots import Dot
from clew.web.layout import Layout
from clew.web.legend import Legend
from clew.web.logs.columns import Column
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


class Preparation(msgspec.Struct, frozen=True):
    """Where a file is begun that is written on the server first, and in which formats."""

    href: str
    formats: tuple[Option, ...]


class FilterField(msgspec.Struct, frozen=True, kw_only=True):
    """A filter that the form has: `shown` is what the chip says of its value, `remove_href` the list without it.

    `notes` say more about what may be typed. With `is_closed` the options are all there are; else any text may be typed
    and they are suggestions. `facets_href` gives its most frequent values, "" where these are not told.
    """

    name: str
    label: str
    value: str = ""
    shown: str = ""
    remove_href: str = ""
    placeholder: str = ""
    hint: str = ""
    notes: tuple[str, ...] = ()
    options: tuple[Option, ...] = ()
    is_closed: bool = False
    facets_href: str = ""


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


class Outcome(msgspec.Struct, frozen=True):
    """What an event or a webhook led to, and where that is; `href` "" for nothing to go to."""

    text: str = ""
    href: str = ""
    is_failure: bool = False


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A record in the list. `day` is left out where it is today. `place` is where a request went: host and query."""

    id: str
    href: str
    status: Status
    state: str
    moment: Moment
    day: str
    ended: Moment | None
    kind: str
    source_product: str
    target_product: str
    arrow: str
    event: str
    type: str
    key: str
    customer: str
    integration: str
    connection: str
    source: str
    message: str
    http_status: int
    http_direction: str
    method: str
    url: str
    place: str
    payload_href: str
    scan: str
    outcome: Outcome
    took: str


class EventRow(msgspec.Struct, frozen=True, kw_only=True):
    """An integration event in its log. `meaning` says what its status means.

    `details` leads to the Event Details page: who or what it was about; `more` is what else identifies it.
    """

    id: str
    href: str
    status: Status
    word: str
    meaning: str
    moment: Moment
    type: str
    message: str
    details: str
    more: tuple[str, ...]


class RunRow(msgspec.Struct, frozen=True, kw_only=True):
    """A flow run in the list, ended or open. `nodes` says how many of its nodes are done: `3/4`."""

    id: str
    href: str
    dot: Dot
    state: str
    flow: str
    key: str
    customer: str
    integration: str
    connection: str
    launched_by: str
    launched_href: str
    nodes: str
    message: str
    moment: Moment
    day: str
    ended: Moment | None
    took: str


AnyRow = Row | EventRow | RunRow


class Nothing(msgspec.Struct, frozen=True):
    """What an empty list says: what was searched, and where to look next."""

    title: str
    detail: str
    ways: tuple[Choice, ...]


class Scanning(msgspec.Struct, frozen=True):
    """How far a search inside words came, the link that goes on from there, and where its further rows come from."""

    said: str
    onward_href: str
    src: str


class Rows(msgspec.Struct, frozen=True, kw_only=True):
    """A page of the list with its foot. What htmx asks for when it pages is this alone.

    All `items` are of the one class that the columns are made for. A list of flow runs has those that are open first.
    `live_src` is where new rows come from, "" where none do. `scanning`: a search inside words that is not at its end,
    and `offer`, where little was found, the link to one.
    """

    columns: tuple[Column, ...]
    items: tuple[AnyRow, ...]
    nothing: Nothing | None
    newer_href: str
    older_href: str
    coverage: str
    warning: str
    sort_href: str
    is_newest_first: bool
    live_src: str = ""
    scanning: Scanning | None = None
    offer: Choice | None = None


class Live(msgspec.Struct, frozen=True):
    """How a list is made to go on by itself, or to stop, and where its new rows come from: "" while it does not."""

    toggle_href: str
    src: str


class Trouble(msgspec.Struct, frozen=True):
    """Why there is no list: the filter that does not exist, and those that do."""

    detail: str
    hint: str
    clear_href: str


class SavedView(msgspec.Struct, frozen=True):
    """A list that somebody saved under a name. `delete_href` takes a form."""

    name: str
    href: str
    delete_href: str
    is_current: bool
    note: str


class ViewsMenu(msgspec.Struct, frozen=True):
    """The saved views of a list, and what would be saved now: its `path` and `query`."""

    items: tuple[SavedView, ...]
    path: str
    query: str
    current: str


class LogPage(View, frozen=True, kw_only=True):
    """A list. Either `rows` or `trouble` is there.

    `extra` are filters that are not set and that fewer people look for. `hidden` is what the form carries on: all of
    the state that is no field of it. `downloads` are the formats; a `preparation` begins a file of very many.
    `chart_href` gives the chart, which is asked for when the list is there: counting over time takes longer than a page
    may. It is "" where that would take far too long.
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
    bounds_title: str
    fields: tuple[FilterField, ...]
    extra: tuple[FilterField, ...]
    active: tuple[ActiveFilter, ...]
    hidden: tuple[tuple[str, str], ...]
    clear_href: str
    refresh_href: str
    downloads: tuple[Choice, ...]
    preparation: Preparation | None
    views: ViewsMenu
    legends: tuple[Legend, ...]
    chart_href: str
    live: Live | None
    rows: Rows | None
    trouble: Trouble | None


class RowsPart(View, frozen=True, kw_only=True):
    """The rows alone."""

    template: ClassVar[str] = "logs/_rows.html"

    rows: Rows


class LiveRow(View, frozen=True, kw_only=True):
    """A new row of a list that is open."""

    template: ClassVar[str] = "logs/_live_row.html"

    columns: tuple[Column, ...]
    row: AnyRow


class ScannedRows(View, frozen=True, kw_only=True):
    """What one step of a search inside words found."""

    template: ClassVar[str] = "logs/_scanned_rows.html"

    columns: tuple[Column, ...]
    items: tuple[AnyRow, ...]


class FacetChoice(msgspec.Struct, frozen=True):
    """A value of a filter with how many records have it and how many of them failed, as a link to the list with it."""

    label: str
    href: str
    count: str
    failures: str
    is_current: bool


class FacetsPart(View, frozen=True, kw_only=True):
    """The most frequent values of one filter. `note` says what is the matter where there are none."""

    template: ClassVar[str] = "logs/_facets.html"

    choices: tuple[FacetChoice, ...]
    note: str


class ChartPart(View, frozen=True, kw_only=True):
    """The chart above a list."""

    template: ClassVar[str] = "logs/_chart.html"

    chart: Chart
