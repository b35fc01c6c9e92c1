"""What the pages of exports show."""

from __future__ import annotations

from typing import ClassVar, Literal

import msgspec

from clew.web.layout import Layout
from clew.web.rendering import View


class ExportRow(msgspec.Struct, frozen=True, kw_only=True):
    """An export. `href` is its own page, `file_href` its file where it is whole, "" before.

    `done` and `total` are what a bar shows; `total` is 0 where it is not known how far it is.
    """

    href: str
    title: str
    format: str
    state: Literal["waiting", "running", "done", "failed"]
    said: str
    asked: str
    kept: str
    done: int
    total: int
    file_href: str
    remove_href: str
    is_running: bool
    has_failed: bool


class ExportPage(View, frozen=True, kw_only=True):
    """One export."""

    template: ClassVar[str] = "exports/page.html"

    layout: Layout
    export: ExportRow


class ExportsPage(View, frozen=True, kw_only=True):
    """All of a member's."""

    template: ClassVar[str] = "exports/list.html"

    layout: Layout
    exports: tuple[ExportRow, ...]
