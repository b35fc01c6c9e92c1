"""Republishing: an event goes once more to one of those who consumed it, and a step under the event says so."""

from __future__ import annotations

import msgspec

from clew.core.clock import Clock
from clew.core.ids import digest, new_id, time_of, trace_id_of
from clew.core.record import Record, encode_line
from clew.flows.recorder import Recorder
from clew.flows.runner import Runner
from clew.journal.journal import Item

ACTION = "Republished"


class Republisher:
    """Republishes events. Its method belongs to the event loop of the runner."""

    def __init__(self, runner: Runner, recorder: Recorder, clock: Clock) -> None:
        self._runner = runner
        self._recorder = recorder
        self._clock = clock

    async def republish(self, event: Record, run_id: str, *, flow: str, title: str, by: str) -> str:
        """Repeat the run that a flow made of an event, and write it down under the event. On disk when it returns.

        `title` is what people call the flow, `by` who asked for it. Gives the id of the step. Raises what
        `Runner.repeat` raises: `Conflict` while the run is open and where its input had secrets that are gone,
        `NotFound` where it is no longer kept.
        """
        launched = await self._runner.repeat(event.workspace, run_id)
        step = self._step(event, launched.run_id, flow=flow, message=f"Republished to {title} by {by}.", by=by)
        await self._recorder.write((Item(step.id, encode_line(step), digest("republished", launched.run_id)),))
        return step.id

    def _step(self, event: Record, run_id: str, *, flow: str, message: str, by: str) -> Record:
        step_id = new_id(self._clock.now_ms())
        parameters = {"flow": flow, "flow_run_id": run_id, "republished_by": by}
        return Record(
            id=step_id,
            time=time_of(step_id),
            workspace=event.workspace,
            kind="step",
            event=event.event,
            source_product=event.source_product,
            target_product=event.target_product,
            direction=event.direction,
            action=ACTION,
            status="success",
            message=message,
            customer=event.customer,
            integration=event.integration,
            connection=event.connection,
            source=event.source,
            flow=flow,
            trace_id=event.trace_id or trace_id_of(event.id),
            parent_id=event.id,
            keys=event.keys,
            parameters=msgspec.json.encode(parameters).decode(),
        )
