import threading

import pytest
from msgspec import structs

from clew.core.clock import DAY_MS, HOUR_MS, MINUTE_MS, FakeClock
from clew.core.errors import BadRequest
from clew.core.ids import new_id, new_trace_id
from clew.core.record import Record, encode_line
from clew.log.cursor import CursorCodec
from clew.log.memory import MemoryStore
from clew.log.parameters import FilterParser
from clew.log.query import Filter, Page
from clew.log.search import Coverage, Search
from clew.log.store import Bar, Count, Facets, FacetValue

NOW = 1_780_000_000_000
CURSORS = CursorCodec(b"secret")


class Indexed:
    def indexed_until_ms(self):
        return NOW - 5


class Limited(MemoryStore):
    """A store whose searches end at a bound."""

    reached_ms = None

    def page(self, query):
        page = super().page(query)
        return Page(page.items, has_next=bool(page.items), has_prev=False, truncated=True, reached_ms=self.reached_ms)

    def count(self, filter, budget_ms=None):
        return Count(super().count(filter).count, truncated=True, reached_ms=self.reached_ms)

    def histogram(self, filter, step_ms):
        whole = super().histogram(filter, step_ms)
        return structs.replace(whole, truncated=True, reached_ms=self.reached_ms)

    def facets(self, filter, names, limit):
        return Facets(super().facets(filter, names, limit).values, truncated=True, reached_ms=self.reached_ms)


@pytest.fixture
def clock():
    return FakeClock(NOW)


@pytest.fixture(params=[MemoryStore])
def store(request):
    return request.param()


@pytest.fixture
def search(store, clock):
    search = Search(store, progress=Indexed(), clock=clock, cursors=CURSORS)
    yield search
    search.close()


@pytest.fixture
def parser(clock):
    return FilterParser(clock=clock, cursors=CURSORS)


def put(store, *times, **fields):
    records = [Record(**({"id": new_id(t), "time": t, "workspace": "w", "kind": "step"} | fields)) for t in times]
    store.insert(b"".join(encode_line(record) + b"\n" for record in records), token=new_id())
    return [record.id for record in records]


async def follow(search, parser, pairs, cursor_of):
    """The ids of each page, from cursor to cursor."""
    pages, cursor = [], ""
    while cursor is not None:
        given = [*pairs, ("cursor", cursor)] if cursor else pairs
        answer = await search.page(parser.parse_list(given, workspace="w"))
        pages.append([item.id for item in answer.page.items])
        cursor = cursor_of(answer)
    return pages


@pytest.mark.parametrize("sort", ["desc", "asc"])
async def test_following_next_visits_every_record_once(search, parser, store, sort):
    ids = put(store, *[NOW - i * DAY_MS for i in range(7)])
    pages = await follow(search, parser, [("limit", "3"), ("sort", sort)], lambda answer: answer.next_cursor)
    expected = ids if sort == "desc" else ids[::-1]
    assert pages == [expected[:3], expected[3:6], expected[6:]]


async def test_prev_leads_back_to_the_page_before(search, parser, store):
    ids = put(store, *[NOW - i for i in range(5)])
    pairs = [("limit", "2")]
    first = await search.page(parser.parse_list(pairs, workspace="w"))
    second = await search.page(parser.parse_list([*pairs, ("cursor", first.next_cursor)], workspace="w"))
    back = await search.page(parser.parse_list([*pairs, ("cursor", second.prev_cursor)], workspace="w"))
    assert first.prev_cursor is None
    assert [item.id for item in second.page.items] == ids[2:4]
    assert back.page.items == first.page.items
    assert back.prev_cursor is None
    assert back.next_cursor == first.next_cursor


async def test_going_back_before_the_first_page_gives_the_first_page(search, parser, store):
    ids = put(store, *[NOW - i for i in range(4)])
    pairs = [("limit", "1")]
    first = await search.page(parser.parse_list(pairs, workspace="w"))
    second = await search.page(parser.parse_list([*pairs, ("cursor", first.next_cursor)], workspace="w"))
    back_twice = await search.page(parser.parse_list([*pairs, ("cursor", second.prev_cursor)], workspace="w"))
    new = put(store, NOW + 1)
    newest = await search.page(parser.parse_list([*pairs, ("cursor", second.prev_cursor)], workspace="w"))
    assert [item.id for item in back_twice.page.items] == ids[:1]
    assert newest.prev_cursor is not None
    back = await search.page(parser.parse_list([*pairs, ("cursor", newest.prev_cursor)], workspace="w"))
    assert [item.id for item in back.page.items] == new
    assert back.prev_cursor is None


async def test_an_empty_list_says_what_was_searched(search, parser, store):
    put(store, NOW - 9 * DAY_MS)
    answer = await search.page(parser.parse_list([("duration", "24h")], workspace="w"))
    assert answer.page.items == ()
    assert (answer.next_cursor, answer.prev_cursor) == (None, None)
    assert answer.coverage == Coverage(NOW - DAY_MS, NOW, NOW - 5, NOW - 9 * DAY_MS)
    assert answer.coverage.to_json() == {
        "from": "2026-05-27T20:26:40.000Z",
        "to": "2026-05-28T20:26:40.000Z",
        "indexed_until": "2026-05-28T20:26:39.995Z",
        "oldest_kept": "2026-05-19T20:26:40.000Z",
        "truncated": False,
    }


async def test_a_log_without_records_has_no_beginning(search, parser):
    answer = await search.page(parser.parse_list([], workspace="w"))
    assert answer.coverage == Coverage(None, NOW, NOW - 5, None)
    assert answer.coverage.to_json()["from"] is None


async def test_the_oldest_record_is_seen_as_soon_as_there_is_one_and_again_later(search, parser, store, clock):
    async def oldest():
        return (await search.page(parser.parse_list([], workspace="w"))).coverage.oldest_kept

    assert await oldest() is None
    put(store, NOW - 5)
    assert await oldest() == NOW - 5
    put(store, NOW - 9)
    clock.advance(10_000)
    assert await oldest() == NOW - 9


@pytest.mark.parametrize("store", [Limited], indirect=True)
async def test_a_truncated_search_says_how_far_it_came(search, parser, store):
    put(store, NOW - 9 * DAY_MS, NOW - 1)

    async def covered(*pairs):
        coverage = (await search.page(parser.parse_list(pairs, workspace="w"))).coverage
        assert coverage.truncated
        return coverage.from_ms, coverage.to_ms

    assert await covered() == (NOW, NOW)
    assert await covered(("sort", "asc")) == (NOW - 9 * DAY_MS, NOW - 9 * DAY_MS)
    store.reached_ms = NOW - DAY_MS
    assert await covered() == (NOW - DAY_MS, NOW)
    assert await covered(("sort", "asc")) == (NOW - 9 * DAY_MS, NOW - DAY_MS)
    assert (await search.count(Filter(workspace="w"))).coverage.truncated


async def test_a_count_says_what_was_searched(search, store):
    put(store, NOW, NOW - 1)
    answer = await search.count(Filter(workspace="w", from_ms=NOW))
    assert answer.count == Count(1)
    assert answer.coverage == Coverage(NOW, NOW, NOW - 5, NOW - 1)


async def test_a_histogram_begins_at_the_oldest_record_and_has_at_most_the_bars_asked_for(search, store):
    put(store, NOW - 1, NOW - 40 * DAY_MS, NOW - 20 * DAY_MS, status="failure")
    for bars, step_ms in ((60, DAY_MS), (10, 5 * DAY_MS), (1000, HOUR_MS)):
        answer = await search.histogram(Filter(workspace="w"), bars)
        assert answer.histogram.step_ms == step_ms
        assert sum(bar.failure for bar in answer.histogram.bars) == 3
        assert answer.coverage == Coverage(NOW - 40 * DAY_MS, NOW, NOW - 5, NOW - 40 * DAY_MS)


async def test_a_histogram_of_a_range_has_the_step_of_the_range_whatever_is_in_it(search, store):
    put(store, NOW - 1)
    answer = await search.histogram(Filter(workspace="w", from_ms=NOW - DAY_MS), bars=48)
    assert answer.histogram.step_ms == HOUR_MS
    assert answer.histogram.bars == (Bar((NOW - 1) // HOUR_MS * HOUR_MS, info=1),)
    assert answer.coverage.from_ms == NOW - DAY_MS


async def test_a_histogram_may_be_asked_by_its_step_unless_that_makes_too_many_bars(search, store):
    put(store, NOW - DAY_MS, NOW - 1)
    answer = await search.histogram(Filter(workspace="w"), step_ms=2 * MINUTE_MS)
    assert answer.histogram.step_ms == 2 * MINUTE_MS
    with pytest.raises(BadRequest, match="1441 bars") as refused:
        await search.histogram(Filter(workspace="w"), step_ms=MINUTE_MS)
    assert "longer step" in refused.value.hint


async def test_a_log_without_records_has_a_histogram_without_bars(search):
    answer = await search.histogram(Filter(workspace="w"))
    assert answer.histogram.bars == ()
    assert answer.coverage == Coverage(None, NOW, NOW - 5, None)


async def test_facets_say_what_was_searched(search, store):
    put(store, NOW, NOW - 1, customer="c")
    answer = await search.facets(Filter(workspace="w", from_ms=NOW), ("customer", "event"))
    assert answer.facets == {"customer": (FacetValue("c", 1, 0),), "event": ()}
    assert answer.coverage == Coverage(NOW, NOW, NOW - 5, NOW - 1)


@pytest.mark.parametrize("store", [Limited], indirect=True)
async def test_what_was_counted_in_part_says_from_when(search, store):
    put(store, NOW - 9 * DAY_MS, NOW - 1)

    async def covered():
        every = Filter(workspace="w")
        answers = (
            await search.count(every),
            await search.histogram(every),
            await search.facets(every, ("kind",)),
        )
        assert all(answer.coverage.truncated for answer in answers)
        return {answer.coverage.from_ms for answer in answers}

    assert await covered() == {NOW}
    store.reached_ms = NOW - DAY_MS
    assert await covered() == {NOW - DAY_MS}


async def test_an_export_has_every_record(search, store):
    ids = put(store, *[NOW - i for i in range(7)])
    lines = [piece async for piece in search.export(Filter(workspace="w"), "ndjson", "asc")]
    assert [line[7:43].decode() for line in lines] == ids[::-1]


async def test_a_record_and_its_trace_are_found(search, store):
    trace_id = new_trace_id()
    ids = put(store, NOW, NOW + 1, trace_id=trace_id)
    assert (await search.find("w", ids[0])).id == ids[0]
    assert await search.find("w", new_id()) is None
    assert [record.id for record in await search.trace("w", trace_id)] == ids
    assert [record.id for record in await search.trace("w", trace_id, limit=1)] == ids[:1]


async def test_questions_run_in_threads_of_their_own(search, store):
    seen = []
    store.find = lambda workspace, record_id: seen.append(threading.current_thread().name)
    await search.find("w", new_id())
    assert seen[0].startswith("log-search")
