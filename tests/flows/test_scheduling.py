from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from clew.core.clock import MINUTE_MS, FakeClock, to_rfc3339
from clew.core.record import Record
from clew.flows.flow import Flow
from clew.flows.flow_settings import FlowSettings
from clew.flows.recorder import Recorder
from clew.flows.runner import Runner
from clew.flows.scheduling import Scheduler
from harness.flow_place import WORKSPACE, FlowPlace, parameters_of, payload_of, until

BEGIN_MS = 1_780_000_020_000  # a whole minute and 20 s


class Schedules:
    """A scheduler whose clock stands until it is moved. The runner has its own."""

    def __init__(self, place: FlowPlace) -> None:
        self.place = place
        self.clock = FakeClock(BEGIN_MS)
        self.seen: list[Any] = []
        self.flow = Flow("nightly", every=timedelta(minutes=1))

        @self.flow.node
        async def note(event):
            self.seen.append(event.payload["due_at"])

        self.recorder: Recorder | None = None
        self.runner: Runner

    async def open(self) -> Scheduler:
        self.runner = await self.place.open(self.flow)
        self.settings = FlowSettings(self.place.registry.database, self.clock)
        self.recorder = Recorder(self.place.journal)
        scheduler = Scheduler(
            [self.flow, Flow("other")],
            runner=self.runner,
            recorder=self.recorder,
            settings=self.settings,
            workspace=WORKSPACE,
            clock=self.clock,
        )
        await scheduler.start()
        await scheduler.stop()  # the tests say themselves when it looks
        return scheduler

    async def all_ended(self) -> list[Record]:
        return await self.place.all_ended(self.runner)

    async def close(self) -> None:
        if self.recorder:
            await self.recorder.close()
        await self.place.close()


@pytest.fixture
async def schedules(place: FlowPlace) -> AsyncIterator[Schedules]:
    opened = Schedules(place)
    yield opened
    await opened.close()


def moment(minute: int) -> str:
    return to_rfc3339((BEGIN_MS // MINUTE_MS + minute) * MINUTE_MS)


async def test_what_is_due_is_launched_once(schedules: Schedules) -> None:
    scheduler = await schedules.open()
    await scheduler.launch_due()
    schedules.clock.advance(MINUTE_MS)
    await scheduler.launch_due()
    await scheduler.launch_due()
    (run,) = await schedules.all_ended()
    assert schedules.seen == [moment(1)]
    assert parameters_of(run)["launched_by"] == {"type": "schedule-trigger", "ids": []}
    assert (payload_of(run)["payload"], run.parent_id) == ({"due_at": moment(1)}, "")


async def test_what_was_due_while_no_server_ran_is_made_up_for_once(schedules: Schedules) -> None:
    await schedules.open()
    await schedules.close()
    schedules.clock.advance(10 * MINUTE_MS)
    scheduler = await schedules.open()
    await scheduler.launch_due()
    await schedules.all_ended()
    await schedules.close()
    scheduler = await schedules.open()
    await scheduler.launch_due()
    assert len(await schedules.all_ended()) == 1
    assert schedules.seen == [moment(10)]


async def test_a_flow_that_is_switched_off_is_passed_over_and_says_so(schedules: Schedules) -> None:
    scheduler = await schedules.open()
    schedules.settings.save(WORKSPACE, "nightly", enabled=False, changed_by="ann")
    schedules.clock.advance(MINUTE_MS)
    await scheduler.launch_due()
    await scheduler.launch_due()
    (decision,) = await schedules.place.records("decision")
    assert (decision.state, decision.flow) == ("flow_disabled", "nightly")
    assert "was due and was not launched: the flow was switched off by ann" in decision.message
    schedules.settings.save(WORKSPACE, "nightly", enabled=True, changed_by="ann")
    await scheduler.launch_due()
    assert await schedules.all_ended() == []


async def test_it_launches_by_itself(place: FlowPlace) -> None:
    flow, seen = Flow("often", every=timedelta(minutes=1)), []

    @flow.node
    async def note(event):
        seen.append(event.payload)

    runner = await place.open(flow)
    settings = FlowSettings(place.registry.database, place.clock)
    settings.pass_over(WORKSPACE, "often", place.clock.now_ms() - 2 * MINUTE_MS)
    recorder = Recorder(place.journal)
    scheduler = Scheduler(
        [flow], runner=runner, recorder=recorder, settings=settings, workspace=WORKSPACE, clock=place.clock
    )
    await scheduler.start()
    await until(lambda: seen, "what was due was launched")
    await scheduler.stop()
    await recorder.close()
