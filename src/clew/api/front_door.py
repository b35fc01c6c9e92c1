"""The outermost layer of the server: request ids, the hot ways in, the log of a request (`?logs=1`), and its record."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Mapping
from typing import Any

import msgspec
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from clew.api.heard_calls import HeardCall
from clew.api.request_records import RequestRecords
from clew.api.wire import header, refusal_of
from clew.core import request_log
from clew.core.clock import to_rfc3339
from clew.core.ids import new_id

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}\Z")
_WANTS_LOGS = re.compile(rb"(?:^|&)logs=1(?:&|$)")


class FrontDoor:
    """ASGI: answers `hot` methods and paths, and all below `hot_prefixes`, itself; `app` answers everything else.

    Every response carries `X-Request-Id`: the caller's where it is well-formed, else a new one. Calls of the API are
    noted in `records`; of the hot ones, to which nobody listens, those that were refused.
    """

    def __init__(
        self,
        app: ASGIApp,
        hot: Mapping[tuple[str, str], ASGIApp],
        hot_prefixes: Mapping[str, ASGIApp],
        records: RequestRecords | None = None,
    ) -> None:
        self._app = app
        self._hot = hot
        self._hot_prefixes = hot_prefixes
        self._records = records

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection."""
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        request_id = _request_id(scope)
        send = _with_request_id(request_id, send)
        hot = self._hot.get((scope["method"], scope["path"]))
        records = self._records
        if hot is None and records is not None and records.may_log(scope["path"]):
            call = HeardCall(scope, request_id, records.now_ms())
            try:
                await _answer(self._app, scope, call.hear(receive), call.tell(send))
            finally:  # also where the caller left in the middle of the answer
                records.note(call)
            return
        began_ms = records.now_ms() if records else 0
        await _answer(hot or self._route(scope["path"]), scope, receive, send)
        if hot and records and (refusal := refusal_of(scope)):
            call = HeardCall(scope, request_id, began_ms)
            call.keep_refusal(refusal)
            records.note(call)

    def _route(self, path: str) -> ASGIApp:
        for prefix, app in self._hot_prefixes.items():
            if path.startswith(prefix):
                return app
        return self._app


def _request_id(scope: Scope) -> str:
    given = header(scope, b"x-request-id")
    return given if given and _REQUEST_ID.match(given) else new_id()


def _with_request_id(request_id: str, send: Send) -> Send:
    value = request_id.encode()

    def send_with_id(message: Message) -> Awaitable[None]:  # no coroutine of its own: two a request are 1 us
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], (b"x-request-id", value)]
        return send(message)

    return send_with_id


def _answer(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
    if _WANTS_LOGS.search(scope["query_string"]):
        return _answer_with_log(app, scope, receive, send)
    return app(scope, receive, send)


async def _answer_with_log(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    with request_log.collect() as lines:
        request_log.note(f"{scope.get('method')} {scope['path']}")
        await app(scope, receive, _adding(lines, send))


def _adding(lines: list[Any], send: Send) -> Send:
    """Hold a JSON response back until it is whole, then send it with `_logs`. Anything else passes through."""
    start: Any = None
    parts: list[bytes] = []

    async def send_with_log(message: Message) -> None:
        nonlocal start
        if message["type"] == "http.response.start" and _is_json(message):
            start = message
        elif message["type"] == "http.response.body" and start is not None:
            parts.append(message.get("body", b""))
            if not message.get("more_body"):
                body = _with_logs(b"".join(parts), lines)
                length = (b"content-length", str(len(body)).encode())
                start["headers"] = [h for h in start["headers"] if h[0].lower() != b"content-length"] + [length]
                await send(start)
                await send({"type": "http.response.body", "body": body, "more_body": False})
        else:
            await send(message)

    return send_with_log


def _is_json(message: Any) -> bool:
    for name, value in message["headers"]:
        if name.lower() == b"content-type":
            media_type: bytes = value.split(b";")[0].strip()
            return media_type == b"application/json" or media_type.endswith(b"+json")
    return False


def _with_logs(body: bytes, lines: list[Any]) -> bytes:
    if not body.startswith(b"{"):
        return body
    fields = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    return msgspec.json.encode(fields | {"_logs": msgspec.Raw(msgspec.json.encode([_shown(line) for line in lines]))})


def _shown(line: Any) -> dict[str, Any]:
    return {"time": to_rfc3339(line.time), "type": line.type, "msg": line.msg, "data": line.data}
