"""Seeded records as a busy installation would see them, as journal lines and as events to send.

The same arguments give the same bytes, on any machine. Everything is put together from prepared pieces by `%` on
bytes, without a JSON encoder: a load client has to make more records in a second than the server takes.
"""

from __future__ import annotations

import functools
import itertools
import random
from collections.abc import Callable, Iterable, Iterator
from typing import Literal

import msgspec

from benchmarks import vocabulary as words
from benchmarks.pieces import ARTICLES, CUSTOMERS, Pieces, make_pieces
from clew.core.clock import to_rfc3339
from clew.core.record import Record, decode_line

Size = Literal["1.5 KB", "1 KB"]

MILLION = 1_000_000
RARE_PLACE = 314_159
"""Which record of every million is the one from `legacy-ftp`."""
FAILURE_SHARE = 0.05
SUCCESS_SHARE = 0.45
OPEN_TRACES = 48
"""Traces under way at one time: their records come interleaved."""
HISTORY_BEGIN_MS = 1_780_000_000_000
HISTORY_STEP_MS = 259.2
"""Time from one record to the next where ten million of them fill 30 days."""

# How many payloads are whole documents, and what a document's number of lines is drawn from.
_DOCUMENT_SHARE: dict[Size, float] = {"1.5 KB": 0.36, "1 KB": 0.32}
_MOST_LINES: dict[Size, int] = {"1.5 KB": 18, "1 KB": 14}

_LINE = (
    b'{"id":"%b","time":%d,"workspace":"%b","kind":"%b","type":"%b","event":"%b","source_product":"%b",'
    b'"target_product":"%b","direction":"%b","action":"%b",%b"message":"%b",%b"customer":"%b","integration":"%b",'
    b'"connection":"%b",%b"trace_id":"%b",%b"keys":{%b},"parameters":"%b","payload":"%b",'
    b'"content_type":"application/json",%b"duration_ms":%d}'
)
_EVENT = (
    b'{%b"event":"%b","type":"%b","source_product":"%b","target_product":"%b","direction":"%b","action":"%b",%b'
    b'"message":"%b",%b"customer":"%b","integration":"%b","connection":"%b","time":"%b","trace_id":"%b",'
    b'"keys":{%b},"parameters":%b,"payload":%b,"duration_ms":%d}'
)
_HTTP = (
    b'"http":{"direction":"%b","method":"POST","url":"https://%b.example/api/v2/%bs/%b","status_code":%d,'
    b'"request_headers":{"content-type":"application/json","x-correlation-id":"%b"},'
    b'"response_headers":{"content-type":"application/json"}},'
)
_ERROR = b'"error":{"type":"%b","message":"%b","caused_by":{"message":"%b (%b)"}},'
_REGIONS = (b"eu-west", b"eu-north", b"us-east", b"us-west")
_STATUS = {"success": b'"status":"success",', "failure": b'"status":"failure",', "info": b""}


class Trace:
    """One thing on its way: the words that all records of its trace share."""

    __slots__ = ("customer", "last_id", "left", "number", "place", "route", "trace_id", "workspace")

    def __init__(
        self, route: words.Route, number: bytes, trace_id: bytes, workspace: bytes, customer: bytes, length: int
    ) -> None:
        self.route = _ENCODED_ROUTES[route.integration]
        self.number = number
        self.trace_id = trace_id
        self.workspace = workspace
        self.customer = customer
        self.left = length
        self.place = 0
        self.last_id = b""


class EncodedRoute(msgspec.Struct, frozen=True):
    """A `Route` as bytes, with what is the same in each of its records."""

    integration: bytes
    source: bytes
    target: bytes
    entity: bytes
    key: bytes
    direction: bytes
    events: tuple[bytes, ...]


_ENCODED_ROUTES = {
    route.integration: EncodedRoute(
        integration=route.integration.encode(),
        source=route.source.encode(),
        target=route.target.encode(),
        entity=route.entity.encode(),
        key=route.key.encode(),
        direction=route.direction.encode(),
        events=tuple(f"{route.entity}.{action}".encode() for action in words.ACTIONS),
    )
    for route in words.ROUTES
}
_ACTIONS = tuple(action.encode() for action in words.ACTIONS)
_MESSAGES = tuple(words.MESSAGES[action] for action in words.ACTIONS)
_FAILURES = tuple((f.type.encode(), f.message.encode(), f.reason.encode()) for f in words.FAILURES)
_CARRIERS = tuple(name.encode() for name in words.CARRIERS)
_PEOPLE = tuple(name.encode() for name in words.PEOPLE)
# Which kind a record of the log is, by its place in the trace: a webhook comes in, what follows are steps and calls.
_KINDS = (b"external_webhook", b"external_event", b"integration_event", b"api_request")


class Records:
    """An endless stream of records.

    `size` is the mean: `1.5 KB` as a line of the journal, `1 KB` as an event on the wire. `begin_ms` is the time of
    record 0, `step_ms` the time from one to the next, `first` the number of the one to begin with. `events_only` makes
    every record an integration event, as they are when they came through `POST /v1/events`.
    """

    def __init__(
        self,
        seed: int = 2026,
        *,
        size: Size = "1.5 KB",
        begin_ms: int = HISTORY_BEGIN_MS,
        step_ms: float = HISTORY_STEP_MS,
        first: int = 0,
        events_only: bool = False,
        sender_ids: bool = False,
    ) -> None:
        self._random = random.Random(seed)
        self._document_share = _DOCUMENT_SHARE[size]
        self._most_lines = _MOST_LINES[size]
        self._begin_ms = begin_ms
        self._step_ms = step_ms
        self._events_only = events_only
        self._sender_ids = sender_ids
        self._count = first
        self._traces = 0
        self._plain = make_pieces(self._random)
        self._escaped = self._plain.escape()
        self._open = [self._begin_trace() for _ in range(OPEN_TRACES)]

    def lines(self, count: int) -> Iterator[bytes]:
        """The next records as `clew.core.record.encode_line` writes them, without line ends."""
        return (self._next(self._line) for _ in range(count))

    def records(self, count: int) -> Iterator[Record]:
        """The next records as `Record`s."""
        return map(decode_line, self.lines(count))

    def events(self, count: int) -> Iterator[bytes]:
        """The next records as JSON objects for `POST /v1/events`. The sender's key names the workspace, not they."""
        return (self._next(self._event) for _ in range(count))

    def _next(self, render: Callable[[Trace, bytes, int, bool], bytes]) -> bytes:
        chance = self._random.random
        slot = int(chance() * OPEN_TRACES)
        trace = self._open[slot]
        is_rare = self._count % MILLION == RARE_PLACE
        time_ms = self._begin_ms + int(self._count * self._step_ms)
        self._count += 1
        rendered = render(trace, self._status(is_rare), time_ms, is_rare)
        trace.place += 1
        trace.left -= 1
        if not trace.left:
            self._open[slot] = self._begin_trace()
        return rendered

    def _begin_trace(self) -> Trace:
        chance = self._random.random
        self._traces += 1
        route = words.ROUTES[int(len(words.ROUTES) * chance() ** 1.7)]
        return Trace(
            route,
            number=b"%b-%08d" % (route.prefix.encode(), 10_000_000 + self._traces),
            trace_id=b"%032x" % (self._random.getrandbits(127) + 1),
            workspace=_choose_workspace(chance()),
            customer=b"cust-%04d" % int(CUSTOMERS * chance() ** 3),  # the first tenth of the customers has half of it
            length=3 + int(18 * chance() ** 2),
        )

    def _status(self, is_rare: bool) -> bytes:
        drawn = self._random.random()
        if is_rare or drawn < FAILURE_SHARE:
            return _STATUS["failure"]
        return _STATUS["success"] if drawn < FAILURE_SHARE + SUCCESS_SHARE else _STATUS["info"]

    def _line(self, trace: Trace, status: bytes, time_ms: int, is_rare: bool) -> bytes:
        bits = self._random.getrandbits(74)
        record_id = b"%08x-%04x-7%03x-%04x-%012x" % (
            time_ms >> 16,
            time_ms & 0xFFFF,
            bits >> 62,
            0x8000 | (bits >> 48 & 0x3FFF),
            bits & 0xFFFF_FFFF_FFFF,
        )
        route, step = trace.route, trace.place % len(_ACTIONS)
        kind = b"integration_event" if self._events_only else _KINDS[trace.place if trace.place < 3 else 2 + step % 2]
        parent = b'"parent_id":"%b",' % trace.last_id if trace.last_id and not self._events_only else b""
        trace.last_id = record_id
        return _LINE % (
            record_id,
            time_ms,
            trace.workspace,
            kind,
            route.entity,
            route.events[step],
            words.RARE_PRODUCT.encode() if is_rare else route.source,
            route.target,
            route.direction,
            _ACTIONS[step],
            status,
            self._message(trace, step),
            self._error(trace) if status == _STATUS["failure"] else b"",
            trace.customer,
            route.integration,
            b"%b-live" % route.target,
            b'"source":"%b",' % route.integration if kind == b"external_webhook" else b"",
            trace.trace_id,
            parent + (self._sender_id(trace, "sender_id") if self._sender_ids else b""),
            b'"%b":"%b"' % (route.key, trace.number),
            self._parameters(self._escaped),
            self._payload(self._escaped, trace, step),
            self._http(trace, kind) if kind in (b"external_webhook", b"api_request") else b"",
            self._duration_ms(),
        )

    def _event(self, trace: Trace, status: bytes, time_ms: int, is_rare: bool) -> bytes:
        route, step = trace.route, trace.place % len(_ACTIONS)
        return _EVENT % (
            self._sender_id(trace, "id") if self._sender_ids else b"",
            route.events[step],
            route.entity,
            words.RARE_PRODUCT.encode() if is_rare else route.source,
            route.target,
            route.direction,
            _ACTIONS[step],
            status,
            self._message(trace, step),
            self._error(trace) if status == _STATUS["failure"] else b"",
            trace.customer,
            route.integration,
            b"%b-live" % route.target,
            _rfc3339(time_ms),
            trace.trace_id,
            b'"%b":"%b"' % (route.key, trace.number),
            self._parameters(self._plain),
            self._payload(self._plain, trace, step),
            self._duration_ms(),
        )

    def _sender_id(self, trace: Trace, field: str) -> bytes:
        return b'"%b":"%b-%d",' % (field.encode(), trace.number, trace.place)

    def _message(self, trace: Trace, step: int) -> bytes:
        return _MESSAGES[step][self._random.random() < 0.2] % trace.number

    def _error(self, trace: Trace) -> bytes:
        return _ERROR % (*_FAILURES[int(len(_FAILURES) * self._random.random())], trace.number)

    def _duration_ms(self) -> int:
        return 4 + int(2_000 * self._random.random() ** 6)

    def _http(self, trace: Trace, kind: bytes) -> bytes:
        direction = b"incoming" if kind == b"external_webhook" else b"outgoing"
        return _HTTP % (direction, trace.route.target, trace.route.entity, trace.number, 201, trace.trace_id)

    def _parameters(self, pieces: Pieces) -> bytes:
        bits = self._random.getrandbits(40)
        return pieces.parameters % (bits >> 17, _PEOPLE[bits % len(_PEOPLE)], _REGIONS[bits >> 1 & 3])

    def _payload(self, pieces: Pieces, trace: Trace, step: int) -> bytes:
        if self._random.random() < self._document_share:
            return self._document(pieces, trace)
        bits = self._random.getrandbits(256)
        action, number = _ACTIONS[step], trace.number
        return pieces.note % (
            number,
            bits >> 128,
            action,
            _ACTIONS[step - 1],
            bits & 15,
            bits >> 4 & 255,
            bits & 0xFFFF_FFFF_FFFF_FFFF_FFFF_FFFF_FFFF_FFFF,
            bits >> 12 & 7,
            bits >> 15 & 31,
            number,
            bits >> 40 & 0xFFFFF,
            action,
            trace.customer,
            _PEOPLE[bits % len(_PEOPLE)],
        )

    def _document(self, pieces: Pieces, trace: Trace) -> bytes:
        chance = self._random.random
        bits = self._random.getrandbits(160)
        lines = 1 + int(self._most_lines * chance() ** 2)
        articles, draw = pieces.articles, self._random.getrandbits
        return pieces.document % (
            trace.number,
            bits >> 32,
            trace.customer,
            bits & 0xFFFF,
            bits >> 16 & 63,
            1 + (bits >> 22 & 3),
            _CARRIERS[bits % len(_CARRIERS)],
            pieces.addresses[int(trace.customer[5:])],
            b",".join([articles[int(ARTICLES * chance())] % (draw(44), draw(9)) for _ in range(lines)]),
        )


def _choose_workspace(drawn: float) -> bytes:
    for name, until in zip(words.WORKSPACES, itertools.accumulate(words.WORKSPACE_SHARES), strict=True):
        if drawn < until:
            return name.encode()
    return words.WORKSPACES[-1].encode()


@functools.lru_cache(maxsize=64)
def _second(second: int) -> bytes:
    return to_rfc3339(second * 1000)[:19].encode()


def _rfc3339(time_ms: int) -> bytes:
    return b"%b.%03dZ" % (_second(time_ms // 1000), time_ms % 1000)


def ndjson(items: Iterable[bytes]) -> bytes:
    """JSON texts as newline-delimited JSON, with the last line end too."""
    return b"\n".join(items) + b"\n"


def json_array(items: Iterable[bytes]) -> bytes:
    """JSON texts as one JSON array."""
    return b"[" + b",".join(items) + b"]"
