"""The time zone of who looks at a page: of one request, as Django's `timezone.activate` has it.

A cookie of the browser names it, and `ZoneOfRequest` makes it the current one while a request is answered, so that
whoever says a time (`wording`) need not be handed it. Times are stored, compared and sent as UTC everywhere; only what
a person reads and types is in the zone, and every `<time>` says the UTC beside it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Literal
from zoneinfo import ZoneInfo, available_timezones

from litestar.connection import ASGIConnection
from litestar.types import ASGIApp, Receive, Scope, Send

from clew.core.clock import from_rfc3339, to_rfc3339

ZONE_COOKIE = "clew_zone"
UTC_NAME = "UTC"
_ZONE_UTC = ZoneInfo(UTC_NAME)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_current: ContextVar[ZoneInfo] = ContextVar("clew_time_zone", default=_ZONE_UTC)

_RENAMED = {
    "America/Buenos_Aires": "America/Argentina/Buenos_Aires",
    "America/Godthab": "America/Nuuk",
    "Asia/Calcutta": "Asia/Kolkata",
    "Asia/Katmandu": "Asia/Kathmandu",
    "Asia/Rangoon": "Asia/Yangon",
    "Asia/Saigon": "Asia/Ho_Chi_Minh",
    "Atlantic/Faeroe": "Atlantic/Faroe",
    "Europe/Kiev": "Europe/Kyiv",
}
"""Names that browsers still say, as Unicode keeps them for ever, and what people there call the place."""

Bound = Literal["from", "to"]
BOUNDS: tuple[Bound, ...] = ("from", "to")


class ZoneOfRequest:
    """ASGI: the zone that the browser's cookie names is the current one until the request is answered."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection."""
        connection: ASGIConnection[object, object, object, object] = ASGIConnection(scope)  # type: ignore[type-var]
        with in_zone(connection.cookies.get(ZONE_COOKIE, "")):
            await self._app(scope, receive, send)


@contextmanager
def in_zone(name: str) -> Iterator[None]:
    """Make this the current zone for a while. A name that is none is UTC: a bad cookie takes no page away."""
    token = _current.set(find_zone(name) or _ZONE_UTC)
    try:
        yield
    finally:
        _current.reset(token)


@cache
def known_names() -> frozenset[str]:
    """Every zone there is, also those whose names are of old, such as `Japan`. Read from the machine's files once."""
    return frozenset(available_timezones())


def offered_names() -> tuple[str, ...]:
    """The zones to choose from: UTC, then those named by a place."""
    return (UTC_NAME, *sorted(name for name in known_names() if "/" in name and not name.startswith("Etc/")))


def find_zone(name: str) -> ZoneInfo | None:
    """The zone of this IANA name, None where there is none: nothing but a known name reaches the file system."""
    name = _RENAMED.get(name, name)
    return ZoneInfo(name) if name in known_names() else None


def zone_key() -> str:
    """The current zone's IANA name: `UTC`, `Europe/Berlin`."""
    return _current.get().key


def zone_label() -> str:
    """The current zone for the head of a column: `UTC`, `Berlin`."""
    return zone_key().rpartition("/")[2].replace("_", " ")


def zone_words() -> str:
    """The current zone behind a time in a sentence: `UTC`, `Berlin time`."""
    return UTC_NAME if zone_key() == UTC_NAME else f"{zone_label()} time"


def local_moment(time_ms: int) -> datetime:
    """Milliseconds since the epoch as a time in the current zone.

    A moment so near the years 1 or 9999 that the zone has no date for it is given in UTC.
    """
    moment = _EPOCH + timedelta(milliseconds=time_ms)
    try:
        return moment.astimezone(_current.get())
    except OverflowError:
        return moment


def is_same_day(one_ms: int, other_ms: int) -> bool:
    """Whether both are on one date in the current zone."""
    return local_moment(one_ms).date() == local_moment(other_ms).date()


def write_local(time_ms: int) -> str:
    """A time for a field, as short as it can be said: `2026-11-22T07:40`, in the current zone without its offset.

    Where that would be read as another moment, as the clock shows an hour twice when it is set back, the offset stands
    behind it.
    """
    moment = local_moment(time_ms)
    timespec = "milliseconds" if moment.microsecond else "seconds" if moment.second else "minutes"
    text = moment.replace(tzinfo=None).isoformat(timespec=timespec)
    is_plain = all(read_local(text, _current.get(), bound) == time_ms for bound in BOUNDS)
    return text if is_plain else moment.isoformat(timespec=timespec)


def read_local(text: str, zone: ZoneInfo, bound: Bound) -> int:
    """A time that a person typed, as milliseconds since the epoch: in this zone, unless it says its offset.

    Where the clock shows it twice, From means the first and To the second, so that nothing between is left out. Where
    the clock skips it, it is as long after midnight as if it were not skipped.
    Raises `ValueError` for what is neither RFC 3339 nor a date, and for what is outside the years 1 to 9999.
    """
    moment = datetime.fromisoformat(text.strip())
    if moment.tzinfo is not None:
        return from_rfc3339(text)
    try:
        local = moment.replace(tzinfo=zone)
        is_skipped = local.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != moment
        local = local.replace(fold=int(bound == "to" and not is_skipped))
        return (local.astimezone(UTC) - _EPOCH) // timedelta(milliseconds=1)
    except OverflowError as error:
        raise ValueError(f"{text!r} is outside the years 1 to 9999") from error


def exact_bound(text: str, zone: ZoneInfo, bound: Bound) -> str:
    """What was typed as RFC 3339 in UTC, for a link that says the same to everyone; what cannot be read, as it is."""
    try:
        return to_rfc3339(read_local(text, zone, bound))
    except ValueError:
        return text
