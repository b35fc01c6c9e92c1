"""Pages for what went wrong with a request, and for what is not there."""

from __future__ import annotations

from typing import ClassVar

from clew.web.layout import Layout
from clew.web.rendering import View


class FailurePage(View, frozen=True, kw_only=True):
    """What went wrong, what to do about it, and where to go."""

    template: ClassVar[str] = "failure/page.html"

    layout: Layout
    status: int
    title: str
    detail: str
    hint: str = ""
    is_signed_in: bool = True
