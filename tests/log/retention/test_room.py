"""What goes where there is too little room, and in which order."""

from __future__ import annotations

import logging

import pytest

from clew.core.errors import Unavailable
from clew.core.removal import find_removals
from clew.log.memory import MemoryStore
from harness.retention import build, heavy, left, put, whole


@pytest.mark.feature("N11")
def test_payloads_go_before_metadata_successes_before_failures_and_the_oldest_first(store, retain):
    records = put(store, *(heavy(ago, status) for ago in (3, 2, 1, 0) for status in ("success", "failure")))
    ago3, fail3, ago2, fail2, ago1, fail1, today, fail_today = records

    def shrink(steps):
        """Room for a byte less than there is, and once more."""
        for _ in range(steps):
            assert retain(max_bytes=sum(use.bytes for use in store.days()) - 1).trouble == ""

    shrink(1)
    assert whole(store, *records) == [False, True, True, True, True, True, True, True]
    shrink(2)
    assert whole(store, ago2, ago1, fail3, today, fail_today) == [False, False, True, True, True]
    shrink(1)
    assert whole(store, fail3, fail2, fail1, today, fail_today) == [False, True, True, True, True]
    shrink(2)
    assert whole(store, fail2, fail1, today, fail_today) == [False, False, True, True]
    assert left(store, *records) == [True] * 8
    shrink(1)
    assert left(store, ago3, fail3, ago2, fail2) == [False, False, True, True]
    shrink(2)
    assert left(store, ago2, fail2, ago1, fail1) == [False] * 4
    assert whole(store, today, fail_today) == [True, True]
    shrink(1)
    assert whole(store, today, fail_today) == [False, True]
    shrink(1)
    assert whole(store, today, fail_today) == [False, False]
    assert left(store, today, fail_today) == [True, True]


@pytest.mark.feature("N11")
def test_todays_records_stay_and_that_they_take_too_much_is_said_once(store, retain, removals, clock, caplog):
    (record,) = put(store, heavy(0, "failure"))
    retention = build(store, removals, clock, max_bytes=10)
    with caplog.at_level(logging.WARNING):
        trouble = retention.run().trouble
        assert retention.run().trouble == trouble
    assert "may take 10" in trouble
    assert len(caplog.records) == 1
    assert left(store, record) == [True]
    assert find_removals(store.find("w", record.id)) == {"/payload": "2026-05-27", "/http/response_body": "2026-05-27"}


def test_no_bound_or_room_enough_removes_nothing(store, retain):
    (record,) = put(store, heavy(3, "success"))
    for bound in (0, 10**9):
        assert retain(max_bytes=bound).trouble == ""
    assert whole(store, record) == [True]


class NoRoom(MemoryStore):
    """A store on a full disk: a day can be dropped, but none written anew."""

    def empty(self, day, statuses, kept, date):
        raise Unavailable("There is no room to write a day anew.")


@pytest.mark.feature("N11")
def test_where_the_disk_is_too_full_to_write_a_day_anew_the_oldest_goes_whole(retain):
    store = NoRoom()
    older, newer, today = put(store, heavy(2, "success"), heavy(1, "success"), heavy(0, "success"))
    status = retain(store=store, max_bytes=50_000)
    assert whole(store, older, newer, today) == [False, True, True]
    assert "no room" in status.trouble
    assert status.bytes == sum(use.bytes for use in store.days())
