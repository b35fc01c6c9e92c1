"""What flows do about records that retention took from, and what they keep from it."""

from __future__ import annotations

import asyncio

import pytest

from clew.core.clock import DAY_MS
from clew.core.errors import Conflict
from clew.core.record import STATUSES
from clew.flows.flow import Flow
from clew.flows.open_runs import find_needed
from clew.log.retention import collect_kept
from clew.log.store import Kept
from harness.flow_place import WORKSPACE, FlowPlace, launch_of, payload_of, until

DATE = "2026-11-22"


def empty(place: FlowPlace, kept: Kept | None = None) -> None:
    """Take the bodies of all records, but not of what is kept."""
    for use in place.store.days():
        place.store.empty(use.day, STATUSES, kept or Kept(), DATE)  # type: ignore[arg-type]


def two_steps(gate: asyncio.Event, ran: list[str]) -> Flow:
    """A flow whose second node waits."""
    flow = Flow("two")

    @flow.node
    async def first(event):
        ran.append("first")
        return {"found": event.payload}

    @flow.node
    async def second(first):
        ran.append("second")
        await gate.wait()
        return first["found"]

    return flow


async def test_a_run_whose_bodies_were_removed_is_not_run_again_and_says_why(place: FlowPlace) -> None:
    gate = asyncio.Event()
    gate.set()
    flow = two_steps(gate, [])
    runner = await place.open(flow)
    run = await place.run(runner, flow, 7)
    empty(place)
    for asked in (
        lambda: runner.repeat(WORKSPACE, run.id),
        lambda: runner.replay(WORKSPACE, run.id, "second", {}),
        lambda: runner.replay(WORKSPACE, run.id, "second", {"event": 8, "first": {"found": 8}}),
    ):
        with pytest.raises(Conflict, match=f"Its event is no longer kept: retention removed it on {DATE}") as refused:
            await asked()
        assert "Pin" in refused.value.hint


async def test_an_open_run_whose_output_was_removed_fails_after_a_restart(place: FlowPlace) -> None:
    gate, ran = asyncio.Event(), []
    flow = two_steps(gate, ran)
    runner = await place.open(flow)
    launch = launch_of(flow, 7)
    await runner.launch(launch)
    await until(lambda: "second" in ran, "the second runs")
    await place.close()
    empty(place)
    runner = await place.open(flow)
    run = await place.ended(runner, launch.run_id)
    assert (run.state, run.error.type) == ("failed", "record_gone")
    assert "What first returned is no longer kept" in run.error.message
    gate.set()


async def test_what_open_runs_need_is_known_and_kept_they_go_on_after_a_restart(place: FlowPlace) -> None:
    gate, ran = asyncio.Event(), []
    flow = two_steps(gate, ran)
    runner = await place.open(flow)
    launch = launch_of(flow, 7)
    await runner.launch(launch)
    await until(lambda: "second" in ran, "the second runs")
    database, now_ms = place.registry.database, place.clock.now_ms()
    assert find_needed(database, now_ms - DAY_MS) == (set(), set())
    needed = find_needed(database, now_ms + 1)
    assert needed == (set(), {(WORKSPACE, launch.event.trace_id)})
    await place.close()
    empty(place, collect_kept((), *needed))
    runner = await place.open(flow)
    gate.set()
    run = await place.ended(runner, launch.run_id)
    assert (run.state, ran) == ("completed", ["first", "second", "second"])


async def test_a_replay_keeps_the_records_that_it_takes_over(place: FlowPlace) -> None:
    gate, ran = asyncio.Event(), []
    gate.set()
    flow = two_steps(gate, ran)
    runner = await place.open(flow)
    run = await place.run(runner, flow, 7)
    (first,) = [r for r in await place.records("node_run", parent=run.id) if r.node == "first"]
    gate.clear()
    again = await runner.replay(WORKSPACE, run.id, "second", {})
    await until(lambda: ran.count("second") == 2, "the second runs again")
    records, traces = find_needed(place.registry.database, place.clock.now_ms() + 1)
    assert records == {first.id}
    assert len(traces) == 1
    gate.set()
    record = await place.ended(runner, again.run_id)
    assert payload_of((await place.records("node_run", parent=record.id))[-1]) == 7
