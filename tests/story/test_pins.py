"""Pinning through the public doors."""

from __future__ import annotations

import httpx
import pytest

from clew.core.ids import new_id
from harness.server import ServerProcess, eventually


def report(api: httpx.Client, **fields: str) -> str:
    record_id = api.post("/v1/events", json={"event": "pin.story", **fields}).raise_for_status().json()["ids"][0]
    eventually(lambda: api.get(f"/v1/records/{record_id}").status_code == 200)
    return str(record_id)


@pytest.mark.feature("N11")
def test_a_record_is_pinned_listed_and_unpinned(api: httpx.Client) -> None:
    record_id = report(api)
    answer = api.post(f"/v1/records/{record_id.upper()}/pin")
    assert answer.status_code == 201
    pin = answer.json()
    assert (pin["record_id"], pin["title"], pin["href"]) == (record_id, "pin.story", f"/records/{record_id}")
    assert len(pin["trace_id"]) == 32
    assert api.post(f"/v1/records/{record_id}/pin").json() == pin
    assert pin in api.get("/v1/pins").json()["items"]
    assert api.delete(f"/v1/records/{record_id}/pin").status_code == 204
    assert pin not in api.get("/v1/pins").json()["items"]
    again = api.delete(f"/v1/records/{record_id}/pin")
    assert (again.status_code, "is not pinned" in again.json()["detail"]) == (404, True)


def test_what_is_not_there_cannot_be_pinned(api: httpx.Client) -> None:
    for record_id in (new_id(), "no-id"):
        assert api.post(f"/v1/records/{record_id}/pin").status_code == 404
        assert api.delete(f"/v1/records/{record_id}/pin").status_code == 404


def test_pins_have_no_filters(api: httpx.Client) -> None:
    assert api.get("/v1/pins", params={"status": "failure"}).status_code == 400


def test_readyz_tells_how_retention_stands(api: httpx.Client) -> None:
    part = api.get("/readyz").json()["parts"]["retention"]
    assert part["ok"] is True
    assert set(part) == {"ok", "last_run", "bytes", "trouble"}


def test_pinning_needs_operate_and_listing_read(server: ServerProcess, api: httpx.Client) -> None:
    record_id = report(api)
    key = api.post("/v1/keys", json={"name": "reader", "scopes": ["read"]}).raise_for_status().json()["key"]
    with server.client() as reader:
        reader.headers["authorization"] = f"Bearer {key}"
        assert reader.post(f"/v1/records/{record_id}/pin").status_code == 403
        assert reader.get("/v1/pins").status_code == 200
