"""The live tail: what came is shown to those who watch, and nobody waits for them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clew.core.clock import FakeClock
from clew.core.errors import BadRequest, TooMany, Unavailable
from clew.core.ids import new_id
from clew.core.record import Record, Summary, encode_line, summarize
from clew.journal.journal import Append, Block, Item
from clew.journal.memory import MemoryJournal
from clew.log import tail as tail_module
from clew.log.memory import MemoryStore, matches
from clew.log.pump import Pump
from clew.log.query import Filter
from clew.log.store import Count
from clew.log.tail import IDLE_BYTES, MOST_WATCHERS, LiveTail
from clew.log.watcher import MOST_TAKEN, MOST_TAKEN_BYTES, Arrived, Dropped, Event, LedTo, Watcher

NOW = 1_780_000_000_000
PATIENCE_S = 60
ALL = Filter(workspace="w")


def make(**fields: object) -> Record:
    return Record(id=new_id(NOW), time=NOW, workspace="w", kind="step", **fields)  # type: ignore[arg-type]


class Blocks:
    """Makes blocks as the journal does: one position after another."""

    def __init__(self, last: int = 0) -> None:
        self.last = last

    def of(self, records: Iterable[Record], positions: int = 1) -> Block:
        lines = [encode_line(record) + b"\n" for record in records]
        first, self.last = self.last + 1, self.last + positions
        return Block(first, self.last, b"".join(lines), len(lines), NOW, f"j-{first}-{self.last}")


@pytest.fixture
def tail() -> Iterator[LiveTail]:
    tail = LiveTail()
    yield tail
    tail.close()


@pytest.fixture
def blocks() -> Blocks:
    return Blocks()


async def take(watcher: Watcher, count: int) -> list[Event]:
    """What came for a watcher until there are `count` of it."""
    events: list[Event] = []
    async with asyncio.timeout(PATIENCE_S):
        while len(events) < count:
            more = await watcher.next(PATIENCE_S)
            assert more is not None, "it has ended"
            events += more
    return events


async def take_until(watcher: Watcher, last: Record) -> list[Event]:
    """What came for a watcher until this record did."""
    events: list[Event] = []
    async with asyncio.timeout(PATIENCE_S):
        while not (events and isinstance(events[-1], Arrived) and events[-1].record.id == last.id):
            events += await watcher.next(PATIENCE_S) or []
    return events


async def until_looked(watcher: Watcher, end: int) -> None:
    """Until all before this position was held against a watcher's filter, whether it takes any or not."""
    async with asyncio.timeout(PATIENCE_S):
        while watcher.reached.first < end:  # noqa: ASYNC110  # what is waited for happens in a thread
            await asyncio.sleep(0.001)


def records_of(events: Iterable[Event]) -> list[Summary]:
    return [event.record for event in events if isinstance(event, Arrived)]


async def test_a_watcher_sees_what_matches_in_the_order_in_which_it_came(tail: LiveTail, blocks: Blocks) -> None:
    watcher = tail.watch(Filter(workspace="w", customer=("acme",)))
    wanted = [make(customer="acme", message=str(number)) for number in range(5)]
    other = [make(customer="bolt"), Record(id=new_id(NOW), time=NOW, workspace="x", kind="step", customer="acme")]
    tail.offer(blocks.of([*wanted[:2], *other, wanted[2]]))
    tail.offer(blocks.of(wanted[3:]))
    assert records_of(await take(watcher, 5)) == [summarize(record) for record in wanted]


async def test_what_was_there_before_is_not_shown(tail: LiveTail, blocks: Blocks) -> None:
    tail.offer(blocks.of([make(), make()]))
    watcher = tail.watch(ALL)
    new = make()
    tail.offer(blocks.of([new]))
    assert [record.id for record in records_of(await take(watcher, 1))] == [new.id]


@settings(max_examples=25)
@given(
    data=st.data(),
    customers=st.lists(st.lists(st.sampled_from("abc"), min_size=1, max_size=8), min_size=1, max_size=6),
    wanted=st.sets(st.sampled_from("abc")),
)
def test_a_fast_watcher_sees_exactly_what_matches_and_goes_on_from_any_event(
    data: st.DataObject, customers: list[list[str]], wanted: set[str]
) -> None:
    """Whatever comes, in whatever blocks, and wherever it leaves and comes back."""
    filter = Filter(workspace="w", customer=tuple(sorted(wanted)))
    batches = [[make(customer=customer) for customer in batch] for batch in customers]
    expected = [record.id for batch in batches for record in batch if matches(record, filter)]

    async def watch() -> None:
        tail, blocks = LiveTail(), Blocks()
        try:
            watcher = tail.watch(filter)
            for batch in batches:
                tail.offer(blocks.of(batch, positions=data.draw(st.integers(1, 3))))
            events = await take(watcher, len(expected))
            assert [record.id for record in records_of(events)] == expected
            if expected:
                index = data.draw(st.integers(0, len(expected) - 1))
                again = tail.watch(filter, str(events[index].place))
                rest = expected[index + 1 :]
                assert [record.id for record in records_of(await take(again, len(rest)))] == rest
                await until_looked(again, blocks.last + 1)
                assert await again.next(0) == []
        finally:
            tail.close()

    asyncio.run(watch())


async def test_two_watchers_share_the_work_and_see_each_their_own(tail: LiveTail, blocks: Blocks) -> None:
    acme, bolt = (tail.watch(Filter(workspace="w", customer=(name,))) for name in ("acme", "bolt"))
    tail.offer(blocks.of([make(customer=name) for name in ("acme", "bolt", "acme")]))
    assert len(records_of(await take(acme, 2))) == 2
    assert len(records_of(await take(bolt, 1))) == 1


async def test_nothing_is_decoded_while_nobody_watches(
    tail: LiveTail, blocks: Blocks, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded: list[bytes] = []
    decode = tail_module.decode_line
    monkeypatch.setattr(tail_module, "decode_line", lambda line: decoded.append(line) or decode(line))
    tail.offer(blocks.of([make()]))
    watcher = tail.watch(ALL)
    tail.offer(blocks.of([make()]))
    await take(watcher, 1)
    watcher.close()
    tail.offer(blocks.of([make()]))
    again = tail.watch(ALL)
    tail.offer(blocks.of([make()]))
    await take(again, 1)
    assert len(decoded) == 2


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


async def test_what_a_followed_record_leads_to_is_told_by_its_cause_whatever_the_filter(
    tail: LiveTail, blocks: Blocks
) -> None:
    watcher = tail.watch(Filter(workspace="w", customer=("acme",)))
    cause, other = make(customer="acme"), make(customer="acme")
    tail.offer(blocks.of([cause, other]))
    assert len(await take(watcher, 2)) == 2
    watcher.follow([cause.id])
    tail.offer(blocks.of([make(parent_id=other.id), make(parent_id=cause.id), make(parent_id=cause.id)]))
    await until_looked(watcher, 3)
    (told,) = await take(watcher, 1)
    assert isinstance(told, LedTo)
    assert told.causes == {cause.id}
    tail.offer(blocks.of([make(parent_id=cause.id, customer="acme")]))
    await until_looked(watcher, 4)
    assert [type(event) for event in await take(watcher, 2)] == [Arrived, LedTo]
    watcher.follow([])
    tail.offer(blocks.of([make(parent_id=cause.id)]))
    await until_looked(watcher, 5)
    assert await watcher.next(0) == []


async def test_a_record_can_be_found_when_it_is_shown(tail: LiveTail) -> None:
    clock = FakeClock(NOW)
    journal, store = MemoryJournal(clock=clock), MemoryStore()
    pump = Pump(journal.reader("log"), store, clock, on_inserted=tail.offer)
    watcher = tail.watch(ALL)
    pump.start()
    for _ in range(3):
        record = make()
        await journal.append(Append((Item(record.id, encode_line(record)),)))
        (event,) = await take(watcher, 1)
        assert isinstance(event, Arrived)
        assert store.find("w", event.record.id) == record
    await asyncio.to_thread(pump.stop)


async def test_a_block_that_the_pump_had_to_try_again_is_shown_once(tail: LiveTail) -> None:
    class Faulty(MemoryStore):
        fails = 2

        def insert(self, lines: bytes, token: str) -> None:
            super().insert(lines, token)
            self.fails -= 1
            if self.fails >= 0:
                raise Unavailable("cut off")

    clock = FakeClock(NOW)
    journal = MemoryJournal(clock=clock)
    pump = Pump(journal.reader("log"), Faulty(), clock, on_inserted=tail.offer)
    watcher = tail.watch(ALL)
    record = make()
    await journal.append(Append((Item(record.id, encode_line(record)),)))
    pump.start()
    assert await asyncio.to_thread(pump.drain, PATIENCE_S)
    await asyncio.to_thread(pump.stop)
    await until_looked(watcher, journal.status().last + 1)
    assert len(await watcher.next(PATIENCE_S) or []) == 1
    assert await watcher.next(0) == []


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


async def test_who_comes_back_gets_what_came_meanwhile_though_nobody_watched(tail: LiveTail, blocks: Blocks) -> None:
    watcher = tail.watch(Filter(workspace="w", customer=("acme",)))
    tail.offer(blocks.of([make(customer="acme"), make(customer="acme", message="second"), make()]))
    first, _ = await take(watcher, 2)
    watcher.close()
    third = make(customer="acme", message="third")
    tail.offer(blocks.of([make(), third]))
    again = tail.watch(watcher.filter, str(first.place))
    assert [record.message for record in records_of(await take(again, 2))] == ["second", "third"]


async def test_the_place_moves_on_while_nothing_matches(tail: LiveTail, blocks: Blocks) -> None:
    watcher = tail.watch(Filter(workspace="w", customer=("nobody",)))
    before = watcher.place
    tail.offer(blocks.of([make(), make()], positions=2))
    await until_looked(watcher, 3)
    assert await watcher.next(0) == []
    assert before < watcher.place == tail.here()


async def test_who_searches_and_then_watches_from_there_misses_nothing(tail: LiveTail, blocks: Blocks) -> None:
    tail.offer(blocks.of([make()]))
    here = tail.here()
    between = make()
    tail.offer(blocks.of([between]))
    watcher = tail.watch(ALL, str(here))
    assert [record.id for record in records_of(await take(watcher, 1))] == [between.id]


@pytest.mark.parametrize("place", ["1.0", "2.7", "400.0"])
async def test_what_is_no_longer_kept_is_told_as_dropped_nobody_knows_how_much(place: str) -> None:
    """Before what this process has, or in a journal that is not this one; what is kept is shown."""
    tail, blocks = LiveTail(begin=40), Blocks(last=40)
    tail.offer(blocks.of([make()], positions=3))
    watcher = tail.watch(ALL, place)
    last = make()
    tail.offer(blocks.of([last]))
    missing, *events = await take_until(watcher, last)
    assert isinstance(missing, Dropped)
    assert (missing.count, missing.at_most) == (None, None)
    assert len(records_of(events)) == len(events) == (1 if place == "400.0" else 2)
    tail.close()


async def test_after_a_restart_in_which_nothing_came_a_watcher_goes_on_without_a_gap() -> None:
    tail, blocks = LiveTail(), Blocks()
    watcher = tail.watch(ALL)
    tail.offer(blocks.of([make()]))
    (event,) = await take(watcher, 1)
    tail.close()
    after = LiveTail(begin=blocks.last)
    again = after.watch(ALL, str(event.place))
    record = make()
    after.offer(blocks.of([record]))
    assert [record.id for record in records_of(await take(again, 1))] == [record.id]
    after.close()


@pytest.mark.parametrize("text", ["x", "1", "1.", ".1", "-1.0", "1.0\n", "1.0.0", "٣.0" * 9, "9" * 400 + ".0"])
async def test_a_place_that_is_none_is_refused(tail: LiveTail, text: str) -> None:
    with pytest.raises(BadRequest):
        tail.watch(ALL, text)
    assert tail.watching == 0


async def test_no_more_watch_than_may_and_who_leaves_makes_room(tail: LiveTail) -> None:
    watchers = [tail.watch(ALL) for _ in range(MOST_WATCHERS)]
    with pytest.raises(TooMany) as refused:
        tail.watch(ALL)
    assert refused.value.retry_after_s
    watchers[0].close()
    watchers[0].close()
    tail.watch(ALL)
    assert tail.watching == MOST_WATCHERS


async def test_closing_ends_every_watcher_at_once_after_what_waits_for_it(tail: LiveTail, blocks: Blocks) -> None:
    idle = tail.watch(Filter(workspace="w", customer=("nobody",)))
    watcher = tail.watch(ALL)
    tail.offer(blocks.of([make()]))
    await until_looked(watcher, 2)
    waiting = asyncio.create_task(idle.next(PATIENCE_S))
    await asyncio.sleep(0)
    tail.close()
    assert len(await watcher.next(PATIENCE_S) or []) == 1
    assert await watcher.next(PATIENCE_S) is None
    assert await asyncio.wait_for(waiting, PATIENCE_S) is None
    with pytest.raises(Unavailable):
        tail.watch(ALL)


async def test_a_record_that_cannot_be_shown_costs_that_record_alone(
    tail: LiveTail, blocks: Blocks, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail_for_one(record: Record, filter: Filter) -> bool:
        if record.message == "odd":
            raise RecursionError("too deep")
        return matches(record, filter)

    monkeypatch.setattr(tail_module, "matches", fail_for_one)
    watcher = tail.watch(ALL)
    tail.offer(blocks.of([make(message="odd"), make(message="even")]))
    missing, arrived = await take(watcher, 2)
    assert isinstance(missing, Dropped)
    assert (missing.count, missing.at_most) == (None, 1)
    assert isinstance(arrived, Arrived)
    assert "cannot be shown" in caplog.text


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
