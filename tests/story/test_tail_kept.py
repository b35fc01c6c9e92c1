"""A server that keeps little for who watches, and says often that it is there."""

from __future__ import annotations

import json
import re
import socket
import time
import uuid
from collections.abc import Iterable, Iterator
from urllib.parse import urlsplit

import httpx
import pytest

from clew.cli.tailing import ServerEvent, read_events
from harness.server import ADMIN_KEY, ServerProcess, eventually
from harness.tails import report, tailing

PING_S = 0.2
KEPT_BYTES = 4 * 1024 * 1024
BATCHES, BATCH = 20, 500
MESSAGE = "m" * 1_000
"""So many records are five times of what is kept, and more than the system holds for a connection besides."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    settings = {"CLEW_TAIL_PING_S": str(PING_S), "CLEW_TAIL_MEMORY_BYTES": str(KEPT_BYTES)}
    server = ServerProcess(tmp_path_factory.mktemp("kept") / "data", env=settings).start()
    yield server
    server.close()


@pytest.fixture
def api(server: ServerProcess) -> Iterator[httpx.Client]:
    with server.client() as client:
        yield client


@pytest.fixture
def customer() -> str:
    return f"t-{uuid.uuid4().hex[:10]}"


def test_while_nothing_comes_a_tail_says_that_it_is_there_with_the_place_to_go_on(
    api: httpx.Client, customer: str
) -> None:
    """A comment for what stands between, and an id for who comes back; between two of them is the time that is set."""
    with api.stream("GET", "/v1/records/tail", params={"customer": customer}) as answer:
        lines = (line for line in answer.iter_lines() if line and not line.startswith("retry:"))
        assert next(lines) == ": ping"
        began_s = time.monotonic()
        for _ in range(3):
            place = next(lines)
            assert re.fullmatch(r"id: \d+\.\d+", place)
            assert next(lines) == ": ping"
        assert time.monotonic() - began_s >= 2 * PING_S
    (record_id,) = report(api, {"event": "x", "customer": customer})
    with tailing(api, last_id=place.removeprefix("id: "), customer=customer) as again:
        assert again.item()["id"] == record_id


def connect_and_read_nothing(server: ServerProcess, customer: str) -> socket.socket:
    """A watcher that asked and does not read, with as little room on its side as can be had."""
    where = urlsplit(server.url)
    stuck = socket.socket()
    stuck.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
    stuck.settimeout(30)
    stuck.connect((where.hostname, where.port))
    asked = f"GET /v1/records/tail?customer={customer} HTTP/1.1"
    stuck.sendall(f"{asked}\r\nhost: {where.netloc}\r\nauthorization: Bearer {ADMIN_KEY}\r\n\r\n".encode())
    return stuck


def read_chunked(stuck: socket.socket) -> Iterator[bytes]:
    """The body of what came, without its chunks' lengths. It ends where the connection does."""
    with stuck.makefile("rb") as file:
        while file.readline().strip():
            pass
        while size := int(file.readline() or b"0", 16):
            yield file.read(size)
            file.readline()


def count_until(events: Iterable[ServerEvent], total: int) -> tuple[int, int]:
    """How many records were shown and how many dropped, together `total`."""
    shown = dropped = 0
    for event in events:
        shown += event.name == "record"
        if event.name == "dropped":
            dropped += json.loads(event.data)["count"]
        if shown + dropped >= total:
            break
    return shown, dropped


def test_a_watcher_that_never_reads_slows_nobody_and_is_told_in_the_end_what_it_missed(
    server: ServerProcess, api: httpx.Client, customer: str
) -> None:
    total = BATCHES * BATCH
    ids: list[str] = []
    seen: list[str] = []
    with connect_and_read_nothing(server, customer) as stuck, tailing(api, customer=customer) as quick:
        for _ in range(BATCHES):
            ids += report(api, *([{"event": "order.released", "customer": customer, "message": MESSAGE}] * BATCH))
            seen += [quick.item()["id"] for _ in range(BATCH)]  # each a record: the one who reads misses nothing
        assert seen == ids
        count = {"customer": customer}
        assert eventually(lambda: api.get("/v1/records/count", params=count).json()["count"] == total, timeout_s=30)
        assert api.get("/readyz").status_code == 200
        shown, dropped = count_until(read_events(read_chunked(stuck)), total)
    assert shown + dropped == total, "it is told of each, shown or dropped"
    assert 0 < shown < total
