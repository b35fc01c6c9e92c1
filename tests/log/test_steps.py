from hypothesis import given
from hypothesis import strategies as st

from clew.core.clock import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS
from clew.log.steps import STEPS_MS, choose_step_ms, count_bars

NOW = 1_780_000_000_000
TIMES = st.integers(-(62 * 10**12), 253 * 10**12)


@given(TIMES, st.integers(0, 40 * DAY_MS) | st.integers(0, 10**14), st.integers(1, 1000))
def test_a_chosen_step_is_round_and_has_at_most_as_many_bars_as_asked(from_ms, length_ms, bars):
    step_ms = choose_step_ms(from_ms, from_ms + length_ms, bars)
    assert step_ms in STEPS_MS.values() or step_ms % DAY_MS == 0
    assert count_bars(max(from_ms, 0), from_ms + length_ms, step_ms) <= bars


@given(TIMES, st.integers(0, 40 * DAY_MS), st.integers(1, 1000))
def test_no_shorter_round_step_would_do(from_ms, length_ms, bars):
    step_ms = choose_step_ms(from_ms, from_ms + length_ms, bars)
    shorter = [step for step in STEPS_MS.values() if step < step_ms]
    assert all(count_bars(from_ms, from_ms + length_ms, step) > bars for step in shorter)


@given(st.integers(0, 10**13), st.integers(0, 10**9), st.sampled_from(list(STEPS_MS.values())))
def test_a_range_meets_as_many_bars_as_the_times_in_it_have(from_ms, length_ms, step_ms):
    first, last = from_ms // step_ms, max(from_ms + length_ms - 1, from_ms) // step_ms
    assert count_bars(from_ms, from_ms + length_ms, step_ms) == last - first + 1


def test_the_steps_of_the_usual_ranges_are_those_one_expects():
    def step(length_ms):
        return choose_step_ms(NOW + 1 - length_ms, NOW + 1, 60)

    assert step(MINUTE_MS) == 2 * SECOND_MS  # it may meet 61 bars of one second
    assert step(HOUR_MS) == 2 * MINUTE_MS
    assert step(24 * HOUR_MS) == 30 * MINUTE_MS
    assert step(7 * DAY_MS) == 3 * HOUR_MS
    assert step(30 * DAY_MS) == DAY_MS
    assert step(365 * DAY_MS) == 7 * DAY_MS


def test_an_empty_range_has_the_shortest_step():
    assert choose_step_ms(NOW, NOW, 60) == SECOND_MS
    assert count_bars(NOW, NOW, SECOND_MS) == 1
