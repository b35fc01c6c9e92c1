"""Each watcher reads at its own pace: who keeps up misses nothing, who does not is told, and nobody is waited for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clew.core.clock import FakeClock
from clew.core.record import encode_line
from clew.journal.journal import Append, Item
from clew.journal.memory import MemoryJournal
from clew.log.memory import MemoryStore
from clew.log.pump import Pump
from clew.log.query import Filter
from clew.log.store import Count
from clew.log.tail import IDLE_BYTES, LiveTail
from clew.log.watcher import MOST_TAKEN, MOST_TAKEN_BYTES, Arrived, Dropped, Event
from harness.watching import ALL, NOW, PATIENCE_S, Blocks, make, records_of, take, take_until, until_looked


@pytest.fixture
def tail() -> Iterator[LiveTail]:
    tail = LiveTail()
    yield tail
    tail.close()


@pytest.fixture
def blocks() -> Blocks:
    return Blocks()


async def test_who_takes_all_of_it_misses_nothing_however_much_comes_at_once(tail: LiveTail, blocks: Blocks) -> None:
    """As many records as a block can have, all of them there before the first is taken."""
    watcher = tail.watch(ALL)
    records = [make() for _ in range(40_000)]
    tail.offer(blocks.of(records))
    await until_looked(watcher, 2)
    assert [record.id for record in records_of(await take(watcher, 40_000))] == [record.id for record in records]
    assert await watcher.next(0) == []


async def test_one_who_is_slow_misses_the_oldest_and_is_told_exactly_how_many(blocks: Blocks) -> None:
    """What is kept is bounded: ten records of it, while fifty came and none was taken."""
    records = [make(message=f"{number:02}") for number in range(50)]
    size = len(encode_line(records[0])) + 1
    tail = LiveTail(most_bytes=10 * size)
    slow, quick = tail.watch(ALL), tail.watch(ALL)
    seen: list[Event] = []
    for start in range(0, 50, 5):
        tail.offer(blocks.of(records[start : start + 5]))
        await until_looked(slow, blocks.last + 1)
        seen += await take(quick, 5)
    assert [record.id for record in records_of(seen)] == [record.id for record in records]
    missing, *kept = await take(slow, 11)
    assert isinstance(missing, Dropped)
    assert (missing.count, missing.at_most) == (40, 40)
    assert [record.message for record in records_of(kept)] == [record.message for record in records[40:]]
    again = tail.watch(ALL, str(missing.place))
    assert [record.message for record in records_of(await take(again, 10))] == [str(n) for n in range(40, 50)]
    tail.close()


async def test_one_that_can_show_few_gets_the_latest_and_the_number_of_the_others(
    tail: LiveTail, blocks: Blocks
) -> None:
    watcher = tail.watch(ALL, most=10)
    records = [make(message=str(number)) for number in range(5_000)]
    tail.offer(blocks.of(records[:4_000]))
    tail.offer(blocks.of(records[4_000:]))
    await until_looked(watcher, 3)
    missing, *latest = await take(watcher, 11)
    assert isinstance(missing, Dropped)
    assert missing.count == 4_990
    assert [record.message for record in records_of(latest)] == [record.message for record in records[-10:]]
    tail.offer(blocks.of([make(message="next")]))
    assert [record.message for record in records_of(await take(watcher, 1))] == ["next"]


@settings(max_examples=40, deadline=None)
@given(data=st.data(), most=st.sampled_from([None, 1, 3]), held=st.integers(1, 12))
def test_each_record_is_shown_or_counted_as_dropped_and_none_is_both(
    data: st.DataObject, most: int | None, held: int
) -> None:
    """Whatever is taken when, and however little is kept: in order, and from any place on the same again."""
    size = len(encode_line(make(message="000"))) + 1

    async def watch() -> None:
        tail, blocks = LiveTail(most_bytes=held * size), Blocks()
        try:
            watcher = tail.watch(ALL, most=most)
            events: list[Event] = []
            total = 0
            for _ in range(data.draw(st.integers(1, 6))):
                count = data.draw(st.integers(1, 6))
                tail.offer(blocks.of((make(message=f"{total + n:03}") for n in range(count)), positions=2))
                total += count
                await until_looked(watcher, blocks.last + 1)
                if data.draw(st.booleans()):
                    events += await watcher.next(0) or []
            while more := await watcher.next(0):
                events += more
            await check(tail, events, total)
        finally:
            tail.close()

    async def check(tail: LiveTail, events: list[Event], total: int) -> None:
        number = 0
        for event in events:
            if isinstance(event, Arrived):
                assert event.record.message == f"{number:03}"
                number += 1
            else:
                assert isinstance(event, Dropped)
                # what was let go of while it was handed over was never looked at: then there is only a bound
                assert event.count is not None or event.at_most is not None
                behind = [later for later in events[events.index(event) + 1 :] if isinstance(later, Arrived)]
                until = int(behind[0].record.message) if behind else total
                assert event.count in (None, until - number)
                assert event.at_most is not None
                assert event.at_most >= until - number
                number = until
        assert number == total

    asyncio.run(watch())


async def test_few_large_records_are_taken_one_by_one(tail: LiveTail, blocks: Blocks) -> None:
    watcher = tail.watch(ALL)
    large = "x" * (MOST_TAKEN_BYTES + 1)
    tail.offer(blocks.of([make(payload=large), make(payload=large)]))
    await until_looked(watcher, 2)
    for _ in range(2):
        (arrived,) = await watcher.next(PATIENCE_S) or []
        assert isinstance(arrived, Arrived)
        assert arrived.record.payload_bytes == len(large)


async def test_no_more_is_taken_at_once_than_may_be_written_at_once(tail: LiveTail, blocks: Blocks) -> None:
    watcher = tail.watch(ALL)
    tail.offer(blocks.of(make() for _ in range(MOST_TAKEN * 2)))
    await until_looked(watcher, 2)
    assert len(await watcher.next(PATIENCE_S) or []) == MOST_TAKEN


async def test_intake_goes_on_while_a_watcher_reads_nothing() -> None:
    """The pump feeds a store; the watcher is there and takes no record before all have come."""
    clock = FakeClock(NOW)
    journal, store = MemoryJournal(clock=clock), MemoryStore()
    tail = LiveTail(most_bytes=256 * 1024)
    pump = Pump(journal.reader("log"), store, clock, on_inserted=tail.offer)
    watcher = tail.watch(ALL)
    pump.start()
    count, batches = 1_000, 5
    for _ in range(batches):
        records = [make() for _ in range(count)]
        await journal.append(Append(tuple(Item(record.id, encode_line(record)) for record in records)))
        assert await asyncio.to_thread(pump.drain, PATIENCE_S)
        await until_looked(watcher, journal.status().last + 1)
    pump.stop()
    assert store.count(ALL) == Count(count * batches)
    missing, *shown = await take_until(watcher, records[-1])
    assert isinstance(missing, Dropped)
    assert missing.count == count * batches - len(shown)
    assert 0 < len(shown) < count * batches
    tail.close()


async def test_blocks_let_go_of_unseen_are_told_with_how_many_records_they_had(blocks: Blocks) -> None:
    few = [make(), make()]
    tail = LiveTail(most_bytes=sum(len(encode_line(record)) + 1 for record in few))
    watcher = tail.watch(ALL)
    large = make(payload="x" * 10_000)
    tail.offer(blocks.of([*(make() for _ in range(29)), large]))  # it has no room, so nobody can look at it
    (event,) = await take(watcher, 1)
    assert isinstance(event, Dropped)
    assert (event.count, event.at_most) == (None, 30)
    tail.offer(blocks.of(few))
    assert [record.id for record in records_of(await take(watcher, 2))] == [record.id for record in few]
    tail.close()


async def test_of_a_block_that_has_no_room_the_last_records_are_kept(blocks: Blocks) -> None:
    records = [make() for _ in range(100)]
    tail = LiveTail(most_bytes=10 * (len(encode_line(records[0])) + 1))
    watcher = tail.watch(ALL)
    tail.offer(blocks.of(records))
    missing, *kept = await take(watcher, 11)
    assert isinstance(missing, Dropped)
    assert (missing.count, missing.at_most) == (None, 90)
    assert [record.id for record in records_of(kept)] == [record.id for record in records[-10:]]
    tail.close()


def test_while_nobody_watches_little_is_kept(tail: LiveTail, blocks: Blocks) -> None:
    """Blocks of a quarter of what is kept, each ending with one that is wanted: of the fourth last only that one."""
    began = str(tail.here())
    for number in range(9):
        large = make(payload="x" * (IDLE_BYTES // 4))
        tail.offer(blocks.of([large, make(customer="acme", message=str(number))]))

    async def come_back() -> list[Event]:
        return await take(tail.watch(Filter(workspace="w", customer=("acme",)), began), 5)

    missing, *kept = asyncio.run(come_back())
    assert isinstance(missing, Dropped)
    assert [record.message for record in records_of(kept)] == ["5", "6", "7", "8"]


def test_handing_over_takes_no_time_whatever_the_watchers_do(tail: LiveTail, blocks: Blocks) -> None:
    """Forty thousand records of which each is wanted and none is read."""

    async def hand_over() -> float:
        tail.watch(ALL)
        block = blocks.of(make() for _ in range(40_000))
        began_s = time.thread_time()
        tail.offer(block)
        return time.thread_time() - began_s

    assert asyncio.run(hand_over()) < 0.1  # of a processor: to look through them takes more than ten times as long
