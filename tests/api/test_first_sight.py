"""What is named for the first time shares a write."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterable

import pytest

from clew.api.first_sight import FirstSight
from clew.core.clock import FakeClock
from clew.core.errors import Unavailable

NOW_MS = 1_780_000_000_000


class Disk:
    """What is written, a write at a time: each waits until it is let through."""

    def __init__(self) -> None:
        self.writes: list[tuple[str, list[str], int]] = []
        self.begun = threading.Semaphore(0)
        self.let = threading.Semaphore(0)
        self.fails = False

    def see(self, workspace: str, keys: Iterable[str], at_ms: int) -> None:
        self.begun.release()
        assert self.let.acquire(timeout=60)
        if self.fails:
            raise Unavailable("The disk is gone.")
        self.writes.append((workspace, sorted(keys), at_ms))

    async def wait_until_writing(self) -> None:
        assert await asyncio.to_thread(self.begun.acquire, timeout=60)


@pytest.fixture
def disk() -> Disk:
    return Disk()


@pytest.fixture
def customers(disk: Disk) -> FirstSight[str]:
    return FirstSight(disk.see, FakeClock(NOW_MS))


async def come(customers: FirstSight[str], *seen: tuple[str, str]) -> list[asyncio.Task[None]]:
    tasks = [asyncio.create_task(customers.see(workspace, {key})) for workspace, key in seen]
    await asyncio.sleep(0)  # each of them waits now
    return tasks


async def test_those_who_come_during_a_write_share_the_next_one(disk: Disk, customers: FirstSight[str]) -> None:
    first = await come(customers, ("main", "a"))
    await disk.wait_until_writing()
    later = await come(customers, ("main", "b"), ("main", "c"), ("main", "b"), ("other", "c"))
    disk.let.release(3)
    await asyncio.gather(*first, *later)
    assert disk.writes == [("main", ["a"], NOW_MS), ("main", ["b", "c"], NOW_MS), ("other", ["c"], NOW_MS)]


async def test_nobody_is_answered_before_the_write_is_done(disk: Disk, customers: FirstSight[str]) -> None:
    (task,) = await come(customers, ("main", "a"))
    await disk.wait_until_writing()
    assert not task.done()
    disk.let.release()
    await task


async def test_an_error_reaches_everyone_who_shares_the_write_and_no_one_after(
    disk: Disk, customers: FirstSight[str]
) -> None:
    first = await come(customers, ("main", "a"))
    await disk.wait_until_writing()
    sharing = await come(customers, ("main", "b"), ("main", "c"))
    disk.let.release()
    await asyncio.gather(*first)
    await disk.wait_until_writing()
    disk.fails = True
    after = await come(customers, ("main", "d"))
    disk.let.release()
    refused = await asyncio.gather(*sharing, return_exceptions=True)
    assert [type(error) for error in refused] == [Unavailable, Unavailable]
    await disk.wait_until_writing()
    disk.fails = False
    disk.let.release()
    await asyncio.gather(*after)
    assert [keys for _, keys, _ in disk.writes] == [["a"], ["d"]]


async def test_who_stops_waiting_takes_nothing_from_the_others(disk: Disk, customers: FirstSight[str]) -> None:
    first = await come(customers, ("main", "a"))
    await disk.wait_until_writing()
    leaving, staying = await come(customers, ("main", "b"), ("main", "c"))
    leaving.cancel()
    disk.let.release(2)
    await asyncio.gather(*first, staying)
    assert leaving.cancelled()
    assert disk.writes[1] == ("main", ["b", "c"], NOW_MS)
    await asyncio.gather(*await come_again(disk, customers))


async def come_again(disk: Disk, customers: FirstSight[str]) -> list[asyncio.Task[None]]:
    disk.let.release()
    return await come(customers, ("main", "d"))
