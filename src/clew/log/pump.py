"""The pump: from the journal into the log, each record once, whatever fails in between.

It reads a block, inserts it under the block's token and moves its cursor. A crash between the last two brings the same
block under the same token again, and the store adds it once.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import msgspec

from clew.core.clock import Clock
from clew.core.errors import Unavailable
from clew.journal.journal import Block, JournalReader
from clew.log.store import LogStore

MAX_RECORDS = 40_000
"""A block's size under load. Larger blocks are hardly faster and are seen later; this one takes about a second."""

GATHER_S = 0.2
"""The least time between two small blocks: five inserts a second cost little, and all is visible well within one."""

WAIT_S = 0.1
"""How often it looks up while nothing comes: as old as `indexed_until_ms` may be then."""

FIRST_RETRY_S = 0.1
LAST_RETRY_S = 5.0

_LOG = logging.getLogger(__name__)


class PumpStatus(msgspec.Struct, frozen=True):
    """How it stands. `last_error` is why the current block does not go in, empty while all is well.

    What was acknowledged before `indexed_until_ms` can be found. `failing_since_ms`: when the trouble began.
    """

    indexed_until_ms: int
    inserted_records: int
    inserted_blocks: int
    last_error: str
    failing_since_ms: int | None
    is_running: bool


class Pump:
    """A thread that feeds a store. It never skips a block and ends only when it is told to."""

    def __init__(
        self, reader: JournalReader, store: LogStore, clock: Clock, on_inserted: Callable[[Block], object] | None = None
    ) -> None:
        """`on_inserted` is given each block when its records can be found, once. It must return at once."""
        self._reader = reader
        self._on_inserted = on_inserted
        self._store = store
        self._clock = clock
        self._thread = threading.Thread(target=self._run, name="log-pump", daemon=True)
        self._stopping = threading.Event()
        self._hurried = threading.Event()
        self._changed = threading.Condition()
        self._looks = 0
        self._empty_look = 0
        self._indexed_until_ms = 0
        self._inserted_records = 0
        self._inserted_blocks = 0
        self._last_error = ""
        self._failing_since_ms: int | None = None
        self._rest_until_s = 0.0
        self._turn, self._at_work = threading.Lock(), threading.Lock()

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End after the current block. What waits in the journal is indexed after the next start."""
        self._stopping.set()
        self._hurried.set()
        if self._thread.is_alive():
            self._thread.join()

    def drain(self, timeout_s: float) -> bool:
        """Wait until everything that was appended before this call can be found. False where that took too long."""
        with self._changed:
            asked = self._looks
            self._hurried.set()
            try:
                return self._changed.wait_for(lambda: self._empty_look > asked, timeout_s)
            finally:
                self._hurried.clear()

    @contextmanager
    def paused(self, timeout_s: float) -> Iterator[None]:
        """Inside, no block is under way: the log holds what the cursor says, and nothing of what comes after it.

        What comes waits in the journal. Raises `Unavailable` where the block that is under way takes longer.
        """
        with self._turn:  # so that no other block begins once this one has ended
            if not self._at_work.acquire(timeout=timeout_s):
                raise Unavailable(f"A block was not in the log after {timeout_s:g} s.", hint=self._last_error)
            try:
                yield
            finally:
                self._at_work.release()

    def indexed_until_ms(self) -> int:
        """What was acknowledged before this time can be found."""
        return self._indexed_until_ms

    def status(self) -> PumpStatus:
        """How it stands."""
        with self._changed:
            return PumpStatus(
                indexed_until_ms=self._indexed_until_ms,
                inserted_records=self._inserted_records,
                inserted_blocks=self._inserted_blocks,
                last_error=self._last_error,
                failing_since_ms=self._failing_since_ms,
                is_running=self._thread.is_alive(),
            )

    def _run(self) -> None:
        retry_s = FIRST_RETRY_S
        while not self._stopping.is_set():
            try:
                if self._look():
                    self._gather()
                    with self._turn:
                        pass
                    with self._at_work:
                        self._index_block()
                self._recover()
                retry_s = FIRST_RETRY_S
            except Exception as error:  # whatever it is: the block stays in the journal and is tried again
                self._fail(error)
                self._stopping.wait(retry_s)
                retry_s = min(retry_s * 2, LAST_RETRY_S)

    def _look(self) -> bool:
        """Whether something waits. Where nothing does, everything up to this look is indexed."""
        with self._changed:
            self._looks += 1
            look = self._looks
        now_ms = self._clock.now_ms()
        if self._reader.wait(0 if self._hurried.is_set() else WAIT_S):
            return True
        with self._changed:
            self._indexed_until_ms = max(self._indexed_until_ms, now_ms)
            self._empty_look = look
            self._changed.notify_all()
        return False

    def _gather(self) -> None:
        """Let a small block grow, unless someone waits for it. After a pause the first one goes at once."""
        rest_s = self._rest_until_s - time.monotonic()
        if rest_s > 0:
            self._hurried.wait(rest_s)

    def _index_block(self) -> None:
        block = self._reader.read(MAX_RECORDS)
        if block is None:
            return
        with self._changed:
            self._indexed_until_ms = max(self._indexed_until_ms, block.oldest_ms)
        self._store.insert(block.lines, block.token)
        self._reader.commit(block)
        if self._on_inserted:
            self._on_inserted(block)
        with self._changed:
            self._inserted_records += block.count
            self._inserted_blocks += 1
        is_small = block.count < MAX_RECORDS // 2
        self._rest_until_s = time.monotonic() + (GATHER_S if is_small else 0)

    def _recover(self) -> None:
        if not self._last_error:
            return
        with self._changed:
            self._last_error, self._failing_since_ms = "", None
        _LOG.warning("the log takes blocks again")

    def _fail(self, error: Exception) -> None:
        text = f"{type(error).__name__}: {error}"
        with self._changed:
            is_new = text != self._last_error
            self._last_error = text
            self._failing_since_ms = self._failing_since_ms or self._clock.now_ms()
        if is_new:
            _LOG.error("a block does not go into the log and is tried again: %s", text, exc_info=error)
