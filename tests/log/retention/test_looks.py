"""A look of retention may end anywhere, and one that fails holds up no other."""

from __future__ import annotations

import pytest

from clew.core.clock import MINUTE_MS
from clew.core.errors import Unavailable
from clew.log.memory import MemoryStore
from clew.log.removals import Removals
from clew.log.retention import EVERY_MS, FIRST_MS, collect_kept
from clew.registry.pins import Pin
from harness.retention import NOW, TODAY, build, forget_removals, heavy, left, make, put, whole


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
