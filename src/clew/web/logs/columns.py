"""The columns of each log, in their order. What a cell looks like is in `logs/_cells.html`, under the column's name."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from clew.core.record import Kind


class Column(msgspec.Struct, frozen=True):
    """One column: the macro that makes its cells, and its heading.

    `is_time`: its heading turns the order around. `is_mute`: only who cannot see the page needs the heading.
    `has_zone`: behind the heading stands the time zone. `is_seldom`: a window that is not wide does without it.
    """

    name: str
    label: str
    is_time: bool = False
    is_mute: bool = False
    is_number: bool = False
    has_zone: bool = False
    is_seldom: bool = False


_DOT = Column("dot", "Status", is_mute=True)
_TIME = Column("time", "Time", is_time=True, has_zone=True)
_STARTED = Column("time", "Started", is_time=True, has_zone=True)
_STATE = Column("state", "Status")
_SUBSCRIPTION = Column("source", "Subscription", is_seldom=True)
_CUSTOMER = Column("customer", "Customer")
_INTEGRATION = Column("integration", "Integration", is_seldom=True)
_CONNECTION = Column("connection", "Connection", is_seldom=True)
_PLACE = (_CUSTOMER, _INTEGRATION, _CONNECTION)
_TOOK = Column("took", "Took", is_number=True)

ALL: tuple[Column, ...] = (
    _DOT,
    _TIME,
    Column("kind", "Kind"),
    Column("route", "Source → Target"),
    Column("event", "Event"),
    _CUSTOMER,
    Column("message", "Message"),
    _TOOK,
)
"""Records of every kind."""

_EVENT_LOG: tuple[Column, ...] = (
    _DOT,
    _TIME,
    Column("event", "Event type"),
    _STATE,
    _SUBSCRIPTION,
    *_PLACE,
    Column("outcome", "Launched"),
    Column("payload", "Payload"),
)

OF_KIND: Mapping[Kind, tuple[Column, ...]] = {
    "integration_event": (
        Column("created", "Created Date", is_time=True),
        Column("type", "Type"),
        Column("verdict", "Status"),
        Column("message", "Message"),
        Column("details", "Details"),
    ),
    "api_request": (
        _DOT,
        _TIME,
        Column("direction", "Direction"),
        Column("request", "Request"),
        *_PLACE,
        Column("answer", "Response"),
        _TOOK,
    ),
    "external_webhook": (
        _DOT,
        _TIME,
        Column("event", "Webhook"),
        _STATE,
        _SUBSCRIPTION,
        *_PLACE,
        Column("outcome", "Collected"),
        Column("trouble", "Error"),
    ),
    "external_event_pull": (
        _DOT,
        _STARTED,
        Column("ended", "Ended", is_seldom=True),
        Column("event", "Subscription"),
        _STATE,
        Column("scan", "Full scan"),
        *_PLACE,
        Column("outcome", "Collected"),
        Column("trouble", "Error"),
    ),
    "external_event": _EVENT_LOG,
    "internal_event": _EVENT_LOG,
    "flow_run": (
        _DOT,
        _STARTED,
        Column("flow", "Flow"),
        _STATE,
        Column("launcher", "Launched by"),
        *_PLACE,
        Column("nodes", "Nodes", is_number=True),
        Column("trouble", "Error"),
        _TOOK,
    ),
}
"""Records of one kind."""


def columns_of(kind: Kind | None) -> tuple[Column, ...]:
    """The columns of a log; None is the log of all records."""
    return OF_KIND.get(kind, ALL) if kind else ALL
