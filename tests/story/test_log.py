"""The log as a reader finds it: filters, pages, counts, one record, its chain, its coverage."""

from __future__ import annotations

import json
import re
import time
import uuid

import httpx
import pytest

from harness.server import eventually


@pytest.fixture(scope="module")
def run(server) -> str:
    """Fifty records of one customer, indexed."""
    customer = f"c-{uuid.uuid4().hex[:10]}"
    base = time.time_ns() // 1_000_000 - 3_600_000
    events = [
        {
            "event": f"order.{i % 5}",
            "type": "API Call" if i % 2 else "One Click Access",
            "customer": customer,
            "source_product": "erp" if i % 3 else "crm",
            "target_product": "ship",
            "integration": "orders",
            "connection": f"conn-{i % 2}",
            "direction": "one-way" if i % 4 else "two-way",
            "status": ["info", "success", "failure"][i % 3],
            "message": f"Order {i} walrus" if i == 7 else f"Order {i}",
            "keys": {"order": f"{customer}-{i}", **({"rare": "yes"} if i == 9 else {})},
            "payload": {"n": i, "note": "narwhal" if i == 11 else "plain"},
            "parameters": {"email": "okapi@acme.example" if i == 13 else "x@acme.example"},
            "duration_ms": i * 10,
            "time": _rfc3339(base + i // 2 * 1000),
        }
        for i in range(50)
    ]
    with server.client() as api:
        assert api.post("/v1/events", json=events).status_code == 201
        eventually(lambda: api.get("/v1/records/count", params={"customer": customer}).json()["count"] == 50)
    return customer


def _rfc3339(ms: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(ms // 1000)) + f".{ms % 1000:03d}Z"


def listed(api: httpx.Client, customer: str, **filters) -> list[dict]:
    answer = api.get("/v1/records", params={"customer": customer, "limit": 1000, **filters})
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


def test_the_newest_come_first_and_asc_turns_it_round(api: httpx.Client, run: str) -> None:
    down = [item["id"] for item in listed(api, run)]
    up = [item["id"] for item in listed(api, run, sort="asc")]
    assert len(down) == 50
    assert down == up[::-1]


@pytest.mark.feature("C03")
@pytest.mark.parametrize("sort", ["desc", "asc"])
def test_following_next_visits_each_record_once_and_prev_leads_back(api: httpx.Client, run: str, sort: str) -> None:
    expected = [item["id"] for item in listed(api, run, sort=sort)]
    params: dict = {"customer": run, "limit": 7, "sort": sort}
    page = api.get("/v1/records", params=params).json()
    assert page["prev"] is None
    seen, pages = [], []
    while True:
        pages.append([item["id"] for item in page["items"]])
        seen += pages[-1]
        if page["next"] is None:
            break
        page = api.get("/v1/records", params=params | {"cursor": page["next"]}).json()
    assert seen == expected
    back = []
    while page["prev"]:
        page = api.get("/v1/records", params=params | {"cursor": page["prev"]}).json()
        back.append([item["id"] for item in page["items"]])
    assert back[::-1] == pages[:-1]


def test_the_link_header_leads_on(api: httpx.Client, run: str) -> None:
    answer = api.get("/v1/records", params={"customer": run, "limit": 20})
    url = re.search(r'<([^>]+)>; rel="next"', answer.headers["link"])[1]
    second = api.get(url).json()
    assert len(second["items"]) == 20
    assert answer.json()["items"][-1]["id"] != second["items"][0]["id"]


@pytest.mark.feature("C02", "C12")
@pytest.mark.parametrize(
    ("filters", "count"),
    [
        ({"status": "failure"}, 16),
        ({"status": ["failure", "info"]}, 33),
        ({"type": "API Call"}, 25),
        ({"event": "order.3"}, 10),
        ({"event_type": "order.3"}, 10),
        ({"product": "crm"}, 17),
        ({"product": "ship"}, 50),
        ({"source_product": "erp"}, 33),
        ({"target_product": "erp"}, 0),
        ({"direction": "two-way"}, 13),
        ({"integration": "orders", "connection": "conn-1"}, 25),
        ({"kind": "integration_event"}, 50),
        ({"kind": "external_webhook"}, 0),
        ({"key": "rare=yes"}, 1),
        ({"key": "rare=*"}, 1),
        ({"key": "rare=no"}, 0),
        ({"q": "walrus"}, 1),
        ({"q": "WALRUS order"}, 1),
        ({"q": "narwhal"}, 1),
        ({"q": "okapi"}, 1),
        ({"q": "walru"}, 0),
        ({"min_duration_ms": 450}, 5),
        ({"status": "failure", "event": "order.2", "product": "erp"}, 4),
        ({"duration": "24h"}, 50),
        ({"duration": "1h"}, None),
    ],
)
def test_every_filter_works(api: httpx.Client, run: str, filters: dict, count: int | None) -> None:
    items = listed(api, run, **filters)
    counted = api.get("/v1/records/count", params={"customer": run, **filters}).json()
    if count is not None:
        assert len(items) == count
        assert counted["count"] == count
    for name in ("status", "event", "integration", "connection", "kind", "source_product"):
        if name in filters:
            assert {item[name] for item in items} <= set(
                filters[name] if isinstance(filters[name], list) else [filters[name]]
            )


def test_from_is_inclusive_and_to_exclusive(api: httpx.Client, run: str) -> None:
    items = listed(api, run, sort="asc")
    first, last = items[10]["time"], items[20]["time"]
    inside = [item["time"] for item in listed(api, run, **{"from": first, "to": last}, sort="asc")]
    assert inside
    assert inside == [item["time"] for item in items if first <= item["time"] < last]


@pytest.mark.feature("N08")
def test_an_empty_list_says_what_was_searched(api: httpx.Client) -> None:
    answer = api.get("/v1/records", params={"customer": "nobody", "duration": "24h"}).json()
    assert answer["items"] == []
    coverage = answer["coverage"]
    assert set(coverage) == {"from", "to", "indexed_until", "oldest_kept", "truncated"}
    assert coverage["from"] < coverage["to"]
    assert coverage["truncated"] is False


def test_a_list_of_one_kind_holds_that_kind_alone(api: httpx.Client, run: str) -> None:
    items = api.get("/v1/integration-events", params={"customer": run}).json()["items"]
    assert {item["kind"] for item in items} == {"integration_event"}
    assert api.get(f"/v1/integration-events/{items[0]['id']}").status_code == 200
    assert api.get(f"/v1/external-webhooks/{items[0]['id']}").status_code == 404
    assert api.get("/v1/external-webhooks", params={"customer": run}).json()["items"] == []


@pytest.mark.parametrize(
    "path",
    [
        "api-requests",
        "external-webhooks",
        "external-event-pulls",
        "external-events",
        "internal-events",
        "flow-runs",
        "notifications",
    ],
)
def test_every_kind_has_its_list(api: httpx.Client, path: str) -> None:
    assert api.get(f"/v1/{path}").status_code == 200


def test_a_trace_is_found_by_its_own_id(api: httpx.Client, run: str) -> None:
    item = listed(api, run)[0]
    chain = api.get(f"/v1/traces/{item['trace_id']}").json()
    assert [entry["id"] for entry in chain["items"]] == [item["id"]]
    assert api.get(f"/v1/traces/{uuid.uuid4().hex}").status_code == 404


@pytest.mark.feature("H01", "H02", "H06")
def test_logs_1_adds_the_log_of_the_request_and_nothing_else_does(api: httpx.Client, run: str) -> None:
    logs = api.get("/v1/records", params={"customer": run, "logs": "1"}).json()["_logs"]
    assert logs
    assert set(logs[0]) == {"time", "type", "msg", "data"}
    for value in ("0", "true", ""):
        assert "_logs" not in api.get("/v1/records", params={"customer": run, "logs": value}).json()
    posted = api.post("/v1/events?logs=1", json={"event": "logged"})
    assert posted.json()["_logs"]
    assert posted.json()["accepted"] == 1
    refused = api.post("/v1/events?logs=1", json={"event": ""})
    assert refused.status_code == 422
    assert refused.json()["_logs"]


def test_a_record_is_soon_visible(api: httpx.Client) -> None:
    """How soon is measured in benchmarks/; this sees a stuck pump."""
    for _ in range(5):
        record_id = api.post("/v1/events", json={"event": "soon"}).json()["ids"][0]
        assert eventually(lambda record_id=record_id: api.get(f"/v1/records/{record_id}").status_code == 200)


def test_every_response_has_a_request_id(api: httpx.Client) -> None:
    assert api.get("/livez").headers["x-request-id"]
    assert api.get("/v1/records", headers={"x-request-id": "mine-1"}).headers["x-request-id"] == "mine-1"
    assert api.post("/v1/events", json={"event": "x"}).headers["x-request-id"]
    assert api.post("/v1/events", content=b"").headers["x-request-id"]


@pytest.mark.feature("N14")
def test_the_server_says_how_it_is(api: httpx.Client) -> None:
    assert api.get("/livez").status_code == 200
    ready = api.get("/readyz")
    assert ready.status_code == 200
    assert {"state", "journal", "log", "pump"} <= set(ready.json()["parts"])


def test_the_api_describes_itself(api: httpx.Client) -> None:
    document = api.get("/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    paths = document["paths"]
    expected = {"/v1/events", "/webhooks/in/{source}", "/v1/records", "/v1/records/{id}", "/v1/records/count", "/livez"}
    assert expected <= set(paths)
    names = {parameter["name"] for parameter in paths["/v1/records"]["get"]["parameters"]}
    assert {"kind", "status", "key", "q", "from", "to", "duration", "cursor", "limit", "sort"} <= names
    assert "requestBody" in paths["/v1/events"]["post"]
    assert "order" not in json.dumps(document["paths"]["/livez"])
    assert api.get("/docs").status_code == 200


@pytest.mark.feature("I05")
def test_keys_have_scopes_and_can_be_revoked(api: httpx.Client, server) -> None:
    made = api.post("/v1/keys", json={"name": "shop", "scopes": ["ingest"]})
    assert made.status_code == 201, made.text
    text, key_id = made.json()["key"], made.json()["id"]
    with server.client(text) as shop:
        assert shop.post("/v1/events", json={"event": "x"}).status_code == 201
        assert shop.get("/v1/records").status_code == 403
        assert shop.post("/v1/keys", json={"name": "more", "scopes": ["admin"]}).status_code == 403
        assert text not in api.get("/v1/keys").text
        assert api.delete(f"/v1/keys/{key_id}").status_code == 204
        eventually(lambda: shop.post("/v1/events", json={"event": "x"}).status_code == 401)


@pytest.mark.feature("I05")
def test_a_customer_token_sees_one_customer_alone(api: httpx.Client, server, run: str) -> None:
    made = api.post("/v1/keys", json={"name": "portal", "scopes": ["read"], "customer": run}).json()
    other = api.post("/v1/events", json={"event": "other", "customer": "someone-else"}).json()["ids"][0]
    eventually(lambda: api.get(f"/v1/records/{other}").status_code == 200)
    with server.client(made["key"]) as portal:
        assert {item["customer"] for item in portal.get("/v1/records?limit=1000").json()["items"]} == {run}
        assert portal.get("/v1/records", params={"customer": "someone-else"}).status_code == 400
        assert portal.get(f"/v1/records/{other}").status_code == 404
        assert portal.get(f"/v1/records/{other}/payload").status_code == 404
        assert portal.get(f"/v1/records/{other}/trace").status_code == 404
        assert portal.post("/v1/events", json={"event": "x"}).status_code == 403
