"""The pages over a real registry and the reference store, and one order that Ship refused."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from clew.core.clock import FakeClock
from clew.core.ids import new_id, trace_id_of
from clew.core.record import Body, ErrorInfo, HttpExchange, Kind, LogLine, Record, encode_line
from clew.core.settings import Settings
from clew.log.cursor import CursorCodec
from clew.log.memory import MemoryStore
from clew.log.parameters import FilterParser
from clew.log.removals import Removals
from clew.log.retention import Retention, collect_kept, read_ages
from clew.log.search import Search
from clew.log.tail import LiveTail
from clew.operations.exports import Exports
from clew.registry.integrations import Integration
from clew.registry.members import Member
from clew.registry.products import Product
from clew.registry.registry import Registry
from clew.web.face import WebFace
from harness.log_pages import WHOSE, exchange
from harness.pages import Client, Keep, MakeRecord, stage
from harness.shop_pages import Shop, running_shop
from harness.state import open_state

EMAIL, PASSWORD = "ada@acme.example", "correct horse battery"

Dotted = Callable[[str], list[str]]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=str(tmp_path), tail_ping_s=0.05)


@pytest.fixture
def registry(settings: Settings, clock: FakeClock) -> Iterator[Registry]:
    # As weak as it may be: what is tested is who gets in, not how long it takes.
    hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    registry = Registry(open_state(settings), clock, hasher=hasher)
    registry.products.save(Product(workspace="default", key="erp", title="ERP"))
    registry.products.save(Product(workspace="default", key="ship", title="Aptean Ship"))
    yield registry
    registry.close()


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def keep(store: MemoryStore) -> Keep:
    """Puts records into the log."""

    def keep(*records: Record) -> None:
        lines = b"".join(encode_line(record) + b"\n" for record in records)
        store.insert(lines, token=",".join(record.id for record in records))

    return keep


class Indexed:
    """How far the log has come: nearly all the way, unless a test sets `behind_ms`."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self.behind_ms = 400

    def indexed_until_ms(self) -> int:
        return self._clock.now_ms() - self.behind_ms


@pytest.fixture
def indexed(clock: FakeClock) -> Indexed:
    return Indexed(clock)


@pytest.fixture
def tail() -> Iterator[LiveTail]:
    tail = LiveTail()
    yield tail
    tail.close()


@pytest.fixture
def retention(registry: Registry, store: MemoryStore, settings: Settings, clock: FakeClock) -> Retention:
    """Removes what the settings say, when a test runs it; what is pinned stays."""
    return Retention(
        store,
        Removals(registry.database, clock),
        ages=read_ages(settings),
        max_bytes=settings.log_max_bytes,
        kept=lambda day: collect_kept(registry.pins.list_all()),
        clock=clock,
    )


@pytest.fixture
def stranger(
    registry: Registry,
    store: MemoryStore,
    settings: Settings,
    clock: FakeClock,
    indexed: Indexed,
    tail: LiveTail,
    retention: Retention,
) -> Iterator[Client]:
    """A browser in which nobody is signed in."""
    cursors = CursorCodec(b"secret")
    search = Search(store, progress=indexed, clock=clock, cursors=cursors, removed=retention.removals)
    parser = FilterParser(clock=clock, cursors=cursors)
    face = WebFace(
        search=search,
        parser=parser,
        registry=registry,
        settings=settings,
        clock=clock,
        tail=tail,
        retention=retention,
        exports=Exports(search, Path(settings.data_dir) / "exports", clock),
    )
    with stage().showing(face) as client:
        yield client
    search.close()


@pytest.fixture
def member(registry: Registry) -> Member:
    return registry.members.create("default", EMAIL, PASSWORD, "admin")


@pytest.fixture
def client(stranger: Client, registry: Registry, member: Member) -> Client:
    """A browser in which a member is signed in."""
    token, _ = registry.sessions.start(member)
    stranger.cookies.set("clew_session", token)
    return stranger


@pytest.fixture
def make_record(clock: FakeClock) -> MakeRecord:
    """Makes a record of a second ago, `after` that by some milliseconds, caused by `parent`."""

    def make_record(kind: Kind = "step", after: int = 0, parent: Record | None = None, **fields: object) -> Record:
        time = clock.now_ms() - 1_000 + after
        record_id = new_id(time)
        trace_id = parent.trace_id if parent else trace_id_of(record_id)
        given = {"trace_id": trace_id, "parent_id": parent.id if parent else "", "status": "success", **fields}
        return Record(id=record_id, time=time, workspace="default", kind=kind, **given)  # type: ignore[arg-type]

    return make_record


@pytest.fixture
def refused_order(make_record: MakeRecord, keep: Keep) -> dict[str, Record]:
    """Webhook → event → flow run → node run → API request, refused by Ship for want of a postal code; by name."""
    shared = {"customer": "acme", "keys": {"order": "SO-1042"}, "source_product": "erp", "target_product": "ship"}
    reason = ErrorInfo(type="Refused", key="postal_code", message="postal_code: must not be blank")
    error = ErrorInfo(type="HTTPStatusError", message="Ship answered 422", data={"status": 422}, caused_by=reason)
    payload = '{"number": "SO-1042", "total": 12345678901234567890.10, "note": "<script>alert(1)</script>"}'
    webhook = make_record(
        "external_webhook",
        event="order.released",
        payload=payload,
        content_type="application/json",
        parameters='{"email": "ada@acme.example", "amount": 420.10, "tags": ["b2b"]}',
        redacted=("request header x-erp-signature",),
        http=HttpExchange(direction="incoming", method="POST", url="https://clew.example/in/orders", status_code=202),
        **shared,
    )
    event = make_record("external_event", 4, webhook, event="order.released", **shared)
    run = make_record(
        "flow_run",
        31,
        event,
        flow="order-to-ship",
        status="failure",
        state="failed",
        error=ErrorInfo(type="NodeFailed", message="create_shipment failed", caused_by=error),
        **shared,
    )
    lookup = make_record("node_run", 38, run, node="lookup", **shared)
    create = make_record("node_run", 290, run, node="create_shipment", status="failure", error=error, **shared)
    post = make_record(
        "api_request",
        502,
        create,
        status="failure",
        state="422 Unprocessable Entity",
        error=error,
        duration_ms=212,
        http=HttpExchange(
            direction="outgoing",
            method="POST",
            url="https://ship.example/shipments",
            status_code=422,
            request_headers={"authorization": "[redacted]"},
            request_body=Body(text='{"order":"SO-1042"}', size=19),
            response_headers={"content-type": "application/problem+json"},
            response_body=Body(text='{"errors":[{"field":"postal_code"}]}', size=36),
        ),
        logs=(LogLine(time=webhook.time, msg="creating a shipment", data={"lines": 3}),),
        **shared,
    )
    records = {"webhook": webhook, "event": event, "run": run, "lookup": lookup, "create": create, "post": post}
    keep(*records.values())
    return records


@pytest.fixture
def dotted() -> Dotted:
    """Finds the links of a page's content that have a red dot: a row, a tab, a node of the chain."""

    def dotted(html: str) -> list[str]:
        main = html[html.index("<main") :]
        blocks = re.findall(r"<tr.*?</tr>|<li.*?</li>|<a .*?</a>", main, re.DOTALL)
        red = (block for block in blocks if 'class="dot failure"' in block or 'class="dot below"' in block)
        return [match.group(1) for block in red if (match := re.search(r'href="([^"]+)"', block))]

    return dotted


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """Pages over flows that run; one for the tests of a file."""
    with running_shop(tmp_path_factory.mktemp("shop")) as shop:
        yield shop


@pytest.fixture
def shop(running: Shop) -> Shop:
    """The running pages with an admin signed in."""
    running.ship.gate.set()
    running.sign_in("admin")
    return running


@pytest.fixture(scope="module")
def failed(running: Shop) -> tuple[Record, str]:
    """An order that Ship refused: its event and its run."""
    event = running.order("SO-1042")
    return event, running.run_of(event)


@pytest.fixture
def requests(make_record: MakeRecord, keep: Keep) -> dict[str, Record]:
    """An outgoing request that Ship took, one that it refused, and one that came to our API; by name."""
    taken = make_record(
        "api_request",
        **WHOSE,
        duration_ms=71,
        http=exchange("outgoing", "https://ship.example/shipments?dry=1", 201),
    )
    refused = make_record(
        "api_request",
        1,
        customer="other",
        status="failure",
        duration_ms=212,
        message="POST https://ship.example/shipments answered 422 Unprocessable Entity",
        error=ErrorInfo(type="http", message="answered 422 Unprocessable Entity"),
        http=exchange("outgoing", "https://ship.example/shipments", 422),
    )
    incoming = make_record("api_request", 2, http=exchange("incoming", "https://clew.example/v1/events", 201))
    keep(taken, refused, incoming)
    return {"taken": taken, "refused": refused, "incoming": incoming}


@pytest.fixture
def acme(registry: Registry) -> None:
    registry.customers.see("default", ["acme", "other"], at_ms=1)
    registry.customers.rename("default", "acme", "Acme Outdoor")
    registry.integrations.save(
        Integration(workspace="default", key="orders", source_product="erp", target_product="ship", direction="two-way")
    )


@pytest.fixture
def released(make_record: MakeRecord, keep: Keep) -> dict[str, Record]:
    """An order that the ERP published, Ship received, and Ship refused for its data; by name."""
    shared = {
        "customer": "acme",
        "source_product": "erp",
        "target_product": "ship",
        "event": "order.released",
        "direction": "two-way",
        "integration": "orders",
        "keys": {"order": "SO-1042", "correlation_id": "C-77"},
    }
    payload = '{"number": "SO-1042", "total": 12345678901234567890.10, "note": "<script>alert(1)</script>"}'
    event = make_record("integration_event", action="Published", type="Order", payload=payload, **shared)
    received = make_record("step", 27, event, action="Received", **shared)
    error = ErrorInfo(type="data", key="postal_code", message="postal_code: must not be blank")
    processed = make_record(
        "step", 598, event, action="Processed", error=error, **{**shared, "status": "failure", "source_product": "ship"}
    )
    records = {"event": event, "received": received, "processed": processed}
    keep(*records.values())
    return records
