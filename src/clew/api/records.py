"""`/v1/records` and its kin: the log, read."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import msgspec
from litestar import Request, Response, Router, get
from litestar.types import ControllerRouterHandler

from clew.api.asked import fixed_filters, pairs_of
from clew.api.authentication import requires
from clew.api.description import FilterOperation, ListOperation
from clew.api.record_reports import build_reports
from clew.api.representation import (
    CoverageForm,
    RecordItem,
    TraceItem,
    WholeRecord,
    item_fields,
    show_coverage,
    show_item,
    show_whole,
)
from clew.api.visible import find_visible, may_see
from clew.core.errors import NotFound
from clew.core.ids import is_trace_id
from clew.core.record import Kind, Record, Summary, summarize
from clew.core.removal import PAYLOAD, find_removals
from clew.core.request_log import note
from clew.diagnosis.thread import build_thread
from clew.log.parameters import FilterParser, ListRequest
from clew.log.search import Answer, Search
from clew.registry.keys import Keys, Principal

LISTS: dict[str, Kind] = {
    "integration-events": "integration_event",
    "api-requests": "api_request",
    "external-webhooks": "external_webhook",
    "external-event-pulls": "external_event_pull",
    "external-events": "external_event",
    "internal-events": "internal_event",
    "flow-runs": "flow_run",
    "notifications": "notification",
}
"""The lists of one kind, by their path."""

MAX_CHAIN = 5_000
"""Records of a chain that are given, the oldest of them."""


class RecordList(msgspec.Struct, frozen=True, kw_only=True):
    """A page of records."""

    items: list[RecordItem]
    next: str | None
    prev: str | None
    coverage: CoverageForm


class RecordCount(msgspec.Struct, frozen=True, kw_only=True):
    """How many records match; `truncated`: at least so many."""

    count: int
    truncated: bool
    coverage: CoverageForm


class TraceForm(msgspec.Struct, frozen=True, kw_only=True):
    """A chain: parents before children, each with its depth. `truncated`: these are its oldest, there are more."""

    trace_id: str
    items: list[TraceItem]
    truncated: bool


def build_records(reader: RecordReader, keys: Keys) -> Router:
    """The routes. All need the scope `read`."""
    handlers: list[ControllerRouterHandler] = [*_lists(reader, "records", None), *_whole(reader), *_traces(reader)]
    handlers += reader.build_reports("records", None)
    for path, kind in LISTS.items():
        handlers += [*_lists(reader, path, kind), *reader.build_reports(path, kind)]
    return Router("/v1", guards=[requires(keys, "read")], route_handlers=handlers, tags=["The log"])


class RecordReader:
    """Asks the log as far as the caller may see it."""

    def __init__(self, search: Search, parser: FilterParser) -> None:
        self._search = search
        self._parser = parser

    def build_reports(self, path: str, kind: Kind | None) -> list[ControllerRouterHandler]:
        """The routes that tell about all records of a list."""
        return build_reports(self._search, self._parser, path, kind)

    def read_list(self, request: Request[Any, Any, Any], principal: Principal, kind: Kind | None = None) -> ListRequest:
        """What a list is asked for. Raises `UnknownFilter` and `BadRequest`."""
        return self._parser.parse_list(
            pairs_of(request), workspace=principal.workspace, fixed=fixed_filters(principal, kind)
        )

    async def page(self, asked: ListRequest, path: str) -> tuple[RecordList, dict[str, str]]:
        """The page that is asked for, and its headers."""
        answer = await self._search.page(asked)
        found = len(answer.page.items)
        note(f"found {found} {'record' if found == 1 else 'records'}", answer.coverage.to_json())
        form = RecordList(
            items=[show_item(item) for item in answer.page.items],
            next=answer.next_cursor,
            prev=answer.prev_cursor,
            coverage=show_coverage(answer.coverage),
        )
        return form, _link(path, asked.given, answer)

    async def count(self, request: Request[Any, Any, Any], principal: Principal, kind: Kind | None) -> RecordCount:
        """How many records are under the filters."""
        filter = self._parser.parse_filter(
            pairs_of(request), workspace=principal.workspace, fixed=fixed_filters(principal, kind)
        )
        answer = await self._search.count(filter)
        note(f"counted {answer.count.count} records", answer.coverage.to_json())
        return RecordCount(
            count=answer.count.count,
            truncated=answer.count.truncated,
            coverage=show_coverage(answer.coverage),
        )

    async def find(self, principal: Principal, record_id: str, kind: Kind | None = None) -> Record:
        """One record whole. Raises `NotFound` where there is none the caller may see."""
        return await find_visible(self._search, principal, record_id, kind)

    async def chain(self, principal: Principal, trace_id: str) -> TraceForm:
        """A chain as far as the caller may see it. Raises `NotFound` where that is nothing."""
        records = await self._search.trace(principal.workspace, trace_id, MAX_CHAIN + 1)
        is_cut = len(records) > MAX_CHAIN
        records = records[:MAX_CHAIN]
        note(f"the trace has {len(records)} records")
        thread = build_thread([record for record in records if may_see(principal, record)])
        items = [TraceItem(**item_fields(_summary(node.record)), depth=node.depth) for node in thread.walk()]
        if not items:
            raise NotFound(f"There is no trace {trace_id}.")
        return TraceForm(trace_id=trace_id, items=items, truncated=is_cut)


def _summary(entry: Record | Summary) -> Summary:
    return summarize(entry) if isinstance(entry, Record) else entry


def _lists(reader: RecordReader, path: str, kind: Kind | None) -> list[ControllerRouterHandler]:
    name = "".join(word.title() for word in path.split("-"))

    @get(f"/{path}", operation_id=f"list{name}", operation_class=ListOperation)
    async def list_records(request: Request[Any, Any, Any], principal: Principal) -> Response[RecordList]:
        """List records, newest first."""
        form, headers = await reader.page(reader.read_list(request, principal, kind), request.url.path)
        return Response(form, headers=headers)

    @get(f"/{path}/count", operation_id=f"count{name}", operation_class=FilterOperation)
    async def count_records(request: Request[Any, Any, Any], principal: Principal) -> RecordCount:
        """Count the records under the filters."""
        return await reader.count(request, principal, kind)

    @get(f"/{path}/{{id:str}}", operation_id=f"get{name}")
    async def get_record(principal: Principal, id: str) -> WholeRecord:
        """Show one record whole."""
        record = await reader.find(principal, id, kind)
        return show_whole(record, summarize(record))

    # flow runs are listed and shown also while they are open, which the log does not know: see `flows.py`
    return [count_records] if kind == "flow_run" else [list_records, count_records, get_record]


def _whole(reader: RecordReader) -> list[ControllerRouterHandler]:
    @get("/records/{id:str}/payload", operation_id="getPayload")
    async def get_payload(principal: Principal, id: str) -> Response[bytes]:
        """Give the payload as it came, with its content type. Secrets were removed on the way in."""
        record = await reader.find(principal, id)
        if date := find_removals(record).get(PAYLOAD):
            raise NotFound(
                f"The payload was removed by retention on {date}.", hint="A record that is pinned keeps its payload."
            )
        headers = {
            "x-content-type-options": "nosniff",
            "content-security-policy": "sandbox; default-src 'none'",
        }
        content_type = record.content_type or "application/octet-stream"
        return Response(record.payload_bytes(), media_type=content_type, headers=headers)

    return [get_payload]


def _traces(reader: RecordReader) -> list[ControllerRouterHandler]:
    @get("/records/{id:str}/trace", operation_id="getTraceOfRecord")
    async def get_trace_of_record(principal: Principal, id: str) -> TraceForm:
        """List every record of this record's chain, parents before children."""
        record = await reader.find(principal, id)
        return await reader.chain(principal, record.trace_id)

    @get("/traces/{trace_id:str}", operation_id="getTrace")
    async def get_trace(principal: Principal, trace_id: str) -> TraceForm:
        """List every record of a chain, parents before children."""
        if not is_trace_id(trace_id):
            raise NotFound(f"There is no trace {trace_id[:80]!r}.", hint="A trace id is 32 lower-case hex digits.")
        return await reader.chain(principal, trace_id)

    return [get_trace_of_record, get_trace]


def _link(path: str, given: tuple[tuple[str, str], ...], answer: Answer) -> dict[str, str]:
    """The `Link` header (RFC 8288) of a page."""
    links = [
        f'<{path}?{urlencode([*given, ("cursor", cursor)])}>; rel="{rel}"'
        for rel, cursor in (("next", answer.next_cursor), ("prev", answer.prev_cursor))
        if cursor
    ]
    return {"link": ", ".join(links)} if links else {}
