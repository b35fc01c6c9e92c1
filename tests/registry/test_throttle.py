import pytest

from clew.core.clock import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, FakeClock
from clew.core.errors import TooMany
from clew.registry.throttle import FREE_FAILURES, MOST_NAMES, Throttle


def fail(throttle: Throttle, name: str, times: int) -> None:
    for _ in range(times):
        throttle.begin(name)


def wait_s(throttle: Throttle, name: str) -> int:
    with pytest.raises(TooMany) as refused:
        throttle.begin(name)
    assert refused.value.retry_after_s
    return refused.value.retry_after_s


def test_five_failures_are_free_and_the_next_try_waits(clock: FakeClock) -> None:
    throttle = Throttle(clock)
    fail(throttle, "ada", FREE_FAILURES)
    assert wait_s(throttle, "ada") == 30


def test_the_wait_counts_from_the_last_failure_and_not_from_refused_tries(clock: FakeClock) -> None:
    throttle = Throttle(clock)
    fail(throttle, "ada", FREE_FAILURES)
    clock.advance(29_500)
    assert wait_s(throttle, "ada") == 1
    clock.advance(500)
    throttle.begin("ada")


def test_each_further_failure_doubles_the_wait_up_to_a_quarter_of_an_hour(clock: FakeClock) -> None:
    throttle = Throttle(clock)
    fail(throttle, "ada", FREE_FAILURES)
    waits = []
    for _ in range(8):
        waits.append(wait_s(throttle, "ada"))
        clock.advance(waits[-1] * SECOND_MS)
        throttle.begin("ada")
    assert waits == [30, 60, 120, 240, 480, 900, 900, 900]


def test_a_success_forgets_the_failures(clock: FakeClock) -> None:
    throttle = Throttle(clock)
    for _ in range(3):
        fail(throttle, "ada", FREE_FAILURES)
        throttle.succeed("ada")
    throttle.begin("ada")


def test_an_hour_without_a_try_forgets_the_failures(clock: FakeClock) -> None:
    throttle = Throttle(clock)
    fail(throttle, "ada", FREE_FAILURES)
    clock.advance(HOUR_MS)
    fail(throttle, "ada", FREE_FAILURES)
    assert wait_s(throttle, "ada") == 30


def test_names_wait_for_themselves_alone(clock: FakeClock) -> None:
    throttle = Throttle(clock)
    fail(throttle, "ada", FREE_FAILURES)
    throttle.begin("grace")


def test_a_guesser_has_about_a_hundred_tries_a_day(clock: FakeClock) -> None:
    throttle, tries = Throttle(clock), 0
    end_ms = clock.now_ms() + DAY_MS
    while clock.now_ms() < end_ms:
        try:
            throttle.begin("ada")
            tries += 1
        except TooMany:
            clock.advance(MINUTE_MS)
    assert 90 <= tries <= 110


def test_a_name_in_trouble_outlasts_newer_ones_while_it_is_tried(clock: FakeClock) -> None:
    throttle = Throttle(clock)
    fail(throttle, "ada", FREE_FAILURES)
    for number in range(MOST_NAMES - 1):
        throttle.begin(f"name {number}")
    assert wait_s(throttle, "ada") == 30
    for number in range(MOST_NAMES - 1):
        throttle.begin(f"another {number}")
    assert wait_s(throttle, "ada") == 30


def test_the_names_remembered_are_bounded(clock: FakeClock) -> None:
    throttle = Throttle(clock)
    fail(throttle, "ada", FREE_FAILURES)
    for number in range(MOST_NAMES):
        throttle.begin(f"name {number}")
    throttle.begin("ada")
