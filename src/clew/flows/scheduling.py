"""Runs that time launches: when a flow's schedule is due, it is launched under an id made from that moment.

What was due while no server ran is made up for once: the latest of it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable

from clew.core.clock import Clock, to_rfc3339
from clew.core.errors import ClewError
from clew.core.ids import digest, new_id, time_of, trace_id_of
from clew.core.record import Record, encode_line
from clew.flows.decisions import said_of_disabled
from clew.flows.event import Event
from clew.flows.flow import Flow
from clew.flows.flow_settings import FlowSettings
from clew.flows.recorder import Recorder
from clew.flows.run_ids import scheduled_event_id
from clew.flows.runner import Launch, LaunchedBy, Runner
from clew.journal.journal import Item
from clew.triggers.schedule import Schedule

RETRY_S = 1.0
LONGEST_SLEEP_S = 30.0
"""A clock that is set anew is noticed after this."""

_LOG = logging.getLogger(__name__)


class Scheduler:
    """Launches the flows of a workspace that have a schedule."""

    def __init__(
        self,
        flows: Iterable[Flow],
        *,
        runner: Runner,
        recorder: Recorder,
        settings: FlowSettings,
        workspace: str,
        clock: Clock,
    ) -> None:
        self._flows = {flow.key: flow for flow in flows if flow.schedule is not None}
        self._runner = runner
        self._recorder = recorder
        self._settings = settings
        self._workspace = workspace
        self._clock = clock
        self._done_ms: dict[str, int] = {}
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin. A flow seen for the first time is due at the next of its moments, not before."""
        if not self._flows:
            return
        known = await asyncio.to_thread(self._settings.due_at, self._workspace)
        now_ms = self._clock.now_ms()
        self._done_ms = {key: known.get(key, now_ms) for key in self._flows}
        for key in self._flows.keys() - known.keys():
            await asyncio.to_thread(self._settings.pass_over, self._workspace, key, now_ms)
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """End."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait((self._task,))
            self._task = None

    async def _run(self) -> None:
        while True:
            try:
                await self.launch_due()
                await asyncio.sleep(self._sleep_s())
            except ClewError as error:
                _LOG.warning("a scheduled run could not be launched, and will be tried again: %s", error.detail)
                await asyncio.sleep(RETRY_S)

    def _sleep_s(self) -> float:
        now_ms = self._clock.now_ms()
        soonest = min(_schedule_of(flow).next_after(self._done_ms[key]) for key, flow in self._flows.items())
        return min(max(soonest - now_ms, 0) / 1000, LONGEST_SLEEP_S)

    async def launch_due(self) -> None:
        """Launch what is due now: of each flow the latest moment, once."""
        now_ms = self._clock.now_ms()
        for key, flow in self._flows.items():
            due = _schedule_of(flow).missed_between(self._done_ms[key], now_ms, most=1)
            if due:
                await self._launch(flow, due[-1])
                self._done_ms[key] = due[-1]

    async def _launch(self, flow: Flow, due_ms: int) -> None:
        setting = self._settings.find(self._workspace, flow.key)
        event_id = scheduled_event_id(self._workspace, flow.key, due_ms)
        if not (setting.enabled if setting else flow.enabled):
            await self._recorder.write((_passed_over(self._workspace, flow, event_id, said_of_disabled(setting)),))
            await asyncio.to_thread(self._settings.pass_over, self._workspace, flow.key, due_ms)
            return
        event = Event(
            id=event_id,
            time=due_ms,
            type="schedule",
            payload={"due_at": to_rfc3339(due_ms)},
            trace_id=trace_id_of(event_id),
            integration=flow.integration.key if flow.integration else "",
        )
        launch = Launch(
            workspace=self._workspace,
            flow=flow.key,
            event=event,
            launched_by=LaunchedBy("schedule-trigger"),
            due_ms=due_ms,
        )
        result = await self._runner.launch(launch)
        if result.code == "queue_full":
            _LOG.warning("the schedule of %s launched nothing: too many of its runs wait", flow.key)


def _schedule_of(flow: Flow) -> Schedule:
    assert flow.schedule is not None
    return flow.schedule


def _passed_over(workspace: str, flow: Flow, event_id: str, reason: str) -> Item:
    """The decision that a flow which was due is not launched."""
    record_id = new_id()
    record = Record(
        id=record_id,
        time=time_of(record_id),
        workspace=workspace,
        kind="decision",
        event="schedule",
        flow=flow.key,
        state="flow_disabled",
        message=f"{flow.title} was due and was not launched: {reason}.",
        trace_id=trace_id_of(event_id),
    )
    return Item(record_id, encode_line(record), digest("decision", workspace, event_id, flow.key))
