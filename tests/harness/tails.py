"""A live tail over HTTP, as a program reads it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from queue import Empty, Queue
from typing import Any

import httpx
import pytest

from clew.cli.tailing import ServerEvent, read_events

PATIENCE_S = 60


class Tail:
    """An open tail, read in a thread. It ends where the server ends it, or with the block that opened it."""

    def __init__(self, answer: httpx.Response) -> None:
        self.answer = answer
        self.last_id = ""
        self.ended = threading.Event()
        self.ended_well = False
        self._events: Queue[ServerEvent] = Queue()
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()
        self.last_id = self._events.get(timeout=PATIENCE_S).id  # it begins with where it is

    def next(self, timeout_s: float = PATIENCE_S) -> ServerEvent:
        """The next event that is no ping."""
        while True:
            event = self._events.get(timeout=timeout_s)
            self.last_id = event.id
            if event.data:
                return event

    def expect_nothing(self) -> None:
        with pytest.raises(Empty):
            self.next(timeout_s=0.3)

    def item(self) -> dict[str, Any]:
        """The next record."""
        event = self.next()
        assert event.name == "record", event
        item: dict[str, Any] = json.loads(event.data)
        return item

    def _read(self) -> None:
        try:
            for event in read_events(self.answer.iter_bytes()):
                self._events.put(event)
            self.ended_well = True
        except httpx.HTTPError:
            pass  # it was closed from here
        finally:
            self.ended.set()


@contextmanager
def tailing(api: httpx.Client, path: str = "records", last_id: str = "", **filters: str) -> Iterator[Tail]:
    headers = {"last-event-id": last_id} if last_id else {}
    with api.stream("GET", f"/v1/{path}/tail", params=filters, headers=headers) as answer:
        assert answer.status_code == 200, answer.read()
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield Tail(answer)


def report(api: httpx.Client, *events: dict[str, Any]) -> list[str]:
    answer = api.post("/v1/events", json=list(events))
    assert answer.status_code == 201, answer.text
    ids: list[str] = answer.json()["ids"]
    return ids
