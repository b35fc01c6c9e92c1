"""From sending an event to its flow's first node, while nothing else happens: what a trigger costs in time.

The sender writes the time into the event, and the node says how old it is. Sender and server share a clock.
"""

from __future__ import annotations

import time
from array import array
from pathlib import Path

import msgspec

from benchmarks.flow_runs import wait_for_runs
from benchmarks.limits import measure_fsync_rate
from benchmarks.load import summarize_latencies
from benchmarks.outcome import Outcome, run
from benchmarks.processes import Server, ask

GOAL_P50_MS = 10
EVERY_S = 0.05
"""Far enough apart for the server to be idle in between."""
WARM_UP = 20


def measure(directory: Path, seconds: float) -> Outcome:
    """Measure the time from sending an event until the first node of its flow runs."""
    fsyncs_per_s = measure_fsync_rate(directory)
    count = WARM_UP + int(seconds / EVERY_S)
    with Server(directory / "data", "benchmarks.flow_module") as server:
        events = send_singles(server, count)
        wait_for_runs(server, count)
        waited_s = read_waits(server, events[WARM_UP:])
    times = summarize_latencies(waited_s)
    ratio = times["p50_ms"] / (1000 / fsyncs_per_s)
    return Outcome(
        promise="from sending an event to the first node of its flow, when idle",
        goal=f"p50 < {GOAL_P50_MS} ms",
        figure=f"p50 {times['p50_ms']:.1f} ms",
        is_met=times["p50_ms"] < GOAL_P50_MS,
        ratio=f"p50 of {ratio:,.1f} fsyncs ({fsyncs_per_s:,.0f}/s)",
        notes=(
            f"{len(waited_s)} events, p95 {times['p95_ms']:.1f} ms, p99 {times['p99_ms']:.1f} ms, "
            f"longest {times['max_ms']:.0f} ms",
            "the event and the run are on disk before the node begins",
        ),
    )


def send_singles(server: Server, count: int) -> list[str]:
    """Send events one by one, with pauses; gives the ids of their records."""
    connection = server.connect()
    ids = []
    for number in range(count):
        time.sleep(EVERY_S)
        event = {"type": "asked", "connection": f"connection-{number}", "number": number, "sent_ns": time.time_ns()}
        status, answer = ask(connection, "/webhooks/in/asked", msgspec.json.encode({"events": [event]}))
        if status != 200:
            raise RuntimeError(f"the webhook was answered with {status} {answer}")
        ids += answer["event_ids"]
    connection.close()
    return ids


def read_waits(server: Server, event_ids: list[str]) -> array[float]:
    """What the first nodes said, in seconds."""
    connection = server.connect()
    waited_s = array("d")
    for event_id in event_ids:
        _, decisions = ask(connection, f"/v1/records/{event_id}/decisions")
        (run_id,) = [decision["flow_run_id"] for decision in decisions["items"]]
        _, runs = ask(connection, f"/v1/flow-runs/{run_id}/nodes/first/runs")
        waited_s.append(runs["items"][0]["output"]["waited_ms"] / 1000)
    connection.close()
    return waited_s


if __name__ == "__main__":
    run(measure, seconds=10.0)
