"""From the acknowledgement of an event until a reader finds it, while other events come in.

Ten events a second are followed: each is sent alone, and asked for by its id until it is there. They are asked for
one after the other, so that asking loads the server little; what this makes late counts as late.
"""

from __future__ import annotations

import threading
import time
from array import array
from collections import deque
from pathlib import Path

from benchmarks.limits import measure_fsync_rate
from benchmarks.load import LoadSpec, summarize_latencies
from benchmarks.outcome import Outcome, run
from benchmarks.processes import ADMIN_KEY, LoadClient, Server, ask
from benchmarks.records import Records
from benchmarks.watch import introduce_customers, wait_until_drained

GOAL_P99_MS = 1_000
BACKGROUND_PER_S = 5_000
PER_REQUEST = 100
PROBE_EVERY_S = 0.1
ASK_EVERY_S = 0.02
PROBE_TIMEOUT_S = 60
PROBE_SEED = 7


class Prober(threading.Thread):
    """Sends an event now and then, and remembers its id and when it was acknowledged."""

    def __init__(self, server: Server, seconds: float) -> None:
        super().__init__(daemon=True)
        self._server = server
        self._count = int(seconds / PROBE_EVERY_S)
        self.sent: deque[tuple[str, float]] = deque()
        self.failure = ""
        self.acknowledgement_s = array("d")

    def run(self) -> None:
        """The thread's work."""
        connection = self._server.connect()
        events = Records(PROBE_SEED, begin_ms=time.time_ns() // 1_000_000, step_ms=PROBE_EVERY_S * 1000)
        begun_s = time.perf_counter()
        for place, event in enumerate(events.events(self._count)):
            time.sleep(max(0.0, begun_s + place * PROBE_EVERY_S - time.perf_counter()))
            sent_s = time.perf_counter()
            status, answer = ask(connection, "/v1/events", event)
            if status != 201:
                self.failure = f"answered {status} {answer}"
                break
            now_s = time.perf_counter()
            self.acknowledgement_s.append(now_s - sent_s)
            self.sent.append((answer["ids"][0], now_s))
        connection.close()


def follow(server: Server, prober: Prober) -> array[float]:
    """How long each event took from its acknowledgement until it was found, in seconds."""
    connection = server.connect()
    took_s = array("d")
    while prober.is_alive() or prober.sent:
        if not prober.sent:
            time.sleep(ASK_EVERY_S)
            continue
        record_id, acknowledged_s = prober.sent[0]
        status, _ = ask(connection, f"/v1/records/{record_id}")
        waited_s = time.perf_counter() - acknowledged_s
        if status == 200:
            took_s.append(waited_s)
            prober.sent.popleft()
        elif status != 404 or waited_s > PROBE_TIMEOUT_S:
            raise RuntimeError(f"after {waited_s:.1f} s the record {record_id} is answered with {status}")
        else:
            time.sleep(ASK_EVERY_S)
    connection.close()
    if prober.failure:
        raise RuntimeError(f"a probe was {prober.failure}")
    return took_s


def measure(directory: Path, seconds: float) -> Outcome:
    """Measure the time from an acknowledgement until the record is found."""
    rate = BACKGROUND_PER_S / PER_REQUEST
    spec = LoadSpec(
        key=ADMIN_KEY,
        connections=4,
        seconds=seconds + 2,
        requests=int((seconds + 2) * rate),
        per_request=PER_REQUEST,
        rate=rate,
    )
    fsyncs_per_s = measure_fsync_rate(directory)
    with LoadClient(spec) as client, Server(directory / "data") as server:
        introduce_customers(server)
        cpu_s = server.cpu_s()
        client.start(server.port)
        prober = Prober(server, seconds)
        prober.start()
        took_s = follow(server, prober)
        load = client.finish()
        cpu_s = server.cpu_s() - cpu_s
        wait_until_drained(server)
    times = summarize_latencies(took_s)
    acknowledged = summarize_latencies(prober.acknowledgement_s)
    ratio = times["p50_ms"] / (1000 / fsyncs_per_s)
    return Outcome(
        promise=f"visible after the acknowledgement, at {BACKGROUND_PER_S:,} records/s",
        goal="p99 < 1 s",
        figure=f"p99 {times['p99_ms']:,.0f} ms",
        is_met=times["p99_ms"] < GOAL_P99_MS,
        ratio=f"p50 of {ratio:,.0f} fsyncs ({fsyncs_per_s:,.0f}/s)",
        notes=(
            f"{len(took_s)} probes, p50 {times['p50_ms']:,.0f} ms, p95 {times['p95_ms']:,.0f} ms, "
            f"longest {times['max_ms']:,.0f} ms",
            f"beside them {load.per_s:,.0f} records/s in requests of {PER_REQUEST}, p99 {load.p99_ms:.0f} ms",
            f"a probe is acknowledged in p50 {acknowledged['p50_ms']:.1f} ms, p99 {acknowledged['p99_ms']:.1f} ms",
            f"CPU: server {cpu_s:.1f} s, client {load.cpu_s:.1f} s in {load.seconds:.1f} s",
        ),
    )


if __name__ == "__main__":
    run(measure)
