"""A small integration for tests: orders from an ERP become shipments, at a real local server that can refuse them."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from clew.flows.flow import Flow
from clew.registry.declare import Integration, Product


class Ship(ThreadingHTTPServer):
    """Answers shipments: 409 for an order without a postal code, 503 as often as `busy_left` says, else 201.

    A 409 may pass, so it is tried again as a 503 is.

    A POST waits while `gate` is closed.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.busy_left = 0
        self.gate = threading.Event()
        self.gate.set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Answer(BaseHTTPRequestHandler):
    server: Ship

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.gate.wait(10)
        if self.server.busy_left:
            self.server.busy_left -= 1
            self._answer(503, {"message": "try again later"})
        elif body.get("postal_code"):
            self._answer(201, {"shipment": 7})
        else:
            self._answer(409, {"errors": [{"field": "postal_code", "message": "must not be blank"}]})

    def _answer(self, status: int, body: object) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *arguments: object) -> None:
        """Nothing: a test's output is for what failed."""


@contextmanager
def running_ship() -> Iterator[Ship]:
    """The server, while the block runs."""
    server = Ship()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.gate.set()
        server.shutdown()
        thread.join()
        server.server_close()


def declare_flows(ship_url: str) -> dict[str, Flow]:
    """Two flows by key: `order-to-ship` for orders with lines, and `order-report`, which is switched off."""
    erp = Product("erp", title="ERP")
    ship = Product("ship", title="Aptean Ship", base_url=ship_url)
    orders = Integration("orders", source=erp, target=ship, direction="two-way", title="Orders")
    hooks = erp.webhook("orders", event="$.type")

    flow = Flow(
        "order-to-ship",
        title="Order to ship",
        integration=orders,
        on=hooks["order.released"],
        where="event.payload.lines > 0 && event.payload.country == 'US'",
    )

    @flow.node
    def lookup(event, log):
        log.info("looking up {}", event.payload["number"])
        log.compare("country", "US", event.payload["country"])
        log.data("order", event.payload)
        return {"total": event.payload["total"], "postal_code": event.payload.get("postal_code", "")}

    @flow.node(retries=2, backoff_s=0.01, title="Create the shipment")
    async def create_shipment(lookup, ship, log):
        log.info("creating a shipment")
        answer = await ship.post("/shipments", json=lookup)
        answer.raise_for_status()
        return answer.json()

    @flow.node(when="lookup.total > 1000")
    def notify_sales(lookup):
        return {"told": True}

    @flow.node(on_error="continue")
    def loyalty(lookup):
        raise ValueError("no such member")

    @flow.node
    def confirm_to_erp(create_shipment, loyalty, errors):
        return {"confirmed": create_shipment["shipment"], "loyalty": str(errors)}

    report = Flow("order-report", integration=orders, on=hooks["order.released"], enabled=False)

    @report.node
    def write(event):
        return {}

    return {one.key: one for one in (flow, report)}
