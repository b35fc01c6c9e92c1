"""What is asked of the log, as frozen values: filters, the place of a page, the order.

The names are those of the HTTP API. Every store answers the same `Query` the same way.
"""

from __future__ import annotations

from typing import Literal, get_args

import msgspec

from clew.core.failure_class import FailureClass
from clew.core.record import Kind, Status, Summary

HttpDirection = Literal["incoming", "outgoing"]
HTTP_DIRECTIONS: tuple[str, ...] = get_args(HttpDirection)

Role = Literal["event"]
ROLES: tuple[str, ...] = get_args(Role)

ACTIONS_OF_STEPS = ("Delivered", "Received", "Processed", "Retried", "Republished", "Ignored")
"""What happens to an event after it was fired. A record with another action, or with none, is an event itself."""


class KeyFilter(msgspec.Struct, frozen=True):
    """A business key: `order=SO-1001`, or `order=*` (`value` is None) for any record that has the key."""

    name: str
    value: str | None


class HttpStatusFilter(msgspec.Struct, frozen=True):
    """A status code, or a class of them (`4xx`), as an inclusive range."""

    low: int
    high: int


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """Which records. An empty tuple asks nothing; several values of one name are alternatives; names are all required.

    `from_ms` is inclusive, `to_ms` exclusive, both milliseconds since the epoch. `product` is source or target.
    The texts of a record are its message, that of its error, the value of each of its keys, its parameters and its
    payload. `words` must each occur in one of them: whole words of ASCII letters and digits and of all non-ASCII
    characters, without regard to the case of ASCII letters (already lower-cased here). The words of each of `phrases`
    must follow each other in one text, whatever stands between them that is no word. None of `without_words` and
    `without_phrases` may occur. `contains` must occur in one text as it is, also inside a word or across several, again
    without regard to the case of ASCII letters and lower-cased here.

    `http_direction` is that of the record's HTTP exchange, seen from us. `failure_class` asks for failures whose class,
    as `failure_class_of` tells it from the error's type and the HTTP status, is one of these.
    `role` "event" asks for application events: external and internal events, and those integration events that have
    no parent or are not a step of another one (see `ACTIONS_OF_STEPS`).
    """

    workspace: str
    kind: tuple[Kind, ...] = ()
    type: tuple[str, ...] = ()
    event: tuple[str, ...] = ()
    status: tuple[Status, ...] = ()
    state: tuple[str, ...] = ()
    customer: tuple[str, ...] = ()
    integration: tuple[str, ...] = ()
    connection: tuple[str, ...] = ()
    product: tuple[str, ...] = ()
    source_product: tuple[str, ...] = ()
    target_product: tuple[str, ...] = ()
    direction: tuple[str, ...] = ()
    flow: tuple[str, ...] = ()
    node: tuple[str, ...] = ()
    source: tuple[str, ...] = ()
    trace_id: tuple[str, ...] = ()
    keys: tuple[KeyFilter, ...] = ()
    words: tuple[str, ...] = ()
    phrases: tuple[tuple[str, ...], ...] = ()
    without_words: tuple[str, ...] = ()
    without_phrases: tuple[tuple[str, ...], ...] = ()
    contains: str | None = None
    from_ms: int | None = None
    to_ms: int | None = None
    min_duration_ms: int | None = None
    http_status: tuple[HttpStatusFilter, ...] = ()
    http_direction: tuple[HttpDirection, ...] = ()
    error_type: tuple[str, ...] = ()
    failure_class: tuple[FailureClass, ...] = ()
    role: tuple[Role, ...] = ()


EXACT_FILTERS = (
    "kind",
    "type",
    "event",
    "status",
    "state",
    "customer",
    "integration",
    "connection",
    "source_product",
    "target_product",
    "direction",
    "flow",
    "node",
    "source",
    "trace_id",
)
"""The filters that compare the record's field of the same name."""

FACET_NAMES = (
    "kind",
    "type",
    "product",
    "source_product",
    "target_product",
    "event",
    "customer",
    "status",
    "state",
    "error_type",
    "integration",
    "connection",
    "flow",
    "source",
)
"""What the most frequent values can be asked of. `product` is source or target: a record counts for each, once."""

DEFAULT_VALUES = 8
MAX_VALUES = 100
"""How many values of a name are told."""

Sort = Literal["desc", "asc"]


class Place(msgspec.Struct, frozen=True, array_like=True):
    """A place in the order of the log: records are ordered by time, then id."""

    time: int
    id: str


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """A page of a filter: `limit` records after `place` in the order of `sort` or, `backward`, before it.

    Whatever the direction, the page is in the order of `sort`. Without a place it is the first page or, `backward`,
    the last. `pause_ms`: after so many milliseconds a store may look no further, which makes the page truncated. It
    always looks at something: who asks again from there on comes to the end.
    """

    filter: Filter
    limit: int = 50
    sort: Sort = "desc"
    place: Place | None = None
    backward: bool = False
    pause_ms: int | None = None


NO_ID = "00000000-0000-0000-0000-000000000000"
"""Before every id: with it a place is the beginning of a millisecond."""


class Page(msgspec.Struct, frozen=True):
    """What a query found. `has_next` and `has_prev`: whether there is more beyond the last and before the first.

    On the side where the query's `place` lies there is: the place is itself a record of the neighbouring page.
    `truncated`: the search ended at a bound of time or memory. The items are right and without gaps, there may be more
    beyond `reached_ms`, the time up to which was looked (None: nowhere yet). From there on it can be asked again.
    """

    items: tuple[Summary, ...]
    has_next: bool
    has_prev: bool
    truncated: bool = False
    reached_ms: int | None = None
