"""A live tail on the wire: server-sent events (WHATWG HTML, 9.2), and what a request may ask of it."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence

import msgspec

from clew.core.errors import BadRequest, ClewError, UnknownFilter
from clew.log.parameters import FILTER_NAMES, PAGING_NAMES, FilterParser, Pair
from clew.log.query import Filter
from clew.log.watcher import Dropped, Event, Watcher

RETRY_MS = 2_000
"""How long a client waits before it connects again."""

CONTENT_TYPE = "text/event-stream"
HEADERS = {
    "content-type": f"{CONTENT_TYPE}; charset=utf-8",
    "cache-control": "no-store",
    "x-accel-buffering": "no",  # nginx would keep the events back until there are many
}

_LOG = logging.getLogger(__name__)
_LINE_END = re.compile(rb"\r\n|\n|\r")  # each of them ends a field

NOT_IN_TAIL = ("from", "to", "duration", *PAGING_NAMES)
TAIL_FILTER_NAMES = tuple(name for name in FILTER_NAMES if name not in NOT_IN_TAIL)

Write = Callable[[Sequence[Event]], Awaitable[bytes]]
"""What makes events of a tail the text of server-sent events."""


def parse_tail(
    parser: FilterParser, pairs: Iterable[Pair], *, workspace: str, fixed: Mapping[str, tuple[str, ...]] | None = None
) -> Filter:
    """What a tail is asked for: the filters of a list, but neither times nor pages.

    Raises `UnknownFilter` and `BadRequest` as `FilterParser.parse_list` does.
    """
    given = list(pairs)
    for name, _ in given:
        if name in NOT_IN_TAIL:
            raise BadRequest(
                f"A live tail takes no {name!r}: it begins now and has no end.",
                hint="Leave it out; for what is there already ask for the list.",
            )
        if name not in TAIL_FILTER_NAMES and name != "logs":
            raise UnknownFilter(
                f"There is no filter {name[:80]!r} here.", hint=f"Filters are: {', '.join(TAIL_FILTER_NAMES)}."
            )
    return parser.parse_filter(given, workspace=workspace, fixed=fixed)


async def send_tail(
    watcher: Watcher,
    write: Write,
    *,
    may_go_on: Callable[[], bool],
    ping_every_s: float,
    rest_s: float = 0.0,
    first: bytes = b"",
) -> AsyncIterator[bytes]:
    """The stream of a watcher, which it closes in the end. It begins at once and pings while nothing comes: a
    connection that is silent is closed by what stands between, often after 30 s or 60 s.

    `may_go_on` is asked as often: whether the caller may still see what he sees. `rest_s` is the least time between two
    pieces of it, and `first` what it begins with. Where `write` cannot be done the stream ends: who comes back goes on
    behind what was sent, and is told what is the matter.
    """
    loop = asyncio.get_running_loop()
    asked_s = loop.time()
    try:
        yield b"retry: %d\n%b%b" % (RETRY_MS, ping(watcher), first)
        while (events := await watcher.next(ping_every_s)) is not None:
            if not events or loop.time() - asked_s >= ping_every_s:
                asked_s = loop.time()
                if not _ask(may_go_on):
                    return
            try:
                piece = await write(events) if events else ping(watcher)
            except ClewError as error:
                _LOG.warning("a live tail ends: %s", error)
                return
            yield piece
            if events and rest_s:
                await asyncio.sleep(rest_s)
    finally:
        watcher.close()


def _ask(may_go_on: Callable[[], bool]) -> bool:
    """A part that cannot tell ends the stream: who comes back is answered with what is the matter."""
    try:
        return may_go_on()
    except ClewError:
        return False


def ping(watcher: Watcher) -> bytes:
    """A comment that keeps the connection open. Its id lets who comes back leave out what was looked at in between."""
    return f": ping\nid: {watcher.place}\n\n".encode()


def write_event(event: Event, name: str, data: bytes) -> bytes:
    """One server-sent event, with its place."""
    return b"id: %b\n%b" % (str(event.place).encode(), write_plain_event(name, data))


def write_plain_event(name: str, data: bytes) -> bytes:
    """One server-sent event from which nobody can go on."""
    lines = b"".join(b"data: %b\n" % line for line in _LINE_END.split(data))
    return b"event: %b\n%b\n" % (name.encode(), lines)


def write_dropped(event: Dropped) -> bytes:
    """The event that says that records are missing here: `count` of them, null for "not known"."""
    return write_event(event, "dropped", msgspec.json.encode({"count": event.count, "at_most": event.at_most}))
