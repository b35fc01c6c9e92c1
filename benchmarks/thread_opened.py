"""A thread of 200 records, opened in a log that holds many others: `--records` says how many.

The log is filled before the server starts, with the records that `records.py` makes and the thread in their middle.
Filling takes about a minute for every two million; the promise is for ten million.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from array import array
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from benchmarks.load import summarize_latencies
from benchmarks.outcome import Outcome, add_options
from benchmarks.processes import Server, ask
from benchmarks.records import Records, ndjson
from clew.core.clock import DAY_MS
from clew.core.ids import new_id
from clew.core.record import Kind, Record, encode_line
from clew.log.clickhouse import ClickHouseStore

GOAL_P50_MS = 60
RECORDS = 200_000
THREAD = 200
SPAN_DAYS = 7
BLOCK = 50_000
OPENINGS = 50
TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
STEP_MS = 20
_BELOW: tuple[Kind, ...] = ("node_run", "api_request")


def measure(directory: Path, seconds: float, records: int = RECORDS) -> Outcome:
    """Measure how long a thread of 200 records takes to open. The load's length says nothing here."""
    del seconds
    data = directory / "data"
    data.mkdir(parents=True)
    fill(data / "log", records)
    thread = list(make_thread(time.time_ns() // 1_000_000 - SPAN_DAYS * DAY_MS // 2))
    insert_thread(data / "log", thread)
    with Server(data) as server:
        first_s, times = open_thread(server, thread[THREAD // 2].id)
    return Outcome(
        promise=f"a thread of {THREAD} records opened, of {records:,}",
        goal=f"p50 < {GOAL_P50_MS} ms",
        figure=f"p50 {times['p50_ms']:.1f} ms",
        is_met=times["p50_ms"] < GOAL_P50_MS,
        ratio=f"{times['p50_ms'] / THREAD * 1000:.0f} us a record of it",
        notes=(
            f"{OPENINGS} openings through `GET /v1/records/{{id}}/trace`, p95 {times['p95_ms']:.1f} ms",
            f"the first, with nothing in memory, {first_s * 1000:.0f} ms",
            f"records over {SPAN_DAYS} days, the thread in their middle",
        ),
    )


def fill(directory: Path, records: int) -> None:
    """Put records of the last days into a new log."""
    begin_ms = time.time_ns() // 1_000_000 - SPAN_DAYS * DAY_MS
    lines = Records(begin_ms=begin_ms, step_ms=SPAN_DAYS * DAY_MS / max(1, records)).lines(records)
    store = ClickHouseStore(directory)
    place = 0
    while block := list(islice(lines, BLOCK)):
        store.insert(ndjson(block), f"fill-{place}")
        place += 1
    store.close()


def make_thread(begin_ms: int) -> Iterator[Record]:
    """A webhook, its event, a flow run, and node runs with their requests."""
    ids = [new_id(begin_ms + place * STEP_MS) for place in range(THREAD)]
    heads: tuple[Kind, ...] = ("external_webhook", "external_event", "flow_run")
    for place, record_id in enumerate(ids):
        is_head = place < len(heads)
        above = place - 1 if is_head or place % 2 == 0 else 2
        yield Record(
            id=record_id,
            time=begin_ms + place * STEP_MS,
            workspace="default",
            kind=heads[place] if is_head else _BELOW[(place - 1) % 2],
            event="order.released",
            status="failure" if place in (heads.index("flow_run"), THREAD - 1) else "success",
            message=f"record {place} of the thread",
            trace_id=TRACE_ID,
            parent_id=ids[above] if place else "",
            keys={"order": "SO-1042"},
            payload='{"note":"' + "a body of some length " * 40 + '"}',
            content_type="application/json",
        )


def insert_thread(directory: Path, thread: list[Record]) -> None:
    """Put the thread into the log."""
    store = ClickHouseStore(directory)
    store.insert(ndjson(encode_line(record) for record in thread), "thread")
    store.close()


def open_thread(server: Server, record_id: str) -> tuple[float, dict[str, float]]:
    """How long the first opening took in seconds, and the percentiles of those after it."""
    connection = server.connect()
    took_s = array("d")
    for _ in range(OPENINGS + 1):
        begun_s = time.perf_counter()
        status, answer = ask(connection, f"/v1/records/{record_id}/trace")
        took_s.append(time.perf_counter() - begun_s)
        if status != 200 or len(answer["items"]) != THREAD:
            raise RuntimeError(f"the thread was answered with {status} and {len(answer.get('items', ()))} records")
    connection.close()
    return took_s[0], summarize_latencies(took_s[1:])


def main() -> None:
    parser = argparse.ArgumentParser(description=measure.__doc__)
    add_options(parser, 0.0)
    parser.add_argument("--records", type=int, default=RECORDS, help="how many records the log holds [%(default)s]")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.directory, prefix="clew-benchmark-") as directory:
        print(measure(Path(directory), options.seconds, options.records).sentence)


if __name__ == "__main__":
    main()
