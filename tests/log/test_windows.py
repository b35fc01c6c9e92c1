from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from clew.core.clock import DAY_MS, HOUR_MS
from clew.log.windows import (
    MAX_PARTS,
    SCAN_RECORDS,
    Window,
    join_first,
    windows_back,
    windows_of_days,
    windows_of_scan,
    windows_on,
)

NOW = 1_780_000_000_000
TODAY = NOW // DAY_MS
ALL_DAYS = frozenset(range(TODAY - 100, TODAY + 1))

times = st.one_of(st.none(), st.integers(NOW - 60 * DAY_MS, NOW + 60 * DAY_MS))
days = st.frozensets(st.integers(TODAY - 90, TODAY + 3), max_size=6)


def test_a_list_looks_back_an_hour_a_day_twice_as_far_each_time_and_then_at_all():
    assert windows_back(Window(), NOW, ALL_DAYS) == [
        Window(NOW - HOUR_MS, None),
        Window(NOW - DAY_MS, NOW - HOUR_MS),
        Window(NOW - 2 * DAY_MS, NOW - DAY_MS),
        Window(NOW - 4 * DAY_MS, NOW - 2 * DAY_MS),
        Window(NOW - 8 * DAY_MS, NOW - 4 * DAY_MS),
        Window(NOW - 16 * DAY_MS, NOW - 8 * DAY_MS),
        Window(NOW - 32 * DAY_MS, NOW - 16 * DAY_MS),
        Window(None, NOW - 32 * DAY_MS),
    ]


def test_a_list_from_old_to_new_begins_at_the_oldest_day():
    start = min(ALL_DAYS) * DAY_MS
    windows = windows_on(Window(), None, ALL_DAYS)
    assert windows[0] == Window(None, start + HOUR_MS)
    assert windows[-1] == Window(start + 32 * DAY_MS, None)


def test_where_nothing_is_newer_than_a_day_long_ago_the_search_begins_there():
    old = frozenset({TODAY - 50, TODAY - 51})
    assert windows_back(Window(), NOW, old)[0] == Window((TODAY - 49) * DAY_MS - HOUR_MS, None)


def test_where_all_is_of_one_day_nothing_is_asked_beyond_it():
    assert windows_back(Window(), NOW, frozenset({TODAY})) == [Window(NOW - HOUR_MS, None), Window(None, NOW - HOUR_MS)]


def test_without_any_day_one_question_is_enough():
    assert windows_back(Window(5, 9), NOW, frozenset()) == [Window(5, 9)]
    assert windows_on(Window(5, 9), NOW, frozenset()) == [Window(5, 9)]


@given(times, times, times, days)
def test_windows_back_cover_the_whole_without_gap_or_overlap(from_ms, to_ms, start_ms, known):
    windows = windows_back(Window(from_ms, to_ms), start_ms, known)
    assert windows[0].to_ms == to_ms
    assert windows[-1].from_ms == from_ms
    for newer, older in pairwise(windows):
        assert older.to_ms == newer.from_ms is not None
        assert newer.to_ms is None or newer.from_ms < newer.to_ms


@given(times, times, times, days)
def test_windows_on_cover_the_whole_without_gap_or_overlap(from_ms, to_ms, start_ms, known):
    windows = windows_on(Window(from_ms, to_ms), start_ms, known)
    assert windows[0].from_ms == from_ms
    assert windows[-1].to_ms == to_ms
    for older, newer in pairwise(windows):
        assert older.to_ms == newer.from_ms is not None
        assert older.from_ms is None or older.from_ms < older.to_ms


PARTS = st.dictionaries(st.integers(TODAY - 70, TODAY + 70), st.integers(1, 30), max_size=40)


@given(times, times, PARTS, st.booleans())
def test_runs_of_days_have_every_day_of_the_whole_once_and_few_parts_each(from_ms, to_ms, parts, later):
    whole = Window(from_ms, to_ms)
    windows = windows_of_days(whole, parts, later=later)
    in_order = windows if later else windows[::-1]
    assert all(older.to_ms <= newer.from_ms for older, newer in pairwise(in_order))
    for day in parts:
        for ms in (day * DAY_MS, day * DAY_MS + 12 * HOUR_MS, (day + 1) * DAY_MS - 1):
            is_within = (from_ms is None or ms >= from_ms) and (to_ms is None or ms < to_ms)
            assert sum(window.from_ms <= ms < window.to_ms for window in windows) == is_within
    for window in windows:
        opened = [parts[day] for day in parts if (day + 1) * DAY_MS > window.from_ms and day * DAY_MS < window.to_ms]
        assert sum(opened) <= MAX_PARTS or len(opened) == 1


def test_a_hundred_small_days_are_read_in_few_questions():
    assert len(windows_of_days(Window(), dict.fromkeys(ALL_DAYS, 1), later=False)) == -(-len(ALL_DAYS) // MAX_PARTS)


def test_a_day_of_many_parts_is_read_in_slices_that_meet_few_of_them():
    whole = Window(TODAY * DAY_MS + 7 * HOUR_MS, None)
    parts = {TODAY: 5 * MAX_PARTS + 1, TODAY + 1: 1}
    windows = windows_of_days(whole, parts, later=True)
    assert [(window.from_ms - TODAY * DAY_MS) / HOUR_MS for window in windows] == [7, 8, 12, 16, 20, 24]
    assert all(older.to_ms == newer.from_ms for older, newer in pairwise(windows))
    assert windows_of_days(whole, parts, later=False) == windows[::-1]


@given(st.booleans())
def test_the_first_two_windows_may_be_one_without_gap_or_overlap(later):
    windows = (windows_on if later else windows_back)(Window(), NOW, range(TODAY - 90, TODAY + 90))
    joined = join_first(windows, later=later)
    assert joined[1:] == windows[2:]
    first, second = (windows[0], windows[1]) if later else (windows[1], windows[0])
    assert joined[0] == Window(first.from_ms, second.to_ms)
    assert join_first(windows[:1], later=later) == windows[:1]


def test_a_scan_looks_at_an_hour_and_then_at_a_day_at_a_time_or_at_parts_of_a_busy_one():
    records = {TODAY: 10, TODAY - 1: SCAN_RECORDS, TODAY - 2: 3 * SCAN_RECORDS, TODAY - 4: 10, TODAY - 5: 10}
    begins = [window.from_ms for window in windows_of_scan(Window(), NOW, records, later=False)]
    day, third = TODAY * DAY_MS, DAY_MS // 3
    assert begins == [
        NOW - HOUR_MS,
        day,
        day - DAY_MS,
        day - DAY_MS - third,
        day - DAY_MS - 2 * third,
        day - 2 * DAY_MS,
        None,  # the few of the days before are looked at together
    ]
    again = windows_of_scan(Window(), day - DAY_MS, records, later=False, has_begun=True)
    assert [window.from_ms for window in again] == begins[3:]


counts = st.dictionaries(st.integers(TODAY - 90, TODAY + 3), st.integers(1, 3 * SCAN_RECORDS), max_size=8)


@given(times, times, times, counts, st.booleans(), st.booleans())
def test_a_scan_covers_the_whole_without_gap_or_overlap(from_ms, to_ms, start_ms, records, later, has_begun):
    windows = windows_of_scan(Window(from_ms, to_ms), start_ms, records, later=later, has_begun=has_begun)
    in_order = windows if later else windows[::-1]
    assert in_order[0].from_ms == from_ms
    assert in_order[-1].to_ms == to_ms
    for older, newer in pairwise(in_order):
        assert older.to_ms == newer.from_ms is not None
        assert older.from_ms is None or older.from_ms < older.to_ms
