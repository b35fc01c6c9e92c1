"""A small server that plays Clew's two doors, and writes down what came through them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec
import pytest

from clew.core.clock import SystemClock
from clew.core.ids import new_id
from clew.core.settings import Settings
from clew.demo.local_server import serve_locally
from clew.demo.signing import set_secrets
from clew.doors.json_events import read_events

API_KEY = "ck_test"


class ClewDouble:
    """Answers as Clew does. `failures` are statuses to answer first, each once; `logs_webhooks` is its switch."""

    def __init__(self) -> None:
        self.url = ""
        self.records: dict[str, dict[str, Any]] = {}
        self.batches: list[int] = []
        self.webhooks: list[dict[str, Any]] = []
        self.failures: list[tuple[int, dict[str, str]]] = []
        self.logs_webhooks = True
        self.duplicates = 0
        self.requests = 0
        self._ids: dict[str, str] = {}

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        body, is_more = b"", True
        while is_more:
            message = await receive()
            body += message.get("body", b"")
            is_more = message.get("more_body", False)
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        self.requests += 1
        status, answer, more = self._answer(scope["path"], headers, body)
        raw = [(b"content-type", b"application/json"), *((k.encode(), v.encode()) for k, v in more.items())]
        await send({"type": "http.response.start", "status": status, "headers": raw})
        await send({"type": "http.response.body", "body": msgspec.json.encode(answer)})

    def _answer(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, Any, dict[str, str]]:
        if self.failures:
            status, more = self.failures.pop(0)
            return status, {"detail": f"told to answer {status}"}, more
        if path == "/v1/events":
            if headers["authorization"] != f"Bearer {API_KEY}":
                return 401, {"detail": "wrong key"}, {}
            # What Clew would refuse is refused here too: the reader raises, and the sender is answered 500.
            read_events(body, headers["content-type"], Settings(), SystemClock().now_ms())
            return 201, self._take_events(body), {}
        source = path.removeprefix("/webhooks/in/")
        return 200, self._take_webhook(source, headers, body), {}

    def _take_events(self, body: bytes) -> dict[str, Any]:
        events = [msgspec.json.decode(line) for line in body.splitlines()]
        self.batches.append(len(events))
        repeated = [event for event in events if event["id"] in self._ids]
        self.duplicates += len(repeated)
        ids = [self._ids.get(event["id"]) or self._add("integration_event", event) for event in events]
        own = {event["id"]: record_id for event, record_id in zip(events, ids, strict=True)}
        for record_id in ids:
            if parent_id := self.records[record_id].get("parent_id"):
                self.records[record_id]["parent_id"] = own.get(parent_id, parent_id)
        return {"accepted": len(events) - len(repeated), "duplicates": len(repeated), "ids": ids}

    def _take_webhook(self, source: str, headers: dict[str, str], body: bytes) -> dict[str, Any]:
        document = msgspec.json.decode(body)
        trace_id = headers["traceparent"].split("-")[1]
        webhook_id = self._add("external_webhook", {"trace_id": trace_id, "event": document["type"]})
        event = {"trace_id": trace_id, "event": document["type"], "parent_id": webhook_id, "payload": document}
        event_id = self._add("external_event", event)
        self.webhooks.append({"source": source, "headers": headers, "body": body, "document": document})
        return {"id": webhook_id if self.logs_webhooks else None, "event_ids": [event_id], "duplicate": False}

    def _add(self, kind: str, event: dict[str, Any]) -> str:
        record_id = new_id()
        self.records[record_id] = {"kind": kind, **event}
        if "id" in event:
            self._ids[event["id"]] = record_id
        return record_id

    def of_order(self, number: str) -> list[dict[str, Any]]:
        """What was reported about an order."""
        return [record for record in self.records.values() if record.get("keys", {}).get("order") == number]

    def path_to(self, record_id: str) -> list[str]:
        """The events from the root of a record's tree down to it."""
        record = self.records[record_id]
        parent_id = record.get("parent_id")
        return [*(self.path_to(parent_id) if parent_id else []), record["event"]]


@pytest.fixture
async def clew() -> AsyncIterator[ClewDouble]:
    """Clew's two doors on loopback."""
    double = ClewDouble()
    async with serve_locally(double) as url:
        double.url = url
        yield double


@pytest.fixture
def api_key() -> str:
    return API_KEY


@pytest.fixture
def secrets_set(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The webhook secrets and access tokens, random as in the demo, in the environment."""
    values: dict[str, str] = {}
    set_secrets(values)
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    return values


@pytest.fixture
def eventually() -> Callable[..., Any]:
    """Waits until a condition holds, at most `within_s`."""

    async def wait(condition: Callable[[], Any], within_s: float = 10) -> Any:
        async with asyncio.timeout(within_s):
            while not (result := condition()):  # noqa: ASYNC110 - what is waited for is another's state
                await asyncio.sleep(0.005)
        return result

    return wait
