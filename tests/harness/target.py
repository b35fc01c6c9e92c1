"""Flows that carry events to a product, and that product: a real local server that answers as it is told."""

from __future__ import annotations

import json
import threading
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

MODULE = """
import asyncio
import os
import time

from clew import Flow, Integration, Product, bearer

target = Product("target", title="Target", base_url=os.environ["TARGET_URL"], auth=bearer("TARGET_TOKEN"))
gone = Product("gone", base_url=os.environ["GONE_URL"])
remote = Product("remote", base_url="https://remote.example")
orders = Integration("orders", source=target, target=target)
hooks = target.webhook(
    "hooks",
    event="$.type",
    customer="$.account",
    connection="$.connection",
    keys={"order": "$.number"},
    delivery_id="header:X-Delivery",
)

carry = Flow(
    "carry",
    integration=orders,
    on=hooks["order.released"],
    where="event.payload.lines.size() > 0 && event.payload.country == 'US'",
)


@carry.node
async def lookup(event, target):
    return (await target.get(f"/orders/{event.keys['order']}")).raise_for_status().json()


@carry.node(when="lookup.status == 'open'", retries=2, backoff_s=0.05)
async def create(lookup, target, log):
    log.info("creating a shipment for {}", lookup["number"])
    wanted = {"order": lookup["number"], "password": "hunter2"}
    answer = await target.post(f"/shipments/{lookup['number']}", json=wanted)
    return answer.raise_for_status().json()


@carry.node(when="lookup.total > 1000")
def notify(lookup, create, target):
    return target.post("/notes", json={"order": lookup["number"]}).raise_for_status().json()


also = Flow("also", integration=orders, on=hooks["order.released"], enabled=False)


@also.node
def archive(event):
    return event.keys


going_on = Flow("going-on", integration=orders, on=hooks["odd"])


@going_on.node(on_error="continue")
def broken(event):
    raise ValueError("there is no map")


@going_on.node
def after(broken, errors):
    return {"got": broken, "error": errors["broken"].message}


mapping = Flow("mapping", integration=orders, on=hooks["mapping"])


@mapping.node
def read_sku(event):
    try:
        return event.payload["sku"]
    except KeyError as error:
        raise ValueError("the order has no article") from error


@mapping.node
def never(read_sku):
    return read_sku


hanging = Flow("hanging", integration=orders, on=hooks["hanging"])


@hanging.node(timeout_s=0.2)
async def hang(event):
    await asyncio.sleep(60)


hanging_thread = Flow("hanging-thread", integration=orders, on=hooks["hanging"])


@hanging_thread.node(timeout_s=0.2)
def hang_in_thread(event):
    time.sleep(600)


odd_output = Flow("odd-output", integration=orders, on=hooks["odd-output"])


@odd_output.node
def give_object(event):
    return object()


large_output = Flow("large-output", integration=orders, on=hooks["odd-output"])


@large_output.node
def give_much(event):
    return "x" * (21 * 1024 * 1024)


dead_host = Flow("dead-host", integration=orders, on=hooks["dead"], products=[gone, remote])


@dead_host.node(on_error="continue")
async def call_gone(event, gone):
    return (await gone.get("/")).json()


@dead_host.node
async def call_unknown(call_gone, remote):
    return (await remote.get("/")).json()


reaching = Flow("reaching", integration=orders, on=hooks["reaching"], products=[remote])


@reaching.node
async def reach(event, remote):
    return (await remote.get(event.payload["url"])).text


patient = Flow("patient", integration=orders, on=hooks["patient"])


@patient.node
async def wait(event, target):
    return (await target.get(f"/wait/{event.payload['ticket']}")).raise_for_status().json()


@patient.node
async def finish(wait):
    return wait


stepwise = Flow("stepwise", integration=orders, on=hooks["stepwise"])


@stepwise.node
async def first(event, target):
    answer = await target.post(f"/count/first-{event.payload['ticket']}", json=event.payload)
    return {"value": event.payload["value"], "count": answer.json()["count"]}


@stepwise.node
async def second(event, first, target):
    answer = await target.post(f"/count/second-{event.payload['ticket']}", json=first)
    answer.raise_for_status()
    return {"value": first["value"], "count": answer.json()["count"]}
"""
TOKEN = "target-token-0123456789"


class Target:
    """A product that answers, and fails when it is told to: `failures` maps a path to the statuses to answer first."""

    def __init__(self) -> None:
        self.orders: dict[str, dict[str, Any]] = {}
        self.failures: dict[str, list[int]] = {}
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        self.counts: Counter[str] = Counter()
        self.tickets: dict[str, threading.Event] = {}
        self._lock = threading.Lock()

    def ticket(self) -> str:
        """What a request to `/wait/{ticket}` waits for, until it is let go."""
        ticket = uuid.uuid4().hex
        self.tickets[ticket] = threading.Event()
        return ticket

    def calls(self, path: str) -> int:
        """How often a path was asked for."""
        return sum(asked == path for _, asked, _ in self.requests)

    def answer(self, method: str, path: str, headers: dict[str, str]) -> tuple[int, Any]:
        with self._lock:
            self.requests.append((method, path, headers))
            if left := self.failures.get(path):
                return left.pop(0), {"error": "told_to", "message": "it was told to fail"}
        _, kind, name = [*path.split("/", 2), ""][:3]
        if kind == "orders":
            return 200, {"number": name, "status": "open", "total": 10, **self.orders.get(name, {})}
        if kind == "wait":
            assert self.tickets[name].wait(120)
            return 200, {"ticket": name}
        if kind == "count":
            with self._lock:
                self.counts[name] += 1
                return 200, {"count": self.counts[name]}
        return 201, {"number": f"{kind}-{name}"}


@contextmanager
def running_target() -> Iterator[Target]:
    """The product, while the block runs."""
    target = Target()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", 0)))
            status, answer = target.answer(self.command, self.path, {k.lower(): v for k, v in self.headers.items()})
            body = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    target.url = f"http://127.0.0.1:{server.server_address[1]}"
    serving = threading.Thread(target=server.serve_forever)
    serving.start()
    try:
        yield target
    finally:
        for ticket in target.tickets.values():
            ticket.set()
        server.shutdown()
        serving.join()
        server.server_close()
