"""Exports from the event loop: a thread of its own for each, so that a slow reader keeps nobody else waiting."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Generator
from concurrent.futures import ThreadPoolExecutor

from clew.core.errors import TooMany
from clew.log.export import EXPORTS_AT_ONCE, ExportFormat
from clew.log.query import Filter, Sort
from clew.log.store import LogStore

RETRY_AFTER_S = 30


class Downloads:
    """The exports that run. Used from one event loop."""

    def __init__(self, store: LogStore) -> None:
        self._store = store
        self._running: dict[ThreadPoolExecutor, Generator[bytes, None, None]] = {}

    def export(self, filter: Filter, format: ExportFormat, sort: Sort) -> AsyncGenerator[bytes, None]:
        """A file in pieces, see `LogStore.export`. It begins when the first one is asked for.

        Raises `TooMany` where as many run as may, at once and not in the middle.
        """
        if len(self._running) >= EXPORTS_AT_ONCE:
            raise TooMany(
                f"{len(self._running)} exports run, and no more than {EXPORTS_AT_ONCE} may at one time.",
                hint="Try again when one of them has ended.",
                retry_after_s=RETRY_AFTER_S,
            )
        return self._pieces(self._store.export(filter, format, sort))

    def close(self) -> None:
        """End every export that runs, and wait until its question has ended."""
        for thread, pieces in list(self._running.items()):
            with contextlib.suppress(RuntimeError):  # it ends by itself
                thread.submit(pieces.close)
            thread.shutdown()

    async def _pieces(self, pieces: Generator[bytes, None, None]) -> AsyncGenerator[bytes, None]:
        thread = ThreadPoolExecutor(1, thread_name_prefix="log-export")
        self._running[thread] = pieces
        try:
            while piece := await asyncio.get_running_loop().run_in_executor(thread, next, pieces, b""):
                yield piece
        finally:
            # Behind the piece that is being made, where the reader went away in the middle of it.
            with contextlib.suppress(RuntimeError):  # it was closed from outside
                thread.submit(pieces.close).add_done_callback(lambda _: self._running.pop(thread, None))
            thread.shutdown(wait=False)
