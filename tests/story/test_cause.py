"""*The order is in the ERP, why is it not in Ship?* Asked of a chain that was reported, through public doors only."""

from __future__ import annotations

import uuid
from typing import Any

import httpx
import pytest

from harness.server import eventually

REASON = "postal_code: must not be blank"
BODY = {"status": 422, "message": REASON, "errors": [{"field": "postal_code", "message": "must not be blank"}]}
HTTP_ERROR = {
    "type": "HTTPStatusError",
    "message": "Aptean Ship answered 422 Unprocessable Entity to POST /shipments",
    "data": BODY,
    "caused_by": {"type": "bad_request", "message": REASON},
}


def report(api: httpx.Client, parent: str, event: str, **fields: Any) -> str:
    """Report one step of an order on its way from the ERP to Ship, and return its id."""
    step = {"event": event, "integration": "orders", "status": "success", **fields}
    if parent:
        step["parent_id"] = parent
    answer = api.post("/v1/events", json=step)
    assert answer.status_code == 201, answer.text
    return answer.json()["ids"][0]


def ask(api: httpx.Client, record_id: str, records: int = 1) -> dict[str, Any]:
    """The cause, once so many records of the chain can be found."""

    def probe() -> bool:
        answer = api.get(f"/v1/records/{record_id}/trace")
        return answer.status_code == 200 and len(answer.json()["items"]) >= records

    eventually(probe, what=f"{records} records of the chain")
    answer = api.get(f"/v1/records/{record_id}/cause")
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.fixture
def order(api: httpx.Client) -> dict[str, str]:
    """The ids of a chain in which Ship refused an order for want of a postal code, by name."""
    trace_id = uuid.uuid4().hex
    shared = {"trace_id": trace_id, "keys": {"order": f"SO-{trace_id[:8]}"}}
    outer = {"type": "dependency_error", "message": "create_shipment failed", "caused_by": HTTP_ERROR}
    failed = {"status": "failure", **shared}
    published = report(api, "", "order.released", action="Published", error=outer, **failed)
    lookup = report(api, published, "lookup", **shared)
    create = report(api, published, "create_shipment", message="Ship refused the shipment", error=outer, **failed)
    call = {"method": "POST", "url": "https://ship.example/shipments", "status_code": 422}
    post = report(api, create, "POST /shipments", target_product="ship", parameters=call, error=HTTP_ERROR, **failed)
    received = report(api, create, "order.released", action="Received", **shared)
    return {"published": published, "lookup": lookup, "create": create, "post": post, "received": received}


@pytest.mark.feature("N02")
@pytest.mark.parametrize(
    ("asked", "path", "broke"),
    [
        ("published", ["published", "create", "post"], []),
        ("lookup", ["lookup", "published", "create", "post"], []),
        ("received", ["received", "create", "post"], ["published"]),
        ("post", ["post"], ["create", "published"]),
    ],
)
def test_from_any_step_of_an_order_the_cause_is_the_request_that_was_refused(
    api: httpx.Client, order: dict[str, str], asked: str, path: list[str], broke: list[str]
) -> None:
    answer = ask(api, order[asked], records=len(order))
    assert answer["cause"]["id"] == order["post"]
    assert answer["cause"]["error"]["caused_by"]["message"] == REASON
    assert [item["id"] for item in answer["path"]] == [order[name] for name in path]
    assert [item["id"] for item in answer["broke"]] == [order[name] for name in broke]
    assert answer["explanation"] == f"Aptean Ship refused POST /shipments (422): {REASON}."
    assert answer["advice"]


@pytest.mark.feature("N02")
def test_what_broke_says_how_in_a_sentence(api: httpx.Client, order: dict[str, str]) -> None:
    sentences = [item["sentence"] for item in ask(api, order["post"], records=len(order))["broke"]]
    assert sentences == [
        "create_shipment failed: Ship refused the shipment.",
        "order.released failed: create_shipment failed.",
    ]


@pytest.mark.feature("N09")
def test_a_webhook_refused_for_its_signature_is_explained(api: httpx.Client) -> None:
    before = {item["id"] for item in api.get("/v1/external-webhooks?source=orders&status=failure").json()["items"]}
    body = b'{"type": "order.released", "account": "acme", "data": {"number": "SO-1"}}'
    assert api.post("/webhooks/in/orders", content=body, headers={"X-ERP-Signature": "00" * 32}).status_code == 401

    def probe() -> list[str]:
        items = api.get("/v1/external-webhooks?source=orders&status=failure").json()["items"]
        return [item["id"] for item in items if item["id"] not in before]

    webhook = eventually(probe)[0]
    answer = ask(api, webhook)
    assert answer["cause"]["id"] == webhook
    assert answer["code"] == "signature_refused"
    assert answer["explanation"].startswith("The webhook from ERP was refused for its signature: ")


def test_an_order_that_went_well_has_no_cause_and_is_told_so(api: httpx.Client) -> None:
    answer = ask(api, report(api, "", "order.released"))
    assert (answer["cause"], answer["path"], answer["broke"]) == (None, [], [])
    assert answer["explanation"] == "Nothing in this chain failed."


def test_an_event_that_was_reported_was_decided_on_by_no_flow(api: httpx.Client, order: dict[str, str]) -> None:
    ask(api, order["post"], records=len(order))
    answer = api.get(f"/v1/records/{order['post']}/decisions")
    assert (answer.status_code, answer.json()["items"]) == (200, [])


def test_the_answer_says_what_was_searched_where_it_is_asked_to(api: httpx.Client, order: dict[str, str]) -> None:
    ask(api, order["post"], records=len(order))
    lines = api.get(f"/v1/records/{order['post']}/cause?logs=1").json()["_logs"]
    assert "looked for the cause among 5 records" in [line["msg"] for line in lines]
