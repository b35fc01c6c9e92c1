"""From the parameters of a request to a question to the log: strictly, for no typing error may look like an empty list.

API and pages use the same names. A name given several times means one of several values.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Literal, NoReturn, get_args

import msgspec

from clew.core.clock import DAY_MS, HOUR_MS, Clock, from_rfc3339
from clew.core.errors import BadRequest, UnknownFilter
from clew.core.failure_class import FAILURE_CLASSES
from clew.core.ids import digest, is_trace_id
from clew.core.record import DIRECTIONS, KINDS, STATUSES
from clew.log.cursor import CursorCodec
from clew.log.query import HTTP_DIRECTIONS, ROLES, Filter, HttpStatusFilter, KeyFilter, Query, Sort
from clew.log.text_query import TextQuery, parse_text
from clew.log.words import lower_ascii

Pair = tuple[str, str]

FILTER_NAMES = (
    "kind",
    "type",
    "event",
    "status",
    "state",
    "customer",
    "integration",
    "connection",
    "product",
    "source_product",
    "target_product",
    "direction",
    "flow",
    "node",
    "source",
    "event_type",
    "trace_id",
    "key",
    "q",
    "contains",
    "from",
    "to",
    "duration",
    "min_duration_ms",
    "http_status",
    "http_direction",
    "error_type",
    "failure_class",
    "role",
)
"""What selects records."""

PAGING_NAMES = ("cursor", "limit", "sort")
"""What a list takes beside them."""

DURATIONS_MS = {
    "1h": HOUR_MS,
    "24h": 24 * HOUR_MS,
    "7d": 7 * DAY_MS,
    "14d": 14 * DAY_MS,
    "30d": 30 * DAY_MS,
}
SORTS: tuple[str, ...] = get_args(Sort)
DEFAULT_LIMIT = 50
MAX_LIMIT = 1_000
MAX_TEXT = 1_000
"""Characters of a `q` or a `contains`."""
CONTAINS_PAUSE_MS = 2_000
"""How long a list looks for what contains a text, for which there is no index, before it answers how far it came."""

CHOICES: dict[str, tuple[str, ...]] = {
    "kind": KINDS,
    "status": STATUSES,
    "direction": DIRECTIONS,
    "http_direction": HTTP_DIRECTIONS,
    "failure_class": FAILURE_CLASSES,
    "role": ROLES,
    "duration": tuple(DURATIONS_MS),
    "sort": SORTS,
}
"""The names that take one of a few values."""

_ONCE = frozenset({"q", "contains", "from", "to", "duration", "min_duration_ms", "cursor", "limit", "sort"})
_IGNORED = frozenset({"logs"})  # the switch of a JSON answer, not a filter
_PLAIN = (
    "kind",
    "type",
    "status",
    "state",
    "customer",
    "integration",
    "connection",
    "product",
    "source_product",
    "target_product",
    "direction",
    "flow",
    "node",
    "source",
    "trace_id",
    "http_direction",
    "error_type",
    "failure_class",
    "role",
)
_STATUS_CLASS = re.compile(r"[1-5][xX]{2}")
_STATUS_CODE = re.compile(r"[1-5][0-9]{2}")
_NUMBER = re.compile(r"[0-9]{1,15}")  # fits the engine's 64 bits with room to spare


class ListRequest(msgspec.Struct, frozen=True):
    """What a list was asked: the query, what its cursors are bound to, and the filters as they were given.

    `given` leaves out `cursor` and `logs`: with another cursor it is the link to another page.
    """

    query: Query
    binding: bytes
    given: tuple[Pair, ...]


class FilterParser:
    """Reads parameters. One for the whole server."""

    def __init__(self, *, clock: Clock, cursors: CursorCodec) -> None:
        self._clock = clock
        self._cursors = cursors

    def parse_list(
        self, pairs: Iterable[Pair], *, workspace: str, fixed: Mapping[str, tuple[str, ...]] | None = None
    ) -> ListRequest:
        """The list that is asked for.

        `fixed` are filters that the caller sets (the kind of a list of one kind, the customer of a customer's token):
        parameters may narrow them and not leave them. Raises `UnknownFilter` for a name or value that does not exist,
        `BadRequest` for one that cannot be read.
        """
        given = _group(pairs, FILTER_NAMES + PAGING_NAMES)
        filter = self._filter(given, workspace, fixed or {})
        sort: Sort = "asc" if _only(given, "sort") == "asc" else "desc"
        binding = _binding(given, workspace, fixed or {}, sort)
        limit = read_whole("limit", _only(given, "limit") or str(DEFAULT_LIMIT), 1, MAX_LIMIT)
        pause_ms = None if filter.contains is None else CONTAINS_PAUSE_MS
        query = Query(filter=filter, limit=limit, sort=sort, pause_ms=pause_ms)
        if text := _only(given, "cursor"):
            cursor = self._cursors.decode(text, binding)
            query = msgspec.structs.replace(query, place=cursor.place, backward=cursor.backward)
        kept = tuple((name, value) for name, values in given.items() if name != "cursor" for value in values)
        return ListRequest(query, binding, kept)

    def parse_filter(
        self, pairs: Iterable[Pair], *, workspace: str, fixed: Mapping[str, tuple[str, ...]] | None = None
    ) -> Filter:
        """The filter of a count. Raises as `parse_list` does, also for `cursor`, `limit` and `sort`."""
        return self._filter(_group(pairs, FILTER_NAMES), workspace, fixed or {})

    def parse_with(
        self,
        options: Mapping[str, tuple[str, ...]],
        pairs: Iterable[Pair],
        *,
        workspace: str,
        fixed: Mapping[str, tuple[str, ...]] | None = None,
    ) -> tuple[Filter, dict[str, str]]:
        """The filter and the options beside it, each at most once, with the values it may have (none named: any text).

        Raises as `parse_list` does.
        """
        given = _group(pairs, FILTER_NAMES + tuple(options), once=_ONCE.union(options))
        for name, allowed in options.items():
            if allowed and name in given:
                check_choice(name, given[name][0], allowed)
        return self._filter(given, workspace, fixed or {}), {name: given[name][0] for name in options if name in given}

    def _filter(self, given: dict[str, list[str]], workspace: str, fixed: Mapping[str, tuple[str, ...]]) -> Filter:
        asked = {name: tuple(given.get(name, ())) for name in _PLAIN}
        asked["event"] = tuple(given.get("event", [])) + tuple(given.get("event_type", []))
        for name, allowed in fixed.items():
            for value in asked[name]:
                check_choice(name, value, allowed)
            asked[name] = asked[name] or allowed
        for trace_id in asked["trace_id"]:
            _check_trace_id(trace_id)
        from_ms, to_ms = self._bounds(given)
        return msgspec.convert(
            {
                **asked,
                "workspace": workspace,
                "keys": tuple(_key(text) for text in given.get("key", ())),
                "contains": _contains(given),
                **msgspec.structs.asdict(_text(given)),
                "from_ms": from_ms,
                "to_ms": to_ms,
                "min_duration_ms": _min_duration(given),
                "http_status": tuple(_http_status(text) for text in given.get("http_status", ())),
            },
            Filter,
        )

    def _bounds(self, given: dict[str, list[str]]) -> tuple[int | None, int | None]:
        duration, from_text, to_text = (_only(given, name) for name in ("duration", "from", "to"))
        if duration:
            if from_text or to_text:
                raise BadRequest("`duration` is given with `from` or `to`.", hint="Give one or the other.")
            return self._clock.now_ms() - DURATIONS_MS[duration], None
        from_ms, to_ms = _moment("from", from_text), _moment("to", to_text)
        if from_ms is not None and to_ms is not None and from_ms > to_ms:
            raise BadRequest(f"from={from_text!r} is after to={to_text!r}.", hint="Exchange them.")
        return from_ms, to_ms


def _group(pairs: Iterable[Pair], names: tuple[str, ...], once: Collection[str] = _ONCE) -> dict[str, list[str]]:
    """Values by name, in the order given, after the checks that hold for all."""
    given: dict[str, list[str]] = {}
    for name, value in pairs:
        if name in _IGNORED:
            continue
        if name not in names:
            raise UnknownFilter(f"There is no filter {name[:80]!r} here.", hint=f"Filters are: {', '.join(names)}.")
        if not value:
            raise BadRequest(f"{name} is empty.", hint="Give it a value, or leave it out to ask for all.")
        if "\0" in value or not _is_unicode(value):
            raise BadRequest(
                f"{name} has a character in it that is no text.", hint="Take out NUL and what is not UTF-8."
            )
        if name in once and name in given:
            raise BadRequest(f"{name} is given twice.", hint=f"Give {name} once.")
        if name in CHOICES:
            check_choice(name, value, CHOICES[name])
        given.setdefault(name, []).append(value)
    return given


def _is_unicode(text: str) -> bool:
    """Whether it is all characters, no half of a surrogate pair."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def check_choice(name: str, value: str, allowed: Iterable[str]) -> None:
    """Raise `UnknownFilter` where a value is none of those allowed."""
    if value not in allowed:
        raise UnknownFilter(f"{name}={value[:80]!r} does not exist here.", hint=f"{name} may be: {', '.join(allowed)}.")


def _only(given: dict[str, list[str]], name: str) -> str:
    return given.get(name, [""])[0]


def _binding(given: dict[str, list[str]], workspace: str, fixed: Mapping[str, tuple[str, ...]], sort: Sort) -> bytes:
    """What a cursor belongs to: the parameters as they were given, so that `duration` keeps meaning "until now"."""
    asked = sorted((name, value) for name in FILTER_NAMES for value in given.get(name, ()))
    set_by_us = sorted((name, value) for name, values in fixed.items() for value in values)
    parts = [part for pair in [*asked, ("", ""), *set_by_us] for part in pair]
    return digest(workspace, sort, *parts)[:8]


def read_whole(name: str, text: str, least: int, most: int) -> int:
    """A whole number within its bounds. Raises `BadRequest` for anything else."""
    if not _NUMBER.fullmatch(text) or not least <= int(text) <= most:
        _refuse(name, text, f"It is a whole number from {least} to {most}.")
    return int(text)


def _min_duration(given: dict[str, list[str]]) -> int | None:
    text = _only(given, "min_duration_ms")
    if text and not _NUMBER.fullmatch(text):
        _refuse("min_duration_ms", text, "It is a whole number of milliseconds, 0 or more.")
    return int(text) if text else None


def _moment(name: Literal["from", "to"], text: str) -> int | None:
    if not text:
        return None
    try:
        return from_rfc3339(text)
    except ValueError:
        _refuse(name, text, "It is RFC 3339, `2026-11-22T06:41:25.410Z`, or a date; a `+` in a URL is written %2B.")


def _check_trace_id(text: str) -> None:
    if not is_trace_id(text):
        _refuse("trace_id", text, "It is 32 lower-case hex digits, not all zero.")


def _key(text: str) -> KeyFilter:
    name, equals, value = text.partition("=")
    if not name or not equals:
        _refuse("key", text, "It is NAME=VALUE, `order=SO-1001`, or `order=*` for any record that has the key.")
    return KeyFilter(name, None if value == "*" else value)


def _text(given: dict[str, list[str]]) -> TextQuery:
    text = _short_enough("q", _only(given, "q"))
    return parse_text(text) if text else TextQuery()


def _contains(given: dict[str, list[str]]) -> str | None:
    return lower_ascii(_short_enough("contains", _only(given, "contains"))) or None


def _short_enough(name: str, text: str) -> str:
    if len(text) > MAX_TEXT:
        _refuse(name, text, f"It has {len(text)} characters, at most {MAX_TEXT} are taken.")
    return text


def _http_status(text: str) -> HttpStatusFilter:
    if _STATUS_CODE.fullmatch(text):
        return HttpStatusFilter(int(text), int(text))
    if _STATUS_CLASS.fullmatch(text):
        return HttpStatusFilter(int(text[0]) * 100, int(text[0]) * 100 + 99)
    return _refuse("http_status", text, "It is a status code, `422`, or a class, `4xx`.")


def _refuse(name: str, text: str, hint: str) -> NoReturn:
    raise BadRequest(f"{name}={text[:80]!r} cannot be read.", hint=hint)
