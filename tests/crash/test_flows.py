"""`kill -9` with 200 runs in flight: all finish, no finished node runs twice, every record is there once."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import httpx
import pytest

from harness.server import ServerProcess, eventually

pytestmark = pytest.mark.crash

RUNS = 200
KILLS = 4

MODULE = """
import asyncio, os, random, time
from clew import Flow, Product

RAN = os.environ["RAN_FILE"]
GATES = os.environ["GATES_DIRECTORY"]
erp = Product("erp")
orders = erp.webhook("orders", event="$.type", each="$.events[*]", keys={"order": "$.number"})

def note(node, event, what):
    line = f"{time.time():.4f} {os.getpid()} {node} {event.payload['number']} {what}\\n".encode()
    file = os.open(RAN, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(file, line)
    os.close(file)

flow = Flow("flow", on=orders["order.released"], where="event.payload.number != 'refused'", concurrency=None)

@flow.node(timeout_s=600)
async def lookup(event):
    note("lookup", event, "begin")
    while not os.path.exists(f"{GATES}/{int(event.payload['number'][3:]) % 5}"):
        await asyncio.sleep(0.02)
    await asyncio.sleep(random.uniform(0.01, 0.4))
    return {"number": event.payload["number"]}

@flow.node
def pack(lookup, event):
    note("pack", event, "begin")
    time.sleep(random.uniform(0.01, 0.1))
    return lookup["number"]

@flow.node(retries=5, backoff_s=0.2)
async def ship(lookup, event):
    note("ship", event, "begin")
    await asyncio.sleep(random.uniform(0.01, 0.2))
    if random.random() < 0.3:
        raise ValueError("not now")
    return lookup["number"]

@flow.node(on_error="continue")
async def report(pack, ship, event):
    note("report", event, "begin")
    await asyncio.sleep(random.uniform(0.01, 0.2))
    return [pack, ship]
"""
NODES = ("lookup", "pack", "ship", "report")


def records(api: httpx.Client, kind: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    params: dict[str, Any] = {"kind": kind, "limit": 1000}
    while True:
        page = api.get("/v1/records", params=params).json()
        items += page["items"]
        if page["next"] is None:
            return items
        params["cursor"] = page["next"]


def count(api: httpx.Client, kind: str) -> int:
    return int(api.get("/v1/records/count", params={"kind": kind}).json()["count"])


def executions(path: Path) -> dict[tuple[str, str], list[int]]:
    """When each node of each order began to run (ms), in order."""
    found: dict[tuple[str, str], list[int]] = defaultdict(list)
    for line in path.read_text().splitlines():
        time_s, _, node, number, _ = line.split()
        found[number, node].append(int(float(time_s) * 1000))
    return found


def test_every_run_in_flight_finishes_once_and_no_finished_node_runs_twice(tmp_path: Path) -> None:
    module, ran = tmp_path / "shop.py", tmp_path / "ran.txt"
    module.write_text(MODULE)
    ran.touch()
    gates = tmp_path / "gates"
    gates.mkdir()
    env = {"RAN_FILE": str(ran), "GATES_DIRECTORY": str(gates)}
    server = ServerProcess(tmp_path / "data", module, env=env).start()
    numbers = [*(f"SO-{n}" for n in range(RUNS)), "refused"]
    try:
        with server.client() as api:
            body = json.dumps({"events": [{"type": "order.released", "number": number} for number in numbers]})
            assert api.post("/webhooks/in/orders", content=body).status_code == 200
        seen = 0
        for gate in range(KILLS):
            # A fifth of the runs may go on; what is left of the others is always enough to begin anew.
            (gates / str(gate)).touch()
            eventually(lambda seen=seen: len(ran.read_text().splitlines()) > seen + 40, what="it runs")
            server.kill()
            seen = len(ran.read_text().splitlines())
            server.start()
        (gates / str(KILLS)).touch()
        with server.client() as api:
            eventually(lambda: count(api, "flow_run") >= RUNS, timeout_s=120, what="all runs have ended")
            eventually(lambda: count(api, "decision") > RUNS, what="every event is decided")
            eventually(lambda: not api.get("/readyz").json()["parts"]["pump"]["waiting"])
            runs, node_runs = records(api, "flow_run"), records(api, "node_run")
            decisions, events = records(api, "decision"), records(api, "external_event")
    finally:
        server.close()

    assert len(events) == len(decisions) == RUNS + 1
    assert Counter(decision["state"] for decision in decisions) == {"launched": RUNS, "filter_not_matched": 1}
    assert {decision["parent_id"] for decision in decisions} == {event["id"] for event in events}
    assert Counter(run["keys"]["order"] for run in runs) == Counter(numbers[:-1])
    # A shipment that fails six times in a row is a failed run, and as complete as the others.
    assert {run["state"] for run in runs} <= {"completed", "failed"}

    attempts = Counter((run["parent_id"], run["node"], run["parameters"]["attempt"]) for run in node_runs)
    assert set(attempts.values()) == {1}, "an attempt is on record twice"
    done = Counter((run["parent_id"], run["node"]) for run in node_runs if run["state"] == "completed")
    assert set(done.values()) == {1}, "a node is finished twice"
    for run in runs:
        finished = {node for node in NODES if done[run["id"], node]}
        assert finished == set(NODES) or run["state"] == "failed", "a record is missing"

    began = executions(ran)
    order_of = {run["id"]: run["keys"]["order"] for run in runs}
    for run in node_runs:
        if run["state"] == "completed":
            times = began[order_of[run["parent_id"]], run["node"]]
            ended_ms = _ms(run["time"]) + run["duration_ms"]
            assert times[-1] <= ended_ms + 50, "a finished node ran again"
    assert any(len(times) > 1 for (_, node), times in began.items() if node != "ship"), "no run was in flight"


def _ms(moment: str) -> int:
    from clew.core.clock import from_rfc3339

    return from_rfc3339(moment)
