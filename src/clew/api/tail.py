"""`/v1/records/tail` and the same of each kind: records as they become searchable, as server-sent events."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from litestar import Request, Router, get
from litestar.background_tasks import BackgroundTask
from litestar.di import NamedDependency
from litestar.response import Stream
from litestar.types import ControllerRouterHandler

from clew.api.asked import fixed_filters, pairs_of
from clew.api.authentication import find_caller, requires
from clew.api.records import LISTS
from clew.api.representation import show_item
from clew.api.tail_description import TailOperation
from clew.core.record import Kind
from clew.log.parameters import FilterParser
from clew.log.tail import LiveTail
from clew.log.tail_stream import CONTENT_TYPE, HEADERS, parse_tail, send_tail, write_dropped, write_event
from clew.log.watcher import Arrived, Dropped, Event
from clew.registry.keys import Keys, Principal

_encode = msgspec.json.Encoder().encode


def build_tails(tail: LiveTail, parser: FilterParser, keys: Keys, ping_every_s: float) -> Router:
    """The routes. All need the scope `read`."""
    lists: list[tuple[str, Kind | None]] = [("records", None), *LISTS.items()]
    handlers = [_build(tail, parser, keys, path, kind, ping_every_s=ping_every_s) for path, kind in lists]
    return Router("/v1", guards=[requires(keys, "read")], route_handlers=handlers, tags=["The log"])


def _build(
    tail: LiveTail, parser: FilterParser, keys: Keys, path: str, kind: Kind | None, *, ping_every_s: float
) -> ControllerRouterHandler:
    name = "".join(word.title() for word in path.split("-"))

    @get(f"/{path}/tail", operation_id=f"tail{name}", operation_class=TailOperation, media_type=CONTENT_TYPE)
    async def tail_records(request: Request[Any, Any, Any], principal: NamedDependency[Principal]) -> Stream:
        """Give records as they become searchable, in the order in which they came, until the caller leaves."""
        filter = parse_tail(
            parser, pairs_of(request), workspace=principal.workspace, fixed=fixed_filters(principal, kind)
        )
        authorization = request.headers.get("authorization", "")
        watcher = tail.watch(filter, request.headers.get("last-event-id", ""))

        def may_go_on() -> bool:
            return find_caller(keys, authorization) == principal

        stream = send_tail(watcher, _write, may_go_on=may_go_on, ping_every_s=ping_every_s)
        # Where the caller leaves before the stream has begun, nothing else would close it.
        return Stream(stream, headers=HEADERS, background=BackgroundTask(watcher.close))

    return tail_records


async def _write(events: Sequence[Event]) -> bytes:
    return b"".join(map(_write_one, events))


def _write_one(event: Event) -> bytes:
    if isinstance(event, Dropped):
        return write_dropped(event)
    assert isinstance(event, Arrived), "it follows no record"
    return write_event(event, "record", _encode(show_item(event.record)))
