"""Calls of our own API in the log of API requests."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from harness.server import ServerProcess, eventually


def find(api: httpx.Client, **filters: Any) -> list[dict]:
    def probe() -> list[dict]:
        return api.get("/v1/api-requests", params={"http_direction": "incoming", **filters}).json()["items"]

    return eventually(probe, what=f"an incoming request with {filters}")


@pytest.fixture
def caller(api: httpx.Client, server: ServerProcess) -> Iterator[tuple[str, httpx.Client]]:
    """A program with a key of its own, and the key's name."""
    name = f"erp-{uuid.uuid4().hex[:8]}"
    made = api.post("/v1/keys", json={"name": name, "scopes": ["ingest", "read"]}).json()
    with server.client(made["key"]) as client:
        yield name, client


@pytest.mark.feature("C10", "C13", "C90")
def test_why_a_post_was_refused_is_found_in_the_log(api: httpx.Client, caller: tuple[str, httpx.Client]) -> None:
    name, client = caller
    body = {"event": "order.released", "status": "shipped", "payload": {"password": "hunter2"}}
    refused = client.post("/v1/events", json=body)
    assert refused.status_code == 422
    [item] = find(api, q=name, http_status="422", status="failure")
    assert (item["http_method"], item["http_url"], item["http_direction"]) == ("POST", "/v1/events", "incoming")
    assert "/status" in item["message"]
    whole = api.get(f"/v1/records/{item['id']}").json()
    assert whole["parameters"]["key"] == name
    assert whole["parameters"]["request_id"] == refused.headers["x-request-id"]
    assert whole["http"]["request_headers"]["authorization"] == "****"
    assert '"status":"shipped"' in whole["http"]["request_body"]["text"]
    assert "hunter2" not in str(whole)
    assert whole["http"]["response_body"]["text"] == refused.text
    assert (whole["error"]["key"], whole["error"]["message"]) == ("invalid", refused.json()["detail"])
    cause = api.get(f"/v1/records/{item['id']}/cause").json()
    assert cause["explanation"].startswith("Clew refused POST /v1/events (422)")


def test_a_steps_refusal_is_found_too(api: httpx.Client, caller: tuple[str, httpx.Client]) -> None:
    name, client = caller
    assert client.post("/v1/events/nobody/steps", json={"action": "Received"}).status_code == 404
    [item] = find(api, q=name, http_status="404")
    assert (item["status"], item["http_url"]) == ("failure", "/v1/events/nobody/steps")


def test_what_was_taken_is_logged_once_and_a_look_at_the_log_not_at_all(
    api: httpx.Client, caller: tuple[str, httpx.Client]
) -> None:
    name, client = caller
    event_id = client.post("/v1/events", json={"event": "x"}).json()["ids"][0]
    assert client.post(f"/v1/events/{event_id}/steps", json={"action": "Received"}).status_code == 201
    assert client.get("/v1/records").status_code == 200
    assert client.get("/v1/records", params={"colour": "red"}).status_code == 400
    assert client.get("/v1/products").status_code == 200
    eventually(lambda: len(find(api, q=name)) >= 2, what="two calls")
    assert {(item["http_url"], item["status"]) for item in find(api, q=name)} == {
        ("/v1/records?colour=red", "info"),
        ("/v1/products", "success"),
    }


def test_a_new_keys_text_is_not_in_the_log(api: httpx.Client) -> None:
    name = f"secret-{uuid.uuid4().hex[:8]}"
    made = api.post("/v1/keys", json={"name": name, "scopes": ["read"]})
    request_id = made.headers["x-request-id"]
    [item] = find(api, q=f'"{request_id}"')
    whole = api.get(f"/v1/records/{item['id']}")
    assert name in whole.text
    assert made.json()["key"] not in whole.text


@pytest.mark.feature("C14")
def test_the_switch_turns_the_logging_of_calls_off_and_on(api: httpx.Client, caller: tuple[str, httpx.Client]) -> None:
    name, client = caller

    def switch(api_logs: bool) -> None:
        assert api.patch("/v1/switches", json={"enable_api_logs": api_logs}).status_code == 200

    switch(False)
    try:
        assert client.post("/v1/events", json={}).status_code == 422
        assert client.get("/v1/products").status_code == 200
    finally:
        switch(True)
    assert client.get("/v1/customers").status_code == 200
    assert [item["http_url"] for item in find(api, q=name)] == ["/v1/customers"]
