"""A server that answers every request with a small 201 and does nothing else: what the load client can reach at most.

`python -m benchmarks.trivial_server` prints its port and runs until its standard input ends.
"""

from __future__ import annotations

import asyncio
import sys

import uvloop

from benchmarks.load import HOST

_BODY = b'{"accepted":1,"duplicates":0,"ids":["019e7044-8d10-7364-bf47-e4134542eb0b"]}'
_ANSWER = b"HTTP/1.1 201 Created\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (
    len(_BODY),
    _BODY,
)


class Answerer(asyncio.Protocol):
    """Counts bytes until a request is whole, then answers."""

    def __init__(self) -> None:
        self._have = bytearray()
        self._left = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]  # a stream's transport is one

    def data_received(self, data: bytes) -> None:
        """Count, and answer when the request is whole."""
        if self._left:
            self._left -= len(data)
        else:
            self._have += data
            end = self._have.find(b"\r\n\r\n")
            if end < 0:
                return
            at = self._have.index(b"content-length: ") + 16
            self._left = end + 4 + int(self._have[at : self._have.index(b"\r", at)]) - len(self._have)
            self._have.clear()
        if not self._left:
            self._transport.write(_ANSWER)


async def serve() -> None:
    """Serve until the standard input ends."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Answerer, HOST, 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


if __name__ == "__main__":
    uvloop.run(serve())
