"""A call of the API as it is heard on its way in and out: what a record of it is made from."""

from __future__ import annotations

import re
from collections.abc import Awaitable
from typing import Any

from litestar.types import Message, Receive, Scope, Send

from clew.api.records import LISTS
from clew.api.wire import Refusal, is_way_in

MOST_REQUEST_BYTES = 16 * 1024
"""How much of a request's body is kept, and of the answer to one that changed something or was refused."""
MOST_READ_BYTES = 2 * 1024
"""How much is kept of what a read was answered with: it can be asked for again."""

_LOG = re.compile(rf"/v1/(?:records|traces|{'|'.join(LISTS)})(?:/|\Z)")
_EXPORT = re.compile(r"/export\Z")
_READS = ("GET", "HEAD", "OPTIONS")


class HeardCall:
    """One call. `began_ms` is when it came; `status_code` is 0 until the answer begins."""

    def __init__(self, scope: Scope, request_id: str, began_ms: int) -> None:
        self.scope = scope
        self.request_id = request_id
        self.began_ms = began_ms
        self.status_code = 0
        self.response_headers: list[tuple[bytes, bytes]] = []
        self.request_start = b""
        self.request_size = 0
        self.response_start = b""
        self.response_size = 0
        self._most_response_bytes = 0

    @property
    def method(self) -> str:
        """Its method."""
        return str(self.scope.get("method"))

    @property
    def path(self) -> str:
        """Its path."""
        return self.scope["path"]

    @property
    def is_way_in(self) -> bool:
        """Whether it brings records: where it is refused, something is not in the log."""
        return is_way_in(self.method, self.path)

    @property
    def is_look_at_log(self) -> bool:
        """Whether it reads the log, but for an export: that takes all of it away, and is worth to be known."""
        return self.is_read and _LOG.match(self.path) is not None and not _EXPORT.search(self.path)

    @property
    def is_read(self) -> bool:
        """Whether it only asks."""
        return self.method in _READS

    def hear(self, receive: Receive) -> Receive:
        """`receive`, with our ears on it."""

        async def receive_and_keep() -> Any:
            message: Any = await receive()
            if message["type"] == "http.request":
                self._keep_request(message.get("body", b""))
            return message

        return receive_and_keep

    def tell(self, send: Send) -> Send:
        """`send`, with our ears on it."""

        def keep_and_send(message: Message) -> Awaitable[None]:
            if message["type"] == "http.response.start":
                self._keep_head(message["status"], list(message["headers"]))
            elif message["type"] == "http.response.body":
                self._keep_response(message.get("body", b""))
            return send(message)

        return keep_and_send

    def keep_refusal(self, refusal: Refusal) -> None:
        """Keep what a bare callable refused, which nobody listened to."""
        self._keep_request(refusal.request_body)
        self._keep_head(refusal.status, refusal.headers)
        self._keep_response(refusal.body)

    def _keep_request(self, part: bytes) -> None:
        if len(self.request_start) < MOST_REQUEST_BYTES:
            self.request_start += part[: MOST_REQUEST_BYTES - len(self.request_start)]
        self.request_size += len(part)

    def _keep_head(self, status_code: int, headers: list[tuple[bytes, bytes]]) -> None:
        self.status_code = status_code
        self.response_headers = headers
        is_plain_read = self.is_read and status_code < 400
        self._most_response_bytes = MOST_READ_BYTES if is_plain_read else MOST_REQUEST_BYTES
        if is_plain_read and _EXPORT.search(self.path):
            self._most_response_bytes = 0

    def _keep_response(self, part: bytes) -> None:
        if len(self.response_start) < self._most_response_bytes:
            self.response_start += part[: self._most_response_bytes - len(self.response_start)]
        self.response_size += len(part)
