"""`Idempotency-Key` on every POST that makes something: the same key and request get the same answer, once done.

The ways in are not among them: there the journal itself knows what came before, in the transaction that takes it in.
What is done elsewhere is done by many hands, so the request is noted before it is answered and its answer after; one
that was cut off in between is never done twice, and says so.
"""

from __future__ import annotations

import asyncio
from typing import Any

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from clew.api.answers import Answer, Answers, Request
from clew.api.authentication import bearer_of, find_caller
from clew.api.description import IDEMPOTENCY_KEY
from clew.api.wire import answering, header, idempotency_key, is_way_in, read_body
from clew.core.ids import digest
from clew.core.request_log import note
from clew.registry.keys import Keys, Principal

HEADER = b"idempotency-key"
REPLAYED = (b"idempotent-replayed", b"true")


class IdempotentPosts:
    """ASGI: answers POSTs of the API with an `Idempotency-Key` once, and all else by `app`."""

    def __init__(self, app: ASGIApp, answers: Answers, keys: Keys, max_request_bytes: int) -> None:
        self._app = app
        self._answers = answers
        self._keys = keys
        self._max_request_bytes = max_request_bytes
        self._answer_keyed = answering(self._answer)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection."""
        if scope["type"] == ScopeType.HTTP and _is_keyed(str(scope.get("method")), scope["path"], scope):
            await self._answer_keyed(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        key = idempotency_key(header(scope, HEADER))
        caller = find_caller(self._keys, header(scope, b"authorization"))
        if not key or caller is None:
            await self._app(scope, receive, send)
            return
        body = await read_body(scope, receive, self._max_request_bytes)
        request = _request(scope, caller, key, body)
        first = await asyncio.to_thread(self._answers.begin, request)
        if first is not None:
            note("answered as the first time: the Idempotency-Key came before")
            await _send(send, first, REPLAYED)
            return
        await self._answer_first(request, scope, _given(body, receive), send)

    async def _answer_first(self, request: Request, scope: Scope, receive: Receive, send: Send) -> None:
        held = _Held()
        try:
            await self._app(scope, receive, held.keep)
            answer = held.answer()
            # In a task of its own: who left in the meantime must not leave the answer half kept.
            kept = asyncio.to_thread(self._answers.end, request, answer if _was_done(answer) else None)
            await asyncio.shield(asyncio.ensure_future(kept))
        finally:
            self._answers.leave(request)
        await _send(send, answer)


def describe_idempotency(document: dict[str, Any]) -> None:
    """Say of every POST of the API, in its OpenAPI document, that it takes the header."""
    parameter = {
        "name": "Idempotency-Key",
        "in": "header",
        "required": False,
        "description": IDEMPOTENCY_KEY,
        "schema": {"type": "string", "maxLength": 255},
    }
    for path, item in document["paths"].items():
        if path.startswith("/v1/") and "post" in item:
            parameters = item["post"].setdefault("parameters", [])
            if all(one["name"] != parameter["name"] for one in parameters):
                parameters.append(parameter)


def _is_keyed(method: str, path: str, scope: Scope) -> bool:
    is_making = method == "POST" and path.startswith("/v1/") and not is_way_in(method, path)
    return is_making and bool(header(scope, HEADER))


def _request(scope: Scope, caller: Principal, key: str, body: bytes) -> Request:
    return Request(
        workspace=caller.workspace,
        key_id=caller.key_id,
        bearer=bearer_of(header(scope, b"authorization")),
        idempotency_key=key,
        asked=digest(scope["path"], scope["query_string"], body),
    )


def _was_done(answer: Answer) -> bool:
    """Whether the request may have had an effect. What was refused, or was not possible now, had none."""
    return answer.status < 400 or (answer.status >= 500 and answer.status != 503)


def _given(body: bytes, receive: Receive) -> Receive:
    """`receive` for a request whose body was read already."""
    is_given = False

    async def receive_again() -> Any:
        nonlocal is_given
        if is_given:
            return await receive()
        is_given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive_again


class _Held:
    """An answer that is held back until it is whole."""

    def __init__(self) -> None:
        self._status = 0
        self._headers: list[tuple[bytes, bytes]] = []
        self._parts: list[bytes] = []

    async def keep(self, message: Message) -> None:
        """`send`, for the application."""
        if message["type"] == "http.response.start":
            self._status, self._headers = message["status"], list(message["headers"])
        elif message["type"] == "http.response.body":
            self._parts.append(message.get("body", b""))

    def answer(self) -> Answer:
        """The answer."""
        return Answer(self._status, self._headers, b"".join(self._parts))


async def _send(send: Send, answer: Answer, *more: tuple[bytes, bytes]) -> None:
    headers = [*answer.headers, *more]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body, "more_body": False})
