"""What goes by its age, and what never does: what is younger, pinned, or needed by an open run."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from clew.core.clock import DAY_MS, HOUR_MS, FakeClock
from clew.core.errors import SettingsError
from clew.core.ids import new_id
from clew.core.record import KINDS
from clew.core.settings import Settings
from clew.log.memory import MemoryStore
from clew.log.retention import Ages, collect_kept, read_ages
from clew.log.store import Kept
from clew.registry.pins import Pin
from harness.retention import NOW, TODAY, build, left, make, put, whole

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
