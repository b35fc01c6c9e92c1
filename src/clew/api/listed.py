"""Lists of what is connected: their parameters, read strictly, their pages, and what one item looks like."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Generic, TypeVar
from urllib.parse import parse_qsl, urlencode

import msgspec
from litestar import Request, Response

from clew.core.clock import from_rfc3339, to_rfc3339
from clew.core.errors import BadRequest, NotFound, UnknownFilter

T = TypeVar("T")
Row = TypeVar("Row")
Form = TypeVar("Form", bound=msgspec.Struct)


class Listed(msgspec.Struct, Generic[T], frozen=True):
    """A list, with the cursor of what follows where there is more."""

    items: tuple[T, ...]
    next: str | None = None
    prev: str | None = None


def respond_page(
    request: Request[Any, Any, Any],
    rows: Sequence[Row],
    *,
    limit: int,
    show: Callable[[Row], T],
    cursor_of: Callable[[Row], str],
) -> Response[Listed[T]]:
    """A page of `rows`, which has one row more than `limit` where more follows, with its `Link` header (RFC 8288)."""
    page = rows[:limit]
    following = cursor_of(page[-1]) if len(rows) > limit else None
    headers = {}
    if following is not None:
        given = [(name, value) for name, value in _pairs(request) if name != "cursor"]
        headers["link"] = f'<{request.url.path}?{urlencode([*given, ("cursor", following)])}>; rel="next"'
    return Response(Listed(tuple(map(show, page)), next=following), headers=headers)


def check_names(request: Request[Any, Any, Any], names: Iterable[str]) -> None:
    """Raise `UnknownFilter` for a parameter that is none of these, `BadRequest` for one that is given twice."""
    allowed, seen = (*names, "logs"), set()
    for name, _ in _pairs(request):
        if name not in allowed:
            listed = ", ".join(allowed)
            raise UnknownFilter(f"There is no filter {name[:80]!r} here.", hint=f"Filters are: {listed}.")
        if name in seen:
            raise BadRequest(f"{name} is given twice.", hint=f"Give {name} once.")
        seen.add(name)


def check_choice(name: str, value: str, allowed: Iterable[str]) -> None:
    """Raise `UnknownFilter` for a value that does not exist; "" stands for any."""
    if value and value not in allowed:
        raise UnknownFilter(f"{name}={value[:80]!r} does not exist here.", hint=f"{name} may be: {', '.join(allowed)}.")


def read_time(name: str, value: str) -> int | None:
    """A moment (ms), None for "". Raises `BadRequest`."""
    if not value:
        return None
    try:
        return from_rfc3339(value)
    except ValueError as error:
        hint = "Write it as 2026-11-22T06:41:25Z."
        raise BadRequest(f"{name}={value[:80]!r} is no time in RFC 3339.", hint=hint) from error


def found(row: T | None, noun: str, key: str) -> T:
    """The row. Raises `NotFound` where there is none."""
    if row is None:
        raise NotFound(f"There is no {noun} {key[:120]!r}.")
    return row


def show_as(form: type[Form], row: msgspec.Struct) -> Form:
    """The row in the form of the API: its times (`time`, `..._at`) as RFC 3339, all else as it is."""
    values = {name: getattr(row, name) for name in form.__struct_fields__}
    for name, value in values.items():
        if isinstance(value, int) and (name == "time" or name.endswith("_at")):
            values[name] = to_rfc3339(value)
    return form(**values)


def _pairs(request: Request[Any, Any, Any]) -> list[tuple[str, str]]:
    return parse_qsl(request.scope["query_string"].decode("latin-1"), keep_blank_values=True)
