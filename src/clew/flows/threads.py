"""Threads for plain functions: few, and none is lost to a function that hangs.

A thread cannot be ended from outside. A call that takes too long is left behind: it no longer counts, another thread
takes its place, and when it does return its thread ends. How many are left behind is bounded and counted.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from clew.core.errors import Unavailable

WORKERS = 32
"""Functions at once. Plain nodes wait for others most of the time: more than processors."""
MOST_LEFT_BEHIND = 256
"""Each takes memory, and most likely a connection. Beyond it, what hangs keeps its place."""


class Call:
    """One call of a function in a thread. `done` has its result; `began_s` (monotonic) is when a thread took it."""

    def __init__(self, work: Callable[[], Any], loop: asyncio.AbstractEventLoop, context: contextvars.Context) -> None:
        self.done: asyncio.Future[Any] = loop.create_future()
        self.began_s: float | None = None
        self.is_left_behind = False
        self.is_running = False
        self._work = work
        self._loop = loop
        self._context = context

    def run(self) -> None:
        """Run it, in the present thread."""
        self.began_s = time.monotonic()
        try:
            result = self._context.run(self._work)
        except BaseException as error:  # whatever the user's function raises, SystemExit too: it is the node's failure
            self._tell(_reject, error)
        else:
            self._tell(_resolve, result)

    def _tell(self, how: Callable[..., None], value: Any) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(how, self.done, value)


class Threads:
    """The threads of a server's plain functions. Its methods belong to the event loop."""

    def __init__(self, workers: int = WORKERS, most_left_behind: int = MOST_LEFT_BEHIND) -> None:
        self._workers = workers
        self._most_left_behind = most_left_behind
        self._lock = threading.Lock()
        self._work_came = threading.Condition(self._lock)
        # All of it changes under the lock, together: a thread counted wrongly is a call that nobody takes.
        self._waiting: deque[Call] = deque()
        self._idle = 0
        self._live = 0
        self._left_behind = 0
        self._is_closed = False

    @property
    def left_behind(self) -> int:
        """How many calls go on that nobody waits for."""
        return self._left_behind

    def call(self, work: Callable[[], Any]) -> Call:
        """Begin a call, with the context variables of the caller.

        Raises `Unavailable` where every thread hangs.
        """
        call = Call(work, asyncio.get_running_loop(), contextvars.copy_context())
        with self._lock:
            if self._room() <= 0:
                raise Unavailable(
                    f"{self._left_behind} plain functions hang past their timeout and no thread is left.",
                    hint="Restart the server, and give what they wait for a timeout.",
                )
            self._waiting.append(call)
            self._find_worker()
        return call

    def leave_behind(self, call: Call) -> None:
        """Nobody waits for this call any more: its thread is replaced, or it does not begin at all."""
        with self._lock:
            call.is_left_behind = True
            call.done.cancel()
            if call.is_running:
                self._left_behind += 1
                self._find_worker()

    def close(self) -> None:
        """End the threads that are idle; the others end with their calls, or with the process."""
        with self._lock:
            self._is_closed = True
            self._work_came.notify_all()

    def _room(self) -> int:
        return self._workers - max(0, self._left_behind - self._most_left_behind)

    def _find_worker(self) -> None:
        """Wake a thread for what waits, or start one where all are busy and there are too few. Under the lock."""
        self._work_came.notify()
        # One that was woken stays idle until it has taken its call: each idle thread takes one of those that wait.
        if len(self._waiting) > self._idle and self._live - self._left_behind < self._room():
            threading.Thread(target=self._work, name="flow-node", daemon=True).start()
            self._live += 1

    def _work(self) -> None:
        while call := self._next():
            call.run()
            if not self._return(call):
                return

    def _next(self) -> Call | None:
        """The call that this thread is to run, when there is one; None where it is to end."""
        with self._lock:
            while True:
                while not self._waiting:
                    if self._is_closed:
                        self._live -= 1
                        return None
                    self._idle += 1
                    self._work_came.wait()
                    self._idle -= 1
                call = self._waiting.popleft()
                if not call.is_left_behind:
                    call.is_running = True
                    return call

    def _return(self, call: Call) -> bool:
        """A call has returned. False where this thread was replaced meanwhile and ends."""
        with self._lock:
            call.is_running = False
            if call.is_left_behind:
                self._left_behind -= 1
                self._live -= 1
                self._find_worker()  # fewer left behind may mean more room
            return not call.is_left_behind


def _resolve(future: asyncio.Future[Any], value: Any) -> None:
    if not future.done():
        future.set_result(value)


def _reject(future: asyncio.Future[Any], error: BaseException) -> None:
    if future.done():
        return
    # A future takes no StopIteration, and others would end the loop.
    is_usual = isinstance(error, Exception) and not isinstance(error, StopIteration)
    future.set_exception(error if is_usual else EndedOddly(error))


class EndedOddly(Exception):
    """A function ended with what no one catches: SystemExit, KeyboardInterrupt, StopIteration."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(f"{type(error).__name__}: {error}")
        self.__cause__ = error
