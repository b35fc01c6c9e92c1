"""What keeps a page safe in a browser: headers, the session's cookie, the token in every form, where links may lead.

Every form carries a token. A session has its own; before there is one, it is a digest of what a cookie made for the
form holds. Another site can make the browser send the cookie but cannot read it, so it cannot make the token.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets

from litestar.connection import ASGIConnection
from litestar.datastructures import Cookie
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from clew.core.settings import Settings

SESSION_COOKIE = "clew_session"
FORM_COOKIE = "clew_form"
TOKEN_FIELD = "form_token"  # noqa: S105 - the field's name, not a token

_PAGE_POLICY = "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'; object-src 'none'"
_HEADERS = {
    b"content-security-policy": _PAGE_POLICY.encode(),
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"same-origin",
    b"cross-origin-opener-policy": b"same-origin",
    b"cache-control": b"no-store",
}
# Visible ASCII without the backslash, which browsers read as a slash; never `//`, which names another host.
_LOCAL_PATH = re.compile(r"/(?:[!-.0-\[\]-~][!-\[\]-~]*)?\Z")


class SecurityHeaders:
    """ASGI: adds the headers to every response that does not set them itself."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection."""

        async def send_safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = {name.lower() for name, _ in message["headers"]}
                more = [(name, value) for name, value in _HEADERS.items() if name not in given]
                message["headers"] = [*message["headers"], *more]
            await send(message)

        await self._app(scope, receive, send_safely)


def is_https(connection: ASGIConnection, settings: Settings) -> bool:  # type: ignore[type-arg]
    """Whether people reach this server over TLS, here or at the proxy in front of it."""
    return settings.public_url.startswith("https:") or connection.scope["scheme"] == "https"


def make_cookie(name: str, value: str, *, is_secure: bool, max_age_s: int | None = None) -> Cookie:
    """A cookie that no script can read and no other site can send with a form."""
    return Cookie(key=name, value=value, httponly=True, samesite="lax", path="/", secure=is_secure, max_age=max_age_s)


def new_form_secret() -> str:
    """What the form's cookie holds where there is no session."""
    return secrets.token_urlsafe(32)


def form_secret_of(connection: ASGIConnection) -> str:  # type: ignore[type-arg]
    """What the form's cookie of this browser holds, "" without one."""
    return connection.cookies.get(FORM_COOKIE, "")


def form_token(secret: str) -> str:
    """The token to put into a form."""
    return hashlib.blake2b(secret.encode(), digest_size=24, person=b"clew-form-token").hexdigest()


def is_form_token(secret: str, token: str) -> bool:
    """Whether the token was made for this browser. Takes the same time whatever it holds."""
    return bool(secret) and hmac.compare_digest(form_token(secret).encode(), token.encode())


def local_path(text: str, default: str = "/") -> str:
    """The text where it is a path on this server, else `default`."""
    return text if _LOCAL_PATH.match(text) else default
