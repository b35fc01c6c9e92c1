"""What records name for the first time: written together, for each write is a transaction of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Set
from typing import Generic, TypeVar

from clew.core.clock import Clock

T = TypeVar("T")

See = Callable[[str, Iterable[T], int], object]
"""Makes sure that these of a workspace are on disk, first seen at a time (ms). It blocks."""


class FirstSight(Generic[T]):
    """Writes what is new in a thread, one write at a time; those who come meanwhile share the next one.

    A burst of requests from unknown customers costs a few transactions in place of one each. It belongs to one event
    loop.
    """

    def __init__(self, see: See[T], clock: Clock) -> None:
        self._see = see
        self._clock = clock
        self._new: dict[str, set[T]] = {}
        self._waiting: list[asyncio.Future[None]] = []
        self._writing: asyncio.Task[None] | None = None

    async def see(self, workspace: str, new: Set[T]) -> None:
        """Return when these are on disk. Raises what the write raises: then none of them is."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._new.setdefault(workspace, set()).update(new)
        self._waiting.append(done)
        if self._writing is None:
            self._writing = asyncio.create_task(self._write_all())
        await done

    async def _write_all(self) -> None:
        try:
            while self._waiting:
                new, waiting = self._new, self._waiting
                self._new, self._waiting = {}, []
                await self._write(new, waiting)
        finally:
            self._writing = None

    async def _write(self, new: dict[str, set[T]], waiting: list[asyncio.Future[None]]) -> None:
        error: Exception | None = None
        try:
            await asyncio.to_thread(self._write_here, new)
        except Exception as caught:  # whatever it is, it belongs to those who wait
            error = caught
        for done in waiting:
            if done.done():  # cancelled: its caller no longer waits
                continue
            if error:
                done.set_exception(error)
            else:
                done.set_result(None)

    def _write_here(self, new: dict[str, set[T]]) -> None:
        now_ms = self._clock.now_ms()
        for workspace, named in new.items():
            self._see(workspace, named, now_ms)
