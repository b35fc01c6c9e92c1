"""What the sign-in pages show."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from clew.web.layout import Layout
from clew.web.rendering import View


class Refusal(msgspec.Struct, frozen=True):
    """Why it did not work, and what to do about it."""

    detail: str
    hint: str


class SignInPage(View, frozen=True, kw_only=True):
    """E-mail and password. `next` is where to go then."""

    template: ClassVar[str] = "sign_in/page.html"

    layout: Layout
    email: str = ""
    next: str = "/"
    refusal: Refusal | None = None


class LinkPage(View, frozen=True, kw_only=True):
    """A one-time link. With `is_first` it makes the first member, and asks for e-mail and password."""

    template: ClassVar[str] = "sign_in/link.html"

    layout: Layout
    action: str
    is_first: bool
    email: str = ""
    refusal: Refusal | None = None
