"""Flow runs: a flow of three nodes that do nothing, every record durable and in the log, for as long as the load lasts.

More events come by webhook than can be run. The clock runs from the first request until the log holds the last
`flow_run`; then it must hold a decision, a flow run and three node runs for each event. Beside it the same three steps
on DBOS with SQLite, in a process of its own.
"""

from __future__ import annotations

import json
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec

from benchmarks.limits import measure_fsync_rate
from benchmarks.outcome import Outcome, run
from benchmarks.processes import ROOT, Server, ask, environment

GOAL_PER_S = 1_000
OFFERED_PER_S = 2_500
"""More than can be done, so that what is done is the limit."""
SENDERS = 4
PER_REQUEST = 50
CONNECTIONS = 500
"""Of different connections, as in life: the runs of one connection wait for each other."""
RECORDS_PER_RUN = {"external_event": 1, "decision": 1, "flow_run": 1, "node_run": 3}
LOOK_EVERY_S = 0.1
DONE_TIMEOUT_S = 300
PEER_SECONDS = 10.0
PEERS_AT_ONCE = (1, 16)
PEER_PYTHON = ROOT / ".venv/peers/bin/python"


class Peer(msgspec.Struct, frozen=True):
    """What the same flow reaches on DBOS, at the better of `PEERS_AT_ONCE`."""

    version: str
    runs: int
    seconds: float
    cpu_s: float

    @property
    def per_s(self) -> float:
        """Runs in a second."""
        return self.runs / self.seconds


def measure(directory: Path, seconds: float) -> Outcome:
    """Measure flow runs: of three nodes that do nothing, durable, in a second."""
    fsyncs_per_s = measure_fsync_rate(directory)
    with Server(directory / "data", "benchmarks.flow_module") as server:
        cpu_s, begun_s = server.cpu_s(), time.perf_counter()
        sent = send_events(server, seconds)
        sent_s = time.perf_counter() - begun_s
        wait_for_runs(server, sent)
        took_s, cpu_s = time.perf_counter() - begun_s, server.cpu_s() - cpu_s
        check_records(server, sent)
        rss_mb = server.rss_mb()
    peer = measure_peer(directory)
    per_s = sent / took_s
    return Outcome(
        promise="flow runs of three empty nodes, every record in the log",
        goal=f"{GOAL_PER_S:,}/s",
        figure=f"{per_s:,.0f}/s",
        is_met=per_s >= GOAL_PER_S,
        ratio=_compare(per_s, peer),
        notes=(
            f"{sent:,} runs, {sum(RECORDS_PER_RUN.values()) * sent:,} records in {took_s:.1f} s, "
            f"{sent / sent_s:,.0f} events/s offered for {sent_s:.1f} s",
            f"CPU: server {cpu_s:.1f} s ({cpu_s / sent * 1e6:,.0f} us a run); server RSS {rss_mb:,.0f} MB",
            f"fsync {fsyncs_per_s:,.0f}/s",
        ),
    )


def send_events(server: Server, seconds: float) -> int:
    """Send events at the offered rate, or as fast as they are acknowledged; gives how many."""
    requests = int(seconds * OFFERED_PER_S / PER_REQUEST)
    begun_s = time.perf_counter()

    def send(sender: int) -> None:
        connection = server.connect()
        for place in range(sender, requests, SENDERS):
            time.sleep(max(0.0, begun_s + place * PER_REQUEST / OFFERED_PER_S - time.perf_counter()))
            status, answer = ask(connection, "/webhooks/in/asked", make_body(place * PER_REQUEST, PER_REQUEST))
            if status != 200:
                raise RuntimeError(f"the webhook was answered with {status} {answer}")
        connection.close()

    with ThreadPoolExecutor(SENDERS) as pool:
        list(pool.map(send, range(SENDERS)))
    return requests * PER_REQUEST


def make_body(first: int, count: int) -> bytes:
    """A webhook's body with so many events."""
    return msgspec.json.encode(
        {
            "events": [
                {"type": "asked", "connection": f"connection-{number % CONNECTIONS}", "number": number}
                for number in range(first, first + count)
            ]
        }
    )


def wait_for_runs(server: Server, count: int) -> None:
    """Wait until the log holds so many flow runs. Raises `RuntimeError` where that takes minutes."""
    deadline_s = time.monotonic() + DONE_TIMEOUT_S
    while (found := count_records(server, "flow_run")) < count:
        if time.monotonic() > deadline_s:
            raise RuntimeError(f"{found} of {count} flow runs ended within {DONE_TIMEOUT_S} s")
        time.sleep(LOOK_EVERY_S)


def check_records(server: Server, runs: int) -> None:
    """A figure is worth nothing where records are missing."""
    for kind, each in RECORDS_PER_RUN.items():
        if (found := count_records(server, kind)) != each * runs:
            raise RuntimeError(f"there are {found} records of kind {kind} for {runs} runs")


def count_records(server: Server, kind: str) -> int:
    """How many records of a kind the log has."""
    connection = server.connect()
    status, answer = ask(connection, f"/v1/records/count?kind={kind}")
    connection.close()
    if status != 200:
        raise RuntimeError(f"the count was answered with {status} {answer}")
    return int(answer["count"])


def measure_peer(directory: Path) -> Peer | None:
    """The same on DBOS, or None where it is not installed."""
    if not PEER_PYTHON.exists():
        return None
    return max((_run_peer(directory, at_once) for at_once in PEERS_AT_ONCE), key=lambda peer: peer.per_s)


def _run_peer(directory: Path, at_once: int) -> Peer:
    home = directory / f"peer-{at_once}"
    home.mkdir()
    script = ROOT / "benchmarks/peers/dbos_flow.py"
    done = subprocess.run(
        [PEER_PYTHON, script, home, str(PEER_SECONDS), str(at_once)],
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return msgspec.convert(json.loads(done.stdout.splitlines()[-1]), Peer)


def _compare(per_s: float, peer: Peer | None) -> str:
    if peer is None:
        return "DBOS is not installed here: `make peers`"
    cost_us = peer.cpu_s / peer.runs * 1e6
    beside = f"{peer.per_s:,.0f}/s, {cost_us:,.0f} us CPU a run"
    return f"{per_s / peer.per_s:.1f} times DBOS {peer.version} on SQLite ({beside})"


if __name__ == "__main__":
    run(measure)
