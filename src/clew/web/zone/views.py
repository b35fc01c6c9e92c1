"""What the page of the time zone shows."""

from __future__ import annotations

from typing import ClassVar

from clew.web.layout import Layout
from clew.web.rendering import View


class ZonePage(View, frozen=True, kw_only=True):
    """The zones to choose from and the chosen one, in which it is `now`. `next` is where to go then."""

    template: ClassVar[str] = "zone/page.html"

    layout: Layout
    names: tuple[str, ...]
    chosen: str
    now: str
    next: str
