"""Records on their way into the journal: a run waits until they are there, however long the journal takes none."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Sequence

from clew.core.errors import Unavailable
from clew.journal.journal import Append, Item, Journal

FIRST_PAUSE_S = 0.25
LONGEST_PAUSE_S = 5.0

_LOG = logging.getLogger(__name__)


class Recorder:
    """Appends records, again and again until the journal takes them.

    A full disk so pauses runs and loses nothing. Its methods belong to the event loop.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._closing = asyncio.Event()
        self._background: set[asyncio.Task[None]] = set()
        self.trouble = ""
        """Why the latest append was not taken; empty while all is well."""

    async def write(self, items: Sequence[Item]) -> None:
        """Return when the items are on disk.

        Raises `Unavailable` where the journal takes none and `close` was called.
        """
        append = Append(tuple(items))
        pause_s = FIRST_PAUSE_S
        while True:
            try:
                await self._journal.append(append)
            except Unavailable as error:
                self._note(error.detail)
                if self._closing.is_set():
                    raise
                await self._pause(pause_s)
                pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
            else:
                self.trouble = ""
                return

    def write_soon(self, item: Item) -> asyncio.Task[None]:
        """Begin to write an item; awaiting the task is waiting for it."""
        task = asyncio.get_running_loop().create_task(self.write((item,)))
        self._background.add(task)
        task.add_done_callback(self._background.discard)
        return task

    async def close(self) -> None:
        """Wait for what is on its way, then give up on what the journal does not take."""
        self._closing.set()
        if self._background:
            await asyncio.gather(*self._background, return_exceptions=True)

    async def _pause(self, pause_s: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._closing.wait(), pause_s)

    def _note(self, trouble: str) -> None:
        if trouble != self.trouble:
            _LOG.warning("records of flow runs wait for the journal: %s", trouble)
        self.trouble = trouble
