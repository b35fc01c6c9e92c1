"""How far a list looks next, and where it does not look."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from clew.core.clock import DAY_MS, HOUR_MS
from clew.log.widening import MOST_ROWS, Look, Stepping, Widening
from clew.log.windows import Window, join_first, windows_back, windows_on

NOW = 1_780_000_000_000
TODAY = NOW // DAY_MS
MONTH = range(TODAY - 29, TODAY + 1)
WANTED = 51


def search(rows, most=None, *, is_told=True, windows=None):
    windows = windows or windows_back(Window(), NOW, rows)
    return Widening(windows, rows, most or {}, is_told=is_told, later=False, start_ms=NOW)


def looks(search, found=0):
    return list(iter(lambda: search.next(found, WANTED), None))


def month(count, **others):
    return dict.fromkeys(MONTH, count)


def test_of_what_nothing_is_known_an_hour_is_looked_at_first_and_in_order():
    first = search(month(300_000)).next(0, WANTED)
    assert first == Look(Window(NOW - HOUR_MS, None), None, True, False)


def test_what_cannot_fill_a_page_in_an_hour_nor_a_day_is_asked_for_at_once():
    most = dict.fromkeys(MONTH[:-1], 20)  # the last day is not over: it has as many, for all that is known
    first = search(month(1_000), most).next(0, WANTED)
    assert first == Look(Window(NOW - 4 * DAY_MS, None), None, False, True)


def test_where_only_a_part_of_what_is_told_is_asked_for_it_is_looked_for_further():
    most = dict.fromkeys(MONTH[:-1], 60)
    windows = windows_back(Window(), NOW, MONTH)
    whole = Widening(windows, month(1_000), most, is_told=False, later=False, start_ms=NOW)
    part = Widening(windows, month(1_000), most, is_told=False, later=False, part=0.4, start_ms=NOW)
    assert whole.next(0, WANTED).window == Window(NOW - DAY_MS, None)
    assert part.next(0, WANTED).window == Window(NOW - 4 * DAY_MS, None)


def test_days_without_such_a_record_are_left_out_and_those_of_which_nothing_is_known_are_not():
    most = dict.fromkeys(MONTH[:-1], 0) | {TODAY - 12: 1, TODAY - 20: 1}
    assert looks(search(month(1_000), most)) == [Look(Window(), (TODAY - 20, TODAY - 12, TODAY), False, True)]


def test_a_window_of_days_without_any_such_record_is_not_asked_for():
    most = {day: 0 for day in MONTH if day != TODAY - 1}
    assert [look.days for look in looks(search(month(1_000_000), most, is_told=True))] == [(TODAY - 1,)]


def test_after_a_day_that_had_few_of_what_nobody_counts_the_rest_is_asked_for_at_once():
    windows = join_first(windows_back(Window(), NOW, MONTH), later=False)
    one = search(month(300_000), is_told=False, windows=windows)
    assert one.next(0, WANTED) == Look(Window(NOW - DAY_MS, None), None, True, False)
    assert one.next(0, WANTED) == Look(Window(None, NOW - DAY_MS), None, False, True)
    assert one.next(0, WANTED) is None


def test_after_a_day_that_had_half_a_page_only_as_far_again_is_looked_as_the_other_half_may_lie():
    windows = join_first(windows_back(Window(), NOW, MONTH), later=False)
    one = search(month(300_000), is_told=False, windows=windows)
    one.next(0, WANTED)
    assert one.next(25, WANTED).window == Window(NOW - 4 * DAY_MS, NOW - DAY_MS)


def test_what_the_values_tell_is_believed_more_than_a_quiet_hour():
    one = search(month(300_000), dict.fromkeys(MONTH[:-1], 300_000))
    assert one.next(0, WANTED).window == Window(NOW - HOUR_MS, None)
    assert one.next(0, WANTED) == Look(Window(NOW - DAY_MS, NOW - HOUR_MS), None, True, False)


def test_one_question_never_looks_through_more_than_a_bound_where_it_could_be_several():
    one = search(month(MOST_ROWS), dict.fromkeys(MONTH[:-1], 1))
    assert [look.can_divide for look in looks(one)] == [False] * 7


def test_what_was_too_much_at_once_is_asked_for_window_by_window():
    most = dict.fromkeys(MONTH[:-1], 1)
    one = search(month(1_000), most)
    assert one.next(0, WANTED).can_divide
    one.divide()
    assert [look.window for look in looks(one)] == windows_back(Window(), NOW, MONTH)


def test_where_an_index_finds_it_there_is_one_question_in_no_order():
    assert looks(search({}, windows=[Window(5, 9)])) == [Look(Window(5, 9), None, False, False)]


def test_the_windows_of_a_scan_are_never_joined():
    windows = [Window(5, 9), Window(1, 5)]
    one = Stepping(windows)
    assert [one.next(0, WANTED), one.next(0, WANTED), one.next(0, WANTED)] == [*map(Look, windows), None]


days = st.integers(TODAY - 40, TODAY + 3)
times = st.one_of(st.none(), st.integers(NOW - 60 * DAY_MS, NOW + 60 * DAY_MS))


@given(
    times,
    times,
    st.dictionaries(days, st.integers(1, 10**6), max_size=8),
    st.dictionaries(days, st.sampled_from([0, 0, 1, 1000]), max_size=8),
    st.booleans(),
    st.booleans(),
    st.lists(st.integers(0, 20), max_size=8),
)
def test_every_day_that_can_have_a_record_is_looked_at_once(from_ms, to_ms, rows, most, is_told, later, finds):
    whole = Window(from_ms, to_ms)
    most = {day: count for day, count in most.items() if day in rows}
    windows = (windows_on if later else windows_back)(whole, None if later else NOW, rows)
    one = Widening(windows, rows, most, is_told=is_told, later=later, start_ms=None if later else NOW)
    found, asked = 0, []
    while look := one.next(found, WANTED):
        asked.append(look)
        found += finds.pop() if finds else 0
    in_order = asked if later else asked[::-1]
    assert all(older.window.to_ms <= newer.window.from_ms for older, newer in pairwise(in_order))
    for day in rows:
        for ms in (day * DAY_MS, day * DAY_MS + 12 * HOUR_MS, (day + 1) * DAY_MS - 1):
            is_within = (from_ms is None or ms >= from_ms) and (to_ms is None or ms < to_ms)
            times_asked = sum(_is_in(look, day, ms) for look in asked)
            assert times_asked == is_within or (most.get(day) == 0 and not times_asked)


def _is_in(look, day, ms):
    window = look.window
    is_in_window = (window.from_ms is None or ms >= window.from_ms) and (window.to_ms is None or ms < window.to_ms)
    return is_in_window and (look.days is None or day in look.days)
