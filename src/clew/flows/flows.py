"""Flows in a running server: the runner, what launches runs, and what people decided, put together."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Set
from typing import Any

from clew.core.clock import Clock
from clew.core.errors import ClewError, NotFound
from clew.core.ids import new_id, time_of, trace_id_of
from clew.core.redaction import Redactor
from clew.flows.cleaning import Cleaner
from clew.flows.decisions import Rules
from clew.flows.dispatch import ArchivedCustomers, Dispatcher
from clew.flows.embedded import EmbeddedRunner
from clew.flows.event import Event
from clew.flows.flow import Flow
from clew.flows.flow_settings import FlowSettings
from clew.flows.http import Clients
from clew.flows.recorder import Recorder
from clew.flows.republishing import Republisher
from clew.flows.runner import Launch, LaunchedBy, LaunchResult, Runner
from clew.flows.scheduling import Scheduler
from clew.journal.journal import Journal
from clew.log.store import LogStore
from clew.registry.connections import Seen
from clew.registry.registry import Registry

READER = "dispatch"
"""The name of the journal's reader: open it before the journal is first trimmed."""
START_S = 2.0
"""How long a start waits for open runs to be taken up before it lets the server answer."""
RETRY_S = 1.0

_LOG = logging.getLogger(__name__)


class Flows:
    """The flows of a server. Build it before the journal is trimmed, `start` it in the server's event loop.

    `drain(timeout_s)` waits until what was appended can be found in `store` (`Pump.drain`). `secrets` has the values
    of the named secrets (what the products sign in with must be among them).
    """

    def __init__(
        self,
        flows: Iterable[Flow],
        *,
        journal: Journal,
        store: LogStore,
        drain: Callable[[float], bool],
        registry: Registry,
        redactor: Redactor,
        secrets: Mapping[str, str],
        clock: Clock,
    ) -> None:
        self.declared = {flow.key: flow for flow in flows}
        self.settings = FlowSettings(registry.database, clock)
        self._journal = journal
        self._registry = registry
        self._clock = clock
        self._reader = journal.reader(READER) if self.declared else None
        if self._reader is None:
            journal.forget_reader(READER)  # else the journal would wait for flows that are gone
        products = {product.key: product for flow in self.declared.values() for product in flow.products.values()}
        self._embedded = EmbeddedRunner(
            flows=self.declared.values(),
            journal=journal,
            store=store,
            drain=drain,
            database=registry.database,
            clients=Clients(products, secrets),
            cleaner=Cleaner(redactor, secrets.values()),
            clock=clock,
            logs_requests=lambda workspace: registry.switches.read(workspace).api_logs,
        )
        self.runner: Runner = self._embedded
        self._scheduler: Scheduler | None = None
        self._dispatcher: Dispatcher | None = None
        self._recorder = Recorder(journal)
        self.republisher = Republisher(self.runner, self._recorder, clock)
        self._starting: asyncio.Task[None] | None = None
        self._trouble = "Open flow runs are being taken up."

    async def start(self) -> None:
        """Take up what is open, then take in what is new. Call it in the loop in which the nodes are to run.

        Where taking up takes long, it goes on by itself: a server whose log is in trouble answers all the same.
        """
        self._starting = asyncio.get_running_loop().create_task(self._start())
        await asyncio.wait((self._starting,), timeout=START_S)

    async def stop(self) -> None:
        """Take nothing more in, and leave what is open for the next start. Before the journal is closed."""
        if self._starting:
            self._starting.cancel()
            await asyncio.wait((self._starting,))
        await self._recorder.close()
        if self._scheduler:
            await self._scheduler.stop()
        if self._dispatcher:
            await self._dispatcher.stop()
        await self.runner.close()

    async def _start(self) -> None:
        while True:
            try:
                await self.runner.start()
                break
            except Exception as error:  # whatever it is: the server answers, and says that it is not ready
                said = error.detail if isinstance(error, ClewError) else f"{type(error).__name__}: {error}"
                self._trouble = f"Open flow runs cannot be taken up: {said}"
                _LOG.warning("open flow runs cannot be taken up, and will be tried again: %s", said, exc_info=error)
                await asyncio.sleep(RETRY_S)
        self._trouble = ""
        if self._reader is None:
            self.runner.note_dispatched()
            return  # what is open of flows that are gone has ended as failed, and nothing new will come
        flows = tuple(self.declared.values())
        customers = ArchivedCustomers(self._archived_at, self._clock)
        rules = Rules(
            flows,
            setting_of=self.settings.find,
            archived_at=customers.archived_at,
            cut_off=self._registry.connections.cut_off,
        )
        self._dispatcher = Dispatcher(
            self._reader,
            journal=self._journal,
            runner=self.runner,
            rules=rules,
            see=self._see,
            loop=asyncio.get_running_loop(),
        )
        self._dispatcher.start()
        self._scheduler = Scheduler(
            flows,
            runner=self.runner,
            recorder=self._recorder,
            settings=self.settings,
            workspace=self._registry.workspace,
            clock=self._clock,
        )
        await self._scheduler.start()

    async def trigger(
        self,
        workspace: str,
        flow: str,
        payload: Any = None,
        *,
        customer: str = "",
        connection: str = "",
        keys: Mapping[str, str] | None = None,
        trace_id: str = "",
    ) -> LaunchResult:
        """Launch a flow because someone asked for it (`POST /v1/flows/{key}/runs`).

        A flow that is switched off is launched all the same: off means that nothing starts it by itself. Raises
        `NotFound` for a flow that is not declared.
        """
        found = self.find(flow)
        integration = found.integration.key if found.integration else ""
        await asyncio.to_thread(self._see_named, workspace, customer, (connection, customer, integration))
        event_id = new_id(self._clock.now_ms())
        event = Event(
            id=event_id,
            time=time_of(event_id),
            type="api",
            payload=payload,
            keys=dict(keys or {}),
            customer=customer,
            connection=connection,
            trace_id=trace_id or trace_id_of(event_id),
            integration=integration,
        )
        return await self.runner.launch(
            Launch(workspace=workspace, flow=flow, event=event, launched_by=LaunchedBy("api-trigger"))
        )

    def find(self, flow: str) -> Flow:
        """The declared flow of this key. Raises `NotFound` where there is none."""
        found = self.declared.get(flow)
        if found is None:
            raise NotFound(f"There is no flow {flow[:80]!r}.", hint=f"There are: {', '.join(self.declared) or 'none'}.")
        return found

    def is_enabled(self, workspace: str, flow: str) -> bool:
        """Whether events may launch it."""
        return self.settings.is_enabled(workspace, flow, declared=self.find(flow).enabled)

    def check(self) -> dict[str, Any]:
        """How it stands, for `/readyz`: `trouble` is why something waits, empty while all is well."""
        status = self.runner.status()
        trouble = self._trouble or status.trouble or (self._dispatcher.trouble if self._dispatcher else "")
        return {
            "queued": status.queued,
            "running": status.running,
            "hanging": status.hanging,
            "ready": status.is_ready,
            "trouble": trouble,
        }

    def _see_named(self, workspace: str, customer: str, seen: Seen) -> None:
        self._registry.customers.see(workspace, [customer], self._clock.now_ms())
        self._see(workspace, {seen})

    def _see(self, workspace: str, seen: Set[Seen]) -> None:
        """Make sure that connections are there, with the customer and the integration that a flow knows. Blocks."""
        new = seen - self._registry.connections.known(workspace)
        if new:
            self._registry.connections.see(workspace, new, self._clock.now_ms())

    def _archived_at(self, workspace: str, customer: str) -> int | None:
        found = self._registry.customers.find(workspace, customer)
        return found.archived_at if found else None
