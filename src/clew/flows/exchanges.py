"""One HTTP exchange of a node while it happens: what goes out and comes back is noted, and ends as a record."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from typing import Any

import httpx

from clew.core.clock import Clock
from clew.core.cutting import whole_characters
from clew.core.ids import new_id, time_of
from clew.core.record import Body, ErrorInfo, HttpExchange, text_of
from clew.flows.cleaning import Cleaner
from clew.flows.failures import key_of_status, transport_error_type

MOST_BODY_BYTES = 64 * 1024
"""How much of a body is kept."""
_MOST_UNPACKED_BYTES = 1024 * 1024
"""How far a packed body is unpacked to learn its length."""


class Exchange:
    """One request and its answer. It ends once: with the answer's body, with an error, or with the node."""

    def __init__(
        self, request: httpx.Request, cleaner: Cleaner, clock: Clock, on_end: Callable[[Exchange], None]
    ) -> None:
        self.id = new_id()
        self.time_ms = time_of(self.id)
        self.method = request.method
        self.status_code = 0
        self.error: ErrorInfo | None = None
        self.duration_ms = 0
        self._request = request
        self._cleaner = cleaner
        self._clock = clock
        self._on_end = on_end
        self._request_body = _Captured()
        self._response_body = _Captured()
        self._response_headers: dict[str, str] = {}
        self._reason = ""
        self._has_ended = False

    @property
    def url(self) -> str:
        """Where it went, without secrets."""
        return self._cleaner.plain(self._cleaner.redactor.url(str(self._request.url))[0])

    def note_sent(self, part: bytes) -> None:
        """A part of the request's body went out."""
        self._request_body.add(part)

    def note_answer(self, status_code: int, headers: httpx.Headers, reason: str) -> None:
        """The answer's head came."""
        self.status_code = status_code
        self._response_headers = dict(headers)
        self._reason = reason

    def note_received(self, part: bytes) -> None:
        """A part of the answer's body came."""
        self._response_body.add(part)

    def fail(self, error: BaseException) -> None:
        """It ended without an answer, or in the middle of one."""
        if isinstance(error, httpx.TransportError):
            kind = transport_error_type(error)
            message = str(error) or _SAID.get(kind, type(error).__name__)
        elif isinstance(error, Exception):
            kind, message = type(error).__name__, str(error)
        else:  # the node was cancelled: its timeout, or it was stopped
            kind, message = "cancelled", "the node was ended while it waited for the answer"
        self._end(ErrorInfo(type=kind, message=self._cleaner.text(message)))

    def finish(self) -> None:
        """The answer is read, or no more of it will be."""
        self._end(None)

    def to_http(self) -> HttpExchange:
        """The exchange as it is kept: without secrets, its bodies cut."""
        redactor = self._cleaner.redactor
        return HttpExchange(
            direction="outgoing",
            method=self.method,
            url=self.url,
            status_code=self.status_code,
            request_headers=self._clean_headers(redactor.headers(dict(self._request.headers))[0]),
            request_body=self._body(self._request_body, self._request.headers),
            response_headers=self._clean_headers(redactor.headers(self._response_headers)[0]),
            response_body=self._body(self._response_body, self._response_headers),
        )

    @property
    def message(self) -> str:
        """What happened, as a sentence."""
        if self.error and self.error.type != "http":
            return f"{self.method} {self.url} failed: {self.error.message}"
        return f"{self.method} {self.url} answered {self.status_code} {self._reason}".rstrip()

    def _end(self, error: ErrorInfo | None) -> None:
        if self._has_ended:
            return
        self._has_ended = True
        self.duration_ms = max(0, self._clock.now_ms() - self.time_ms)
        self.error = error or self._refusal()
        self._on_end(self)

    def _refusal(self) -> ErrorInfo | None:
        if self.status_code < 400:
            return None
        key = key_of_status(self.status_code, self._response_body.start[:4_000].decode("utf-8", "replace"))
        return ErrorInfo(type="http", key=key, message=f"answered {self.status_code} {self._reason}".rstrip())

    def _clean_headers(self, headers: dict[str, str]) -> dict[str, str]:
        return {name: self._cleaner.plain(value) for name, value in headers.items()}

    def _body(self, captured: _Captured, headers: Any) -> Body | None:
        if not captured.size:
            return None
        start, size = captured.unpacked(headers.get("content-encoding", ""))
        is_form = (
            headers.get("content-type", "").partition(";")[0].strip().lower() == "application/x-www-form-urlencoded"
        )
        kept = self._cleaner.redactor.form(start)[0] if is_form else start
        text, encoding = text_of(whole_characters(kept) if size > len(start) else kept)
        text = self._cleaner.text(text) if encoding == "utf-8" else text
        return Body(text=text, size=size, encoding=encoding, cut=size > len(start))


_SAID = {"timeout": "no answer came in time", "connection": "the connection was lost"}


class _Captured:
    """The beginning of a body, and its length."""

    def __init__(self) -> None:
        self.start = b""
        self.size = 0

    def add(self, part: bytes) -> None:
        if len(self.start) < MOST_BODY_BYTES:
            self.start += part[: MOST_BODY_BYTES - len(self.start)]
        self.size += len(part)

    def unpacked(self, encoding: str) -> tuple[bytes, int]:
        """The body's beginning as its reader sees it, and its length as far as it is known."""
        window = {"gzip": 31, "x-gzip": 31, "deflate": 47}.get(encoding.strip().lower())
        if window is None:
            return self.start, self.size
        try:
            unpacked = zlib.decompressobj(window).decompress(self.start, _MOST_UNPACKED_BYTES)
        except zlib.error:
            return self.start, self.size
        length = max(len(unpacked), self.size if self.size > len(self.start) else 0)
        start = unpacked[:MOST_BODY_BYTES]
        return start, max(length, len(start) + 1) if self.size > len(self.start) else length


class SentBody(httpx.AsyncByteStream, httpx.SyncByteStream):
    """A request's body that is noted while it goes out."""

    def __init__(self, stream: Any, exchange: Exchange) -> None:
        self._stream = stream
        self._exchange = exchange

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._stream:
            self._exchange.note_sent(part)
            yield part

    def __iter__(self) -> Iterator[bytes]:
        for part in self._stream:
            self._exchange.note_sent(part)
            yield part


def inner_stream(stream: Any) -> Any:
    """A request's body without our ears on it."""
    return stream._stream if isinstance(stream, SentBody) else stream


class ReceivedBody(httpx.AsyncByteStream, httpx.SyncByteStream):
    """An answer's body that is noted while it is read; closing it ends the exchange."""

    def __init__(self, stream: Any, exchange: Exchange, mapped: Callable[[], Any]) -> None:
        self._stream = stream
        self._exchange = exchange
        self._mapped = mapped

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            with self._mapped():
                async for part in self._stream:
                    self._exchange.note_received(part)
                    yield part
        except BaseException as error:
            if not isinstance(error, GeneratorExit):
                self._exchange.fail(error)
            raise

    def __iter__(self) -> Iterator[bytes]:
        try:
            with self._mapped():
                for part in self._stream:
                    self._exchange.note_received(part)
                    yield part
        except BaseException as error:
            if not isinstance(error, GeneratorExit):
                self._exchange.fail(error)
            raise

    async def aclose(self) -> None:
        """See `httpx.AsyncByteStream`."""
        self._exchange.finish()
        await self._stream.aclose()

    def close(self) -> None:
        """See `httpx.SyncByteStream`."""
        self._exchange.finish()
        self._stream.close()


def finish_all(exchanges: Iterable[Exchange]) -> None:
    """End those whose answers nobody read to the end."""
    for exchange in list(exchanges):
        exchange.finish()
