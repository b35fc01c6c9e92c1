"""A customer's access is lost and found again: what Clew says of it, through the public doors alone."""

from __future__ import annotations

import hmac
import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from harness.server import ServerProcess, eventually, serving

SECRET = "a secret of the shop's"
MODULE = """
from clew import Flow, Integration, Product, hmac_sha256

erp = Product("erp", title="ERP")
ship = Product("ship", title="Aptean Ship")
orders = Integration("orders", source=erp, target=ship)
expressions = {"event": "$.type", "customer": "$.account", "connection": "$.connection"}
hooks = erp.webhook("hooks", **expressions)
signed = erp.webhook("signed", verify=hmac_sha256("X-Signature", secret="SHOP_SECRET"), **expressions)
carry = Flow("carry", integration=orders, on=[hooks["order.released"], signed["order.released"]])


@carry.node
def note(event):
    return event.connection
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with serving(tmp_path_factory.mktemp("connections"), MODULE, SHOP_SECRET=SECRET) as process:
        yield process


def fresh(name: str) -> str:
    return f"{name}-{uuid.uuid4().hex[:8]}"


def release(api: httpx.Client, connection: str, customer: str = "acme") -> dict[str, Any]:
    """An order is released for this connection. Answers with the decision of the flow that waits for it."""
    body = {"type": "order.released", "account": customer, "connection": connection}
    sent = api.post("/webhooks/in/hooks", json=body)
    assert sent.status_code == 200, sent.text
    (event_id,) = sent.json()["event_ids"]

    def decided() -> Any:
        found = api.get(f"/v1/records/{event_id}/decisions")
        return found.json()["items"] if found.status_code == 200 else None

    (decision,) = eventually(decided)
    assert decision["flow"] == "carry"
    return dict(decision)


def changes(api: httpx.Client, connection: str) -> list[tuple[str, str, Any, Any]]:
    items = api.get("/v1/audit", params={"subject_kind": "connection", "subject": connection}).json()["items"]
    return [(one["actor"], one["action"], one["before"], one["after"]) for one in reversed(items)]


@pytest.mark.feature("C44")
def test_nothing_is_launched_while_the_access_is_lost_and_the_decision_says_since_when(api: httpx.Client) -> None:
    connection = fresh("acme-ship")
    assert release(api, connection)["verdict"] == "launched"
    made = api.get(f"/v1/connections/{connection}").json()
    assert (made["customer"], made["integration"], made["state"]) == ("acme", "orders", "connected")

    lost = api.post(f"/v1/connections/{connection}/disconnect", json={"error": "The token expired."}).json()
    decision = release(api, connection)
    assert (decision["verdict"], decision["code"]) == ("not_launched", "connection_disconnected")
    assert decision["reason"] == (
        f"the connection {connection} is disconnected since {lost['changed_at']}: The token expired."
    )
    assert decision["actual"] == {
        "connection": connection,
        "state": "disconnected",
        "since": lost["changed_at"],
        "error": "The token expired.",
    }
    cause = api.get(f"/v1/records/{decision['record_id']}/cause").json()
    assert cause["code"] == "connection_disconnected"
    assert "The token expired" in cause["explanation"]
    assert cause["advice"] == "Connect it again, then replay the event."
    assert [one["key"] for one in api.get("/v1/connections", params={"state": "disconnected"}).json()["items"]] == [
        connection
    ]

    api.post(f"/v1/connections/{connection}/reconnect")
    assert release(api, connection)["verdict"] == "launched"
    admin = "the admin key of the settings"
    assert changes(api, connection) == [
        (
            admin,
            "disconnected",
            {"state": "connected", "error": ""},
            {"state": "disconnected", "error": "The token expired."},
        ),
        (
            admin,
            "reconnected",
            {"state": "disconnected", "error": "The token expired."},
            {"state": "connected", "error": ""},
        ),
    ]


@pytest.mark.feature("C44")
def test_a_connection_out_of_use_launches_nothing_until_it_is_restored(api: httpx.Client) -> None:
    connection = fresh("gone")
    release(api, connection)
    assert api.delete(f"/v1/connections/{connection}").status_code == 204
    decision = release(api, connection)
    assert (decision["verdict"], decision["code"]) == ("not_launched", "connection_archived")
    api.post(f"/v1/connections/{connection}/restore")
    assert release(api, connection)["verdict"] == "launched"


def test_one_is_there_from_the_first_event_that_names_it(api: httpx.Client) -> None:
    connection, customer = fresh("by-event"), fresh("customer")
    event = {"event": "order.sent", "connection": connection, "customer": customer, "integration": "orders"}
    assert api.post("/v1/events", json=event).status_code == 201
    (found,) = api.get("/v1/connections", params={"customer": customer}).json()["items"]
    assert (found["key"], found["integration"], found["state"]) == (connection, "orders", "connected")


def test_who_cannot_prove_who_they_are_makes_no_connection(api: httpx.Client) -> None:
    connection, customer = fresh("forged"), fresh("forged-customer")
    body = b'{"type": "order.released", "account": "%s"}' % customer.encode()
    path = f"/webhooks/in/signed/{connection}"
    assert api.post(path, content=body, headers={"x-signature": "00" * 32}).status_code == 401
    assert api.get(f"/v1/connections/{connection}").status_code == 404
    assert api.get(f"/v1/customers/{customer}").status_code == 404
    signature = hmac.digest(SECRET.encode(), body, "sha256").hex()
    taken = api.post(path, content=body, headers={"x-signature": signature, "content-type": "application/json"})
    assert taken.status_code == 200, taken.text
    assert api.get(f"/v1/connections/{connection}").json()["customer"] == customer


def test_a_flow_that_somebody_switched_off_is_in_configuration_activity(api: httpx.Client) -> None:
    made = api.post("/v1/keys", json={"name": "night shift", "scopes": ["operate"]}).json()
    shift = {"authorization": f"Bearer {made['key']}"}
    api.post("/v1/flows/carry/disable", headers=shift)
    api.post("/v1/flows/carry/enable", headers=shift)
    items = api.get("/v1/audit", params={"subject_kind": "flow", "subject": "carry"}).json()["items"]
    assert [(one["actor"], one["action"], one["after"]) for one in items] == [
        (f"night shift ({made['key'][:11]}...)", "enabled", {"enabled": True}),
        (f"night shift ({made['key'][:11]}...)", "disabled", {"enabled": False}),
    ]
    assert api.get("/v1/audit", headers=shift).status_code == 403


def test_who_was_active_last_is_kept_over_a_restart(server: ServerProcess) -> None:
    connection, customer = fresh("active"), fresh("active-customer")
    with server.client() as api:
        api.post("/v1/events", json={"event": "x", "connection": connection, "customer": customer})
    server.stop()
    server.start()
    with server.client() as api:
        for path in (f"/v1/connections/{connection}", f"/v1/customers/{customer}"):
            found = api.get(path).json()
            assert found["last_active_at"] >= found["first_seen_at"]
