"""What a user asks of flows through the API: deliver an event; read its decisions, its run, and the nodes of that."""

from __future__ import annotations

import uuid
from typing import Any

import httpx

from harness.server import eventually

OPEN = {"queued", "running", "stopping"}


def send(api: httpx.Client, event: str, *, delivery: str = "", **body: Any) -> str:
    """Deliver an event by webhook; gives its record's id."""
    number = body.setdefault("number", f"SO-{uuid.uuid4().hex}")
    body.setdefault("connection", f"connection-{number}")
    headers = {"X-Delivery": delivery or uuid.uuid4().hex}
    answer = api.post("/webhooks/in/hooks", json={"type": event, "account": "acme", **body}, headers=headers)
    assert answer.status_code == 200, answer.text
    (event_id,) = answer.json()["event_ids"]
    return event_id


def release(api: httpx.Client, **body: Any) -> str:
    """An order that `carry` takes."""
    return send(api, "order.released", **{"lines": [{"sku": "A"}], "country": "US", **body})


def decisions(api: httpx.Client, event_id: str, count: int = 1) -> dict[str, dict[str, Any]]:
    """The decisions on an event, by flow; waits until there are so many."""

    def probe() -> list[dict[str, Any]]:
        answer = api.get(f"/v1/records/{event_id}/decisions")
        items = answer.json()["items"] if answer.status_code == 200 else []
        return items if len(items) >= count else []

    found = eventually(probe, what=f"{count} decisions on {event_id}")
    assert len(found) == count
    return {item["flow"]: item for item in found}


def run_id_of(api: httpx.Client, event_id: str, flow: str, count: int = 1) -> str:
    decision = decisions(api, event_id, count)[flow]
    assert (decision["verdict"], decision["code"]) == ("launched", "launched")
    return decision["flow_run_id"]


def see_run(api: httpx.Client, run_id: str, state: str = "") -> dict[str, Any]:
    """A run, as soon as it is in a state; without one, when it has ended and its record can be found."""

    def probe() -> dict[str, Any] | None:
        answer = api.get(f"/v1/flow-runs/{run_id}")
        if answer.status_code == 404:
            return None
        assert answer.status_code == 200, answer.text
        run = answer.json()
        return run if (run["state"] == state if state else run["state"] not in OPEN) else None

    return eventually(probe, what=f"the flow run {run_id} {state or 'has ended'}")


def run_for(api: httpx.Client, event_id: str, flow: str, count: int = 1) -> dict[str, Any]:
    """The ended run of a flow for an event."""
    return see_run(api, run_id_of(api, event_id, flow, count))


def node_runs(api: httpx.Client, run: dict[str, Any], node: str) -> list[dict[str, Any]]:
    answer = api.get(f"/v1/flow-runs/{run['id']}/nodes/{node}/runs")
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


def states(run: dict[str, Any]) -> dict[str, str]:
    return {node["name"]: node["state"] for node in run["nodes"]}


def innermost(error: dict[str, Any]) -> dict[str, Any]:
    return innermost(error["caused_by"]) if error.get("caused_by") else error
