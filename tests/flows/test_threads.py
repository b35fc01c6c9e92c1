from __future__ import annotations

import asyncio
import contextvars
import random
import threading
import time
from collections.abc import Iterator
from types import FrameType
from typing import Any

import pytest

from clew.core.errors import Unavailable
from clew.flows import threads as threads_module
from clew.flows.threads import EndedOddly, Threads
from harness.flow_place import DEADLINE_S, until


async def test_a_call_answers_what_its_function_returns_or_raises() -> None:
    threads = Threads()
    assert await threads.call(lambda: 1 + 1).done == 2
    with pytest.raises(ZeroDivisionError):
        await threads.call(lambda: 1 / 0).done
    with pytest.raises(EndedOddly, match="SystemExit: 3"):
        await threads.call(lambda: exit_with(3)).done
    threads.close()


def exit_with(code: int) -> None:
    raise SystemExit(code)


async def test_it_sees_the_callers_context() -> None:
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable")
    variable.set("here")
    threads = Threads()
    assert await threads.call(variable.get).done == "here"
    threads.close()


async def test_at_most_so_many_run_at_once_and_the_rest_waits() -> None:
    threads, gate, lock = Threads(workers=3), threading.Event(), threading.Lock()
    running, most = [0], [0]

    def work() -> None:
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        gate.wait(DEADLINE_S)
        with lock:
            running[0] -= 1

    calls = [threads.call(work) for _ in range(10)]
    await until(lambda: running[0] == 3, "three run")
    gate.set()
    await asyncio.gather(*(call.done for call in calls))
    assert most == [3]
    threads.close()


async def test_threads_are_used_again() -> None:
    threads, names = Threads(workers=8), set()
    for _ in range(50):
        names.add(await threads.call(lambda: threading.current_thread().ident).done)
    assert len(names) <= 8, "fifty calls, never more threads than workers"
    threads.close()


async def test_a_call_left_behind_is_counted_and_its_thread_replaced() -> None:
    threads, gate = Threads(workers=1), threading.Event()
    hanging = threads.call(lambda: gate.wait(DEADLINE_S))
    await until(lambda: hanging.is_running, "it runs")
    waiting = threads.call(lambda: "next")
    threads.leave_behind(hanging)
    assert await waiting.done == "next"
    assert threads.left_behind == 1
    gate.set()
    await until(lambda: threads.left_behind == 0, "it returned")
    assert await threads.call(lambda: "after").done == "after"
    threads.close()


async def test_a_call_left_behind_before_it_began_never_begins() -> None:
    threads, gate, began = Threads(workers=1), threading.Event(), []
    first = threads.call(lambda: gate.wait(DEADLINE_S))
    second = threads.call(lambda: began.append(1))
    threads.leave_behind(second)
    assert threads.left_behind == 0
    gate.set()
    await first.done
    assert await threads.call(lambda: "after").done == "after"
    assert began == []
    threads.close()


async def test_when_every_thread_hangs_it_says_so() -> None:
    threads, gate = Threads(workers=2, most_left_behind=1), threading.Event()
    for _ in range(3):
        call = threads.call(lambda: gate.wait(DEADLINE_S))
        await until(lambda call=call: call.is_running, "it runs")
        threads.leave_behind(call)
    with pytest.raises(Unavailable, match="3 plain functions hang"):
        threads.call(lambda: None)
    gate.set()
    await until(lambda: threads.left_behind == 0, "they returned")
    assert await threads.call(lambda: 1).done == 1
    threads.close()


@pytest.fixture
def dawdling() -> Iterator[None]:
    """Threads that now and then rest between two lines of `threads.py`, so that another comes in between."""
    chance = random.Random(1)

    def rest(frame: FrameType, event: str, _argument: object) -> Any:
        if frame.f_code.co_filename != threads_module.__file__:
            return None
        if event == "line" and chance.random() < 0.2:
            time.sleep(chance.random() / 1000)
        return rest

    usual = threading.gettrace()
    threading.settrace(rest)
    yield
    threading.settrace(usual)  # type: ignore[arg-type]


@pytest.mark.usefixtures("dawdling")
async def test_after_many_calls_one_still_finds_a_thread_when_those_there_are_hang() -> None:
    """A thread that is thought idle, and is not, would keep the call waiting for ever."""
    for _ in range(8):
        threads, gate = Threads(workers=2), threading.Event()
        for _ in range(20):
            await asyncio.gather(*(threads.call(time.monotonic).done for _ in range(5)))
        hanging = [threads.call(lambda gate=gate: gate.wait(DEADLINE_S)) for _ in range(2)]
        for call in hanging:
            await until(lambda call=call: call.is_running, "it runs")
            threads.leave_behind(call)
        assert await asyncio.wait_for(threads.call(lambda: "next").done, DEADLINE_S) == "next"
        gate.set()
        threads.close()


@pytest.mark.usefixtures("dawdling")
async def test_a_thread_that_was_left_behind_is_off_every_count_at_once_when_it_has_returned() -> None:
    for _ in range(20):
        threads, gate = Threads(workers=1), threading.Event()
        hanging = threads.call(lambda gate=gate: gate.wait(DEADLINE_S))
        await until(lambda hanging=hanging: hanging.is_running, "it runs")
        threads.leave_behind(hanging)
        gate.set()
        while threads.left_behind:
            pass
        assert await asyncio.wait_for(threads.call(lambda: "next").done, DEADLINE_S) == "next"
        threads.close()
