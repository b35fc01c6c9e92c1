"""Customers that are named for the first time: written together, for each write is a transaction of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Set

from clew.core.clock import Clock

See = Callable[[str, Iterable[str], int], object]
"""Makes sure that customers of a workspace are on disk, first seen at a time (ms). It blocks."""


class NewCustomers:
    """Writes customers in a thread, one write at a time; those who come meanwhile share the next one.

    A burst of requests from unknown customers costs a few transactions in place of one each. It belongs to one event
    loop.
    """

    def __init__(self, see: See, clock: Clock) -> None:
        self._see = see
        self._clock = clock
        self._keys: dict[str, set[str]] = {}
        self._waiting: list[asyncio.Future[None]] = []
        self._writing: asyncio.Task[None] | None = None

    async def see(self, workspace: str, keys: Set[str]) -> None:
        """Return when these customers are on disk. Raises what the write raises: then none of its customers is."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._keys.setdefault(workspace, set()).update(keys)
        self._waiting.append(done)
        if self._writing is None:
            self._writing = asyncio.create_task(self._write_all())
        await done

    async def _write_all(self) -> None:
        try:
            while self._waiting:
                keys, waiting = self._keys, self._waiting
                self._keys, self._waiting = {}, []
                await self._write(keys, waiting)
        finally:
            self._writing = None

    async def _write(self, keys: dict[str, set[str]], waiting: list[asyncio.Future[None]]) -> None:
        error: Exception | None = None
        try:
            await asyncio.to_thread(self._write_here, keys)
        except Exception as caught:  # whatever it is, it belongs to those who wait
            error = caught
        for done in waiting:
            if done.done():  # cancelled: its caller no longer waits
                continue
            if error:
                done.set_exception(error)
            else:
                done.set_result(None)

    def _write_here(self, keys: dict[str, set[str]]) -> None:
        now_ms = self._clock.now_ms()
        for workspace, names in keys.items():
            self._see(workspace, names, now_ms)
