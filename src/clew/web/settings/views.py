"""What the pages of the settings show."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from clew.web.layout import Layout
from clew.web.logs.views import Bounds, Trouble
from clew.web.rendering import View
from clew.web.wording import Moment


class SwitchRow(msgspec.Struct, frozen=True, kw_only=True):
    """A switch: its name, what it does in plain words, who turned it last, and where it is turned ("": not by them)."""

    name: str
    log: str
    log_href: str
    is_on: bool
    when_on: str
    when_off: str
    changed: str
    turn_href: str


class Kept(msgspec.Struct, frozen=True):
    """How long something is kept, and what more there is to say of it."""

    what: str
    how_long: str
    note: str = ""


class KindRow(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of records: how long they are kept, how many there are, the oldest's time, and their room on the disk."""

    name: str
    href: str
    kept: str
    records: str
    oldest: str
    size: str


class RemovedRow(msgspec.Struct, frozen=True, kw_only=True):
    """What was removed of a day: what, how much, why and when."""

    day: str
    what: str
    count: str
    size: str
    why: str
    when: str


class PinRow(msgspec.Struct, frozen=True, kw_only=True):
    """A record that is kept. `unpin_href` is "" for who may only look."""

    href: str
    title: str
    by: str
    when: str
    unpin_href: str


class RetentionView(msgspec.Struct, frozen=True, kw_only=True):
    """How long records are kept, what was removed, and what stays. `trouble`: why something is there that is to go."""

    kinds: tuple[KindRow, ...]
    room: str
    trouble: str
    removed: tuple[RemovedRow, ...]
    pins: tuple[PinRow, ...]


class LoggingPage(View, frozen=True, kw_only=True):
    """What is logged, and how long what is kept."""

    template: ClassVar[str] = "settings/logging.html"

    layout: Layout
    switches: tuple[SwitchRow, ...]
    retention: RetentionView
    kept: tuple[Kept, ...]
    note: str


class Difference(msgspec.Struct, frozen=True):
    """A field that a change touched. `before` is None for what is new, `after` for what is gone."""

    name: str
    before: str | None
    after: str | None


class ChangeRow(msgspec.Struct, frozen=True, kw_only=True):
    """A change: when, who, what was done to what, and the fields that differ. `href` is where it is, "" for nowhere."""

    moment: Moment
    day: str
    actor: str
    action: str
    kind: str
    subject: str
    href: str
    differences: tuple[Difference, ...]


class ActivityPage(View, frozen=True, kw_only=True):
    """Configuration Activity."""

    template: ClassVar[str] = "settings/activity.html"

    layout: Layout
    path: str
    bounds: Bounds
    kinds: tuple[str, ...]
    kind: str
    actor: str
    within: str
    rows: tuple[ChangeRow, ...] = ()
    searched: str = ""
    clear_href: str = ""
    newest_href: str = ""
    older_href: str = ""
    trouble: Trouble | None = None
