"""Answers of the log that many pages ask for: asked anew once in some seconds, and by one page at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from clew.core.clock import Clock

T = TypeVar("T")


class FreshAnswers(Generic[T]):
    """The answer of `ask` for each workspace, believed for `fresh_ms`."""

    def __init__(self, ask: Callable[[str], Awaitable[T]], clock: Clock, fresh_ms: int) -> None:
        self._ask = ask
        self._clock = clock
        self._fresh_ms = fresh_ms
        self._lock = asyncio.Lock()
        self._found: dict[str, tuple[int, T]] = {}

    async def find(self, workspace: str) -> T:
        """The answer, asked now where the last one is too old. Raises what `ask` raises."""
        async with self._lock:
            now_ms = self._clock.now_ms()
            last = self._found.get(workspace)
            if last and now_ms - last[0] < self._fresh_ms:
                return last[1]
            found = await self._ask(workspace)
            self._found[workspace] = (now_ms, found)
            return found

    def last_known(self, workspace: str) -> T | None:
        """The last answer, however old, without asking; None where nothing was asked yet."""
        last = self._found.get(workspace)
        return last[1] if last else None
