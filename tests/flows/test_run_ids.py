from __future__ import annotations

import uuid

from hypothesis import given
from hypothesis import strategies as st

from clew.core.ids import is_id, new_id, time_of
from clew.flows.run_ids import flow_run_id, scheduled_event_id

TIMES = st.integers(min_value=0, max_value=2**48 - 1)


@given(TIMES, st.text(min_size=1, max_size=20))
def test_a_run_has_the_time_of_its_event_and_the_form_of_an_id(time_ms: int, flow: str) -> None:
    run_id = flow_run_id(new_id(time_ms), flow)
    assert is_id(run_id)
    assert time_of(run_id) == time_ms
    assert (uuid.UUID(run_id).version, uuid.UUID(run_id).variant) == (7, uuid.RFC_4122)


@given(TIMES)
def test_the_same_event_and_flow_are_the_same_run_and_others_another(time_ms: int) -> None:
    event_id, other_id = new_id(time_ms), new_id(time_ms)
    assert flow_run_id(event_id, "a") == flow_run_id(event_id, "a")
    assert len({flow_run_id(event_id, "a"), flow_run_id(event_id, "b"), flow_run_id(other_id, "a")}) == 3


def test_runs_sort_by_the_time_of_their_events() -> None:
    ids = [flow_run_id(new_id(1_780_000_000_000 + n), f"flow {n % 3}") for n in range(200)]
    assert ids == sorted(ids)


def test_a_schedule_makes_one_event_a_moment() -> None:
    due_ms = 1_780_000_000_000
    first = scheduled_event_id("w", "nightly", due_ms)
    assert first == scheduled_event_id("w", "nightly", due_ms)
    assert time_of(first) == due_ms
    others = {scheduled_event_id("w", "nightly", due_ms + 1), scheduled_event_id("v", "nightly", due_ms)}
    assert len(others | {first}) == 3
