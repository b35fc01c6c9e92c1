"""`/v1/records/scan` and the same of each kind: what contains a text, as server-sent events while it is looked for."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Request, Router, get
from litestar.di import NamedDependency
from litestar.response import Stream
from litestar.types import ControllerRouterHandler

from clew.api.asked import fixed_filters, pairs_of
from clew.api.authentication import requires
from clew.api.records import LISTS
from clew.api.representation import show_coverage, show_item
from clew.api.scan_description import ScanOperation
from clew.core.clock import to_rfc3339
from clew.core.record import Kind
from clew.log.parameters import FilterParser
from clew.log.scan import ScanStep, begin_scan, parse_scan
from clew.log.search import Search
from clew.log.tail_stream import CONTENT_TYPE, HEADERS, write_plain_event
from clew.registry.keys import Keys, Principal

_encode = msgspec.json.Encoder().encode


def build_scans(search: Search, parser: FilterParser, keys: Keys) -> Router:
    """The routes. All need the scope `read`."""
    lists: list[tuple[str, Kind | None]] = [("records", None), *LISTS.items()]
    handlers = [_build(search, parser, path, kind) for path, kind in lists]
    return Router("/v1", guards=[requires(keys, "read")], route_handlers=handlers, tags=["The log"])


def _build(search: Search, parser: FilterParser, path: str, kind: Kind | None) -> ControllerRouterHandler:
    name = "".join(word.title() for word in path.split("-"))

    @get(f"/{path}/scan", operation_id=f"scan{name}", operation_class=ScanOperation, media_type=CONTENT_TYPE)
    async def scan_records(request: Request[Any, Any, Any], principal: NamedDependency[Principal]) -> Stream:
        """Look for what contains a text, and give what is found, and how far it came, as it goes."""
        asked = parse_scan(
            parser, pairs_of(request), workspace=principal.workspace, fixed=fixed_filters(principal, kind)
        )
        return Stream(await begin_scan(search, asked, _write), headers=HEADERS)

    return scan_records


async def _write(step: ScanStep) -> bytes:
    events = [write_plain_event("match", _encode(show_item(item))) for item in step.items]
    coverage = show_coverage(step.coverage)
    if step.is_done:
        done = {
            "matches": step.matches,
            "truncated": step.next_cursor is not None or step.coverage.truncated,
            "next": step.next_cursor,
            "coverage": coverage,
        }
        return b"".join([*events, write_plain_event("done", _encode(done))])
    progress = {
        "from": _moment(step.from_ms),
        "to": to_rfc3339(step.to_ms),
        "reached": _moment(step.reached_ms),
        "matches": step.matches,
        "fraction": round(step.fraction, 4),
        "next": step.next_cursor,
    }
    return b"".join([*events, write_plain_event("progress", _encode(progress))])


def _moment(ms: int | None) -> str | None:
    return None if ms is None else to_rfc3339(ms)
