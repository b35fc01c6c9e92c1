"""What a name, a title and a URL may be. Each check answers with what is wrong, or None."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from clew.core.errors import FieldError, Invalid

MAX_TITLE = 200
_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}\Z")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def refuse(what: str, *wrong: FieldError | None) -> None:
    """Raise `Invalid` with everything that is wrong, where anything is. `what` begins the sentence: `The product`."""
    errors = tuple(error for error in wrong if error)
    if errors:
        raise Invalid(f"{what} cannot be saved: {errors[0].detail}", errors=errors)


def check_key(key: str, pointer: str = "/key") -> FieldError | None:
    """A key stands in URLs and filters: letters, digits, `.`, `_`, `-`, 1 to 100 of them."""
    if _KEY.match(key):
        return None
    return FieldError(
        pointer,
        f"{key[:120]!r} is no key. It is 1 to 100 letters, digits, '.', '_', '-' and begins with one of the first two.",
    )


def check_title(title: str, pointer: str = "/title", least: int = 0) -> FieldError | None:
    """A title is one line that people read, of `least` to 200 characters."""
    if _CONTROL.search(title):
        return FieldError(pointer, f"{title[:40]!r} has control characters.")
    if not least <= len(title.strip()) <= MAX_TITLE:
        return FieldError(pointer, f"It has {len(title.strip())} characters; it may have {least} to {MAX_TITLE}.")
    return None


def check_url(url: str, pointer: str = "/base_url") -> FieldError | None:
    """A URL is empty, or http(s) with a host and without a password: it is shown to everyone who may read."""
    if not url:
        return None
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and not _CONTROL.search(url)
        has_user = parts.username is not None
        _ = parts.port
    except ValueError:
        usable, has_user = False, False
    if has_user:
        return FieldError(pointer, "The URL has a user or password in it. Name a secret in `auth` instead.")
    return None if usable else FieldError(pointer, f"{url[:120]!r} is no http or https URL.")
