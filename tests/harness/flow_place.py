"""A place where flows run: a real journal, state and pump, the log in memory; it can be closed and opened again."""

from __future__ import annotations

import asyncio
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from clew.core.clock import Clock, SystemClock
from clew.core.ids import new_id, time_of, trace_id_of
from clew.core.record import Record
from clew.core.redaction import Redactor
from clew.core.settings import Settings
from clew.flows.cleaning import Cleaner
from clew.flows.embedded import EmbeddedRunner
from clew.flows.event import Event
from clew.flows.flow import Flow
from clew.flows.http import Clients
from clew.flows.runner import Launch, LaunchedBy, LaunchResult, Runner
from clew.journal.sqlite import SqliteJournal
from clew.log.memory import MemoryStore
from clew.registry.registry import Registry, open_registry

WORKSPACE = "default"
DEADLINE_S = 60.0
"""For what has no reason to be late: only what never comes is waited for so long."""


@cache
def migrated_state() -> bytes:
    """An empty state database: migrating is most of the time of opening one."""
    with tempfile.TemporaryDirectory() as directory:
        open_registry(Settings(data_dir=directory)).close()
        return (Path(directory) / "state.db").read_bytes()


class FlowPlace:
    """Opens a runner of the driver over one directory, again and again."""

    def __init__(self, directory: Path, driver: str = "embedded", **options: Any) -> None:
        self.driver = driver
        self.clock: Clock = SystemClock()
        self.store = MemoryStore()
        self.options = options
        self.secrets: dict[str, str] = {}
        self._directory = directory
        self._runner: Runner | None = None
        self._draining = threading.Lock()

    async def open(self, *flows: Flow) -> Runner:
        """A started runner of these flows."""
        self.open_stores()
        self._runner = self._new_runner(flows)
        await self._runner.start()
        return self._runner

    def open_stores(self) -> None:
        """The journal, the state and the log, without a runner."""
        self._directory.mkdir(exist_ok=True)
        if not (self._directory / "state.db").exists():
            (self._directory / "state.db").write_bytes(migrated_state())
        self.registry: Registry = open_registry(Settings(data_dir=str(self._directory)), self.clock)
        self.journal = SqliteJournal(self._directory / "journal.db", clock=self.clock)
        self._reader = self.journal.reader("log")

    def drain(self, timeout_s: float) -> bool:
        """What the pump does, when it is asked."""
        with self._draining:
            while block := self._reader.read(20_000):
                self.store.insert(block.lines, block.token)
                self._reader.commit(block)
        return True

    def _new_runner(self, flows: Sequence[Flow]) -> Runner:
        assert self.driver == "embedded"
        products = {product.key: product for flow in flows for product in flow.products.values()}
        return EmbeddedRunner(
            flows=flows,
            journal=self.journal,
            store=self.store,
            drain=self.drain,
            database=self.registry.database,
            clients=Clients(products, self.secrets),
            cleaner=Cleaner(Redactor(), self.secrets.values()),
            clock=self.clock,
            **{"close_s": 0.05, **self.options},
        )

    async def close(self) -> None:
        """Stop, as a server does."""
        if self._runner is None:
            return
        await self._runner.close()
        self._runner = None
        self.drain(0)
        self.journal.close()
        self.registry.close()

    async def reopen(self, *flows: Flow) -> Runner:
        """Stop and start again."""
        await self.close()
        return await self.open(*flows)

    async def records(self, *kinds: str, parent: str = "") -> list[Record]:
        """The records so far, oldest first."""
        await asyncio.to_thread(self.drain, DEADLINE_S)
        found = self.store._records
        return [r for r in found if (not kinds or r.kind in kinds) and parent in ("", r.parent_id)]

    async def ended(self, runner: Runner, run_id: str) -> Record:
        """The run's record, when it has ended."""
        await until(lambda: runner.find(WORKSPACE, run_id) is None, f"the run {run_id} has ended")
        await asyncio.to_thread(self.drain, DEADLINE_S)
        record = self.store.find(WORKSPACE, run_id)
        assert record is not None
        return record

    async def all_ended(self, runner: Runner) -> list[Record]:
        """The records of all runs, when none is open any more.

        That a node ran says nothing about its run's record: it is written after it.
        """
        await until(lambda: runner.status().is_ready and not runner.open_runs(WORKSPACE), "all runs have ended")
        return await self.records("flow_run")

    async def run(self, runner: Runner, flow: Flow, payload: Any = None, **fields: Any) -> Record:
        """Launch a flow and wait until its run has ended."""
        result = await runner.launch(launch_of(flow, payload, **fields))
        assert result.code == "launched"
        return await self.ended(runner, result.run_id)


def event_of(payload: Any = None, **fields: Any) -> Event:
    """An event that came just now."""
    event_id = new_id()
    given = {"type": "order.released", "trace_id": trace_id_of(event_id), "source": "orders", **fields}
    return Event(id=event_id, time=time_of(event_id), payload=payload, **given)


def launch_of(flow: Flow, payload: Any = None, **fields: Any) -> Launch:
    """A launch of a flow by an event that came just now."""
    event = event_of(payload, **fields)
    return Launch(
        workspace=WORKSPACE,
        flow=flow.key,
        event=event,
        launched_by=LaunchedBy("external-event", (event.id,)),
        parent_id=event.id,
    )


async def until(probe: Callable[[], Any], what: str, timeout_s: float = DEADLINE_S) -> Any:
    """The first truthy answer of `probe`."""
    deadline = time.monotonic() + timeout_s
    while not (answer := probe()):
        assert time.monotonic() < deadline, f"not within {timeout_s} s: {what}"
        await asyncio.sleep(0.005)
    return answer


def parameters_of(record: Record) -> dict[str, Any]:
    """The record's parameters."""
    found = msgspec.json.decode(record.parameters)
    assert isinstance(found, dict)
    return found


def payload_of(record: Record) -> Any:
    """The record's payload."""
    return msgspec.json.decode(record.payload)


def codes(results: Sequence[LaunchResult]) -> list[str]:
    """What became of launches."""
    return [result.code for result in results]
