"""What the page of one record shows."""

from __future__ import annotations

from typing import ClassVar, Literal

import msgspec

from clew.core.record import Status
from clew.web.because import Because
from clew.web.dots import Dot
from clew.web.json_tree import JsonTree
from clew.web.layout import Layout
from clew.web.lines import Lines
from clew.web.record.collected import Collected
from clew.web.record.launches import Launches
from clew.web.rendering import View
from clew.web.tabs import Tab
from clew.web.wording import Moment

TabName = Literal["details", "data", "payload", "http", "error", "logs", "trace"]


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """A name and its value. `href` where it leads somewhere, `is_code` for ids, `is_copied` with a button to copy."""

    name: str
    value: str
    note: str = ""
    href: str = ""
    is_code: bool = False
    is_copied: bool = False


class FactGroup(msgspec.Struct, frozen=True):
    """Facts that belong together."""

    title: str
    facts: tuple[Fact, ...]


Stroke = Literal["", "line", "line on", "half"]


class Guide(msgspec.Struct, frozen=True):
    """One column of the drawn thread before a row: its two strokes as class names, "" for none."""

    elbow: Literal["", "elbow", "elbow on"]
    line: Stroke


class ThreadRow(msgspec.Struct, frozen=True, kw_only=True):
    """A record in its chain. `level` counts from 1, `hidden_levels` of them have no guide: the chain is too deep.

    `is_quiet`: a decision, which says why something ran or did not and is none of what happened.
    """

    href: str
    is_current: bool
    is_quiet: bool
    dot: Dot
    state: str
    event: str
    kind: str
    source_product: str
    target_product: str
    arrow: str
    http_status: int
    message: str
    offset: str
    took: str
    guides: tuple[Guide, ...]
    level: int
    hidden_levels: int


class ThreadView(msgspec.Struct, frozen=True):
    """The chain. `left_out` counts records that are in it but not shown, and `left_out_failures` those that failed.

    `all_href` is the list of all of its records. `read_first`: of a trace that has more, so many were read; 0 where it
    is whole.
    """

    rows: tuple[ThreadRow, ...]
    count: int
    left_out: int
    left_out_failures: int = 0
    read_first: int = 0
    all_href: str = ""


class Parameter(msgspec.Struct, frozen=True):
    """A parameter and the value captured; `is_json` for what is no plain text."""

    name: str
    value: str
    is_json: bool


class Data(msgspec.Struct, frozen=True):
    """Result, the message why it failed, and the parameters. `raw` where they are no JSON object.

    `left_out` counts parameters that are not shown. `word` and `meaning` of an integration event: its status as its
    log calls it, and what that means.
    """

    result: str
    status: Status
    message: str
    parameters: tuple[Parameter, ...]
    raw: str
    left_out: int = 0
    word: str = ""
    meaning: str = ""


class Details(msgspec.Struct, frozen=True, kw_only=True):
    """What it is and what it belongs to, with its chain beside it.

    `launches` for an event: what it led to. `collected` for a webhook or a pull: the events in it. `data` for an
    integration event, whose page begins with it; others have it on a tab of its own. `removed` says in sentences what
    retention took out of it.
    """

    groups: tuple[FactGroup, ...]
    redacted: tuple[str, ...]
    removed: tuple[str, ...]
    thread: ThreadView
    launches: Launches | None = None
    collected: Collected | None = None
    data: Data | None = None


class BodyView(msgspec.Struct, frozen=True, kw_only=True):
    """A body. `tree` where it is JSON. `note` says what is not shown of it."""

    text: str
    tree: JsonTree | None
    size: str
    content_type: str
    note: str


class Payload(msgspec.Struct, frozen=True, kw_only=True):
    """The payload as a tree or raw."""

    body: BodyView
    is_raw: bool
    tree_href: str
    raw_href: str
    download_href: str


class Side(msgspec.Struct, frozen=True):
    """A request or a response. `note` where there is no body here. `query` is that of a request's address."""

    headers: tuple[tuple[str, str], ...]
    body: BodyView | None
    note: str
    note_href: str = ""
    query: tuple[tuple[str, str], ...] = ()


class Exchange(msgspec.Struct, frozen=True, kw_only=True):
    """A request and its response. `curl` is the command that sends the request again."""

    direction: str
    method: str
    url: str
    status_code: int
    is_failure: bool
    request: Side
    response: Side
    curl: str


class Cause(msgspec.Struct, frozen=True, kw_only=True):
    """One error of the chain of causes."""

    type: str
    key: str
    message: str
    data: JsonTree | None
    stack: str
    is_reason: bool


class PinView(msgspec.Struct, frozen=True, kw_only=True):
    """Pin or Unpin: where ("" for who may only look), and how it is pinned ("" where it is not)."""

    href: str
    label: str
    note: str


class RecordPage(View, frozen=True, kw_only=True):
    """One record. `tab` says which of the last seven is there. `run_href` leads to its run, "" where there is none.

    `heading` is what the page is called where that is not the record's own name.
    """

    template: ClassVar[str] = "record/page.html"

    layout: Layout
    id: str
    status: Status
    dot: Dot
    state: str
    heading: str
    event: str
    kind: str
    kind_href: str
    run_label: str
    run_href: str
    moment: Moment
    took: str
    http_status: int
    customer: str
    customer_href: str
    source_product: str
    target_product: str
    arrow: str
    because: Because | None
    pin: PinView | None
    tabs: tuple[Tab, ...]
    tab: TabName
    details: Details | None = None
    data: Data | None = None
    payload: Payload | None = None
    exchange: Exchange | None = None
    causes: tuple[Cause, ...] = ()
    lines: Lines | None = None
    lines_note: str = ""
    thread: ThreadView | None = None
