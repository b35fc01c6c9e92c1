"""Finding a flow run while it is open, just after, and where there is none."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from clew.core.errors import NotFound
from clew.core.ids import new_id
from clew.diagnosis.flow_runs import ENDING_PAUSE_S, ENDING_TRIES, FlowRuns
from clew.flows.flow import Flow
from clew.flows.runner import Runner
from clew.log.cursor import CursorCodec
from clew.log.search import Search
from harness.flow_place import WORKSPACE, FlowPlace, launch_of, until


class AllIndexed:
    """A log that is never behind."""

    def indexed_until_ms(self) -> int:
        return 0


def order_flow() -> Flow:
    flow = Flow("order-to-ship")

    @flow.node
    async def lookup(event):
        return 1

    return flow


FLOW = order_flow()


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[FlowPlace]:
    place = FlowPlace(tmp_path / "place")
    yield place
    await place.close()


@pytest.fixture
async def runner(place: FlowPlace) -> Runner:
    return await place.open(FLOW)


@pytest.fixture
async def runs(place: FlowPlace, runner: Runner) -> AsyncIterator[FlowRuns]:
    search = Search(place.store, progress=AllIndexed(), clock=place.clock, cursors=CursorCodec(b"secret"))
    yield FlowRuns({FLOW.key: FLOW}, runner, search)
    search.close()


async def test_a_run_that_just_ended_is_waited_for_until_the_log_has_it(
    place: FlowPlace, runner: Runner, runs: FlowRuns
) -> None:
    launch = launch_of(FLOW, customer="acme")
    await runner.launch(launch)
    await until(lambda: runner.find(WORKSPACE, launch.run_id) is None, "it has ended")
    finding = asyncio.create_task(runs.find(WORKSPACE, launch.run_id))
    await asyncio.sleep(3 * ENDING_PAUSE_S)
    assert not finding.done()
    place.drain(0)
    assert (await finding).run.facts.state == "completed"


async def test_who_asks_for_a_run_that_never_was_is_told_at_once(runs: FlowRuns) -> None:
    began_s = time.monotonic()
    for run_id in (new_id(), "nothing"):
        with pytest.raises(NotFound):
            await runs.find(WORKSPACE, run_id)
    assert time.monotonic() - began_s < ENDING_TRIES * ENDING_PAUSE_S / 2
