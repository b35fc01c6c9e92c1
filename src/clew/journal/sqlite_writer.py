"""The one thread that writes the journal's file. Everything that waits goes into one transaction: an acknowledgement
is one sync shared by everyone who waits for it.

Cursor moves and trimming go through the same thread, between two groups of appends and in transactions of their own:
so nobody in this process competes for SQLite's lock, and a journal that is full for appends still serves its readers.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any, Generic, TypeVar

import msgspec
import zstandard

from clew.core.clock import Clock
from clew.core.errors import JournalBusy, Unavailable
from clew.journal.journal import Append, Receipt
from clew.journal.sqlite_entries import COMPRESSION_LEVEL, insert_entries, pack
from clew.journal.sqlite_file import (
    CACHE_KIB,
    connect,
    free_bytes,
    is_storage_error,
    journal_full,
    unavailable,
)
from clew.journal.sqlite_keys import KeyBook

T = TypeVar("T")

GROUP_BYTES = 8 * 1024 * 1024
"""About how much goes into one transaction: more would only make the first of them wait."""
WAL_BYTES = 16 * 1024 * 1024
"""About how large the write-ahead log grows before it is copied back."""
NO_PAGE_LIMIT = 2**30 - 1
"""SQLite's own limit: 4 TiB of 4 KiB pages."""


class Room(msgspec.Struct, frozen=True):
    """How much appends may take. Cursors and trimming are not bound by it.

    `max_bytes` on disk (0: no bound), `queue_bytes` waiting in memory, and `reserve_bytes` that the disk keeps free.
    """

    max_bytes: int
    queue_bytes: int
    reserve_bytes: int

    def wal_bytes(self) -> int:
        """How large the write-ahead log may be before it is copied back: the next group still goes on top of it."""
        return min(WAL_BYTES, self.max_bytes // 9) if self.max_bytes else WAL_BYTES

    def group_bytes(self) -> int:
        """The most that goes into one transaction, single larger appends aside."""
        return min(GROUP_BYTES, self.wal_bytes())

    def pages(self, page_size: int) -> int:
        """The most pages the file may grow to: what the write-ahead log leaves of `max_bytes`, about three quarters."""
        if not self.max_bytes:
            return NO_PAGE_LIMIT
        # A page that is only partly filled, or holds the tree above the rows, goes into the log whole.
        most_wal_bytes = (self.wal_bytes() + self.group_bytes()) * 9 // 8
        return max(1, (self.max_bytes - most_wal_bytes) // page_size)


class _Waiting(msgspec.Struct, frozen=True):
    append: Append
    size: int
    future: asyncio.Future[Receipt]
    loop: asyncio.AbstractEventLoop


class _Job(Generic[T]):
    """Work for the writer's thread, and its result."""

    def __init__(self, work: Callable[[sqlite3.Connection], T]) -> None:
        self.work = work
        self.done: Future[T] = Future()


class Writer:
    """Owns the only connection of this process that changes the file."""

    def __init__(self, path: Path, *, clock: Clock, room: Room) -> None:
        self._path = path
        self._clock = clock
        self._room = room
        self._lock = threading.Lock()
        self._work_came = threading.Condition(self._lock)
        self._appends: deque[_Waiting] = deque()
        self._jobs: deque[_Job[Any]] = deque()
        self._waiting_bytes = 0
        self._is_closing = False
        self._grew = threading.Condition()
        self._growths = 0
        self._connection: sqlite3.Connection | None = None
        self._page_size = 0
        self._page_limit = 0
        self._trouble = ""
        self._compressor = zstandard.ZstdCompressor(level=COMPRESSION_LEVEL)
        self._thread = threading.Thread(target=self._work, name="journal-writer", daemon=True)
        self._thread.start()

    # Called from any thread.

    @property
    def waiting_bytes(self) -> int:
        """Bytes of appends that are not yet answered."""
        return self._waiting_bytes

    @property
    def trouble(self) -> str:
        """Why the latest append was not written, or the next one will not be. Empty where all is well.

        Room on the disk is measured afresh: a server that says it is not ready gets no append that could show it.
        """
        return self._trouble if self._has_reserve() else journal_full().detail

    def note_room(self) -> None:
        """Room was made: whether it is enough, the next append shows."""
        self._trouble = ""

    @property
    def is_closed(self) -> bool:
        """Whether it takes no more."""
        return self._is_closing

    def submit(self, append: Append) -> asyncio.Future[Receipt]:
        """Queue an append; the future belongs to the running loop. One alone may be larger than the whole queue."""
        size = append.size()
        loop = asyncio.get_running_loop()
        with self._lock:
            self._check_open()
            if self._waiting_bytes and self._waiting_bytes + size > self._room.queue_bytes:
                raise JournalBusy(
                    f"{self._waiting_bytes} bytes already wait to be written.",
                    hint="Nothing of this was written. Send it again in a moment.",
                    retry_after_s=1,
                )
            future: asyncio.Future[Receipt] = loop.create_future()
            if not self._appends:
                self._work_came.notify()
            self._appends.append(_Waiting(append, size, future, loop))
            self._waiting_bytes += size
        return future

    def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run `work` in the writer's thread in a transaction of its own, and wait for it.

        Raises `Unavailable` where the file cannot be written; nothing of it was then done.
        """
        job = _Job(work)
        with self._lock:
            self._check_open()
            self._jobs.append(job)
            self._work_came.notify()
        return job.done.result()

    @property
    def growths(self) -> int:
        """How often this process has appended: what `wait_for_growth` compares."""
        return self._growths

    def wait_for_growth(self, seen: int, timeout_s: float) -> None:
        """Wait until `growths` is no longer `seen`, the journal closes, or the time is over."""
        with self._grew:
            self._grew.wait_for(lambda: self._growths != seen or self._is_closing, timeout_s)

    def close(self) -> None:
        """Write what waits and end the thread. Closing twice changes nothing."""
        with self._lock:
            self._is_closing = True
            self._work_came.notify()
        self._tell_readers()
        self._thread.join()

    def _has_reserve(self) -> bool:
        return free_bytes(self._path) >= self._room.reserve_bytes

    def _check_open(self) -> None:
        if self._is_closing:
            raise Unavailable("The journal is closed.", hint="The server is stopping. Send it again when it is back.")

    # Everything below runs in the writer's thread.

    def _work(self) -> None:
        while True:
            jobs, group = self._take()
            if not jobs and not group:
                break
            for job in jobs:
                self._do(job)
            if group:
                self._write(group)
        self._disconnect()

    def _take(self) -> tuple[list[_Job[Any]], list[_Waiting]]:
        """What is next; nothing when the journal closes and all is written."""
        with self._lock:
            while not (self._appends or self._jobs or self._is_closing):
                self._work_came.wait()
            jobs = list(self._jobs)
            self._jobs.clear()
            group: list[_Waiting] = []
            size, most = 0, self._room.group_bytes()
            while self._appends and (not group or size + self._appends[0].size <= most):
                group.append(self._appends.popleft())
                size += group[-1].size
        return jobs, group

    def _do(self, job: _Job[Any]) -> None:
        try:
            connection = self._begin(limited=False)
            result = job.work(connection)
            connection.execute("COMMIT")
        except Exception as error:
            self._roll_back(error)
            job.done.set_exception(_as_answer(error))
        else:
            job.done.set_result(result)

    def _write(self, group: list[_Waiting]) -> None:
        outcomes: list[Receipt | Exception]
        grew = False
        try:
            if self._has_reserve():
                outcomes, grew = self._store([waiting.append for waiting in group])
            else:
                outcomes = [journal_full() for _ in group]
        except Exception as error:
            self._roll_back(error)
            if not _is_failing_disk(error) and len(group) > 1:
                # One of them cannot be stored, whatever the disk: it alone is to hear of it.
                for waiting in group:
                    self._write([waiting])
                return
            outcomes = [_as_answer(error) for _ in group]
            if isinstance(outcomes[0], Unavailable):
                self._trouble = outcomes[0].detail
        if grew:
            self._trouble = ""
        self._answer(group, outcomes)
        if grew:
            self._tell_readers()

    def _store(self, appends: list[Append]) -> tuple[list[Receipt | Exception], bool]:
        """One transaction. Returns the answers, and whether there are new entries."""
        connection = self._begin(limited=True)
        now_ms = self._clock.now_ms()
        book = KeyBook(connection, appends)
        settled = [book.settle(append) for append in appends]
        book.write(now_ms)
        fresh = [one.lines for one in settled if one.lines]
        insert_entries(connection, pack(fresh), now_ms, self._compressor)
        connection.execute("COMMIT")
        return [one.outcome for one in settled], bool(fresh)

    def _answer(self, group: list[_Waiting], outcomes: list[Receipt | Exception]) -> None:
        with self._lock:
            self._waiting_bytes -= sum(waiting.size for waiting in group)
        # One wake-up for each loop: it costs a system call, a future nearly nothing.
        by_loop: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Receipt], Receipt | Exception]]] = {}
        for waiting, outcome in zip(group, outcomes, strict=True):
            by_loop.setdefault(waiting.loop, []).append((waiting.future, outcome))
        for loop, answers in by_loop.items():
            try:
                loop.call_soon_threadsafe(_resolve, answers)
            except RuntimeError:  # the loop is closed: nobody is left to hear it
                continue

    def _tell_readers(self) -> None:
        with self._grew:
            self._growths += 1
            self._grew.notify_all()

    def _begin(self, *, limited: bool) -> sqlite3.Connection:
        connection = self._connect()
        page_limit = self._room.pages(self._page_size) if limited else NO_PAGE_LIMIT
        if page_limit != self._page_limit:
            # SQLite itself refuses to grow beyond it, and never sets it lower than the file is.
            connection.execute(f"PRAGMA max_page_count = {page_limit}").fetchone()
            self._page_limit = page_limit
        connection.execute("BEGIN IMMEDIATE")
        return connection

    def _connect(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = connection = connect(self._path)
            wal_bytes = self._room.wal_bytes()
            self._page_size = connection.execute("PRAGMA page_size").fetchone()[0]
            self._page_limit = 0
            connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
            connection.execute(f"PRAGMA wal_autocheckpoint = {max(1, wal_bytes // self._page_size)}").fetchone()
            connection.execute(f"PRAGMA journal_size_limit = {wal_bytes}").fetchone()
        return self._connection

    def _roll_back(self, error: Exception) -> None:
        try:
            if self._connection is not None and self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        except sqlite3.Error:
            self._disconnect()
        else:
            if is_storage_error(error) and getattr(error, "sqlite_errorcode", 0) != sqlite3.SQLITE_FULL:
                self._disconnect()  # the next transaction begins with a file opened afresh

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _is_failing_disk(error: Exception) -> bool:
    return isinstance(error, OSError) or is_storage_error(error)


def _as_answer(error: Exception) -> Exception:
    """What the caller is told. Each gets an exception of its own: raising it adds a traceback to it."""
    return unavailable(error) if _is_failing_disk(error) else error


def _resolve(answers: list[tuple[asyncio.Future[Receipt], Receipt | Exception]]) -> None:
    for future, outcome in answers:
        if future.done():  # cancelled: its caller no longer waits
            continue
        if isinstance(outcome, Exception):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)
