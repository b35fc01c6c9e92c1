"""The application events of one customer, with what became of each: asked of the log a page at a time.

The threads of all events of a page are asked for together, never one by one, and of them only what tells how an event
went: no node and no request. Of those that failed the rest of what failed is asked for where the reason is wanted. The
steps of the one event that is looked at come from its whole thread.

Whether an event failed is said by its steps and not by its own record. So events that failed are looked for by the
threads of the records that failed, and every page is held against its steps again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from clew.core.clock import DAY_MS, HOUR_MS
from clew.core.errors import NotFound
from clew.core.failure_class import FailureClass
from clew.core.ids import is_id
from clew.core.record import Kind, Record, Summary, summarize
from clew.diagnosis.event_steps import EventSteps, StepStatus, find_all_steps, find_steps, is_application_event
from clew.diagnosis.thread import Entry
from clew.log.parameters import ListRequest
from clew.log.query import Filter, Place, Query
from clew.log.search import Answer, Coverage, Search
from clew.log.store import Count, Traces

BEFORE_MS = HOUR_MS
"""How long before an event its steps may be dated: the clocks of those who report differ."""
AFTER_MS = 2 * DAY_MS
"""How long after an event its failure is looked for, where events are picked by their failures: a delivery is tried
again for 24 hours."""
MAX_THREAD_RECORDS = 5_000
"""Of all threads of a page."""
MAX_FAILED = 1_000
"""Threads with failures, the latest ones, that are looked at."""
FIRST_FAILED = 200
"""Threads with failures that are looked at for the first page: nearly always they fill it."""
MAX_ROUNDS = 3
"""Pages of the log that one page of events is picked from: a tenth of a second each. What is not found in them is on
the next page."""

_TELLING: tuple[Kind, ...] = (
    "step",
    "integration_event",
    "flow_run",
    "decision",
    "external_event",
    "internal_event",
)
"""What tells how an event went."""

_NO_TRACE = ("0" * 32,)
"""No record has this trace: W3C forbids it."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A page of a customer's events. `request` has the filters of the events themselves, and the customer among them.

    `status` and `failure_class` are asked of an event with its steps. `with_causes`: the events that failed are to have
    the cause of it. `opens_first`: the first of them is to be there with all of its steps.
    """

    request: ListRequest
    customer: str
    status: StepStatus | None = None
    failure_class: FailureClass | None = None
    with_causes: bool = False
    opens_first: bool = False

    @property
    def is_picking(self) -> bool:
        """Whether events are picked by their steps."""
        return self.status is not None or self.failure_class is not None


class OpenEvent(msgspec.Struct, frozen=True):
    """One event with all of its steps, and the records of its whole thread."""

    steps: EventSteps
    chain: tuple[Record, ...]


class FoundEvents(msgspec.Struct, frozen=True):
    """A page of events, newest first, with cursors for its neighbours.

    `is_cut`: there are more failures in this time than were looked at, and so maybe more such events. Where events are
    not picked by their steps, `count` is how many match on all pages, and `opened` the first of them if asked for.
    """

    items: tuple[EventSteps, ...]
    next_cursor: str | None
    prev_cursor: str | None
    coverage: Coverage
    is_cut: bool = False
    opened: OpenEvent | None = None
    count: Count | None = None


class ApplicationEvents:
    """Asks the log for application events."""

    def __init__(self, search: Search) -> None:
        self._search = search

    async def page(self, asked: Asked) -> FoundEvents:
        """A page of events. Where they are picked by their steps it may be shorter, even empty with more behind it, or
        up to twice as long as asked."""
        request = _with_filter(asked.request, role=("event",))
        if asked.status != "failure" and asked.failure_class is None:
            return await self._pick(asked, request)
        failures, is_first = _failures_of(asked), request.query.place is None
        failed = await self._search.traces(failures, FIRST_FAILED if is_first else MAX_FAILED)
        if is_first and failed.truncated:
            if latest := await self._pick_latest(asked, request, failed):
                return latest
            failed = await self._search.traces(failures, MAX_FAILED)
        # Without any there is no such event; a trace that nothing has says so, and what was searched.
        found = await self._pick(asked, _with_filter(request, trace_id=failed.ids or _NO_TRACE))
        return msgspec.structs.replace(found, is_cut=failed.truncated)

    async def _pick_latest(self, asked: Asked, request: ListRequest, failed: Traces) -> FoundEvents | None:
        """The first page from the threads that failed last, None where nothing of them is left for the next.

        An event fails after it was fired: of those fired since the last of these threads failed, none is in another.
        """
        asked_ms = request.query.filter.from_ms
        from_ms = max(failed.reached_ms or 0, asked_ms or 0)
        found = await self._pick(asked, _with_filter(request, trace_id=failed.ids or _NO_TRACE, from_ms=from_ms))
        if found.next_cursor is None:
            return None
        whole_ms = found.coverage.oldest_kept if asked_ms is None else asked_ms
        return msgspec.structs.replace(found, coverage=msgspec.structs.replace(found.coverage, from_ms=whole_ms))

    async def _pick(self, asked: Asked, request: ListRequest) -> FoundEvents:
        """Page by page, in the direction that was asked for, until there are enough."""
        if not asked.is_picking:
            return await self._take(asked, request)
        backward = request.query.backward
        first = last = await self._search.page(request)
        kept = await self._keep(asked, first.page.items)
        for _ in range(MAX_ROUNDS - 1):
            place = _onwards(last, backward=backward)
            if place is None or 2 * len(kept) >= request.query.limit:
                break
            query = msgspec.structs.replace(request.query, place=place)
            last = await self._search.page(msgspec.structs.replace(request, query=query))
            more = await self._keep(asked, last.page.items)
            kept = [*more, *kept] if backward else [*kept, *more]
        newest, oldest = (last, first) if backward else (first, last)
        return FoundEvents(tuple(kept), oldest.next_cursor, newest.prev_cursor, first.coverage)

    async def _take(self, asked: Asked, request: ListRequest) -> FoundEvents:
        """All events of the page, and how many there are; then their steps, beside them the thread of the first."""
        answer, counted = await asyncio.gather(
            self._search.page(request), self._search.count_soon(request.query.filter)
        )
        items = answer.page.items
        count = _count(answer, counted.count)
        kept, opened = await asyncio.gather(self._keep(asked, items), self._open_first(asked, items))
        return FoundEvents(
            tuple(kept), answer.next_cursor, answer.prev_cursor, answer.coverage, opened=opened, count=count
        )

    async def _open_first(self, asked: Asked, items: Sequence[Summary]) -> OpenEvent | None:
        return await self._open(items[0], asked.customer) if asked.opens_first and items else None

    async def _keep(self, asked: Asked, items: Sequence[Summary]) -> list[EventSteps]:
        """The events with their steps, those alone that are as asked."""
        workspace = asked.request.query.filter.workspace
        if asked.with_causes or asked.failure_class is not None:
            found = await self._explained(workspace, asked.customer, items)
        else:
            found = await self._steps_of(workspace, asked.customer, items)
        return [
            steps
            for steps in found
            if asked.status in (None, steps.status) and asked.failure_class in (None, steps.failure_class)
        ]

    async def find_all(self, workspace: str, customer: str, event_ids: Iterable[str]) -> list[EventSteps]:
        """These events of the customer with all of their steps, newest first; what is none is left out."""
        found = await self._search.find_all(workspace, [one for one in event_ids if is_id(one)])
        events = [summarize(one) for one in found.values() if _is_event_of(one, customer)]
        events.sort(key=lambda one: (one.time, one.id), reverse=True)
        return await self._explained(workspace, customer, events, kinds=(*_TELLING, "node_run"))

    async def find(self, workspace: str, customer: str, event_id: str) -> OpenEvent:
        """One event of the customer, with all of its steps. Raises `NotFound` where there is none."""
        event = await self._search.find(workspace, event_id) if is_id(event_id) else None
        if event is None or not _is_event_of(event, customer):
            raise _no_event(event_id)
        return await self._open(event, customer)

    async def _open(self, event: Entry, customer: str) -> OpenEvent:
        """The event with its thread. Raises `NotFound` where it has gone meanwhile."""
        chain = await self._search.trace(event.workspace, event.trace_id) if event.trace_id else []
        if all(one.id != event.id for one in chain):
            whole = event if isinstance(event, Record) else await self._search.find(event.workspace, event.id)
            if whole is None:
                raise _no_event(event.id)
            chain = [*chain, whole]
        return OpenEvent(find_steps(chain, event.id, customer), tuple(chain))

    async def _steps_of(
        self, workspace: str, customer: str, events: Sequence[Entry], kinds: tuple[Kind, ...] = _TELLING
    ) -> list[EventSteps]:
        """The steps of these events, from one question about all of their threads."""
        threads = _threads_of(workspace, customer, events)
        if threads is None:
            return list(find_all_steps(events, [one.id for one in events], customer).values())
        telling = await self._search.page(_request(msgspec.structs.replace(threads, kind=kinds), MAX_THREAD_RECORDS))
        return list(find_all_steps([*events, *telling.page.items], [one.id for one in events], customer).values())

    async def _explained(
        self, workspace: str, customer: str, events: Sequence[Entry], kinds: tuple[Kind, ...] = _TELLING
    ) -> list[EventSteps]:
        """The steps of these events; of those that failed with all that failed in their threads, so with the reason.

        Both are asked at once. Of the threads of a page hardly any record failed that is not wanted.
        """
        found, failures = await asyncio.gather(
            self._steps_of(workspace, customer, events, kinds), self._failures_in(workspace, customer, events)
        )
        failed = [one for one in found if one.status == "failure"]
        known = [record for one in failed for record in (*(step.record for step in one.steps), *one.led_to)]
        traces = {one.event.trace_id for one in failed}
        records = [*known, *(record for record in failures if record.trace_id in traces)]
        explained = find_all_steps(records, [one.event.id for one in failed], customer)
        return [explained.get(one.event.id, one) for one in found]

    async def _failures_in(self, workspace: str, customer: str, events: Sequence[Entry]) -> Sequence[Summary]:
        """All that failed in the threads of these events."""
        threads = _threads_of(workspace, customer, events)
        if threads is None:
            return ()
        failures = msgspec.structs.replace(threads, status=("failure",))
        return (await self._search.page(_request(failures, MAX_THREAD_RECORDS))).page.items


def _no_event(event_id: str) -> NotFound:
    return NotFound(
        f"There is no application event {event_id[:80]!r} of this customer.",
        hint="It may be older than what is kept, or not yet in the log: that takes up to a second.",
    )


def _threads_of(workspace: str, customer: str, events: Sequence[Entry]) -> Filter | None:
    """The records of the threads of these events, however late they came; None where they have none."""
    traces = tuple(dict.fromkeys(one.trace_id for one in events if one.trace_id))
    if not traces:
        return None
    return Filter(
        workspace=workspace,
        customer=(customer, ""),
        trace_id=traces,
        from_ms=min(one.time for one in events) - BEFORE_MS,
    )


def _count(answer: Answer, counted: Count) -> Count:
    """How many there are; where the page is all of them, its own."""
    shown = len(answer.page.items)
    if not (answer.next_cursor or answer.prev_cursor or answer.page.truncated):
        return Count(shown)
    return msgspec.structs.replace(counted, count=max(counted.count, shown)) if counted.truncated else counted


def _is_event_of(record: Record, customer: str) -> bool:
    return record.customer == customer and is_application_event(record)


def _failures_of(asked: Asked) -> Filter:
    """The records that failed for such events: also those that failed a while after the latest of them.

    What made an event fail is told by what tells of it; where the failure lies often by a request alone.
    """
    filter = asked.request.query.filter
    return Filter(
        workspace=filter.workspace,
        customer=(asked.customer,),
        status=("failure",),
        kind=_TELLING if asked.failure_class is None else (),
        failure_class=() if asked.failure_class is None else (asked.failure_class,),
        trace_id=filter.trace_id,
        from_ms=filter.from_ms,
        to_ms=None if filter.to_ms is None else filter.to_ms + AFTER_MS,
    )


def _onwards(answer: Answer, *, backward: bool) -> Place | None:
    """Where the next page begins, None where there is none."""
    items = answer.page.items
    has_more = answer.prev_cursor if backward else answer.next_cursor
    if not has_more or not items:
        return None
    item = items[0 if backward else -1]
    return Place(item.time, item.id)


def _request(filter: Filter, limit: int) -> ListRequest:
    """A question of our own. Nobody is given its cursors."""
    return ListRequest(Query(filter=filter, limit=limit), b"\0" * 8, ())


def _with_filter(request: ListRequest, **changed: Any) -> ListRequest:
    filter = msgspec.structs.replace(request.query.filter, **changed)
    return msgspec.structs.replace(request, query=msgspec.structs.replace(request.query, filter=filter))
