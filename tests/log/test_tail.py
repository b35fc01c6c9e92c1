"""The live tail: what came is shown to those who watch, from where they began or were."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clew.core.clock import FakeClock
from clew.core.errors import BadRequest, TooMany, Unavailable
from clew.core.ids import new_id
from clew.core.record import Record, encode_line, summarize
from clew.journal.journal import Append, Item
from clew.journal.memory import MemoryJournal
from clew.log import tail as tail_module
from clew.log.memory import MemoryStore, matches
from clew.log.pump import Pump
from clew.log.query import Filter
from clew.log.tail import MOST_WATCHERS, LiveTail
from clew.log.watcher import Arrived, Dropped, LedTo
from harness.watching import ALL, NOW, PATIENCE_S, Blocks, make, records_of, take, take_until, until_looked


@pytest.fixture
def tail() -> Iterator[LiveTail]:
    tail = LiveTail()
    yield tail
    tail.close()


@pytest.fixture
def blocks() -> Blocks:
    return Blocks()


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
