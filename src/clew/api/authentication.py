"""Who is calling: a key in `Authorization: Bearer`, and what it may do."""

from __future__ import annotations

import time
from collections.abc import Callable

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from litestar.types import Guard

from clew.core.errors import NotAllowed, NotSignedIn
from clew.registry.keys import Keys, Principal, Scope

CALLER_AGE_S = 0.1
"""How long the hot ways in believe that a header names this caller. It comes on top of `Keys.authenticate`'s second."""
MOST_CALLERS = 1_000
"""How many headers are remembered: only those with a key of ours, so a thousand programs in a tenth of a second."""


class RecentCallers:
    """`principal_of` for the hot ways in: the same header within a tenth of a second costs a look-up, not a digest."""

    def __init__(self, keys: Keys, now_s: Callable[[], float] = time.monotonic) -> None:
        self._keys = keys
        self._now_s = now_s
        self._known: dict[bytes, tuple[Principal, float]] = {}

    def find(self, authorization: bytes, scope: Scope) -> Principal:
        """The caller behind an `Authorization` header. Raises what `principal_of` raises."""
        now_s = self._now_s()
        known = self._known.get(authorization)
        if known and now_s - known[1] < CALLER_AGE_S:
            return _allowed(known[0], scope)
        principal = principal_of(self._keys, authorization.decode("latin-1"), scope)
        if len(self._known) >= MOST_CALLERS:
            self._known.clear()
        self._known[authorization] = (principal, now_s)
        return principal


def principal_of(keys: Keys, authorization: str, scope: Scope) -> Principal:
    """The caller behind an `Authorization` header.

    Raises `NotSignedIn` without a key of ours, `NotAllowed` where the key lacks the scope.
    """
    text = bearer_of(authorization)
    if not text:
        raise NotSignedIn("The request has no key.", hint="Send it as `Authorization: Bearer KEY`.")
    principal = keys.authenticate(text)
    if principal is None:
        raise NotSignedIn("This key is not known, or was revoked.", hint="`clew keys create` makes a new one.")
    return _allowed(principal, scope)


def find_caller(keys: Keys, authorization: str) -> Principal | None:
    """The caller behind an `Authorization` header, whatever it may do; None without a key of ours."""
    text = bearer_of(authorization)
    return keys.authenticate(text) if text else None


def bearer_of(authorization: str) -> str:
    """The key's text in an `Authorization` header, "" where there is none."""
    kind, _, text = authorization.partition(" ")
    return text.strip() if kind.lower() == "bearer" else ""


def _allowed(principal: Principal, scope: Scope) -> Principal:
    if not principal.has(scope):
        raise NotAllowed(f"The key {principal.name!r} has no scope {scope!r}.", hint=f"Use a key with scope {scope}.")
    return principal


def requires(keys: Keys, scope: Scope) -> Guard:
    """A guard for routes that need this scope. It leaves the caller in `request.state.principal`."""

    def guard(connection: ASGIConnection, _handler: BaseRouteHandler) -> None:  # type: ignore[type-arg]  # any user, any auth
        connection.state.principal = principal_of(keys, connection.headers.get("authorization", ""), scope)

    return guard


def provide_principal(request: Request) -> Principal:  # type: ignore[type-arg]
    """The caller a guard found."""
    principal = request.state.principal
    assert isinstance(principal, Principal)
    return principal
