"""A load on a real server, watched from outside: what was acknowledged, when the log held it, what it cost."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import msgspec

from benchmarks.load import LoadResult, LoadSpec
from benchmarks.pieces import CUSTOMERS
from benchmarks.processes import LoadClient, Server, ask
from benchmarks.records import json_array

LOOK_EVERY_S = 0.25
DRAIN_LOOK_EVERY_S = 0.02
DRAIN_TIMEOUT_S = 300


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """A load and its costs. `drain_s` is from the last acknowledgement until the log held everything."""

    load: LoadResult
    drain_s: float
    most_waiting: int
    server_cpu_s: float
    rss_mb: float

    @property
    def indexed_per_s(self) -> float:
        """Records in a second, from the first request until the log held the last one."""
        return self.load.records / (self.load.seconds + self.drain_s)

    def describe_cost(self) -> str:
        """Processor time of both sides, and the server's memory."""
        per_record_us = self.server_cpu_s / self.load.records * 1e6
        return (
            f"CPU: server {self.server_cpu_s:.1f} s ({per_record_us:.0f} us a record), client {self.load.cpu_s:.1f} s "
            f"in {self.load.seconds + self.drain_s:.1f} s; server RSS {self.rss_mb:,.0f} MB"
        )


class Watcher(threading.Thread):
    """Looks at `/readyz` while the load runs, and remembers the most that waited."""

    def __init__(self, server: Server) -> None:
        super().__init__(daemon=True)
        self._server = server
        self._is_over = threading.Event()
        self.most_waiting = 0

    def run(self) -> None:
        """The thread's work."""
        connection = self._server.connect()
        while not self._is_over.wait(LOOK_EVERY_S):
            self.most_waiting = max(self.most_waiting, _waiting(ask(connection, "/readyz")[1]))
        connection.close()

    def finish(self) -> None:
        """Stop looking."""
        self._is_over.set()
        self.join()


def run_load(directory: Path, spec: LoadSpec) -> Seen:
    """Start a server, load it, wait until the log holds everything, stop it.

    Raises `RuntimeError` where the log does not hold exactly what was acknowledged.
    """
    with LoadClient(spec) as client, Server(directory) as server:
        known = introduce_customers(server)
        watcher = Watcher(server)
        cpu_s = server.cpu_s()
        watcher.start()
        client.start(server.port)
        load = client.finish()
        done_s = time.perf_counter()
        wait_until_drained(server)
        drain_s = time.perf_counter() - done_s
        cpu_s = server.cpu_s() - cpu_s
        watcher.finish()
        check_count(server, known + load.records)
        return Seen(
            load=load,
            drain_s=drain_s,
            most_waiting=watcher.most_waiting,
            server_cpu_s=cpu_s,
            rss_mb=server.rss_mb(),
        )


def introduce_customers(server: Server) -> int:
    """Send one event for each customer, and wait until they are indexed. Returns how many there were.

    A customer is created by the first event that names it. That is a transaction of the state, once in a customer's
    life; a load of some seconds from customers all unknown would measure little else.
    """
    events = (b'{"event":"introduced","customer":"cust-%04d"}' % place for place in range(CUSTOMERS))
    connection = server.connect()
    status, answer = ask(connection, "/v1/events", json_array(events))
    connection.close()
    if status != 201:
        raise RuntimeError(f"the customers were answered with {status} {answer}")
    wait_until_drained(server)
    return CUSTOMERS


def wait_until_drained(server: Server) -> None:
    """Wait until nothing waits to be indexed. Raises `RuntimeError` where that takes minutes."""
    connection = server.connect()
    deadline_s = time.monotonic() + DRAIN_TIMEOUT_S
    while waiting := _waiting(ask(connection, "/readyz")[1]):
        if time.monotonic() > deadline_s:
            raise RuntimeError(f"{waiting} records were not indexed within {DRAIN_TIMEOUT_S} s")
        time.sleep(DRAIN_LOOK_EVERY_S)
    connection.close()


def check_count(server: Server, acknowledged: int) -> None:
    """A figure is worth nothing where records are missing."""
    connection = server.connect()
    status, answer = ask(connection, "/v1/records/count?kind=integration_event")
    connection.close()
    if status != 200 or answer["count"] != acknowledged:
        raise RuntimeError(f"{acknowledged} records were acknowledged, the log counts {answer}")


def _waiting(readiness: dict[str, dict[str, dict[str, int]]]) -> int:
    return readiness["parts"]["pump"]["waiting"]
