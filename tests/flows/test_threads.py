from __future__ import annotations

import asyncio
import contextvars
import threading

import pytest

from clew.core.errors import Unavailable
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
