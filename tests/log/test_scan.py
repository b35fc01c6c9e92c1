"""A search without an index, in steps: all of it is looked at once, and each step says how far it came."""

import asyncio

import pytest

from clew.core.clock import DAY_MS, HOUR_MS, FakeClock
from clew.core.errors import BadRequest, TooMany, Unavailable
from clew.core.ids import new_id
from clew.core.record import Record, encode_line
from clew.log.cursor import Cursor, CursorCodec
from clew.log.memory import MemoryStore
from clew.log.parameters import FilterParser
from clew.log.query import Page, Place
from clew.log.scan import begin_scan, parse_scan, scan
from clew.log.search import SCANS_AT_ONCE, Search
from harness.pausing_store import PausingStore

NOW = 1_780_000_000_000
CURSORS = CursorCodec(b"secret")


class Indexed:
    def indexed_until_ms(self):
        return NOW


class FailingStore(PausingStore):
    """A store that fails at one question, which `fails_at` counts."""

    fails_at = 0

    def page(self, query):
        page = super().page(query)
        if self.asked == self.fails_at:
            raise Unavailable("The log is closed.")
        return page


class Tight(MemoryStore):
    """A store that can look at nothing within its bounds."""

    def page(self, query):
        return Page((), has_next=False, has_prev=False, truncated=True)


@pytest.fixture
def store():
    return FailingStore(NOW)


@pytest.fixture
def search(store):
    search = Search(store, progress=Indexed(), clock=FakeClock(NOW), cursors=CURSORS)
    yield search
    search.close()


@pytest.fixture
def parser():
    return FilterParser(clock=FakeClock(NOW), cursors=CURSORS)


def put(store, *times):
    records = [Record(id=new_id(t), time=t, workspace="w", kind="step", message="an apple") for t in times]
    store.insert(b"".join(encode_line(record) + b"\n" for record in records), token=new_id())
    return [record.id for record in records]


def ask(parser, *pairs):
    return parse_scan(parser, [("contains", "PPL"), *pairs], workspace="w")


async def steps_of(search, request):
    return [step async for step in scan(search, request)]


@pytest.mark.parametrize("sort", ["desc", "asc"])
async def test_a_scan_finds_each_record_once_and_says_how_far_it_came(search, parser, store, sort):
    ids = put(store, *[NOW - i * 9 * HOUR_MS for i in range(20)])
    steps = await steps_of(search, ask(parser, ("sort", sort)))
    assert len(steps) > 5
    found = [item.id for step in steps for item in step.items]
    assert found == (ids if sort == "desc" else ids[::-1])
    assert [step.is_done for step in steps] == [False] * (len(steps) - 1) + [True]
    fractions = [step.fraction for step in steps]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert [step.matches for step in steps] == [
        len([i for s in steps[: n + 1] for i in s.items]) for n in range(len(steps))
    ]
    for step in steps[:-1]:
        assert step.coverage.truncated
        assert step.reached_ms == (step.coverage.to_ms if sort == "asc" else step.coverage.from_ms)
    assert not steps[-1].coverage.truncated
    assert steps[-1].next_cursor is None


async def test_a_scan_ends_at_its_limit_and_goes_on_from_its_cursor(search, parser, store):
    ids = put(store, *[NOW - i * 9 * HOUR_MS for i in range(20)])
    found, cursor, ends = [], "", 0
    while cursor is not None:
        steps = await steps_of(search, ask(parser, ("limit", "6"), *([("cursor", cursor)] if cursor else [])))
        items = [item.id for step in steps for item in step.items]
        assert len(items) <= 6
        found += items
        cursor = steps[-1].next_cursor
        assert steps[-1].coverage.truncated is (cursor is not None)
        ends += 1
    assert found == ids
    assert ends == 4


async def test_from_the_cursor_of_any_step_a_list_goes_on_and_nothing_is_looked_at_twice(search, parser, store):
    ids = put(store, *[NOW - i * 9 * HOUR_MS for i in range(20)])
    seen = []
    async for step in scan(search, ask(parser)):
        seen += [item.id for item in step.items]
        if step.next_cursor:
            rest, cursor = [], step.next_cursor
            while cursor:
                answer = await search.page(ask(parser, ("cursor", cursor)))
                rest += [item.id for item in answer.page.items]
                cursor = answer.next_cursor
            assert seen + rest == ids


async def test_of_nothing_there_is_one_step(search, parser):
    (step,) = await steps_of(search, ask(parser))
    assert (step.items, step.is_done, step.fraction, step.from_ms) == ((), True, 1.0, None)


@pytest.mark.parametrize("store", [Tight()], ids=["tight"])
async def test_where_nothing_can_be_looked_at_the_scan_ends_and_says_so(search, parser, store):
    (step,) = await steps_of(search, ask(parser))
    assert (step.is_done, step.reached_ms, step.fraction, step.next_cursor) == (True, None, 0.0, None)
    assert step.coverage.truncated


async def test_no_more_than_a_few_scans_run_and_one_that_is_left_makes_room(search, parser, store):
    put(store, *[NOW - i * DAY_MS for i in range(9)])
    running = [scan(search, ask(parser)) for _ in range(SCANS_AT_ONCE)]
    for steps in running:
        await anext(steps)
    with pytest.raises(TooMany) as refused:
        await anext(scan(search, ask(parser)))
    assert refused.value.retry_after_s
    await running[0].aclose()
    asked = store.asked
    assert await steps_of(search, ask(parser))
    await running[1].aclose()
    after = store.asked
    await asyncio.sleep(0)
    assert store.asked == after > asked  # those that were left ask no more


async def test_a_failure_in_the_middle_is_told_in_the_stream_and_one_at_the_beginning_refuses_it(search, parser, store):
    put(store, *[NOW - i * DAY_MS for i in range(9)])

    async def write(step):
        return b"step\n"

    store.fails_at = 3
    pieces = [piece async for piece in await begin_scan(search, ask(parser), write)]
    assert pieces[:2] == [b"step\n", b"step\n"]
    assert pieces[2].startswith(b"event: failed\ndata: {")
    assert b"The log is closed." in pieces[2]
    assert len(pieces) == 3
    store.asked = 2
    with pytest.raises(Unavailable):
        await begin_scan(search, ask(parser), write)
    store.fails_at = 0
    assert len(await steps_of(search, ask(parser))) > 3  # a scan that failed holds no turn


def test_a_scan_needs_a_text_and_goes_forward(parser):
    with pytest.raises(BadRequest, match="needs `contains`"):
        parse_scan(parser, [("q", "apple")], workspace="w")
    request = ask(parser)
    back = CURSORS.encode(Cursor(Place(NOW, new_id(NOW)), backward=True), request.binding)
    with pytest.raises(BadRequest, match="goes on and not back"):
        ask(parser, ("cursor", back))
