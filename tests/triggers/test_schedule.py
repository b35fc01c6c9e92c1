"""When something is due: intervals, cron expressions, and the hours that summer time takes and gives."""

from __future__ import annotations

import zoneinfo
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clew.core.clock import DAY_MS, HOUR_MS, MINUTE_MS, from_rfc3339, to_rfc3339
from clew.triggers.schedule import Schedule, parse_schedule

ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "Africa/Cairo"]


def schedule_of(**given_: Any) -> Schedule:
    schedule = parse_schedule(**given_)
    assert schedule is not None
    return schedule


def due(schedule: Schedule, after: str, count: int = 1) -> list[str]:
    times, time_ms = [], from_rfc3339(after)
    for _ in range(count):
        time_ms = schedule.next_after(time_ms)
        times.append(to_rfc3339(time_ms).replace(":00.000Z", "Z"))
    return times


def test_nothing_given_is_no_schedule() -> None:
    assert parse_schedule() is None


def test_an_interval_is_due_at_its_multiples() -> None:
    schedule = schedule_of(every=timedelta(minutes=5))
    assert due(schedule, "2026-03-01T12:01:00Z", 2) == ["2026-03-01T12:05Z", "2026-03-01T12:10Z"]
    assert due(schedule, "2026-03-01T12:05:00Z") == ["2026-03-01T12:10Z"]


@pytest.mark.parametrize(
    ("cron", "after", "expected"),
    [
        ("*/15 * * * *", "2026-03-01T12:01:00Z", ["2026-03-01T12:15Z", "2026-03-01T12:30Z"]),
        ("0 6 * * MON-FRI", "2026-02-27T06:00:00Z", ["2026-03-02T06:00Z", "2026-03-03T06:00Z"]),
        ("30 4 L * *", "2026-02-01", ["2026-02-28T04:30Z", "2026-03-31T04:30Z"]),
        ("0 0 29 2 *", "2026-02-01", ["2028-02-29T00:00Z", "2032-02-29T00:00Z"]),
    ],
)
def test_cron_is_due_at_its_times(cron: str, after: str, expected: list[str]) -> None:
    assert due(schedule_of(cron=cron), after, 2) == expected


def test_a_time_that_spring_skips_is_due_right_after() -> None:
    schedule = schedule_of(cron="30 2 * * *", time_zone="Europe/Berlin")
    assert due(schedule, "2026-03-28T12:00:00Z", 2) == ["2026-03-29T01:00Z", "2026-03-30T00:30Z"]


def test_a_time_that_autumn_repeats_is_due_once() -> None:
    schedule = schedule_of(cron="30 2 * * *", time_zone="Europe/Berlin")
    assert due(schedule, "2026-10-24T12:00:00Z", 2) == ["2026-10-25T00:30Z", "2026-10-26T01:30Z"]


def test_what_is_due_every_half_hour_is_due_in_both_of_the_repeated_hours() -> None:
    schedule = schedule_of(cron="*/30 * * * *", time_zone="Europe/Berlin")
    times = due(schedule, "2026-10-25T00:00:00Z", 4)
    assert times == ["2026-10-25T00:30Z", "2026-10-25T01:00Z", "2026-10-25T01:30Z", "2026-10-25T02:00Z"]


@pytest.mark.parametrize(
    ("given_", "words"),
    [
        ({"every": timedelta(milliseconds=999)}, ["every=", "1 second"]),
        ({"every": timedelta(days=400)}, ["366 days"]),
        ({"every": timedelta(seconds=1, microseconds=1)}, ["whole milliseconds"]),
        ({"every": 5}, ["every=5 is no duration"]),
        ({"every": timedelta(hours=1), "cron": "* * * * *"}, ["both"]),
        ({"cron": "* * * *"}, ["'* * * *'", "five fields", "day of the week"]),
        ({"cron": "0 * * * * *"}, ["five fields"]),
        ({"cron": "@daily"}, ["five fields"]),
        ({"cron": "61 * * * *"}, ["'61' is no minute (0-59)"]),
        ({"cron": "0 */0 * * *"}, ["'*/0' is no hour"]),
        ({"cron": "0 0 32 * *"}, ["'32' is no day of the month"]),
        ({"cron": "0 0 * FOO *"}, ["'FOO' is no month"]),
        ({"cron": "0 0 * * 8"}, ["'8' is no day of the week"]),
        ({"cron": "0 0 31 2 *"}, ["never due"]),
        ({"cron": "* * */20 * 1L"}, ["never due"]),
        ({"cron": 5}, ["five fields"]),
        ({"cron": "* * * * *", "time_zone": "Mars/Base"}, ["'Mars/Base' is not known"]),
        ({"cron": "* * * * *", "time_zone": "../etc/passwd"}, ["not known"]),
        ({"cron": "* * * * *", "time_zone": ""}, ["not known"]),
        ({"cron": "* * * * *", "time_zone": None}, ["not known"]),
    ],
)
def test_what_is_no_schedule_says_why(given_: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(ValueError, match=r".") as error:
        parse_schedule(**given_)
    assert [word for word in words if word not in str(error.value)] == []


MOMENTS = st.integers(from_rfc3339("2020-01-01"), from_rfc3339("2030-01-01"))
# Around the changes to and from summer time of the zones above, to the minute.
NEAR_CHANGES = st.builds(
    lambda day, offset: from_rfc3339(day) + offset * MINUTE_MS,
    st.sampled_from(["2026-03-29", "2026-10-25", "2026-03-08", "2026-11-01", "2026-04-04", "2026-10-03", "2026-04-23"]),
    st.integers(-12 * 60, 36 * 60),
)
FIELDS = st.tuples(
    st.sampled_from(["*", "*/7", "0", "30", "0,30", "15-45/5", "59"]),
    st.sampled_from(["*", "2", "1-3", "0", "*/6", "2,3", "23"]),
    st.sampled_from(["*", "*", "1", "L", "25-29", "*/9"]),
    st.sampled_from(["*", "*", "3", "10,11", "MAR-APR"]),
    st.sampled_from(["*", "*", "SUN", "1-5", "0#1", "5L"]),
)
SCHEDULES = st.one_of(
    st.integers(1_000, 10 * DAY_MS).map(lambda ms: Schedule(every_ms=ms)),
    st.builds(lambda fields, zone: Schedule(cron=" ".join(fields), time_zone=zone), FIELDS, st.sampled_from(ZONES)),
)


@given(schedule=SCHEDULES, time_ms=MOMENTS | NEAR_CHANGES, between=st.floats(0, 1, exclude_max=True))
def test_what_is_next_is_next_from_every_moment_before_it(schedule: Schedule, time_ms: int, between: float) -> None:
    following = schedule.next_after(time_ms)
    assert following > time_ms
    assert schedule.next_after(time_ms + int((following - time_ms) * between)) == following
    assert schedule.next_after(following - 1) == following


@given(schedule=SCHEDULES, after_ms=NEAR_CHANGES, lasting_ms=st.integers(0, 3 * DAY_MS), most=st.integers(1, 40))
def test_what_was_missed_is_what_was_next_one_after_the_other(
    schedule: Schedule, after_ms: int, lasting_ms: int, most: int
) -> None:
    until_ms, expected = after_ms + lasting_ms, []
    if schedule.every_ms:
        schedule = Schedule(every_ms=schedule.every_ms + HOUR_MS // 4)  # few enough to be counted
    time_ms = schedule.next_after(after_ms)
    while time_ms <= until_ms:
        expected.append(time_ms)
        time_ms = schedule.next_after(time_ms)
    assert schedule.missed_between(after_ms, until_ms, most=most) == expected[-most:]


def test_what_was_missed_in_years_is_found_without_counting_them() -> None:
    last = from_rfc3339("2026-01-01")
    expected = [last - 2 * MINUTE_MS, last - MINUTE_MS, last]
    assert schedule_of(cron="* * * * *").missed_between(0, last, most=3) == expected
    assert schedule_of(every=timedelta(minutes=1)).missed_between(0, last, most=3) == expected


def test_nothing_is_missed_in_no_time() -> None:
    schedule = schedule_of(every=timedelta(seconds=1))
    assert schedule.missed_between(5_000, 5_000) == schedule.missed_between(6_000, 5_000) == []


@settings(max_examples=200)
@given(fields=FIELDS, zone=st.sampled_from(ZONES), time_ms=NEAR_CHANGES)
def test_cron_is_due_at_local_times_that_its_fields_name(fields: tuple[str, ...], zone: str, time_ms: int) -> None:
    """A model by trying every minute: what the fields name is due, or was skipped with its hour."""
    schedule = Schedule(cron=" ".join((*fields[:2], "*", "*", "*")), time_zone=zone)
    due_ms = schedule.next_after(time_ms)
    local = datetime.fromtimestamp(due_ms / 1000, UTC).astimezone(zoneinfo.ZoneInfo(zone))
    before = local.replace(tzinfo=None) - _offset_change(local)
    minutes, hours = _expand(fields[0], 60), _expand(fields[1], 24)
    named = {(hour, minute) for hour in hours for minute in minutes}
    skipped = {((before + timedelta(minutes=n)).hour, (before + timedelta(minutes=n)).minute) for n in range(61)}
    assert (local.hour, local.minute) in named or named & skipped


def _offset_change(local: datetime) -> timedelta:
    """How much the clock was put forward at this very moment."""
    minute_ago = (local.astimezone(UTC) - timedelta(minutes=1)).astimezone(local.tzinfo)
    return (local.utcoffset() or timedelta()) - (minute_ago.utcoffset() or timedelta())


def _expand(field: str, size: int) -> set[int]:
    found: set[int] = set()
    for part in field.split(","):
        bounds, _, step = part.partition("/")
        low, _, high = bounds.partition("-")
        values = range(size) if low == "*" else range(int(low), int(high or low) + 1)
        found |= set(values[:: int(step or 1)])
    return found
