"""`kill -9` at any moment: what was acknowledged is in the log, once."""

from __future__ import annotations

import os
import random
import threading
import uuid
from pathlib import Path

import httpx
import pytest

from harness.server import ServerProcess, eventually

pytestmark = pytest.mark.crash

KILLS = int(os.environ.get("CLEW_CRASH_KILLS", "20"))
SENDERS = 4


class Sender(threading.Thread):
    """Sends until told to stop, and remembers what was acknowledged. It tries again what was not, as senders do."""

    def __init__(self, server: ServerProcess, seed: int) -> None:
        super().__init__(daemon=True)
        self._server = server
        self._random = random.Random(seed)
        self._stop_asked = threading.Event()
        self.acknowledged: dict[str, str] = {}

    def run(self) -> None:
        while not self._stop_asked.is_set():
            events = [{"id": uuid.uuid4().hex, "event": "crash"} for _ in range(self._random.choice([1, 1, 5, 200]))]
            while not self._stop_asked.is_set():
                try:
                    with self._server.client() as api:
                        answer = api.post("/v1/events", json=events)
                except httpx.TransportError:
                    self._stop_asked.wait(0.02)
                    continue
                if answer.status_code == 201:
                    self.acknowledged |= dict(zip([e["id"] for e in events], answer.json()["ids"], strict=True))
                    break

    def finish(self) -> dict[str, str]:
        self._stop_asked.set()
        self.join(120)
        assert not self.is_alive()
        return self.acknowledged


def logged(api: httpx.Client) -> list[dict]:
    items, params = [], {"event": "crash", "limit": 1000}
    while True:
        page = api.get("/v1/records", params=params).json()
        items += page["items"]
        if page["next"] is None:
            return items
        params["cursor"] = page["next"]


def test_nothing_acknowledged_is_lost_and_nothing_is_there_twice(tmp_path: Path) -> None:
    chance = random.Random(2026)
    server = ServerProcess(tmp_path / "data").start()
    senders = [Sender(server, seed) for seed in range(SENDERS)]
    for sender in senders:
        sender.start()
    try:
        for _ in range(KILLS):
            threading.Event().wait(chance.uniform(0.05, 1.0))
            server.kill()
            server.start()
        eventually(lambda: sum(len(sender.acknowledged) for sender in senders) > KILLS, what="enough is taken")
        acknowledged: dict[str, str] = {}
        for sender in senders:
            acknowledged |= sender.finish()
        with server.client() as api:
            eventually(lambda: not api.get("/readyz").json()["parts"]["pump"]["waiting"])
            items = logged(api)
            count = api.get("/v1/records/count", params={"event": "crash"}).json()["count"]
    finally:
        for sender in senders:
            sender.finish()
        server.close()
    ids = [item["id"] for item in items]
    sender_ids = [item["sender_id"] for item in items]
    assert len(acknowledged) > KILLS
    assert count == len(items)
    assert len(set(ids)) == len(ids), "a record is in the log twice"
    assert len(set(sender_ids)) == len(sender_ids), "an event is in the log twice"
    by_sender_id = dict(zip(sender_ids, ids, strict=True))
    lost = {key for key, record_id in acknowledged.items() if by_sender_id.get(key) != record_id}
    assert not lost
