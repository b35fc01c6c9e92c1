"""The HTTP server: uvicorn, which tells when it answers and stops when it is told to."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Callable
from typing import Any

import uvicorn

from clew.core.errors import ClewError, SettingsError
from clew.core.settings import Settings

GRACE_S = 5
"""How long a stopping server waits for the requests that it is answering."""


def tell_in_a_line(record: logging.LogRecord) -> bool:
    """A filter of uvicorn's log: an answer that breaks off by an error of ours is one line, which says why.

    uvicorn has closed the connection before the end of the answer: its reader knows that it is not whole.
    """
    if record.exc_info and (reason := _reason_of(record.exc_info[1])):
        record.msg, record.args = "An answer broke off in the middle: %s %s", (reason.detail, reason.hint)
        record.exc_info = None
    return True


def _reason_of(error: BaseException | None) -> ClewError | None:
    while error is not None and not isinstance(error, ClewError):
        error = error.exceptions[0] if isinstance(error, BaseExceptionGroup) else error.__cause__
    return error


class HttpServer(uvicorn.Server):
    """uvicorn, told when to stop by our own signal handlers: it would end the process before the parts are closed."""

    def __init__(self, app: Any, settings: Settings, on_shutdown: Callable[[], object]) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                host=settings.host,
                port=settings.port,
                http="httptools",
                lifespan="off",
                access_log=False,
                log_config=None,
                server_header=False,
                timeout_graceful_shutdown=GRACE_S,
            )
        )
        logging.getLogger("uvicorn.error").addFilter(tell_in_a_line)  # the same one of every server: it is there once
        self.stopping = asyncio.Event()
        self._host = settings.host
        self._on_shutdown = on_shutdown

    async def serve(self, sockets: Any = None) -> None:
        """Serve until `stop`."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.stop)
        try:
            await self._serve(sockets)
        except SystemExit as error:  # how uvicorn says that it cannot listen
            raise SettingsError(
                f"The server cannot listen on {self._host} port {self.config.port}.",
                hint="Another program may have the port: set CLEW_PORT to another one.",
            ) from error

    async def shutdown(self, sockets: Any = None) -> None:
        """End the answers that have no end of their own, then wait for the others."""
        self._on_shutdown()
        await super().shutdown(sockets)

    def stop(self) -> None:
        """Stop: gracefully at the first call, at once at the second."""
        self.force_exit = self.should_exit
        self.should_exit = True
        self.stopping.set()

    async def wait_until_ready(self, serving: asyncio.Task[None]) -> None:
        """Return when it answers. Raises what `serving` raises."""
        while not self.started:
            if serving.done():
                await serving
                return
            await asyncio.sleep(0.005)

    @property
    def url(self) -> str:
        """Where it answers."""
        host, port = self.servers[0].sockets[0].getsockname()[:2]
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
