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


@contextlib.asynccontextmanager
async def serve_locally(app: Any) -> AsyncIterator[str]:
    """Serve an ASGI app on a free port of 127.0.0.1; gives its URL without a trailing slash.

    The socket listens before this returns: a request sent at once waits in its queue and is answered.
    """
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        app, lifespan="off", log_config=None, access_log=False, ws="none", timeout_graceful_shutdown=_GRACE_S
    )
    server = _LocalServer(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.ending.set()
        await serving
        listener.close()
