"""Retention over a log in memory: how it is built, what is put into it, and what is left."""

from __future__ import annotations

import uuid

from clew.core.clock import DAY_MS, HOUR_MS
from clew.core.ids import new_id
from clew.core.record import Body, HttpExchange, Record, encode_line
from clew.log.retention import Ages, Retention
from clew.log.store import Kept

TODAY = 20_600
NOW = TODAY * DAY_MS + 7 * HOUR_MS
NEVER = Kept()


def forget_removals(database):
    with database.write() as connection:
        connection.exec_driver_sql("DELETE FROM removals")


def build(store, removals, clock, days=14, max_bytes=0, kept=NEVER, **by_kind):
    return Retention(store, removals, ages=Ages(days, by_kind), max_bytes=max_bytes, kept=lambda day: kept, clock=clock)


def make(days_ago=0, ms=0, **fields):
    time = (TODAY - days_ago) * DAY_MS + ms
    return Record(**({"id": new_id(time), "time": time, "workspace": "w", "kind": "step"} | fields))


def put(store, *records):
    store.insert(b"".join(encode_line(record) + b"\n" for record in records), uuid.uuid4().hex)
    return records


def left(store, *records):
    """Which of these are there, whole or not."""
    return [store.find("w", record.id) is not None for record in records]


def whole(store, *records):
    """Which of these are there as they were."""
    return [store.find("w", record.id) == record for record in records]


def heavy(days_ago, status, **fields):
    """A record of some 20 kB, nearly all of it bodies."""
    http = HttpExchange(direction="outgoing", method="GET", url="/", response_body=Body(text="x" * 10_000, size=10_000))
    return make(days_ago, kind="api_request", status=status, payload="p" * 10_000, http=http, **fields)
