"""The pages over flows that really run: a journal and a log in memory, the pump, the dispatcher and the runner."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from litestar import Litestar
from litestar.testing import TestClient

from clew.core.clock import Clock
from clew.core.ids import new_id, trace_id_of
from clew.core.record import Record, encode_line
from clew.core.redaction import Redactor
from clew.core.settings import Settings
from clew.flows.flow import Flow
from clew.flows.flows import Flows
from clew.journal.journal import Append, Item
from clew.journal.memory import MemoryJournal
from clew.log.cursor import CursorCodec
from clew.log.memory import MemoryStore
from clew.log.parameters import FilterParser
from clew.log.pump import Pump
from clew.log.search import Search
from clew.log.tail import LiveTail
from clew.registry.registry import Registry
from clew.web.face import WebFace
from clew.web.pages import build_web


@dataclass
class RunningPages:
    """A browser, and the ways in behind the pages."""

    client: TestClient[Litestar]
    journal: MemoryJournal
    store: MemoryStore
    pump: Pump
    flows: Flows
    clock: Clock

    def report(self, **fields: object) -> Record:
        """Append an event as a door would, and wait until it can be found."""
        record_id = new_id()
        given = {
            "event": "order.released",
            "source": "orders",
            "customer": "acme",
            "content_type": "application/json",
            "status": "success",
            **fields,
        }
        record = Record(
            id=record_id,
            time=self.clock.now_ms(),
            workspace="default",
            kind="external_event",
            trace_id=trace_id_of(record_id),
            **given,  # type: ignore[arg-type]
        )
        item = Item(record.id, encode_line(record))
        self.client.blocking_portal.call(self.journal.append, Append((item,)))
        assert self.pump.drain(5)
        return record


@contextmanager
def running_pages(
    flows: dict[str, Flow], registry: Registry, settings: Settings, clock: Clock
) -> Iterator[RunningPages]:
    """The pages of these flows, which run while the block does."""
    journal, store = MemoryJournal(clock=clock), MemoryStore()
    tail = LiveTail()
    pump = Pump(journal.reader("log"), store, clock, on_inserted=tail.offer)
    running = Flows(
        flows.values(),
        journal=journal,
        store=store,
        drain=pump.drain,
        registry=registry,
        redactor=Redactor(),
        secrets={},
        clock=clock,
    )
    cursors = CursorCodec(b"secret")
    search = Search(store, progress=pump, clock=clock, cursors=cursors)
    face = WebFace(
        search=search,
        tail=tail,
        parser=FilterParser(clock=clock, cursors=cursors),
        registry=registry,
        settings=settings,
        clock=clock,
        flows=running.declared,
        runner=running.runner,
        flow_settings=running.settings,
        republisher=running.republisher,
    )
    app = Litestar([build_web(face)], on_startup=[running.start], on_shutdown=[running.stop], openapi_config=None)
    pump.start()
    try:
        with TestClient(app) as client:
            client.follow_redirects = False
            yield RunningPages(client, journal, store, pump, running, clock)
    finally:
        pump.stop()
        tail.close()
        search.close()
