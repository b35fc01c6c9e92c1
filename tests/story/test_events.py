"""What a sender of events is promised."""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import zstandard

from harness.server import eventually


def fresh() -> str:
    return f"SO-{uuid.uuid4().hex[:12]}"


def find(api: httpx.Client, order: str, count: int = 1) -> list[dict]:
    def probe() -> list[dict]:
        items = api.get("/v1/records", params={"key": f"order={order}", "sort": "asc"}).json()["items"]
        return items if len(items) >= count else []

    return eventually(probe, what=f"{count} records of {order}")


def test_an_acknowledged_event_is_found_by_its_key(api: httpx.Client) -> None:
    order = fresh()
    event = {
        "event": "order.released",
        "source_product": "erp",
        "target_product": "ship",
        "customer": "acme",
        "status": "failure",
        "message": "postal_code must not be blank",
        "keys": {"order": order},
        "parameters": {"email": "ada@acme.example", "amount": 798},
        "payload": {"orderId": 565},
        "error": {"type": "validation", "message": "422", "caused_by": {"message": "postal_code must not be blank"}},
        "duration_ms": 212,
    }
    answer = api.post("/v1/events", json=event)
    assert answer.status_code == 201
    body = answer.json()
    assert (body["accepted"], body["duplicates"], len(body["ids"])) == (1, 0, 1)
    item = find(api, order)[0]
    assert item["id"] == body["ids"][0]
    assert item["kind"] == "integration_event"
    assert item["error_message"] == "422"
    whole = api.get(f"/v1/records/{item['id']}").json()
    assert whole["error"]["caused_by"]["message"] == "postal_code must not be blank"
    assert whole["payload"] == {"orderId": 565}
    assert whole["parameters"] == {"email": "ada@acme.example", "amount": 798}
    assert whole["duration_ms"] == 212


@pytest.mark.parametrize("form", ["array", "ndjson"])
def test_many_events_come_in_one_request(api: httpx.Client, form: str) -> None:
    order = fresh()
    events = [{"event": f"step.{i}", "keys": {"order": order}} for i in range(5)]
    if form == "array":
        answer = api.post("/v1/events", json=events)
    else:
        lines = "\n".join(json.dumps(event) for event in events) + "\n\n"
        answer = api.post("/v1/events", content=lines, headers={"content-type": "application/x-ndjson"})
    assert answer.status_code == 201, answer.text
    assert answer.json()["accepted"] == 5
    found = find(api, order, 5)
    assert [item["event"] for item in found] == [f"step.{i}" for i in range(5)]
    assert [item["id"] for item in found] == answer.json()["ids"]


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_a_compressed_request_is_read(api: httpx.Client, encoding: str) -> None:
    order = fresh()
    body = json.dumps({"event": "packed", "keys": {"order": order}}).encode()
    packed = gzip.compress(body) if encoding == "gzip" else zstandard.compress(body)
    headers = {"content-type": "application/json", "content-encoding": encoding}
    assert api.post("/v1/events", content=packed, headers=headers).status_code == 201
    assert find(api, order)[0]["event"] == "packed"


def test_an_event_whose_id_came_before_is_answered_as_the_first_time(api: httpx.Client) -> None:
    order = fresh()
    event = {"id": f"evt-{order}", "source_product": "erp", "event": "order.released", "keys": {"order": order}}
    first = api.post("/v1/events", json=event).json()
    again = api.post("/v1/events", json=[event, event])
    assert again.status_code == 201
    assert again.json() == {"accepted": 0, "duplicates": 2, "ids": first["ids"] * 2}
    other_source = api.post("/v1/events", json=event | {"source_product": "ship"}).json()
    assert other_source["accepted"] == 1
    assert len(find(api, order, 2)) == 2


def test_an_idempotency_key_answers_the_same_and_refuses_another_body(api: httpx.Client) -> None:
    order = fresh()
    headers = {"idempotency-key": f'"{uuid.uuid4()}"'}
    event = {"event": "once", "keys": {"order": order}}
    first = api.post("/v1/events", json=event, headers=headers)
    again = api.post("/v1/events", json=event, headers=headers)
    assert (again.status_code, again.json()) == (201, first.json())
    other = api.post("/v1/events", json=event | {"event": "twice"}, headers=headers)
    assert other.status_code == 422
    assert other.json()["code"] == "idempotency_key_reused"
    assert len(find(api, order)) == 1


@pytest.mark.parametrize(
    "payload",
    [
        '{"big": 123456789012345678901234567890, "e" :1e400,  "float": 0.10000000000000000001}',
        '{"odd"  :\t[1 ,2,\n 3 ] }',
        '"escaped nul \\u0000 and \\u00e9 and é"',
        '{"same": 1, "same": 2}',
        "null",
        "[]",
        '"\\ud83d\\ude00 \U0001f600"',
    ],
)
def test_a_payload_is_kept_byte_for_byte(api: httpx.Client, payload: str) -> None:
    order = fresh()
    body = f'{{"event": "exact", "keys": {{"order": "{order}"}}, "payload": {payload}}}'
    answer = api.post("/v1/events", content=body.encode(), headers={"content-type": "application/json"})
    assert answer.status_code == 201, answer.text
    record_id = find(api, order)[0]["id"]
    kept = api.get(f"/v1/records/{record_id}/payload")
    assert kept.content == payload.encode()
    assert kept.headers["content-type"].startswith("application/json")
    assert payload in api.get(f"/v1/records/{record_id}").text


@pytest.mark.feature("C90")
def files_in(home: Path) -> Iterator[tuple[Path, bytes]]:
    """What is on disk, but for what the log merges away while it is looked at."""
    for directory, _, names in os.walk(home):
        for path in (Path(directory, name) for name in names):
            with contextlib.suppress(FileNotFoundError):
                yield path, path.read_bytes()


def test_secrets_never_reach_the_disk(api: httpx.Client, home: Path) -> None:
    order = fresh()
    secret = f"hunter2-{uuid.uuid4().hex}"
    event = {
        "event": "signed-in",
        "keys": {"order": order},
        "payload": {"user": "ada", "Password": secret, "deep": [{"client_secret": secret, "apiKey": secret}]},
        "parameters": {"access_token": secret},
        "error": {"message": "refused", "data": {"headers": {"Authorization": f"Bearer {secret}"}}},
    }
    assert api.post("/v1/events", json=event).status_code == 201
    item = find(api, order)[0]
    whole = api.get(f"/v1/records/{item['id']}")
    assert secret not in whole.text
    assert whole.json()["payload"]["user"] == "ada"
    assert whole.json()["redacted"]
    on_disk = dict(files_in(home))
    assert on_disk
    assert not [path for path, content in on_disk.items() if secret.encode() in content]


@pytest.mark.feature("A19")
def test_events_of_one_correlation_are_one_trace(api: httpx.Client) -> None:
    order = fresh()
    for name in ("published", "received", "processed"):
        event = {"event": "order", "action": name, "correlation_id": f"c-{order}", "keys": {"order": order}}
        assert api.post("/v1/events", json=event).status_code == 201
    found = find(api, order, 3)
    assert len({item["trace_id"] for item in found}) == 1
    chain = api.get(f"/v1/records/{found[1]['id']}/trace").json()["items"]
    assert [item["action"] for item in chain] == ["published", "received", "processed"]


def test_a_parent_in_the_same_request_is_named_by_its_own_id(api: httpx.Client) -> None:
    order = fresh()
    events = [
        {"id": f"a-{order}", "event": "parent", "keys": {"order": order}},
        {"id": f"b-{order}", "event": "child", "parent_id": f"a-{order}", "keys": {"order": order}},
    ]
    ids = api.post("/v1/events", json=events).json()["ids"]
    parent, child = find(api, order, 2)
    assert child["parent_id"] == parent["id"] == ids[0]
    assert child["trace_id"] == parent["trace_id"]


def test_a_child_of_an_event_that_came_before_points_to_the_record_that_there_is(api: httpx.Client) -> None:
    order = fresh()
    parent = {"id": f"a-{order}", "event": "parent", "keys": {"order": order}}
    first = api.post("/v1/events", json=parent, headers={"traceparent": f"00-{uuid.uuid4().hex}-00f067aa0ba902b7-01"})
    events = [parent, {"event": "child", "parent_id": f"a-{order}", "keys": {"order": order}}]
    answer = api.post("/v1/events", json=events).json()
    assert (answer["accepted"], answer["duplicates"], answer["ids"][0]) == (1, 1, first.json()["ids"][0])
    root, child = find(api, order, 2)
    assert child["parent_id"] == root["id"] == answer["ids"][0]
    assert child["trace_id"] == root["trace_id"]
    assert [item["depth"] for item in api.get(f"/v1/records/{child['id']}/trace").json()["items"]] == [0, 1]


def test_the_path_may_end_with_a_slash(api: httpx.Client) -> None:
    order = fresh()
    assert api.post("/v1/events/", json={"event": "slash", "keys": {"order": order}}).status_code == 201
    assert find(api, order)[0]["event"] == "slash"
    assert api.post("/v1/events/", json={}).status_code == 422


def test_a_later_child_joins_its_parents_trace(api: httpx.Client) -> None:
    order = fresh()
    trace_id = uuid.uuid4().hex
    event = {"event": "root", "trace_id": trace_id, "keys": {"order": order}}
    root = api.post("/v1/events", json=event).json()["ids"][0]
    find(api, order)
    child = {"event": "child", "parent_id": root, "keys": {"order": order}}
    api.post("/v1/events", json=child)
    assert find(api, order, 2)[1]["trace_id"] == trace_id


@pytest.mark.feature("N13")
def test_traceparent_is_joined(api: httpx.Client) -> None:
    order = fresh()
    trace_id = uuid.uuid4().hex
    headers = {"traceparent": f"00-{trace_id}-00f067aa0ba902b7-01"}
    api.post("/v1/events", json={"event": "joined", "keys": {"order": order}}, headers=headers)
    assert find(api, order)[0]["trace_id"] == trace_id


@pytest.mark.feature("A14")
def test_direction_and_products_come_from_the_declared_integration(api: httpx.Client) -> None:
    order = fresh()
    api.post("/v1/events", json={"event": "x", "integration": "orders", "keys": {"order": order}})
    item = find(api, order)[0]
    assert (item["source_product"], item["target_product"], item["direction"]) == ("erp", "ship", "two-way")


@pytest.mark.feature("I01")
def test_a_customer_exists_from_its_first_event_on(api: httpx.Client) -> None:
    customer = f"new-{uuid.uuid4().hex[:8]}"
    api.post("/v1/events", json={"event": "x", "customer": customer})
    listed = api.get("/v1/customers", params={"limit": 1000}).json()["items"]
    assert customer in [item["key"] for item in listed]
