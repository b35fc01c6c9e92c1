"""What became of an event, told step by step."""

from __future__ import annotations

import gzip
import json
import uuid
from typing import Any

import httpx
import pytest

from harness.server import ServerProcess, eventually


def post_event(api: httpx.Client, **fields: Any) -> str:
    event = {"event": "erp-order-created-v1", "keys": {"order": f"SO-{uuid.uuid4().hex[:12]}"}, **fields}
    answer = api.post("/v1/events", json=event)
    assert answer.status_code == 201, answer.text
    return answer.json()["ids"][0]


def chain_of(api: httpx.Client, event_id: str, count: int) -> list[dict]:
    def probe() -> list[dict]:
        answer = api.get(f"/v1/records/{event_id}/trace")
        items = answer.json()["items"] if answer.status_code == 200 else []
        return items if len(items) >= count else []

    return eventually(probe, what=f"{count} records of the trace of {event_id}")


@pytest.mark.feature("A08", "A20", "A21")
def test_steps_are_told_under_their_event_and_share_all_that_it_says_of_itself(api: httpx.Client) -> None:
    event_id = post_event(
        api, integration="orders", customer="acme", connection="acme-prod", trace_id=uuid.uuid4().hex, status="success"
    )
    for step in (
        {"action": "Published", "status": "success"},
        {"action": "Received", "message": "taken into the queue"},
        {
            "action": "Processed",
            "error": {"type": "data", "message": "postal_code must not be blank"},
            "payload": {"orderId": 565},
            "parameters": {"attempt": 1},
            "duration_ms": 212,
        },
    ):
        answer = api.post(f"/v1/events/{event_id}/steps", json=step)
        assert answer.status_code == 201, answer.text
        body = answer.json()
        assert (body["accepted"], body["duplicates"], len(body["ids"])) == (1, 0, 1)
    event, *steps = chain_of(api, event_id, 4)
    assert [(step["kind"], step["action"], step["status"], step["depth"]) for step in steps] == [
        ("step", "Published", "success", 1),
        ("step", "Received", "success", 1),
        ("step", "Processed", "failure", 1),
    ]
    shared = (
        "event", "customer", "integration", "connection", "keys", "trace_id", "source_product", "target_product",
        "direction",
    )  # fmt: skip
    for step in steps:
        assert step["parent_id"] == event_id
        assert {name: step[name] for name in shared} == {name: event[name] for name in shared}
    whole = api.get(f"/v1/records/{steps[2]['id']}").json()
    assert (whole["payload"], whole["parameters"], whole["duration_ms"]) == ({"orderId": 565}, {"attempt": 1}, 212)
    assert whole["error"] == {"type": "data", "message": "postal_code must not be blank"}


@pytest.mark.feature("A20")
@pytest.mark.parametrize("form", ["array", "ndjson"])
def test_several_steps_come_in_one_request_in_their_order(api: httpx.Client, form: str) -> None:
    event_id = post_event(api)
    steps = [{"action": f"Tried {n}"} for n in range(4)]
    path = f"/v1/events/{event_id}/steps"
    if form == "array":
        answer = api.post(path, json=steps)
    else:
        lines = "\n".join(json.dumps(step) for step in steps)
        headers = {"content-type": "application/x-ndjson", "content-encoding": "gzip"}
        answer = api.post(path, content=gzip.compress(lines.encode()), headers=headers)
    assert answer.status_code == 201, answer.text
    found = chain_of(api, event_id, 5)[1:]
    assert [item["action"] for item in found] == [step["action"] for step in steps]
    assert [item["id"] for item in found] == answer.json()["ids"]


@pytest.mark.feature("A20")
def test_a_step_is_taken_as_soon_as_its_event_is_acknowledged_also_under_a_large_event(api: httpx.Client) -> None:
    for payload in ({}, {"text": "x" * 200_000}):
        event_id = post_event(api, payload=payload)
        assert api.post(f"/v1/events/{event_id}/steps", json={"action": "Published"}).status_code == 201
        assert chain_of(api, event_id, 2)[1]["parent_id"] == event_id


def test_a_step_may_be_told_of_an_event_taken_out_of_a_webhook(api: httpx.Client) -> None:
    body = {"type": "order.released", "account": "acme", "data": {"number": f"SO-{uuid.uuid4().hex}"}}
    event_id = api.post("/webhooks/in/open", json=body).json()["event_ids"][0]
    assert api.post(f"/v1/events/{event_id}/steps", json={"action": "Received"}).status_code == 201
    step = next(item for item in chain_of(api, event_id, 3) if item["kind"] == "step")
    assert (step["parent_id"], step["event"], step["customer"]) == (event_id, "order.released", "acme")
    assert step["keys"] == {"order": body["data"]["number"]}


def test_a_step_with_an_id_is_recorded_once_under_its_event(api: httpx.Client) -> None:
    one, other = post_event(api), post_event(api)
    step = {"action": "Processed", "id": "attempt-1"}
    first = api.post(f"/v1/events/{one}/steps", json=step).json()
    again = api.post(f"/v1/events/{one}/steps", json=[step, step]).json()
    assert again == {"accepted": 0, "duplicates": 2, "ids": first["ids"] * 2}
    assert api.post(f"/v1/events/{other}/steps", json=step).json()["accepted"] == 1


def test_an_idempotency_key_answers_the_same_and_refuses_another_body_or_event(api: httpx.Client) -> None:
    event_id, other = post_event(api), post_event(api)
    headers = {"idempotency-key": str(uuid.uuid4())}
    first = api.post(f"/v1/events/{event_id}/steps", json={"action": "Received"}, headers=headers)
    again = api.post(f"/v1/events/{event_id}/steps", json={"action": "Received"}, headers=headers)
    assert (again.status_code, again.json()) == (201, first.json())
    for path, step in ((event_id, "Processed"), (other, "Received")):
        refused = api.post(f"/v1/events/{path}/steps", json={"action": step}, headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (422, "idempotency_key_reused")
    assert len(chain_of(api, event_id, 2)) == 2


def test_a_step_joins_its_events_trace_and_keeps_the_one_it_came_with(api: httpx.Client) -> None:
    event_id, own = post_event(api), uuid.uuid4().hex
    headers = {"traceparent": f"00-{own}-00f067aa0ba902b7-01"}
    step_id = api.post(f"/v1/events/{event_id}/steps", json={"action": "Received"}, headers=headers).json()["ids"][0]
    event, step = chain_of(api, event_id, 2)
    assert (step["id"], step["trace_id"]) == (step_id, event["trace_id"])
    assert api.get(f"/v1/records/{step_id}").json()["logs"][0]["data"] == {"trace_id": own}


def test_secrets_are_taken_out_of_a_step(api: httpx.Client) -> None:
    event_id, secret = post_event(api), f"hunter2-{uuid.uuid4().hex}"
    step = {"action": "Delivered", "payload": {"password": secret}, "error": {"data": {"apiKey": secret}}}
    step_id = api.post(f"/v1/events/{event_id}/steps", json=step).json()["ids"][0]
    chain_of(api, event_id, 2)
    whole = api.get(f"/v1/records/{step_id}")
    assert secret not in whole.text
    assert sorted(whole.json()["redacted"]) == ["/error/data/apiKey", "/payload/password"]


@pytest.mark.parametrize("where", ["01a2034b-ee93-7424-a407-f4fe563764e5", "erp-81", "%00"])
def test_there_are_no_steps_of_an_event_that_is_not_there(api: httpx.Client, where: str) -> None:
    answer = api.post(f"/v1/events/{where}/steps", json={"action": "Received"})
    assert answer.status_code == 404
    assert "no event" in answer.json()["detail"]
    assert "POST" in answer.json()["hint"]


def test_a_step_of_what_is_no_event_is_refused_with_what_it_is(api: httpx.Client) -> None:
    event_id = post_event(api)
    step_id = api.post(f"/v1/events/{event_id}/steps", json={"action": "Received"}).json()["ids"][0]
    answer = api.post(f"/v1/events/{step_id}/steps", json={"action": "Received"})
    assert (answer.status_code, answer.json()["detail"]) == (404, f"The record {step_id} is no event but a step.")


@pytest.mark.parametrize(
    ("body", "status", "pointer", "said"),
    [
        ('{"status": "success"}', 422, "/action", "action"),
        ('{"action": ""}', 422, "/action", "1"),
        ('[{"action": "Received"}, {"action": "Processed", "status": "failed"}]', 422, "/1/status", "success"),
        ('{"action": "Received", "event": "x"}', 422, "/event", "action, status, message"),
        ('{"action": "Received", "time": "1970-01-01T00:00:00Z"}', 422, "/time", "1970"),
        ('{"action": "a\\u0000b"}', 422, "/action", "U+0000"),
        ("[]", 422, "", "no step"),
        ('{"action": ', 400, "", "too early"),
    ],
)
def test_a_wrong_step_is_refused_with_its_place(
    api: httpx.Client, body: str, status: int, pointer: str, said: str
) -> None:
    answer = api.post(f"/v1/events/{post_event(api)}/steps", content=body, headers={"content-type": "application/json"})
    problem = answer.json()
    assert (answer.status_code, problem["errors"][0]["pointer"]) == (status, pointer)
    assert said in problem["detail"] + problem.get("hint", "")
    assert "events" not in problem["detail"]


def test_one_wrong_step_keeps_all_of_its_request_out(api: httpx.Client) -> None:
    event_id = post_event(api)
    answer = api.post(f"/v1/events/{event_id}/steps", json=[{"action": "Received"}, {"action": "x", "status": "no"}])
    assert answer.status_code == 422
    assert "1 of 2 steps is wrong, nothing was stored" in answer.json()["detail"]
    assert api.post(f"/v1/events/{event_id}/steps", json={"action": "Processed"}).status_code == 201
    assert [item["action"] for item in chain_of(api, event_id, 2)[1:]] == ["Processed"]


def test_steps_need_a_key_that_may_report(api: httpx.Client, server: ServerProcess) -> None:
    event_id = post_event(api, customer="acme")
    made = api.post("/v1/keys", json={"name": "Acme's", "scopes": ["read"], "customer": "acme"}).json()
    for key, status in ((made["key"], 403), ("", 401)):
        with server.client(key) as stranger:
            assert stranger.post(f"/v1/events/{event_id}/steps", json={"action": "Received"}).status_code == status
