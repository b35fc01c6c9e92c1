"""A real HTTP server on loopback, in this loop, for as long as it is needed."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator
from typing import Any

import uvicorn

_GRACE_S = 1
"""How long requests that are being answered may take at the end: `clew demo` ends within two seconds."""


class _LocalServer(uvicorn.Server):
    """A uvicorn that leaves the process's signals to the process, and ends when it is told instead of looking."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ending = asyncio.Event()

    async def main_loop(self) -> None:
        await self.ending.wait()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def listen_locally() -> socket.socket:
    """A socket that listens on a free port of 127.0.0.1: its port is known before anything answers there."""
    return socket.create_server(("127.0.0.1", 0))


def url_of(listener: socket.socket) -> str:
    """Where a listening socket is reached, without a trailing slash."""
    return f"http://127.0.0.1:{listener.getsockname()[1]}"


@contextlib.asynccontextmanager
async def serve_locally(app: Any, listener: socket.socket | None = None) -> AsyncIterator[str]:
    """Serve an ASGI app on 127.0.0.1; gives its URL without a trailing slash.

    It is served at `listener`, which is closed at the end, or on a free port. The socket listens before this returns:
    a request sent at once waits in its queue and is answered.
    """
    listener = listener or listen_locally()
    config = uvicorn.Config(
        app, lifespan="off", log_config=None, access_log=False, ws="none", timeout_graceful_shutdown=_GRACE_S
    )
    server = _LocalServer(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield url_of(listener)
    finally:
        server.ending.set()
        await serving
        listener.close()
