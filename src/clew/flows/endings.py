"""The ends of runs of which no node can run any more: stopped while they waited, or impossible to go on with."""

from __future__ import annotations

import logging

from clew.core.clock import Clock
from clew.core.record import ErrorInfo
from clew.flows.cleaning import Cleaner
from clew.flows.entries import OpenEntry
from clew.flows.recorder import Recorder
from clew.flows.records import Ended, RunRecords, RunState
from clew.flows.runner import Launch

_LOG = logging.getLogger(__name__)


class Endings:
    """Writes such ends down. They are on disk when it returns."""

    def __init__(self, recorder: Recorder, cleaner: Cleaner, clock: Clock) -> None:
        self._recorder = recorder
        self._cleaner = cleaner
        self._clock = clock

    async def write_stopped(self, entry: OpenEntry, launch: Launch) -> None:
        """The end of a run that was stopped while it waited. Raises `Unavailable` where nothing can be written."""
        await self._write(entry, launch, "stopped", "not reached: the run was stopped before it began")

    async def write_failed(self, entry: OpenEntry, launch: Launch, error: ErrorInfo) -> None:
        """The end of a run that cannot go on. Raises `Unavailable` where nothing can be written."""
        await self._write(entry, launch, "failed", f"not reached: {error.message}", error)

    async def _write(
        self, entry: OpenEntry, launch: Launch, state: RunState, reason: str, error: ErrorInfo | None = None
    ) -> None:
        nodes = entry.flow.graph.nodes if entry.flow else ()
        ended = Ended(
            state=state,
            queued_ms=entry.queued_ms,
            started_ms=None,
            ended_ms=self._clock.now_ms(),
            nodes={node.name: {"state": "not_reached", "runs": 0, "errors": 0, "reason": reason} for node in nodes},
            error=error,
            message=error.message if error else reason,
        )
        await self._recorder.write((RunRecords(launch, entry.flow, self._cleaner).flow_run(ended),))
