"""Asking the log from the event loop: threads for the questions, cursors for the pages, and what was searched."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, TypeVar

import msgspec

from clew.core.clock import SECOND_MS, Clock, to_rfc3339
from clew.core.errors import BadRequest
from clew.core.record import Record
from clew.log.cursor import Cursor, CursorCodec
from clew.log.downloads import Downloads
from clew.log.export import ExportFormat
from clew.log.parameters import ListRequest
from clew.log.query import DEFAULT_VALUES, NO_ID, Filter, Page, Place, Query, Sort
from clew.log.steps import DEFAULT_BARS, MAX_BARS, choose_step_ms, count_bars
from clew.log.store import Count, FacetValue, Histogram, KindUse, LogStore, Traces
from clew.log.turns import Turns

OLDEST_FRESH_MS = 10 * SECOND_MS
"""How long the oldest record's time is believed: only retention and reports of the past change it."""

PHRASE_COUNT_MS = 1_000
"""How long a page waits until the records of a phrase are counted: where a million have it that takes seconds."""

SCANS_AT_ONCE = 2
"""Each keeps a core and a thread busy: the other half is for lists and pages."""

Answered = TypeVar("Answered")


class Progress(Protocol):
    """How far the log has come behind the journal."""

    def indexed_until_ms(self) -> int:
        """What was acknowledged before this time can be found."""
        ...


class Removed(Protocol):
    """What retention removed."""

    def removed_until_ms(self, kinds: Sequence[str] = ()) -> int:
        """Up to when records of all of these kinds are gone (of all kinds, where none is named). 0: never."""
        ...

    def bodies_removed_until_ms(self) -> int:
        """Up to when payloads are gone, of some records. 0: never."""
        ...


class Coverage(msgspec.Struct, frozen=True):
    """What was searched, in milliseconds since the epoch.

    `from_ms` and `to_ms`: the range of time, `from_ms` None where there is no record at all. `indexed_until`: what was
    acknowledged before is in it. `oldest_kept`: the oldest record there is or, where retention removed what came up to
    a later time, that time: what is pinned may be older. `truncated`: the search ended at a bound of time or memory,
    and `from_ms` (`to_ms` where the oldest come first) is how far it came. `removed_until` and `bodies_removed_until`:
    what came before is not there, or lost its payload; 0 where nothing was removed.
    """

    from_ms: int | None
    to_ms: int
    indexed_until: int
    oldest_kept: int | None
    truncated: bool = False
    removed_until: int = 0
    bodies_removed_until: int = 0

    def to_json(self) -> dict[str, str | bool | None]:
        """Its form in an answer of the API."""
        return {
            "from": _moment(self.from_ms),
            "to": to_rfc3339(self.to_ms),
            "indexed_until": to_rfc3339(self.indexed_until),
            "oldest_kept": _moment(self.oldest_kept),
            "truncated": self.truncated,
        }


class Answer(msgspec.Struct, frozen=True):
    """A page, the cursors of its neighbours (None where there is none), and what was searched."""

    page: Page
    next_cursor: str | None
    prev_cursor: str | None
    coverage: Coverage


class CountAnswer(msgspec.Struct, frozen=True):
    """A count and what was searched."""

    count: Count
    coverage: Coverage


class HistogramAnswer(msgspec.Struct, frozen=True):
    """Records over time and what was searched."""

    histogram: Histogram
    coverage: Coverage


class FacetsAnswer(msgspec.Struct, frozen=True):
    """For each name its most frequent values, and what was searched."""

    facets: dict[str, tuple[FacetValue, ...]]
    coverage: Coverage


class Search:
    """Questions to a store, each in a thread, at most `threads` at a time."""

    def __init__(
        self,
        store: LogStore,
        *,
        progress: Progress,
        clock: Clock,
        cursors: CursorCodec,
        removed: Removed | None = None,
        threads: int = 4,
    ) -> None:
        self._store = store
        self._removed = removed
        self._progress = progress
        self._clock = clock
        self._cursors = cursors
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="log-search")
        self._downloads = Downloads(store)
        self.scans = Turns(SCANS_AT_ONCE, "scans")
        self._oldest: dict[str, tuple[int, int]] = {}

    async def page(self, request: ListRequest) -> Answer:
        """The page that is asked for. Going back before the first page gives the first page."""
        return await self._run(lambda: self._page(request))

    async def count(self, filter: Filter) -> CountAnswer:
        """How many records match."""
        return await self._run(lambda: self._count(filter, None))

    async def count_soon(self, filter: Filter) -> CountAnswer:
        """The same for a page that waits for it: where the texts of all records must be read, soon and at least."""
        budget_ms = PHRASE_COUNT_MS if filter.phrases or filter.without_phrases else None
        return await self._run(lambda: self._count(filter, budget_ms))

    async def histogram(self, filter: Filter, bars: int = DEFAULT_BARS, step_ms: int | None = None) -> HistogramAnswer:
        """How many records of each status match over time, in round steps: at most `bars`, or `step_ms` each.

        A filter without `from_ms` begins at the oldest record. What senders dated ahead of our clock, into a range
        without `to_ms`, has bars of its own beyond `bars`. Raises `BadRequest` for a step that makes too many bars.
        """
        return await self._run(lambda: self._histogram(filter, bars, step_ms))

    async def facets(self, filter: Filter, names: Sequence[str], limit: int = DEFAULT_VALUES) -> FacetsAnswer:
        """The most frequent values of each of `names` (of `FACET_NAMES`), at most `limit`."""
        return await self._run(lambda: self._facets(filter, names, limit))

    def export(self, filter: Filter, format: ExportFormat, sort: Sort = "desc") -> AsyncGenerator[bytes, None]:
        """Every record that matches, as a file in pieces, see `LogStore.export`. It begins with the first piece.

        Raises `TooMany` where as many exports run as may.
        """
        return self._downloads.export(filter, format, sort)

    async def find(self, workspace: str, record_id: str) -> Record | None:
        """The record of an id, whole. The text must have the form of an id."""
        return await self._run(lambda: self._store.find(workspace, record_id))

    async def find_all(self, workspace: str, record_ids: Sequence[str]) -> dict[str, Record]:
        """The records of these ids, whole, by id. See `LogStore.find_all`."""
        return await self._run(lambda: self._store.find_all(workspace, record_ids))

    async def traces(self, filter: Filter, limit: int) -> Traces:
        """The traces of the records that match, the latest first. See `LogStore.traces`."""
        return await self._run(lambda: self._store.traces(filter, limit))

    async def kinds(self, workspace: str) -> tuple[KindUse, ...]:
        """What a workspace has of each kind. See `LogStore.kinds`."""
        return await self._run(lambda: self._store.kinds(workspace))

    async def trace(self, workspace: str, trace_id: str, limit: int = 5_000) -> list[Record]:
        """The records of a trace, oldest first, at most `limit`."""
        return await self._run(lambda: self._store.trace(workspace, trace_id, limit))

    def close(self) -> None:
        """Wait for the questions that run, and end the exports. The store stays open."""
        self._downloads.close()
        self._threads.shutdown()

    async def _run(self, question: Callable[[], Answered]) -> Answered:
        return await asyncio.get_running_loop().run_in_executor(self._threads, question)

    def _page(self, request: ListRequest) -> Answer:
        query = request.query
        indexed_until = self._progress.indexed_until_ms()  # before the search: it may find more, never less
        page = self._store.page(query)
        if query.backward and query.place is not None and not page.items and not page.truncated:
            query = msgspec.structs.replace(query, place=None, backward=False)
            page = self._store.page(query)
        return Answer(
            page,
            self._cursor(request, page, backward=False) if page.has_next else None,
            self._cursor(request, page, backward=True) if page.has_prev else None,
            _cut(self._coverage(query.filter, indexed_until), query, page),
        )

    def _count(self, filter: Filter, budget_ms: int | None) -> CountAnswer:
        indexed_until = self._progress.indexed_until_ms()
        count = self._store.count(filter, budget_ms)
        whole = self._coverage(filter, indexed_until)
        return CountAnswer(count, _cut_back(whole, truncated=count.truncated, reached_ms=count.reached_ms))

    def _histogram(self, filter: Filter, bars: int, step_ms: int | None) -> HistogramAnswer:
        indexed_until = self._progress.indexed_until_ms()
        whole = self._coverage(filter, indexed_until)
        from_ms = whole.to_ms if whole.from_ms is None else whole.from_ms
        if step_ms is None:
            step_ms = choose_step_ms(from_ms, whole.to_ms, bars)
        elif (asked := count_bars(from_ms, whole.to_ms, step_ms)) > MAX_BARS:
            raise BadRequest(
                f"A step of {step_ms // SECOND_MS} s makes {asked} bars of this time; at most {MAX_BARS} are made.",
                hint="Ask for a longer step or a shorter time, or leave the step out.",
            )
        histogram = self._store.histogram(filter, step_ms)
        return HistogramAnswer(
            histogram, _cut_back(whole, truncated=histogram.truncated, reached_ms=histogram.reached_ms)
        )

    def _facets(self, filter: Filter, names: Sequence[str], limit: int) -> FacetsAnswer:
        indexed_until = self._progress.indexed_until_ms()
        facets = self._store.facets(filter, names, limit)
        whole = self._coverage(filter, indexed_until)
        return FacetsAnswer(facets.values, _cut_back(whole, truncated=facets.truncated, reached_ms=facets.reached_ms))

    def _cursor(self, request: ListRequest, page: Page, *, backward: bool) -> str | None:
        """A neighbour's cursor: behind the last item or before the first; of an empty page, where it would lie.

        In the direction of a search that ended at a bound it is where that came to: nothing is looked at twice.
        """
        if page.truncated and page.reached_ms is not None and backward == request.query.backward:
            place = Place(page.reached_ms, NO_ID)
        elif page.items:
            item = page.items[0 if backward else -1]
            place = Place(item.time, item.id)
        elif request.query.place is not None:
            place = request.query.place
        else:
            return None
        return self._cursors.encode(Cursor(place, backward), request.binding)

    def _coverage(self, filter: Filter, indexed_until: int) -> Coverage:
        """What a search covers that is not truncated."""
        oldest = self._oldest_ms(filter.workspace)
        removed_until = self._removed.removed_until_ms(filter.kind) if self._removed else 0
        return Coverage(
            from_ms=oldest if filter.from_ms is None else filter.from_ms,
            to_ms=self._clock.now_ms() if filter.to_ms is None else filter.to_ms,
            indexed_until=indexed_until,
            oldest_kept=None if oldest is None else max(oldest, removed_until),
            removed_until=removed_until,
            bodies_removed_until=self._removed.bodies_removed_until_ms() if self._removed else 0,
        )

    def _oldest_ms(self, workspace: str) -> int | None:
        now_ms = self._clock.now_ms()
        oldest, until_ms = self._oldest.get(workspace, (0, now_ms))
        if now_ms < until_ms:
            return oldest
        found = self._store.oldest_ms(workspace)
        if found is not None:
            self._oldest[workspace] = (found, now_ms + OLDEST_FRESH_MS)
        return found


def _cut(whole: Coverage, query: Query, page: Page) -> Coverage:
    """What a truncated search covered: from where it began to where it came, which may be nothing."""
    if not page.truncated:
        return whole
    if (query.sort == "asc") != query.backward:
        to_ms = (whole.from_ms or 0) if page.reached_ms is None else page.reached_ms
        return msgspec.structs.replace(whole, to_ms=to_ms, truncated=True)
    return _cut_back(whole, truncated=True, reached_ms=page.reached_ms)


def _cut_back(whole: Coverage, *, truncated: bool, reached_ms: int | None) -> Coverage:
    """The same of a search that went from the latest time back."""
    if not truncated:
        return whole
    from_ms = whole.to_ms if reached_ms is None else reached_ms
    return msgspec.structs.replace(whole, from_ms=from_ms, truncated=True)


def _moment(ms: int | None) -> str | None:
    return None if ms is None else to_rfc3339(ms)
