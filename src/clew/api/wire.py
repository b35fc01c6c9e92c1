"""Bare ASGI, for the hot ways in: read a body within its bound, send JSON, send a problem.

A Litestar route costs half of what two cores can acknowledge (see `benchmarks/README.md`), so the intake routes are
plain callables. Everything else in this folder is Litestar.
"""

from __future__ import annotations

import logging
import re
from typing import Any

import msgspec
from litestar import Response
from litestar.types import ASGIApp, Receive, Scope, Send

from clew.core.errors import BadRequest, ClewError, TooLarge, Unexpected
from clew.core.request_log import note

log = logging.getLogger("clew.api")

JSON = b"application/json"
PROBLEM = b"application/problem+json"
_encode = msgspec.json.Encoder().encode


class BareResponse(Response[None]):
    """A response that a bare callable gives: what a route of Litestar returns to let one answer."""

    def __init__(self, app: ASGIApp) -> None:
        super().__init__(None)
        self._app = app

    def to_asgi_response(self, *_: Any, **__: Any) -> Any:
        """See `Response.to_asgi_response`: what answers is an ASGI application."""
        return self._app


class Refusal(msgspec.Struct, frozen=True):
    """What a bare callable answered to a request that it did not take, and the request's body as far as it was read."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes
    request_body: bytes


def refusal_of(scope: Scope) -> Refusal | None:
    """What an `answering` callable left behind where it refused the request, None where it took it."""
    found: Refusal | None = scope.get(_REFUSAL)  # type: ignore[assignment]  # a key of ours among those of ASGI
    return found


# Left in the scope, for who stands around a bare callable and is not to cost anything while all goes well.
_REFUSAL = "clew.refusal"
_BODY = "clew.body"


class ClientGone(Exception):
    """The sender went away before its request was complete."""


def header(scope: Scope, name: bytes) -> str:
    """The first value of a header, or "". `name` in lower case."""
    for key, value in scope["headers"]:
        if key == name:
            return value.decode("latin-1")
    return ""


def first_values(scope: Scope) -> dict[bytes, bytes]:
    """All headers by their names in lower case, each with its first value: for who asks for several."""
    return dict(reversed(list(scope["headers"])))


async def read_body(scope: Scope, receive: Receive, max_bytes: int) -> bytes:
    """The request's body as sent. It is left in the scope too, for a refusal.

    Raises `TooLarge` beyond `max_bytes`, `ClientGone` where the sender left in the middle.
    """
    declared = header(scope, b"content-length")
    if declared.isdigit() and int(declared) > max_bytes:
        raise _too_large(max_bytes)
    message: Any = await receive()
    chunk: bytes = message.get("body", b"")
    kept: Any = scope
    if message["type"] == "http.request" and not message.get("more_body"):
        kept[_BODY] = chunk
        return _within(chunk, max_bytes)
    parts, size = [chunk], len(chunk)
    while True:
        if message["type"] == "http.disconnect":
            raise ClientGone
        if size > max_bytes:
            raise _too_large(max_bytes)
        if not message.get("more_body"):
            kept[_BODY] = body = b"".join(parts)
            return body
        message = await receive()
        parts.append(message.get("body", b""))
        size += len(parts[-1])


def _within(body: bytes, max_bytes: int) -> bytes:
    if len(body) > max_bytes:
        raise _too_large(max_bytes)
    return body


def _too_large(max_bytes: int) -> TooLarge:
    return TooLarge(
        f"The body is larger than {max_bytes} bytes.",
        hint="Send fewer events a request, or raise CLEW_MAX_REQUEST_BYTES.",
    )


async def send_json(send: Send, status: int, body: Any, *, content_type: bytes = JSON, extra: Any = ()) -> None:
    """Send a JSON response. `extra` are more headers as pairs of bytes."""
    data = body if isinstance(body, bytes) else _encode(body)
    await _send(send, status, [*_json_headers(data, content_type), *extra], data)


def _json_headers(data: bytes, content_type: bytes) -> list[tuple[bytes, bytes]]:
    return [(b"content-type", content_type), (b"content-length", str(len(data)).encode())]


async def _send(send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})


def problem_headers(error: ClewError) -> list[tuple[bytes, bytes]]:
    """The headers that go with an error: `Retry-After`, `WWW-Authenticate`."""
    headers = []
    if error.retry_after_s is not None:
        headers.append((b"retry-after", str(error.retry_after_s).encode()))
    if error.code == "not_signed_in":
        headers.append((b"www-authenticate", b"Bearer"))
    return headers


def is_way_in(method: str, path: str) -> bool:
    """Whether a call of the API brings records. It is taken in by its own means: the journal knows what came before."""
    return method == "POST" and _WAYS_IN.match(path) is not None


_WAYS_IN = re.compile(r"/v1/(?:events|internal-events|otlp)(?:/|\Z)")


def idempotency_key(value: str) -> str:
    """What an `Idempotency-Key` header says, without its quotes; "" where it says nothing.

    Raises `BadRequest` over 255 characters.
    """
    key = value.strip().strip('"')
    if len(key) > 255:
        raise BadRequest("The Idempotency-Key is longer than 255 characters.", hint="A UUID is a good key.")
    return key


def answering(app: ASGIApp) -> ASGIApp:
    """Answer what `app` raises with a problem document, as every other route does."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await app(scope, receive, send)
        except ClientGone:
            return
        except ClewError as error:
            note(error.detail, type="error")
            await _refuse(scope, send, error)
        except Exception as error:
            log.error("%s %s failed", scope.get("method"), scope["path"], exc_info=error)
            await _refuse(scope, send, Unexpected("The server made a mistake; its log has the details."))

    return answer


async def _refuse(scope: Scope, send: Send, error: ClewError) -> None:
    body = _encode(error.problem(scope["path"]))
    headers = [*_json_headers(body, PROBLEM), *problem_headers(error)]
    kept: Any = scope
    kept[_REFUSAL] = Refusal(error.status, headers, body, kept.get(_BODY, b""))
    await _send(send, error.status, headers, body)
