"""What `clew.log.store.LogStore` promises of lists, held against each store. The one in memory is the oracle."""

from __future__ import annotations

import pytest
from msgspec import structs

from clew.core.clock import DAY_MS, HOUR_MS
from clew.log.query import NO_ID, Filter, Place, Query
from clew.log.store import Count
from harness.log_samples import NOW, far_apart, found, ids_of, make, put


def test_a_list_is_in_the_order_of_time_and_then_of_the_text_of_the_id(store, workspace):
    records = [make(workspace, NOW + i // 5) for i in range(40)]
    put(store, *records)
    in_order = sorted(records, key=lambda r: (r.time, r.id))
    assert ids_of(store.page(Query(filter=Filter(workspace=workspace), sort="asc"))) == ids_of(in_order)
    assert ids_of(store.page(Query(filter=Filter(workspace=workspace)))) == ids_of(in_order)[::-1]


@pytest.mark.parametrize("sort", ["desc", "asc"])
@pytest.mark.parametrize("limit", [1, 3, 7, 50])
def test_pages_in_either_direction_visit_each_record_once(store, workspace, sort, limit):
    records = put(store, *far_apart(workspace))
    expected = ids_of(sorted(records, key=lambda r: (r.time, r.id), reverse=sort == "desc"))
    query = Query(filter=Filter(workspace=workspace), sort=sort, limit=limit)
    forward, page = [], store.page(query)
    assert not page.has_prev
    while True:
        forward.append(page)
        if not page.has_next:
            break
        last = page.items[-1]
        page = store.page(Query(filter=query.filter, sort=sort, limit=limit, place=Place(last.time, last.id)))
        assert page.has_prev
    assert [i for page in forward for i in ids_of(page)] == expected

    backward = [page]
    while page.has_prev:
        first = page.items[0]
        page = store.page(
            Query(filter=query.filter, sort=sort, limit=limit, place=Place(first.time, first.id), backward=True)
        )
        assert page.has_next
        if page.items:
            backward.append(page)
    assert [i for page in reversed(backward) for i in ids_of(page)] == expected


def test_the_last_page_is_reached_backward_without_a_place(store, workspace):
    records = put(store, *far_apart(workspace))
    expected = ids_of(sorted(records, key=lambda r: (r.time, r.id)))
    page = store.page(Query(filter=Filter(workspace=workspace), limit=4, backward=True))
    assert ids_of(page) == expected[:4][::-1]
    assert (page.has_prev, page.has_next) == (True, False)


@pytest.mark.parametrize(("stored", "limit", "has_next"), [(3, 3, False), (4, 3, True), (0, 3, False)])
def test_there_is_a_next_page_only_where_there_is_more(store, workspace, stored, limit, has_next):
    for i in range(stored):
        put(store, make(workspace, NOW - i * 40 * DAY_MS))
    page = store.page(Query(filter=Filter(workspace=workspace), limit=limit))
    assert (len(page.items), page.has_next, page.has_prev) == (min(stored, limit), has_next, False)


def test_a_record_that_comes_in_between_moves_no_page(store, workspace):
    records = put(store, *[make(workspace, NOW + i) for i in range(6)])
    first = store.page(Query(filter=Filter(workspace=workspace), limit=3))
    put(store, make(workspace, NOW + 100))
    last = first.items[-1]
    second = store.page(Query(filter=Filter(workspace=workspace), limit=3, place=Place(last.time, last.id)))
    assert ids_of(first) + ids_of(second) == ids_of(records)[::-1]


def test_from_is_inclusive_and_to_exclusive(store, workspace):
    records = put(store, *[make(workspace, NOW + i) for i in range(4)])
    page = store.page(Query(filter=Filter(workspace=workspace, from_ms=NOW + 1, to_ms=NOW + 3), sort="asc"))
    assert ids_of(page) == ids_of(records[1:3])


def test_an_empty_range_of_time_is_empty(store, workspace):
    put(store, make(workspace))
    for from_ms, to_ms in ((NOW, NOW), (NOW + 1, NOW - 1)):
        assert found(store, workspace, from_ms=from_ms, to_ms=to_ms) == set()
        assert store.count(Filter(workspace=workspace, from_ms=from_ms, to_ms=to_ms)) == Count(0)


def test_records_of_the_first_days_of_the_epoch_have_their_place(store, workspace):
    records = put(store, *[make(workspace, time) for time in (0, 1, DAY_MS)])
    assert ids_of(store.page(Query(filter=Filter(workspace=workspace), sort="asc"))) == ids_of(records)
    assert store.oldest_ms(workspace) == 0


@pytest.mark.parametrize("sort", ["desc", "asc"])
@pytest.mark.parametrize("backward", [False, True])
def test_a_page_that_pauses_is_gone_on_with_from_where_it_came_to(store, workspace, sort, backward):
    records = put(store, *[make(workspace, NOW - i * 7 * HOUR_MS, message=f"n{i}") for i in range(30)])
    filter = Filter(workspace=workspace, contains="n")
    query = Query(filter=filter, limit=4, sort=sort, backward=backward, pause_ms=0)
    seen, pages = [], 0
    while query is not None:
        page = store.page(query)
        pages += 1
        assert len(page.items) <= 4
        seen += ids_of(page)[::-1] if backward else ids_of(page)
        has_more = page.has_prev if backward else page.has_next
        if page.truncated:
            assert has_more
            place = Place(page.reached_ms, NO_ID)
        elif has_more:
            end = page.items[0 if backward else -1]
            place = Place(end.time, end.id)
        query = structs.replace(query, place=place) if has_more else None
    assert seen == ids_of(records if (sort == "desc") != backward else records[::-1])
    assert pages >= 8
