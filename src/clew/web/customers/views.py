"""What the pages of customers show."""

from __future__ import annotations

from typing import ClassVar, Literal

import msgspec

from clew.diagnosis.aip_status import AipStatus
from clew.web.dots import Dot
from clew.web.layout import Layout
from clew.web.logs.views import ActiveFilter, FilterField, Nothing, Option, Trouble
from clew.web.record.views import BodyView
from clew.web.rendering import View
from clew.web.tabs import Tab
from clew.web.wording import Moment

StepWord = Literal["success", "failure", "no processing result yet"]


class CustomerRow(msgspec.Struct, frozen=True, kw_only=True):
    """A customer in the list. `records` and `failures` count those of the last 24 hours in words, "" for none."""

    key: str
    name: str
    href: str
    records: str
    failures: str
    failures_href: str
    last_event: str
    is_test: bool


class CustomersPage(View, frozen=True, kw_only=True):
    """The customers by key, a page of them."""

    template: ClassVar[str] = "customers/list.html"

    layout: Layout
    starting: str
    rows: tuple[CustomerRow, ...]
    first_href: str
    next_href: str


class Head(msgspec.Struct, frozen=True):
    """What stands above every page of a customer. `about` is what is known of it, a few words each."""

    name: str
    key: str
    about: tuple[str, ...]
    tabs: tuple[Tab, ...]


class Filters(msgspec.Struct, frozen=True, kw_only=True):
    """The form of the filters. `duration` is the value that is chosen; From and To are as they were typed."""

    action: str
    duration: str
    durations: tuple[Option, ...]
    from_text: str
    to_text: str
    note: str
    text: str
    fields: tuple[FilterField, ...]
    active: tuple[ActiveFilter, ...]
    hidden: tuple[tuple[str, str], ...]
    clear_href: str
    counter: str
    failures: str


class EventRow(msgspec.Struct, frozen=True, kw_only=True):
    """An application event in the list. `fired_by` says what fired it."""

    id: str
    href: str
    is_open: bool
    is_ticked: bool
    dot: Dot
    word: StepWord
    source_product: str
    event: str
    key: str
    moment: Moment
    fired_by: str


class StepRow(msgspec.Struct, frozen=True, kw_only=True):
    """A step of the event that is open. `about` is what took it, `reason` why it failed or was ignored.

    `day` is that of `moment` where the event was fired on another. `is_failure`: it failed and nothing made it good.
    """

    source_product: str
    event: str
    moment: Moment
    day: str
    action: str
    about: str
    reason: str
    dot: Dot
    word: StepWord
    is_failure: bool
    record_href: str
    payload_href: str


class LedTo(msgspec.Struct, frozen=True):
    """Another application event that this one led to."""

    event: str
    href: str
    has_failure: bool


class Failure(msgspec.Struct, frozen=True):
    """Why an event failed: where the failure lies in a sentence, the reason, and what to do."""

    sentence: str
    reason: str
    advice: str
    cause_href: str


class Details(msgspec.Struct, frozen=True, kw_only=True):
    """The event that is open. `synchronized` says when it had been processed everywhere, `interval` how long it took.

    `republish_href` takes a form with one of `consumers`; it is "" where nothing can be republished.
    """

    id: str
    event: str
    key: str
    connects: str
    fired: Moment
    fired_by: str
    synchronized: str
    interval: str
    correlation_id: str
    correlation_href: str
    is_correlated: bool
    record_href: str
    failure: Failure | None
    steps: tuple[StepRow, ...]
    led_to: tuple[LedTo, ...]
    consumers: tuple[Option, ...]
    republish_href: str


class SummaryRow(msgspec.Struct, frozen=True, kw_only=True):
    """A ticked event in one line. `fired` is for the page, `exact` for the file."""

    href: str
    source_product: str
    target_product: str
    event: str
    moment: Moment
    last_action: str
    dot: Dot
    word: StepWord
    steps: int
    took: str
    first_error: str


class Pages(msgspec.Struct, frozen=True):
    """The foot of a list: what was searched, and the pages beside this one."""

    coverage: str
    newer_href: str
    older_href: str
    warning: str


class EventsPage(View, frozen=True, kw_only=True):
    """A customer's Integration Events. Without `trouble` all of the rest is there.

    `is_chosen`: `details` are of an event that the URL names, and not of the first of the list. `carried` is what the
    form of the ticks carries on. `refusal` is why a button did nothing.
    """

    template: ClassVar[str] = "customers/events.html"

    layout: Layout
    head: Head
    filters: Filters
    rows: tuple[EventRow, ...] = ()
    nothing: Nothing | None = None
    pages: Pages | None = None
    details: Details | None = None
    is_chosen: bool = False
    summary: tuple[SummaryRow, ...] = ()
    summary_href: str = ""
    tick_all_href: str = ""
    untick_href: str = ""
    carried: tuple[tuple[str, str], ...] = ()
    trouble: Trouble | None = None
    refusal: Trouble | None = None


class AipRow(msgspec.Struct, frozen=True, kw_only=True):
    """An event as a connector's list has it."""

    entry: str
    href: str
    source_system_id: str
    source_type: str
    source_product: str
    event_type: str
    status: AipStatus
    dot: Dot
    error: str


class AipPage(View, frozen=True, kw_only=True):
    """A customer's AIP Events. Without `trouble` all of the rest is there."""

    template: ClassVar[str] = "customers/aip.html"

    layout: Layout
    head: Head
    filters: Filters
    rows: tuple[AipRow, ...] = ()
    nothing: Nothing | None = None
    pages: Pages | None = None
    trouble: Trouble | None = None


class PayloadPage(View, frozen=True, kw_only=True):
    """The payload of a step, with what is known beside it."""

    template: ClassVar[str] = "customers/payload.html"

    layout: Layout
    head: Head
    title: str
    action: str
    moment: Moment
    back_href: str
    record_href: str
    download_href: str
    body: BodyView
