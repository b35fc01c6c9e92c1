"""Finding a flow run: one that has ended in the log, one that is open at the runner; both with their nodes."""

from __future__ import annotations

import asyncio

import msgspec

from clew.core.errors import NotFound
from clew.core.ids import is_id
from clew.core.record import Record
from clew.diagnosis.flow_run import FlowRun, RunFacts, assemble_run, facts_of
from clew.diagnosis.flow_runs import open_facts
from clew.web.face import WebFace

ENDING_TRIES = 20
ENDING_PAUSE_S = 0.05
"""A run that ended a moment ago is not open and not yet in the log: it is waited for, a second in all."""


class FoundRun(msgspec.Struct, frozen=True):
    """A run with its nodes, and all records of its trace, its own among them where it has ended."""

    run: FlowRun
    chain: tuple[Record, ...]

    @property
    def event(self) -> Record | None:
        """The record of the event that started it."""
        return next((record for record in self.chain if record.id == self.run.facts.event_id), None)


async def find_run(face: WebFace, workspace: str, run_id: str) -> FoundRun:
    """The run of this id. Raises `NotFound` where there is none."""
    if is_id(run_id):
        run_id = run_id.lower()
        for _ in range(ENDING_TRIES if face.runner else 1):
            opened = face.runner.find(workspace, run_id) if face.runner else None
            if opened is not None:
                return await _assemble(face, open_facts(opened), None, workspace)
            record = await face.search.find(workspace, run_id)
            if record is not None and record.kind == "flow_run":
                return await _assemble(face, facts_of(record), record, workspace)
            await asyncio.sleep(ENDING_PAUSE_S)
    raise NotFound(f"There is no flow run {run_id[:80]!r}.", hint="It may be older than what is kept.")


async def _assemble(face: WebFace, facts: RunFacts, record: Record | None, workspace: str) -> FoundRun:
    chain: list[Record] = []
    if facts.trace_id:
        chain = await face.search.trace(workspace, facts.trace_id, near_ms=facts.time)
    if record is not None and all(other.id != record.id for other in chain):
        chain.append(record)  # a chain that was cut at its limit may lack it
    flow = face.flows.get(facts.flow)
    return FoundRun(assemble_run(facts, record, chain, flow.graph if flow else None), tuple(chain))
