"""A list that comes bit by bit: for what there is no index for, while somebody watches it grow.

Each step is a page that pauses early, asked from where the last one came to. Between two of them nothing runs and
nothing is held, so that a scan ends by not being asked on.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping

import msgspec

from clew.core.errors import BadRequest, ClewError
from clew.core.record import Summary
from clew.log.parameters import FilterParser, ListRequest, Pair
from clew.log.query import NO_ID, Place
from clew.log.search import Answer, Coverage, Search
from clew.log.tail_stream import write_plain_event

STEP_MS = 300
"""How long a step looks before it tells how far it came."""


class ScanStep(msgspec.Struct, frozen=True):
    """What one step found, and where the scan is.

    `matches` counts the items until now. `from_ms` to `to_ms` is the time asked for, as far as there are records
    (`from_ms` None: there are none). `reached_ms` is where in it the scan came to, None where it came nowhere, and
    `fraction` (0 to 1) how much of it that is. `coverage` is of the scan until now. `next_cursor` leads on from here,
    also when the scan `is_done`: None where there is nothing more.
    """

    items: tuple[Summary, ...]
    matches: int
    from_ms: int | None
    to_ms: int
    reached_ms: int | None
    fraction: float
    coverage: Coverage
    next_cursor: str | None
    is_done: bool


def parse_scan(
    parser: FilterParser, pairs: Iterable[Pair], *, workspace: str, fixed: Mapping[str, tuple[str, ...]] | None = None
) -> ListRequest:
    """What a scan is asked for: a list of what contains a text. Raises as `FilterParser.parse_list` does."""
    request = parser.parse_list(pairs, workspace=workspace, fixed=fixed)
    if request.query.filter.contains is None:
        raise BadRequest("A scan needs `contains`.", hint="Give it a text to look for; without one ask for the list.")
    if request.query.backward:
        raise BadRequest("A scan goes on and not back.", hint="Give it the cursor `next` of a page, not `prev`.")
    return request


async def scan(search: Search, request: ListRequest) -> AsyncGenerator[ScanStep, None]:
    """The page that is asked for, in steps. The last one `is_done`: the page is full, or there is nothing more.

    It is done as well where not even a step can be made within the bounds of the store. Raises `TooMany`, instead of
    the first step, where as many scans run as may.
    """
    with search.scans.take():
        step: ScanStep | None = None
        while step is None or not step.is_done:
            answer = await search.page(_following(request, step))
            step = _step(request, answer, step)
            yield step


Write = Callable[[ScanStep], Awaitable[bytes]]
"""What makes a step the text of server-sent events."""


async def begin_scan(search: Search, request: ListRequest, write: Write) -> AsyncGenerator[bytes, None]:
    """A scan on the wire, once its first step is done: until then it can be refused.

    What goes wrong later is the event `failed`, a problem as the API has them. Raises as `scan` does.
    """
    steps = scan(search, request)
    return _send(await anext(steps), steps, write)


async def _send(first: ScanStep, steps: AsyncGenerator[ScanStep, None], write: Write) -> AsyncGenerator[bytes, None]:
    async with contextlib.aclosing(steps):
        try:
            yield await write(first)
            async for step in steps:
                yield await write(step)
        except ClewError as error:
            yield write_plain_event("failed", msgspec.json.encode(error.problem()))


def _following(request: ListRequest, last: ScanStep | None) -> ListRequest:
    """The request of a step: what is left of the page, from where the last step came to."""
    query = msgspec.structs.replace(request.query, pause_ms=STEP_MS)
    if last is not None and last.reached_ms is not None:
        place = Place(last.reached_ms, NO_ID)
        query = msgspec.structs.replace(query, place=place, limit=request.query.limit - last.matches)
    return msgspec.structs.replace(request, query=query)


def _step(request: ListRequest, answer: Answer, last: ScanStep | None) -> ScanStep:
    page = answer.page
    matches = len(page.items) + (last.matches if last else 0)
    is_full = matches >= request.query.limit
    has_moved = page.reached_ms is not None
    reached_ms = page.reached_ms if has_moved or last is None else last.reached_ms
    if is_full and not page.truncated:
        reached_ms = page.items[-1].time
    is_whole = not page.truncated and not page.has_next
    from_ms, to_ms = _times_of(request, answer.coverage)
    return ScanStep(
        items=page.items,
        matches=matches,
        from_ms=from_ms,
        to_ms=to_ms,
        reached_ms=reached_ms,
        fraction=1.0 if is_whole else _fraction(request, from_ms, to_ms, reached_ms),
        coverage=answer.coverage if is_whole else _coverage(request, answer.coverage, reached_ms),
        next_cursor=answer.next_cursor or (last.next_cursor if last and page.truncated else None),
        is_done=is_whole or is_full or not has_moved,
    )


def _coverage(request: ListRequest, coverage: Coverage, reached_ms: int | None) -> Coverage:
    """What was searched until now, by a scan that is not at its end."""
    if reached_ms is None:
        return msgspec.structs.replace(coverage, truncated=True)
    if request.query.sort == "asc":
        return msgspec.structs.replace(coverage, to_ms=reached_ms, truncated=True)
    return msgspec.structs.replace(coverage, from_ms=reached_ms, truncated=True)


def _times_of(request: ListRequest, coverage: Coverage) -> tuple[int | None, int]:
    filter, oldest_ms = request.query.filter, coverage.oldest_kept
    to_ms = coverage.indexed_until if filter.to_ms is None else min(filter.to_ms, coverage.indexed_until)
    return (None if oldest_ms is None else max(filter.from_ms or oldest_ms, oldest_ms)), to_ms


def _fraction(request: ListRequest, from_ms: int | None, to_ms: int, reached_ms: int | None) -> float:
    if reached_ms is None or from_ms is None:
        return 0.0
    done_ms = reached_ms - from_ms if request.query.sort == "asc" else to_ms - reached_ms
    return min(max(done_ms / max(to_ms - from_ms, 1), 0.0), 1.0)
