"""What a sender of webhooks is promised, and what a support person finds when one is refused."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime

import httpx
import pytest
from standardwebhooks import Webhook

from harness.server import eventually

SECRET = "It's a Secret to Everybody"
STANDARD_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def sign(body: bytes, encoding: str = "hex") -> str:
    mac = hmac.new(SECRET.encode(), body, hashlib.sha256)
    return mac.hexdigest() if encoding == "hex" else base64.b64encode(mac.digest()).decode()


def order_event(order: str) -> bytes:
    return json.dumps(
        {"type": "order.released", "account": "acme", "data": {"number": order, "password": "hunter2"}}
    ).encode()


def find(api: httpx.Client, count: int = 1, **filters: str) -> list[dict]:
    def probe() -> list[dict]:
        items = api.get("/v1/records", params={"sort": "asc", **filters}).json()["items"]
        return items if len(items) >= count else []

    return eventually(probe, what=f"{count} records of {filters}")


@pytest.mark.feature("C20", "C21", "C23", "C40", "C42")
def test_a_signed_webhook_is_a_record_with_its_event_under_it(api: httpx.Client) -> None:
    order = f"SO-{uuid.uuid4().hex}"
    body = order_event(order)
    answer = api.post(
        "/webhooks/in/orders?attempt=1", content=body, headers={"X-ERP-Signature": sign(body), "Cookie": "s=hunter2"}
    )
    assert answer.status_code == 200, answer.text
    ids = answer.json()
    event = find(api, key=f"order={order}", kind="external_event")[0]
    assert ids["event_ids"] == [event["id"]]
    assert event["parent_id"] == ids["id"]
    assert (event["event"], event["customer"], event["source"]) == ("order.released", "acme", "orders")
    webhook = api.get(f"/v1/external-webhooks/{ids['id']}").json()
    assert (webhook["status"], webhook["state"], webhook["source_product"]) == ("success", "success", "erp")
    assert webhook["http"]["method"] == "POST"
    assert webhook["http"]["status_code"] == 200
    assert "attempt=1" in webhook["http"]["url"]
    assert webhook["payload"]["data"]["number"] == order
    assert "hunter2" not in json.dumps(webhook)
    assert webhook["redacted"]
    chain = api.get(f"/v1/records/{event['id']}/trace").json()["items"]
    assert [(item["kind"], item["depth"]) for item in chain] == [("external_webhook", 0), ("external_event", 1)]


@pytest.mark.feature("C20", "C21", "N09")
def test_a_wrong_signature_is_a_401_and_a_record(api: httpx.Client) -> None:
    body = order_event(f"SO-{uuid.uuid4().hex}")
    before = len(api.get("/v1/external-webhooks?source=orders&status=failure&limit=1000").json()["items"])
    answer = api.post("/webhooks/in/orders", content=body, headers={"X-ERP-Signature": "00" * 32})
    assert answer.status_code == 401
    assert answer.headers["content-type"].startswith("application/problem+json")

    def probe() -> list[dict]:
        items = api.get("/v1/external-webhooks?source=orders&status=failure&limit=1000").json()["items"]
        return items if len(items) > before else []

    record = api.get(f"/v1/records/{eventually(probe)[0]['id']}").json()
    assert record["state"] == "error"
    assert record["http"]["status_code"] == 401
    assert record["error"]["message"]
    assert record["payload"]["type"] == "order.released"


def test_a_missing_signature_says_which_header(api: httpx.Client) -> None:
    answer = api.post("/webhooks/in/orders", content=order_event("SO-1"))
    assert answer.status_code == 401
    assert "x-erp-signature" in answer.text.lower()


def test_a_repeated_delivery_is_a_record_that_points_to_the_first(api: httpx.Client) -> None:
    order = f"SO-{uuid.uuid4().hex}"
    body = order_event(order)
    headers = {"X-ERP-Signature": sign(body), "X-ERP-Delivery": f"d-{order}"}
    first = api.post("/webhooks/in/orders", content=body, headers=headers).json()
    again = api.post("/webhooks/in/orders", content=body, headers=headers)
    assert (again.status_code, again.json()) == (200, first)
    assert len(find(api, key=f"order={order}", kind="external_event")) == 1
    deliveries = find(api, count=2, key=f"order={order}", kind="external_webhook")
    assert [item["duplicate_of"] for item in deliveries] == [None, first["id"]]
    assert deliveries[0]["id"] == first["id"]


def test_a_body_that_is_no_json_is_kept_and_refused(api: httpx.Client) -> None:
    body = b"\xff\x00 not json " + uuid.uuid4().bytes
    answer = api.post("/webhooks/in/open", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 400
    webhook_id = eventually(
        lambda: [
            item["id"]
            for item in api.get("/v1/external-webhooks?source=open&status=failure").json()["items"]
            if api.get(f"/v1/records/{item['id']}/payload").content == body
        ]
    )[0]
    assert api.get(f"/v1/records/{webhook_id}").json()["error"]["message"]


def test_a_webhook_of_any_method_is_taken(api: httpx.Client) -> None:
    order = f"SO-{uuid.uuid4().hex}"
    assert api.put("/webhooks/in/open", content=order_event(order)).status_code == 200
    webhook = find(api, key=f"order={order}", kind="external_event")[0]["parent_id"]
    assert api.get(f"/v1/records/{webhook}").json()["http"]["method"] == "PUT"


@pytest.mark.feature("C20", "C23")
def test_several_events_in_one_body_are_several_records(api: httpx.Client) -> None:
    orders = [f"SO-{uuid.uuid4().hex}" for _ in range(3)]
    body = b"[" + b", ".join(order_event(order) for order in orders) + b"]"
    answer = api.post("/webhooks/in/open", content=body, headers={"content-type": "application/json"}).json()
    assert len(answer["event_ids"]) == 3
    for order, event_id in zip(orders, answer["event_ids"], strict=True):
        assert find(api, key=f"order={order}", kind="external_event")[0]["id"] == event_id


def test_an_unknown_source_is_a_404(api: httpx.Client) -> None:
    answer = api.post("/webhooks/in/nobody", content=b"{}")
    assert answer.status_code == 404
    assert "nobody" in answer.json()["detail"]


def test_the_connection_is_taken_from_the_path(api: httpx.Client) -> None:
    order = f"SO-{uuid.uuid4().hex}"
    assert api.post("/webhooks/in/open/acme-prod", content=order_event(order)).status_code == 200
    assert find(api, key=f"order={order}", kind="external_event")[0]["connection"] == "acme-prod"


def github(body: bytes) -> dict[str, str]:
    delivery = uuid.uuid4().hex
    return {"X-Hub-Signature-256": "sha256=" + sign(body), "X-GitHub-Event": "push", "X-GitHub-Delivery": delivery}


def stripe(body: bytes) -> dict[str, str]:
    at = str(int(time.time()))
    return {"Stripe-Signature": f"t={at},v1={sign(at.encode() + b'.' + body)},v0=ignored"}


def shopify(body: bytes) -> dict[str, str]:
    return {"X-Shopify-Hmac-Sha256": sign(body, "base64"), "X-Shopify-Topic": "orders/create"}


def slack(body: bytes) -> dict[str, str]:
    at = str(int(time.time()))
    return {"X-Slack-Signature": "v0=" + sign(b"v0:" + at.encode() + b":" + body), "X-Slack-Request-Timestamp": at}


def standard(body: bytes) -> dict[str, str]:
    message_id, now = f"msg_{uuid.uuid4().hex}", datetime.now(UTC)
    signature = Webhook(STANDARD_SECRET).sign(message_id, now, body.decode())
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": signature,
    }


@pytest.mark.parametrize(
    ("source", "signed"),
    [("code", github), ("payments", stripe), ("shop", shopify), ("chat", slack), ("standard", standard)],
)
def test_the_schemes_of_the_field_are_accepted_and_a_changed_body_is_not(
    api: httpx.Client, source: str, signed
) -> None:
    body = json.dumps({"type": "thing.happened", "n": uuid.uuid4().hex}).encode()
    headers = {"content-type": "application/json", **signed(body)}
    assert api.post(f"/webhooks/in/{source}", content=body, headers=headers).status_code == 200
    assert api.post(f"/webhooks/in/{source}", content=body + b" ", headers=headers).status_code == 401


def test_an_old_signature_is_refused_and_says_by_how_much(api: httpx.Client) -> None:
    body = b'{"type": "old"}'
    at = str(int(time.time()) - 3600)
    headers = {"Stripe-Signature": f"t={at},v1={sign(at.encode() + b'.' + body)}"}
    answer = api.post("/webhooks/in/payments", content=body, headers=headers)
    assert answer.status_code == 401
    assert re.search(r"\b36\d\d seconds|\b60 minutes|\b1 hour|\b36\d\d s\b", answer.json()["detail"]), answer.text


@pytest.fixture
def without_webhook_logs(api: httpx.Client) -> Iterator[None]:
    def switch(is_on: bool) -> None:
        assert api.patch("/v1/switches", json={"enable_webhook_logs": is_on}).status_code == 200

    switch(False)
    yield
    switch(True)


def post_order(api: httpx.Client, order: str, delivery: str) -> dict:
    body = order_event(order)
    headers = {"X-ERP-Signature": sign(body), "X-ERP-Delivery": delivery}
    answer = api.post("/webhooks/in/orders", content=body, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.feature("C24")
@pytest.mark.usefixtures("without_webhook_logs")
def test_with_webhook_logs_off_the_events_are_there_without_the_webhook(api: httpx.Client) -> None:
    order, delivery = f"SO-{uuid.uuid4().hex}", uuid.uuid4().hex
    first = post_order(api, order, delivery)
    assert first["id"] is None
    assert post_order(api, order, delivery) == first
    [event] = find(api, key=f"order={order}")
    assert (event["kind"], event["parent_id"], [event["id"]]) == ("external_event", None, first["event_ids"])


@pytest.mark.feature("C24")
def test_a_delivery_comes_once_however_the_switch_is_turned_in_between(api: httpx.Client, request) -> None:
    logged, order = uuid.uuid4().hex, f"SO-{uuid.uuid4().hex}"
    first = post_order(api, order, logged)
    request.getfixturevalue("without_webhook_logs")
    assert post_order(api, order, logged) == first
    other, not_logged = f"SO-{uuid.uuid4().hex}", uuid.uuid4().hex
    second = post_order(api, other, not_logged)
    assert api.patch("/v1/switches", json={"enable_webhook_logs": True}).status_code == 200
    assert post_order(api, other, not_logged) == second
    assert [item["kind"] for item in find(api, 2, key=f"order={order}")] == ["external_webhook", "external_event"]
    event, repeated = find(api, 2, key=f"order={other}")
    assert (event["kind"], repeated["kind"], repeated["duplicate_of"]) == (
        "external_event",
        "external_webhook",
        event["id"],
    )


@pytest.mark.feature("C24")
@pytest.mark.usefixtures("without_webhook_logs")
def test_with_webhook_logs_off_a_refused_webhook_is_found_among_the_requests(api: httpx.Client) -> None:
    order = f"SO-{uuid.uuid4().hex}"
    answer = api.post(f"/webhooks/in/orders?try={order}", content=order_event(order))
    assert answer.status_code == 401

    def probe() -> list[dict]:
        found = api.get("/v1/api-requests", params={"source": "orders", "http_direction": "incoming"}).json()["items"]
        return [item for item in found if order in item["http_url"]]

    [item] = eventually(probe, what="the refused webhook")
    assert (item["status"], item["http_status"], item["error_type"]) == ("failure", 401, "signature")
    assert api.get(f"/v1/records/{item['id']}/cause").json()["code"] == "signature_refused"
    assert "hunter2" not in api.get(f"/v1/records/{item['id']}").text
