from __future__ import annotations

from collections import deque

import msgspec
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from clew.flows.lanes import Lanes


class Run(msgspec.Struct, frozen=True):
    number: int
    lane_key: tuple[str, str, str]


def run_of(number: int, lane: str = "a") -> Run:
    return Run(number, ("w", "flow", lane))


def test_a_lane_lets_one_run_at_a_time_in_order() -> None:
    lanes: Lanes[Run] = Lanes(10)
    first, second = run_of(1), run_of(2)
    lanes.add(first, 1)
    lanes.add(second, 1)
    assert (lanes.next(), lanes.next()) == (first, None)
    lanes.finish(first)
    assert lanes.next() == second


def test_lanes_take_turns_under_the_bound_over_all() -> None:
    lanes: Lanes[Run] = Lanes(2)
    for number in range(3):
        lanes.add(run_of(number, "busy"), None)
    lanes.add(run_of(9, "quiet"), None)
    started = [lanes.next(), lanes.next(), lanes.next()]
    assert [run.number if run else None for run in started] == [0, 9, None]


def test_a_run_that_pauses_lets_another_lane_run_and_none_of_its_own() -> None:
    lanes: Lanes[Run] = Lanes(1)
    for run in (run_of(1), run_of(2), run_of(3, "b")):
        lanes.add(run, 1)
    assert lanes.next() == run_of(1)
    lanes.pause()
    assert lanes.next() == run_of(3, "b")
    lanes.resume()
    assert (lanes.next(), lanes.started, lanes.queued) == (None, 2, 1)


def test_places_are_kept_before_runs_come() -> None:
    lanes: Lanes[Run] = Lanes(1)
    key = run_of(1).lane_key
    assert [lanes.reserve(key, 1, 2) for _ in range(3)] == [True, True, False]
    lanes.release(key)
    assert lanes.reserve(key, 1, 2)
    lanes.add(run_of(1), 1, is_reserved=True)
    assert not lanes.reserve(key, 1, 2)
    assert lanes.next() == run_of(1)
    assert lanes.reserve(key, 1, 2)


class LanesModel(RuleBasedStateMachine):
    """Lanes against a plain account of what waits and runs."""

    def __init__(self) -> None:
        super().__init__()
        self.lanes: Lanes[Run] = Lanes(3)
        self.waiting: dict[str, deque[Run]] = {}
        self.running: list[Run] = []
        self.count = 0

    @rule(lane=st.sampled_from("abc"))
    def add(self, lane: str) -> None:
        self.count += 1
        run = run_of(self.count, lane)
        self.lanes.add(run, 2 if lane == "b" else 1)
        self.waiting.setdefault(lane, deque()).append(run)

    @rule()
    def start(self) -> None:
        run = self.lanes.next()
        can = [lane for lane, runs in self.waiting.items() if runs and self._has_room(lane)]
        if len(self.running) >= 3 or not can:
            assert run is None
            return
        assert run is not None
        lane = run.lane_key[2]
        assert lane in can
        assert self.waiting[lane].popleft() == run
        self.running.append(run)

    def _has_room(self, lane: str) -> bool:
        return sum(run.lane_key[2] == lane for run in self.running) < (2 if lane == "b" else 1)

    @rule(place=st.integers(0, 10))
    def finish(self, place: int) -> None:
        if self.running:
            self.lanes.finish(self.running.pop(place % len(self.running)))

    @rule(lane=st.sampled_from("abc"), place=st.integers(0, 10))
    def remove(self, lane: str, place: int) -> None:
        runs = self.waiting.get(lane)
        if runs:
            run = runs[place % len(runs)]
            runs.remove(run)
            assert self.lanes.remove(run)
            assert not self.lanes.remove(run)

    @invariant()
    def counts_agree(self) -> None:
        assert self.lanes.queued == sum(map(len, self.waiting.values()))
        assert self.lanes.started == len(self.running)


TestLanesModel = LanesModel.TestCase
