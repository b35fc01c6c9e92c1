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


FIRST_PIECES = 2
"""The heading of a CSV, and the first of its lines."""
BEGIN_S = 2.0
"""How long the first pieces are waited for: somebody waits for the answer to begin."""


async def begin_export(pieces: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    """The same pieces, when the first of them are there, or after a while.

    What the export fails for until then is raised here, where it can still be answered; later it can only break off.
    """
    first: list[bytes] = []
    coming = _ask_for_next(pieces)
    while len(first) < FIRST_PIECES and (await asyncio.wait([coming], timeout=BEGIN_S))[0]:
        piece = coming.result()
        if not piece:
            break
        first.append(piece)
        coming = _ask_for_next(pieces)
    return _go_on(first, coming, pieces)


async def _go_on(
    first: list[bytes], coming: asyncio.Task[bytes], pieces: AsyncGenerator[bytes, None]
) -> AsyncGenerator[bytes, None]:
    try:
        for piece in first:
            yield piece
        while piece := await coming:
            yield piece
            coming = _ask_for_next(pieces)
    finally:
        coming.cancel()
        await asyncio.wait([coming])
        await pieces.aclose()


def _ask_for_next(pieces: AsyncGenerator[bytes, None]) -> asyncio.Task[bytes]:
    """The next piece, in a task so that it can be waited for with an end; none is empty, so that says the end."""

    async def ask() -> bytes:
        return await anext(pieces, b"")

    return asyncio.create_task(ask())


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
