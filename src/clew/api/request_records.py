"""Calls of the API as records: who asked for what, and what was answered.

All calls with a key of ours are logged, the refused above all: "my POST was refused, why?" is what someone looks for.
Without a key there is no workspace whose log it could be in. Three sorts are not:

- what brought records (events, steps) and was taken: these are its log;
- what was to bring records while the journal takes none (503): it would fill what is left of it;
- looks at the log itself that went well: who polls it would fill it with his own echo, and find little else.

Nobody waits for it: records are made and appended behind the answers, and dropped, and counted, where too many wait.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections import deque
from collections.abc import Callable
from typing import Any

import msgspec

from clew.api.authentication import find_caller
from clew.api.heard_calls import MOST_REQUEST_BYTES, HeardCall
from clew.api.wire import header
from clew.core.clock import Clock
from clew.core.cutting import whole_characters
from clew.core.errors import ClewError, Unavailable
from clew.core.ids import new_id, trace_id_of
from clew.core.record import Body, ErrorInfo, HttpExchange, Record, Status, encode_line, text_of
from clew.core.redaction import MASK, Redactor
from clew.doors import trace_context
from clew.doors.body import decode_start
from clew.journal.journal import Append, Item, Journal
from clew.registry.keys import PREFIX, Keys, Principal

log = logging.getLogger("clew.api")

MOST_WAITING = 1_000
"""Calls that may wait to be written: some 30 MB of bodies at most."""
GROUP = 200
"""Calls that are written together."""
GATHER_S = 0.05
"""How long the first of a group waits for others: at most twenty syncs a second are for this."""
WARN_EVERY_S = 60.0

_MOST_MESSAGE = 500
# A key may be in a body or a URL under any name; its first characters tell which it is, as in the list of keys.
_OUR_KEY = re.compile(rf"{PREFIX}[A-Za-z0-9_-]{{16,}}|whsec_[A-Za-z0-9+/=]{{16,}}")
_encode = msgspec.json.Encoder().encode


class RequestRecords:
    """Writes calls of the API into the journal. It belongs to one event loop.

    `is_on` says whether a workspace wants them. `dropped` counts the calls that were not written.
    """

    def __init__(
        self, *, journal: Journal, keys: Keys, redactor: Redactor, is_on: Callable[[str], bool], clock: Clock
    ) -> None:
        self.dropped = 0
        self._journal = journal
        self._keys = keys
        self._redactor = redactor
        self._is_on = is_on
        self._clock = clock
        self._waiting: deque[tuple[Principal, HeardCall, int]] = deque()
        self._writing: asyncio.Task[None] | None = None
        self._warned_s = -WARN_EVERY_S

    @property
    def waiting(self) -> int:
        """How many calls wait to be written."""
        return len(self._waiting)

    def may_log(self, path: str) -> bool:
        """Whether calls of this path are logged. A live tail is not: it is a page that stays open."""
        return path.startswith("/v1/") and not path.endswith("/tail")

    def now_ms(self) -> int:
        """The time at which a call begins."""
        return self._clock.now_ms()

    def note(self, call: HeardCall) -> None:
        """Write down a call that was answered, soon."""
        if not _is_worth_it(call):
            return
        try:
            caller = find_caller(self._keys, header(call.scope, b"authorization"))
            if caller is None or not self._is_on(caller.workspace):
                return
        except Unavailable:  # the state database does not answer: who called is not known
            self._drop(1, "who called cannot be found out")
            return
        if len(self._waiting) >= MOST_WAITING:
            self._drop(1, "too many wait")
            return
        self._waiting.append((caller, call, self._clock.now_ms()))
        if self._writing is None:
            self._writing = asyncio.get_running_loop().create_task(self._write_all())

    async def close(self) -> None:
        """Return when all that was noted is written."""
        if self._writing is not None:
            await self._writing

    async def _write_all(self) -> None:
        try:
            while self._waiting:
                await asyncio.sleep(GATHER_S)
                group = [self._waiting.popleft() for _ in range(min(GROUP, len(self._waiting)))]
                await self._write(group)
        finally:
            self._writing = None

    async def _write(self, group: list[tuple[Principal, HeardCall, int]]) -> None:
        try:
            items = []
            for caller, call, ended_ms in group:
                record = self._record(caller, call, ended_ms)
                items.append(Item(record.id, encode_line(record)))
                await asyncio.sleep(0)  # each takes up to 1 ms, and others are to be answered in between
            await self._journal.append(Append(tuple(items)))
        except ClewError as error:
            self._drop(len(group), error.detail)
        except Exception as error:  # a mistake of ours costs these records, and never the next
            log.error("calls of the API could not be written down", exc_info=error)
            self._drop(len(group), "a mistake of Clew's")

    def _drop(self, count: int, reason: str) -> None:
        self.dropped += count
        now_s = asyncio.get_running_loop().time()
        if now_s - self._warned_s >= WARN_EVERY_S:
            self._warned_s = now_s
            log.warning("calls of the API are not logged: %s (%d so far)", reason, self.dropped)

    def _record(self, caller: Principal, call: HeardCall, ended_ms: int) -> Record:
        http = self._exchange(call)
        error = _error_of(call)
        record_id = new_id(call.began_ms)
        trace_id = trace_context.trace_of(header(call.scope, b"traceparent"))
        told = {"key": caller.name, "key_id": caller.key_id, "request_id": call.request_id}
        said = f"{call.method} {self._clean(call.path)} answered {call.status_code}"
        return Record(
            id=record_id,
            time=call.began_ms,
            workspace=caller.workspace,
            kind="api_request",
            action=call.method,
            status=_status_of(call),
            message=(f"{said}: {error.message}" if error else said)[:_MOST_MESSAGE],
            error=error,
            customer=caller.customer,
            trace_id=trace_id or trace_id_of(record_id),
            parameters=_encode(told).decode(),
            http=http,
            duration_ms=max(0, ended_ms - call.began_ms),
        )

    def _exchange(self, call: HeardCall) -> HttpExchange:
        scope = call.scope
        query = scope["query_string"].decode("latin-1")
        path = (scope.get("raw_path") or scope["path"].encode()).decode("latin-1").partition("?")[0]
        return HttpExchange(
            direction="incoming",
            method=call.method,
            url=self._clean(self._redactor.url(f"{path}?{query}" if query else path)[0]),
            status_code=call.status_code,
            request_headers=self._headers(scope["headers"]),
            request_body=self._body(call.request_start, call.request_size, header(scope, b"content-encoding")),
            response_headers={**self._headers(call.response_headers), "x-request-id": call.request_id},
            response_body=self._body(call.response_start, call.response_size, ""),
        )

    def _headers(self, given: Any) -> dict[str, str]:
        headers: dict[str, str] = {}
        for name, value in given:
            text = name.decode("latin-1").lower()
            headers[text] = ", ".join(filter(None, (headers.get(text), value.decode("latin-1"))))
        return {name: self._clean(value) for name, value in self._redactor.headers(headers)[0].items()}

    def _body(self, start: bytes, size: int, encoding: str) -> Body | None:
        if not size:
            return None
        read = decode_start(start, encoding, MOST_REQUEST_BYTES + 1)
        is_cut = size > len(start) or len(read) > MOST_REQUEST_BYTES
        kept = self._redactor.json_text(read[:MOST_REQUEST_BYTES])[0]
        text, form = text_of(whole_characters(kept) if is_cut else kept)
        return Body(text=self._clean(text), size=max(size, len(read)), encoding=form, cut=is_cut)

    def _clean(self, text: str) -> str:
        return _OUR_KEY.sub(lambda key: f"{key.group()[: len(PREFIX)]}{MASK}", text)


def _is_worth_it(call: HeardCall) -> bool:
    if not call.status_code:  # its caller left before the answer
        return False
    if call.is_way_in:
        return call.status_code >= 400 and call.status_code != 503
    return call.status_code >= 400 or not call.is_look_at_log


def _status_of(call: HeardCall) -> Status:
    """In our three words. See `web/failing.py` for why a refused read is no failure."""
    if call.status_code < 400:
        return "success"
    return "failure" if call.status_code >= 500 or call.is_way_in else "info"


class _Problem(msgspec.Struct):
    """What of a problem document (RFC 9457) goes into the record."""

    detail: str = ""
    code: str = ""
    hint: str = ""
    errors: list[dict[str, Any]] = []


def _error_of(call: HeardCall) -> ErrorInfo | None:
    if call.status_code < 400:
        return None
    try:
        problem = msgspec.json.decode(call.response_start, type=_Problem)
    except msgspec.DecodeError:  # another form, or cut
        return ErrorInfo(type="http", message=f"answered {call.status_code}")
    data = {name: value for name, value in (("hint", problem.hint), ("errors", problem.errors)) if value}
    return ErrorInfo(
        type="http", key=problem.code, message=problem.detail or f"answered {call.status_code}", data=data or None
    )
