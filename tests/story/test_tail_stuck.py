"""One who watches and never reads keeps nothing from coming in, and nothing from the others who watch."""

from __future__ import annotations

import json
import socket
import uuid
from collections.abc import Iterable, Iterator
from urllib.parse import urlsplit

import httpx

from clew.cli.tailing import ServerEvent, read_events
from harness.server import ADMIN_KEY, ServerProcess, eventually

BATCHES, BATCH = 12, 500
MESSAGE = "m" * 1_000


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
    server: ServerProcess, api: httpx.Client
) -> None:
    customer = f"t-{uuid.uuid4().hex[:10]}"
    total = BATCHES * BATCH
    ids: list[str] = []
    seen: list[str] = []
    with (
        connect_and_read_nothing(server, customer) as stuck,
        api.stream("GET", "/v1/records/tail", params={"customer": customer}) as tail,
    ):
        events = read_events(tail.iter_bytes())
        assert next(events).data == b""
        for _ in range(BATCHES):
            batch = [{"event": "order.released", "customer": customer, "message": MESSAGE}] * BATCH
            answer = api.post("/v1/events", json=batch)
            assert answer.status_code == 201
            ids += answer.json()["ids"]
            for event in events:
                assert event.name == "record", "the one who reads misses nothing"
                seen.append(json.loads(event.data)["id"])
                if len(seen) == len(ids):
                    break
        assert seen == ids
        count = {"customer": customer}
        assert eventually(lambda: api.get("/v1/records/count", params=count).json()["count"] == total, timeout_s=30)
        assert api.get("/readyz").status_code == 200
        shown, dropped = count_until(read_events(read_chunked(stuck)), total)
    assert shown + dropped == total, "it is told of each, shown or dropped"
    assert 0 < shown < total
