"""What was removed is told, also of a removal that a crash cut short."""

import pytest

from clew.core.clock import DAY_MS, FakeClock
from clew.core.settings import Settings
from clew.log.removals import BODIES_OF_SUCCESSES, RECORDS, Removals
from clew.state.database import open_database

DAY = 20_600


@pytest.fixture
def clock():
    return FakeClock((DAY + 20) * DAY_MS)


@pytest.fixture
def database(tmp_path):
    database = open_database(Settings(data_dir=str(tmp_path)))
    yield database
    database.close()


@pytest.fixture
def removals(database, clock):
    return Removals(database, clock)


def told(removals):
    return [(removal.day, removal.what, removal.records, removal.is_counted) for removal in removals.list()]


def test_what_went_is_counted_and_what_goes_later_is_added(removals):
    removals.announce(DAY, RECORDS, "age")
    removals.add(DAY, RECORDS, records=7, bytes_=70)
    assert told(removals) == [(DAY, RECORDS, 7, True)]
    removals.announce(DAY, RECORDS, "age")
    removals.add(DAY, RECORDS, records=2, bytes_=20)
    assert told(removals) == [(DAY, RECORDS, 9, True)]
    assert removals.list()[0].bytes == 90


def test_where_nothing_went_nothing_is_told(removals, database, clock):
    removals.announce(DAY, "step", "age")
    removals.add(DAY, "step", records=0, bytes_=0)
    removals.add(DAY, "step", records=0, bytes_=0)
    assert told(removals) == []
    again = Removals(database, clock)
    again.announce(DAY, "step", "age")
    again.add(DAY, "step", records=3, bytes_=1)
    assert told(again) == [(DAY, "step", 3, True)]


@pytest.mark.parametrize("left", [0, 4])
def test_a_removal_that_a_crash_cut_short_is_told_though_nobody_counted_it(removals, database, clock, left):
    removals.announce(DAY, BODIES_OF_SUCCESSES, "budget")
    after_the_crash = Removals(database, clock)
    assert told(after_the_crash) == [(DAY, BODIES_OF_SUCCESSES, 0, False)]
    after_the_crash.announce(DAY, BODIES_OF_SUCCESSES, "budget")
    after_the_crash.add(DAY, BODIES_OF_SUCCESSES, records=left, bytes_=left)
    assert told(after_the_crash) == [(DAY, BODIES_OF_SUCCESSES, left, False)]
    after_the_crash.add(DAY, BODIES_OF_SUCCESSES, records=1, bytes_=1)
    assert told(Removals(database, clock)) == [(DAY, BODIES_OF_SUCCESSES, left + 1, False)]
    assert after_the_crash.bodies_removed_until_ms() == (DAY + 1) * DAY_MS


def test_a_removal_that_failed_and_went_well_the_second_time_is_counted(removals):
    removals.announce(DAY, RECORDS, "age")
    assert told(removals) == [(DAY, RECORDS, 0, False)], "it is under way"
    removals.announce(DAY, RECORDS, "age")
    removals.add(DAY, RECORDS, records=5, bytes_=1)
    assert told(removals) == [(DAY, RECORDS, 5, True)]
