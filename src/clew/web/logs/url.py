"""The state of a list is its URL: a path and the filters in its query string, changed one step at a time."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlencode

import msgspec

from clew.web.time_zone import BOUNDS, exact_bound, find_zone

DEFAULT_DURATION = "24h"
ALL_TIME = "all"
"""What `duration` says on a page for no bound at all. The API has no word for it: it is what nothing means there."""
LIVE = "live"
"""`live=1`: the list goes on by itself while it is open. It is no filter, and the first page alone has it."""
_BOUNDS = ("duration", "from", "to")


class LogUrl(msgspec.Struct, frozen=True):
    """Where a list is and what it asks, as name and value pairs in their order."""

    path: str
    pairs: tuple[tuple[str, str], ...] = ()

    def get(self, name: str) -> str:
        """The first value of a filter, "" without one."""
        return next((value for key, value in self.pairs if key == name), "")

    def having(self, name: str, value: str) -> LogUrl:
        """The same list with this one value for a filter; "" asks nothing of it. It begins at its first page."""
        kept = self.without(name).pairs
        return LogUrl(self.path, (*kept, (name, value)) if value else kept)

    def without(self, name: str, value: str | None = None) -> LogUrl:
        """The same list without a filter, or without one value of it. It begins at its first page."""
        dropped = {"cursor"} if value is not None else {"cursor", name}
        return LogUrl(self.path, tuple(pair for pair in self.pairs if pair[0] not in dropped and pair != (name, value)))

    def over(self, duration: str) -> LogUrl:
        """The same list over another stretch of time."""
        kept = LogUrl(self.path, tuple(pair for pair in self.pairs if pair[0] not in _BOUNDS))
        return kept.having("duration", "" if duration == DEFAULT_DURATION else duration)

    def at(self, cursor: str) -> LogUrl:
        """Another page of the same list."""
        return LogUrl(self.path, (*self.without(LIVE).pairs, ("cursor", cursor)))

    def cleared(self) -> LogUrl:
        """The same stretch of time, in the same order, and nothing asked of it."""
        return LogUrl(self.path, tuple(pair for pair in self.pairs if pair[0] in (*_BOUNDS, "sort")))

    def part(self, name: str) -> LogUrl:
        """Something of the same list that has an address of its own: its `download`, its `facets`, its `chart`."""
        return LogUrl(f"{self.path}/{name}", self.without("cursor").pairs)

    def into(self, name: str) -> LogUrl:
        """Something that has an address of its own and belongs to this very page of the list."""
        return LogUrl(f"{self.path}/{name}", self.pairs)

    def facets(self, name: str) -> LogUrl:
        """The most frequent values of a filter, whatever it is set to now."""
        return self.without(name).part("facets").having("of", name)

    @property
    def query(self) -> str:
        """The query of the link, "" where nothing is asked."""
        return urlencode(self.pairs, safe="=:,")

    @property
    def has_filters(self) -> bool:
        """Whether anything is asked beside a stretch of time."""
        return any(name not in (*_BOUNDS, "sort", "cursor", "limit", LIVE) for name, _ in self.pairs)

    @property
    def duration(self) -> str:
        """`24h` and the like, `all`, or "" where From and To are given."""
        if self.get("from") or self.get("to"):
            return ""
        return self.get("duration") or DEFAULT_DURATION

    @property
    def href(self) -> str:
        """The link."""
        return f"{self.path}?{self.query}" if self.pairs else self.path


def read_url(path: str, pairs: Iterable[tuple[str, str]]) -> LogUrl:
    """The state of a list as a browser asked for it: what a form sent empty, or what says the default, says nothing.

    From and To win over a duration: they are what was typed. Typed without an offset they are in the `zone` that the
    form says beside them, or UTC; the state has them as UTC, so that a link says the same to everyone.
    """
    given = _in_utc(tuple((name, text) for name, value in pairs if (text := value.strip())))
    has_bounds = any(name in ("from", "to") for name, _ in given)
    return LogUrl(
        path,
        tuple(
            (name, value)
            for name, value in given
            if not (name == "duration" and (has_bounds or value == DEFAULT_DURATION))
            and not (name == "sort" and value == "desc")
        ),
    )


def _in_utc(given: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    """From and To out of the zone that stands beside them. A zone that is none stays, to be refused as a filter."""
    zone = find_zone(next((value for name, value in given if name == "zone"), ""))
    if zone is None:
        return given
    return tuple(
        (name, exact_bound(value, zone, name) if name in BOUNDS else value) for name, value in given if name != "zone"
    )


def filters_of(url: LogUrl) -> tuple[tuple[str, str], ...]:
    """What the URL asks, in the words of the HTTP API."""
    pairs = tuple(pair for pair in url.pairs if pair[0] != "duration" and pair != (LIVE, "1"))
    duration = url.duration
    return pairs if duration in ("", ALL_TIME) else (*pairs, ("duration", duration))
