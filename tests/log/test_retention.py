"""Retention: what goes and in which order, what never does, and that it may end anywhere."""

from __future__ import annotations

import logging
import uuid

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from clew.core.clock import DAY_MS, HOUR_MS, MINUTE_MS, FakeClock
from clew.core.errors import SettingsError, Unavailable
from clew.core.ids import new_id
from clew.core.record import KINDS, Body, HttpExchange, Record, encode_line
from clew.core.removal import find_removals
from clew.core.settings import Settings
from clew.log.cursor import CursorCodec
from clew.log.memory import MemoryStore
from clew.log.parameters import FilterParser
from clew.log.removals import BODIES_OF_SUCCESSES, RECORDS, Removals
from clew.log.retention import EVERY_MS, FIRST_MS, Ages, Retention, collect_kept, read_ages
from clew.log.search import Search
from clew.log.store import Kept
from clew.registry.pins import Pin
from clew.state.database import open_database

TODAY = 20_600
NOW = TODAY * DAY_MS + 7 * HOUR_MS
NEVER = Kept()


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    database = open_database(Settings(data_dir=str(tmp_path_factory.mktemp("state"))))
    yield database
    database.close()


@pytest.fixture
def removals(database, clock):
    forget_removals(database)
    return Removals(database, clock)


def forget_removals(database):
    with database.write() as connection:
        connection.exec_driver_sql("DELETE FROM removals")


@pytest.fixture
def clock():
    return FakeClock(NOW)


@pytest.fixture
def store():
    return MemoryStore()


@pytest.fixture
def retain(store, removals, clock):
    """Runs retention with some settings, and gives how it stands."""

    def retain(store=store, **settings):
        return build(store, removals, clock, **settings).run()

    return retain


def build(store, removals, clock, days=14, max_bytes=0, kept=NEVER, **by_kind):
    return Retention(store, removals, ages=Ages(days, by_kind), max_bytes=max_bytes, kept=lambda day: kept, clock=clock)


def make(days_ago=0, ms=0, **fields):
    time = (TODAY - days_ago) * DAY_MS + ms
    return Record(**({"id": new_id(time), "time": time, "workspace": "w", "kind": "step"} | fields))


def put(store, *records):
    store.insert(b"".join(encode_line(record) + b"\n" for record in records), uuid.uuid4().hex)
    return records


def left(store, *records):
    """Which of these are there, whole or not."""
    return [store.find("w", record.id) is not None for record in records]


def whole(store, *records):
    """Which of these are there as they were."""
    return [store.find("w", record.id) == record for record in records]


# -- by age


@pytest.mark.feature("C91")
def test_what_is_of_the_fifteenth_day_is_gone_and_what_is_younger_is_there(store, retain, clock):
    clock.advance(-7 * HOUR_MS)  # midnight: the last record of the day before yesterday's fortnight is 14 days old
    old, last, young = put(store, make(15), make(15, DAY_MS - 1), make(14))
    retain()
    assert left(store, old, last, young) == [False, False, True]


@pytest.mark.feature("C91")
def test_a_day_stays_until_its_last_record_is_as_old(store, removals, clock):
    (record,) = put(store, make(0, DAY_MS - 1))
    retention = build(store, removals, clock, days=1)
    clock.advance((TODAY + 2) * DAY_MS - 1 - NOW)
    retention.run()
    assert left(store, record) == [True]
    clock.advance(1)
    retention.run()
    assert left(store, record) == [False]


@pytest.mark.feature("C91")
def test_a_kind_may_be_kept_for_a_shorter_or_a_longer_time(store, retain):
    shorter, longer, endless, other = put(
        store,
        make(9, kind="api_request"),
        make(100, kind="flow_run"),
        make(3_000, kind="notification"),
        make(9),
    )
    older = put(store, make(40, kind="api_request"), make(101), make(3_000), make(200, kind="flow_run"))
    retain(api_request=7, flow_run=150, notification=0)
    assert left(store, shorter, longer, endless, other) == [False, True, True, True]
    assert left(store, *older) == [False] * 4


def test_nothing_goes_where_everything_is_kept_without_end(store, retain):
    records = put(store, make(3_000), make(1))
    retain(days=0)
    assert left(store, *records) == [True, True]


def test_what_came_late_goes_with_the_next_look(store, removals, clock):
    retention = build(store, removals, clock)
    put(store, make(20))
    retention.run()
    late, ahead = put(store, make(20, 5), make(-1))
    retention.run()
    assert left(store, late, ahead) == [False, True]
    (removal,) = removals.list()
    assert (removal.day, removal.records) == (TODAY - 20, 2)


KIND_AGES = st.dictionaries(st.sampled_from(["step", "flow_run"]), st.sampled_from([0, 1, 3, 30]))
PLACED = st.lists(
    st.tuples(
        st.integers(-1, 33),
        st.integers(0, DAY_MS - 1),
        st.sampled_from(["step", "flow_run", "decision"]),
        st.sampled_from(["", "a", "b"]),
    ),
    max_size=12,
)


@hypothesis_settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(PLACED, st.sampled_from([0, 1, 2, 14]), KIND_AGES, st.integers(0, 3 * DAY_MS))
@pytest.mark.feature("C91")
def test_nothing_younger_than_its_age_ever_goes_and_nothing_a_day_older_stays(
    removals, placed, days, by_kind, later_ms
):
    clock, store = FakeClock(NOW + later_ms), MemoryStore()
    records = [make(days_ago, ms, kind=kind, trace_id=trace) for days_ago, ms, kind, trace in placed]
    if records:
        put(store, *records)
    kept = Kept(traces=frozenset({("w", "a")}))
    build(store, removals, clock, days=days, kept=kept, **by_kind).run()
    for record in records:
        age_ms, age_days = clock.now_ms() - record.time, by_kind.get(record.kind, days)
        is_there = left(store, record) == [True]
        if record.trace_id == "a" or not age_days or age_ms < age_days * DAY_MS:
            assert is_there
        elif age_ms > (age_days + 1) * DAY_MS:
            assert not is_there


# -- pins


def test_what_is_pinned_stays_with_its_trace_as_long_as_it_is_pinned(store, retain):
    pinned, of_trace, alone, other = put(
        store, make(30, trace_id="a" * 32), make(29, trace_id="a" * 32), make(30), make(30, trace_id="b" * 32)
    )
    pins = [
        Pin(workspace="w", record_id=pinned.id, trace_id=pinned.trace_id, pinned_at=1),
        Pin(workspace="w", record_id=alone.id, pinned_at=1),
        Pin(workspace="other", record_id=new_id(), trace_id="b" * 32, pinned_at=1),
    ]
    retain(kept=collect_kept(pins), max_bytes=1)
    assert whole(store, pinned, of_trace, alone) == [True] * 3
    assert left(store, other) == [False]
    assert store.trace("w", "a" * 32) == [pinned, of_trace]
    retain(kept=collect_kept(()))
    assert left(store, pinned, of_trace, alone) == [False] * 3


def test_what_open_runs_need_is_kept_beside_what_is_pinned():
    pin = Pin(workspace="w", record_id="r", trace_id="t", pinned_at=1)
    assert collect_kept([pin], ["given"], [("v", "run")]) == Kept(
        frozenset({"r", "given"}), frozenset({("w", "t"), ("v", "run")})
    )


# -- by room


def heavy(days_ago, status, **fields):
    """A record of some 20 kB, nearly all of it bodies."""
    http = HttpExchange(direction="outgoing", method="GET", url="/", response_body=Body(text="x" * 10_000, size=10_000))
    return make(days_ago, kind="api_request", status=status, payload="p" * 10_000, http=http, **fields)


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


# -- what is noted


def test_what_went_is_noted_with_when_and_how_much(store, retain, removals, clock, caplog):
    put(store, make(20), make(20), make(9, kind="api_request"), heavy(1, "success"), make(1, status="failure"))
    with caplog.at_level(logging.INFO):
        retain(max_bytes=1_500, api_request=7)
    assert [(r.day, r.what, r.reason, r.records, r.removed_at) for r in removals.list()] == [
        (TODAY - 1, BODIES_OF_SUCCESSES, "budget", 1, NOW),
        (TODAY - 9, "api_request", "age", 1, NOW),
        (TODAY - 20, RECORDS, "age", 2, NOW),
    ]
    assert removals.list()[0].bytes > 19_000
    assert "records of 2026-05-07 removed: 2 records" in caplog.text


def test_from_when_on_everything_is_kept_is_known_also_after_a_restart(store, retain, removals, database, clock):
    assert removals.removed_until_ms() == removals.bodies_removed_until_ms() == 0
    put(store, make(20), make(9, kind="api_request"), make(9), make(2, kind="flow_run"))
    retain(api_request=7, flow_run=1)
    for known in (removals, Removals(database, clock)):
        assert known.removed_until_ms() == (TODAY - 19) * DAY_MS
        assert known.removed_until_ms(["api_request"]) == (TODAY - 8) * DAY_MS
        assert known.removed_until_ms(["flow_run"]) == (TODAY - 1) * DAY_MS
        assert known.removed_until_ms(["api_request", "step"]) == (TODAY - 19) * DAY_MS
        assert known.bodies_removed_until_ms() == 0


def test_the_kinds_of_a_day_go_together_and_each_is_known(store, retain, removals, database, clock):
    put(store, make(9, kind="api_request"), make(9, kind="node_run"), make(9))
    retain(api_request=7, node_run=7)
    (removal,) = removals.list()
    assert (removal.what, removal.records) == ("api_request, node_run", 2)
    for known in (removals, Removals(database, clock)):
        assert known.removed_until_ms(["api_request", "node_run"]) == (TODAY - 8) * DAY_MS
        assert known.removed_until_ms(["step"]) == 0


def test_the_oldest_removals_are_forgotten_and_never_up_to_when(removals, database, clock, monkeypatch):
    monkeypatch.setattr("clew.log.removals.MOST_ROWS", 5)
    removals.announce(1, "api_request", "age")
    for day in range(2, 12):
        removals.announce(day, RECORDS, "age")
        removals.add(day, RECORDS, records=1, bytes_=1)
    assert len(removals.list()) <= 7
    assert Removals(database, clock).removed_until_ms(["api_request"]) == 12 * DAY_MS
    with database.read() as connection:
        rows = connection.exec_driver_sql("SELECT day FROM removals WHERE what = 'api_request'").all()
    assert rows == [(1,)]


@pytest.mark.feature("N08")
async def test_coverage_says_what_is_kept_after_a_day_or_a_kind_was_removed(store, retain, removals, clock):
    cursors = CursorCodec(b"secret")
    parser = FilterParser(clock=clock, cursors=cursors)

    class Indexed:
        def indexed_until_ms(self):
            return NOW

    async def coverage(*pairs):
        search = Search(store, progress=Indexed(), clock=clock, cursors=cursors, removed=removals)
        found = (await search.page(parser.parse_list(pairs, workspace="w"))).coverage
        search.close()
        return found

    pinned, *_ = put(store, make(20), make(20), make(9, kind="api_request"), make(9, 3))
    assert (await coverage()).oldest_kept == pinned.time
    retain(api_request=7, kept=Kept(frozenset({pinned.id})))
    assert (await coverage()).oldest_kept == (TODAY - 19) * DAY_MS
    assert (await coverage(("kind", "api_request"))).oldest_kept == (TODAY - 8) * DAY_MS
    assert (await coverage(("kind", "api_request"))).removed_until == (TODAY - 8) * DAY_MS
    retain(api_request=7)
    assert (await coverage()).oldest_kept == (TODAY - 9) * DAY_MS + 3
    assert (await coverage(("kind", "flow_run"))).bodies_removed_until == 0


# -- ending anywhere


class Ending(MemoryStore):
    """A store of a process that ends before or after one of its changes."""

    def __init__(self, at, *, is_done):
        super().__init__()
        self.at, self.is_done = at, is_done

    def forget(self, day, kinds, kept):
        return self._end_at(lambda: MemoryStore.forget(self, day, kinds, kept))

    def empty(self, day, statuses, kept, date):
        return self._end_at(lambda: MemoryStore.empty(self, day, statuses, kept, date))

    def _end_at(self, change):
        self.at -= 1
        if self.at:
            return change()
        if self.is_done:
            change()
        raise KeyboardInterrupt


@pytest.mark.feature("N11")
@pytest.mark.parametrize("is_done", [False, True])
@pytest.mark.parametrize("at", range(1, 7))
def test_it_may_end_at_any_step_and_the_next_start_does_the_rest(removals, database, clock, at, is_done):
    pinned = make(30, trace_id="a" * 32)
    records = [make(30), make(20), make(9, kind="api_request"), heavy(3, "success"), heavy(2, "success"), make(1)]
    kept = collect_kept([Pin(workspace="w", record_id=pinned.id, trace_id=pinned.trace_id, pinned_at=1)])
    wanted = {"api_request": 7, "max_bytes": 10_000, "kept": kept}
    calm = MemoryStore()
    put(calm, pinned, *records)
    build(calm, removals, clock, **wanted).run()
    forget_removals(database)
    store = Ending(at, is_done=is_done)
    put(store, pinned, *records)
    with pytest.raises(KeyboardInterrupt):
        build(store, Removals(database, clock), clock, **wanted).run()
    restarted = Removals(database, clock)
    gone = [record for record in records if left(store, record) == [False]]
    assert all(record.time < restarted.removed_until_ms([record.kind]) for record in gone)
    build(store, restarted, clock, **wanted).run()
    for record in (pinned, *records):
        assert store.find("w", record.id) == calm.find("w", record.id)
    assert whole(store, pinned) == [True]


def test_a_store_that_does_not_answer_is_told_and_looked_at_again(store, removals, clock):
    (old,) = put(store, make(20))
    retention = build(store, removals, clock)

    class Away(MemoryStore):
        def days(self):
            raise Unavailable("The log is away.")

    away = build(Away(), removals, clock)
    assert away.run().trouble == "The log is away."
    assert retention.run().trouble == ""
    assert left(store, old) == [False]


def test_a_look_goes_step_by_step_so_that_a_server_may_stop_in_between(store, removals, clock):
    records = put(store, make(30), make(20), make(1))
    retention = build(store, removals, clock)
    clock.advance(FIRST_MS)
    seen = []
    for _ in range(4):
        more = retention.tidy()
        seen.append((more, left(store, *records), retention.status().last_run is not None))
    assert seen == [
        (True, [False, True, True], False),
        (True, [False, False, True], False),
        (False, [False, False, True], True),
        (False, [False, False, True], True),
    ]


def test_a_day_that_cannot_be_removed_holds_up_no_other(removals, clock):
    class Stuck(MemoryStore):
        def forget(self, day, kinds, kept):
            if day == TODAY - 30:
                raise Unavailable("This day is stuck.")
            return super().forget(day, kinds, kept)

    store = Stuck()
    stuck, other, heavy_one = put(store, make(30), make(20), heavy(3, "success"))
    status = build(store, removals, clock, max_bytes=5_000).run()
    assert status.trouble == "This day is stuck."
    assert left(store, stuck, other) == [True, False]
    assert whole(store, heavy_one) == [False]


def test_it_looks_soon_after_a_start_and_then_every_ten_minutes(store, removals, clock):
    retention = build(store, removals, clock)
    seen = []
    for ms in (0, FIRST_MS, 1, EVERY_MS - 1 - MINUTE_MS, MINUTE_MS):
        clock.advance(ms)
        while retention.tidy():
            pass
        seen.append(retention.status().last_run)
    first, second = NOW + FIRST_MS, NOW + FIRST_MS + EVERY_MS
    assert seen == [None, first, first, first, second]


# -- settings


def test_ages_are_read_from_the_settings():
    assert read_ages(Settings()) == Ages(14)
    ages = read_ages(Settings(keep_days=30, keep_days_by_kind=("api_request = 7", "node_run=0")))
    assert ages == Ages(30, {"api_request": 7, "node_run": 0})
    assert [ages.days_of(kind) for kind in ("api_request", "node_run", "step")] == [7, 0, 30]


@pytest.mark.parametrize("entry", ["api_requests=7", "api_request", "api_request=", "api_request=-1", "step=1.5"])
def test_an_age_that_is_none_is_refused(entry):
    with pytest.raises(SettingsError, match=entry) as refused:
        read_ages(Settings(keep_days_by_kind=(entry,)))
    assert "api_request=7" in refused.value.hint
    assert all(kind in refused.value.hint for kind in KINDS)
