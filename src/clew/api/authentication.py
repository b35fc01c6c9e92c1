"""Who is calling: a key in `Authorization: Bearer`, and what it may do."""

from __future__ import annotations

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from litestar.types import Guard

from clew.core.errors import NotAllowed, NotSignedIn
from clew.registry.keys import Keys, Principal, Scope


def principal_of(keys: Keys, authorization: str, scope: Scope) -> Principal:
    """The caller behind an `Authorization` header.

    Raises `NotSignedIn` without a key of ours, `NotAllowed` where the key lacks the scope.
    """
    kind, _, text = authorization.partition(" ")
    if kind.lower() != "bearer" or not text:
        raise NotSignedIn("The request has no key.", hint="Send it as `Authorization: Bearer KEY`.")
    principal = keys.authenticate(text.strip())
    if principal is None:
        raise NotSignedIn("This key is not known, or was revoked.", hint="`clew keys create` makes a new one.")
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
