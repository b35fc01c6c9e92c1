"""*It did not run. Why?* One question over HTTP, and the chain of checks with its first broken link."""

from __future__ import annotations

import hashlib
import hmac
import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from clew.core.clock import from_rfc3339, to_rfc3339
from harness.server import ServerProcess, eventually, serving

MODULE = """
from clew import Flow, Integration, Product, hmac_sha256

erp = Product("erp", title="ERP")
ship = Product("ship", title="Aptean Ship")
orders = Integration("orders", source=erp, target=ship, title="Orders")
hooks = erp.webhook(
    "orders",
    verify=hmac_sha256("X-ERP-Signature", secret="ERP_SECRET"),
    event="$.type",
    customer="$.account",
    keys={"order": "$.number"},
    delivery_id="header:X-ERP-Delivery",
)
quiet_hooks = erp.webhook("quiet", event="$.type", customer="$.account")

order_to_ship = Flow(
    "order-to-ship", integration=orders, on=hooks["order.released"], where="event.payload.country == 'US'",
    title="Orders to Ship",
)


@order_to_ship.node
def ship_it(event):
    if event.payload["number"] == "SO-13":
        raise ValueError("there is no SO-13")
    return {}


archive = Flow("archive", on=hooks["order.released"], enabled=False)


@archive.node
def write(event):
    return {}


quiet = Flow("quiet-flow", on=quiet_hooks["order.held"])


@quiet.node
def hold(event):
    return {}


nightly = Flow("nightly", cron="0 3 1 1 *")


@nightly.node
def clean():
    return {}
"""
SECRET = "It's a Secret to Everybody"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with serving(tmp_path_factory.mktemp("why-not"), MODULE, ERP_SECRET=SECRET) as process:
        yield process


@pytest.fixture(scope="module")
def api(server: ServerProcess) -> Iterator[httpx.Client]:
    with server.client() as client:
        yield client


@pytest.fixture
def customer() -> str:
    """A customer of its own for each test: what others sent is not in its answers."""
    return f"customer-{uuid.uuid4().hex[:8]}"


def order(customer: str, number: str, **fields: Any) -> dict[str, Any]:
    return {"type": "order.released", "account": customer, "number": number, "country": "US", **fields}


def send(api: httpx.Client, body: dict[str, Any], *, secret: str = SECRET, delivery: str = "") -> httpx.Response:
    content = json.dumps(body).encode()
    signature = hmac.new(secret.encode(), content, hashlib.sha256).hexdigest()
    headers = {"X-ERP-Signature": signature, "X-ERP-Delivery": delivery or uuid.uuid4().hex}
    return api.post("/webhooks/in/orders", content=content, headers=headers | {"content-type": "application/json"})


def ask(api: httpx.Client, **question: Any) -> dict[str, Any]:
    answer = api.post("/v1/why-not", json=question)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert isinstance(found, dict)
    return found


def ask_until(api: httpx.Client, broken: str | None, **question: Any) -> dict[str, Any]:
    """The answer, when the log has come so far that this is the first broken link."""
    return eventually(lambda: (found := ask(api, **question))["broken"] == broken and found, what=f"{broken} is broken")


def check_of(answer: dict[str, Any], name: str) -> dict[str, Any]:
    return next(check for check in answer["checks"] if check["name"] == name)


@pytest.mark.feature("N01", "E03")
def test_a_filter_that_did_not_match_is_named_with_its_clause_expected_and_actual_value(
    api: httpx.Client, customer: str
) -> None:
    assert send(api, order(customer, "SO-1", country="FR")).status_code == 200
    answer = ask_until(api, "matched", customer=customer, flow="order-to-ship")
    verdicts = [(check["name"], check["verdict"]) for check in answer["checks"]]
    assert verdicts == [
        *[(name, "yes") for name in ("received", "accepted", "happened", "new", "enabled", "connected")],
        ("matched", "no"),
        *[(name, "not_reached") for name in ("launched", "started", "completed")],
    ]
    (evidence,) = check_of(answer, "matched")["evidence"]
    assert (evidence["clause"], evidence["expected"], evidence["actual"]) == (
        "event.payload.country == 'US'",
        "'US'",
        "FR",
    )
    record = api.get(evidence["link"])
    assert (record.status_code, record.json()["kind"]) == (200, "decision")
    assert f"Orders to Ship did not run for {customer} between" in answer["summary"]
    assert "the filter asks for event.payload.country == 'US', and event.payload.country is 'FR'." in answer["summary"]


@pytest.mark.feature("N01")
def test_a_flow_that_ran_is_said_to_have_run_with_a_link_to_its_run(api: httpx.Client, customer: str) -> None:
    send(api, order(customer, "SO-2"))
    answer = eventually(
        lambda: (
            (found := ask(api, customer=customer, flow="order-to-ship"))["checks"][-1]["verdict"] == "yes" and found
        ),
        what="its run completed",
    )
    assert answer["broken"] is None
    assert "did run" in answer["summary"]
    (evidence,) = check_of(answer, "completed")["evidence"]
    assert api.get(evidence["link"]).json()["state"] == "completed"


@pytest.mark.feature("N01")
def test_a_run_that_failed_is_broken_at_its_end_and_says_why(api: httpx.Client, customer: str) -> None:
    send(api, order(customer, "SO-13"))
    answer = ask_until(api, "completed", customer=customer, flow="order-to-ship")
    assert "there is no SO-13" in answer["summary"]
    assert {one["kind"] for one in check_of(answer, "completed")["evidence"]} == {"flow_run", "node_run"}


@pytest.mark.feature("N01")
def test_a_flow_that_is_switched_off_is_broken_there(api: httpx.Client, customer: str) -> None:
    send(api, order(customer, "SO-3"))
    answer = ask_until(api, "enabled", customer=customer, flow="archive")
    assert "the flow is switched off in its code" in answer["summary"]


@pytest.mark.feature("N01")
def test_a_repeated_delivery_leads_to_the_first_one(api: httpx.Client, customer: str) -> None:
    delivery = uuid.uuid4().hex
    first = send(api, order(customer, "SO-4"), delivery=delivery).json()["id"]
    eventually(lambda: api.get(f"/v1/records/{first}").status_code == 200, what="the first delivery")
    between = api.get(f"/v1/records/{first}").json()["time"]
    eventually(
        lambda: (
            send(api, order(customer, "SO-4"), delivery=delivery)
            and api.get("/v1/external-webhooks", params={"customer": customer, "from": after(between)}).json()["items"]
        ),
        what="a repetition",
    )
    answer = ask_until(api, "new", **{"customer": customer, "flow": "order-to-ship", "from": after(between)})
    assert check_of(answer, "happened")["verdict"] == "yes"
    assert check_of(answer, "new")["evidence"][0]["record_id"] == first


def after(moment: str) -> str:
    """A millisecond later."""
    return to_rfc3339(from_rfc3339(moment) + 1)


@pytest.mark.feature("N01")
def test_webhooks_that_were_all_refused_are_the_broken_link_with_the_reason(api: httpx.Client, customer: str) -> None:
    from_time = send(api, order(customer, "SO-5")).headers["date"]
    assert from_time
    first = eventually(
        lambda: api.get("/v1/external-webhooks", params={"customer": customer}).json()["items"], what="the webhook"
    )[0]
    refused = eventually(
        lambda: (
            send(api, order(customer, "SO-6"), secret="another").status_code == 401
            and api.get("/v1/external-webhooks", params={"status": "failure", "from": after(first["time"])}).json()[
                "items"
            ]
        ),
        what="a refusal",
    )
    answer = ask_until(api, "accepted", **{"customer": customer, "flow": "order-to-ship", "from": after(first["time"])})
    check = check_of(answer, "accepted")
    assert "signature" in check["sentence"]
    assert refused[0]["id"] in {one["record_id"] for one in check["evidence"]}
    assert check_of(answer, "happened")["verdict"] == "no"


@pytest.mark.feature("N01", "N08")
def test_a_source_that_nothing_came_to_is_broken_first_and_the_answer_says_what_was_searched(
    api: httpx.Client,
) -> None:
    answer = ask(api, flow="quiet-flow")
    assert answer["broken"] == "received"
    assert "/webhooks/in/quiet" in answer["advice"]
    assert set(answer["coverage"]) == {"from", "to", "indexed_until", "oldest_kept", "truncated"}
    assert (answer["coverage"]["from"], answer["coverage"]["to"]) == (answer["from"], answer["to"])


@pytest.mark.feature("N01")
def test_an_event_of_another_customer_is_a_hint_where_it_did_not_happen(api: httpx.Client, customer: str) -> None:
    send(api, {"type": "order.held", "account": customer, "number": "SO-7"})
    send(api, order(f"{customer}-other", "SO-8"))
    answer = eventually(
        lambda: (
            (
                "Other events came"
                in (found := ask_until(api, "happened", customer=customer, flow="order-to-ship"))["summary"]
                or f"{customer}-other" in found["summary"]
            )
            and found
        ),
        what="the hint",
    )
    sentence = check_of(answer, "happened")["sentence"]
    assert f"order.released did not happen for {customer}" in sentence


@pytest.mark.feature("N01")
def test_an_event_type_that_no_flow_waits_for_says_so(api: httpx.Client, customer: str) -> None:
    send(api, {"type": "order.cancelled", "account": customer, "number": "SO-9"})
    answer = ask_until(api, "matched", customer=customer, event_type="order.cancelled")
    assert "no flow waits for order.cancelled" in answer["summary"]


@pytest.mark.feature("N01")
def test_a_schedule_that_was_not_due_is_the_broken_link_of_a_flow_without_events(api: httpx.Client) -> None:
    answer = ask(api, **{"flow": "nightly", "from": "2026-03-01", "to": "2026-03-02"})
    assert [check["name"] for check in answer["checks"]] == ["happened", "enabled", "launched", "started", "completed"]
    assert "its schedule was not due" in answer["summary"]


@pytest.mark.parametrize(
    ("question", "pointer", "said"),
    [
        ({"flow": "order-to-shp"}, "/flow", "There is no flow 'order-to-shp'. Declared now: order-to-ship"),
        ({"flow": "archive", "customer": "nobody-of-that-name"}, "/customer", "no record ever named it"),
        ({"flow": "archive", "event_type": "order.released"}, "/event_type", "give one of them"),
        ({}, "/flow", "Neither a flow nor an event type is given."),
        ({"flow": "archive", "from": "2026-02-02", "to": "2026-02-01"}, "/from", "ends before it begins"),
        ({"flow": "archive", "from": "yesterday"}, "/from", "'yesterday' is no time"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused_with_what_is_wrong(
    api: httpx.Client, question: dict[str, str], pointer: str, said: str
) -> None:
    answer = api.post("/v1/why-not", json=question)
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert error["pointer"] == pointer
    assert said in error["detail"]


def test_a_field_that_is_not_known_is_refused(api: httpx.Client) -> None:
    answer = api.post("/v1/why-not", json={"flow": "archive", "customr": "acme"})
    assert answer.status_code == 400
    assert "customr" in answer.text


@pytest.mark.feature("H01")
def test_the_answer_carries_the_log_of_its_own_making(api: httpx.Client) -> None:
    answer = api.post("/v1/why-not?logs=1", json={"flow": "quiet-flow"})
    assert any("the first broken is received" in line["msg"] for line in answer.json()["_logs"])


def test_a_key_of_a_customer_asks_about_that_customer_alone(
    api: httpx.Client, server: ServerProcess, customer: str
) -> None:
    send(api, order(customer, "SO-10", country="FR"))
    send(api, order(f"{customer}-other", "SO-11", country="FR"))
    ask_until(api, "matched", customer=f"{customer}-other", flow="order-to-ship")
    made = api.post("/v1/keys", json={"name": "own", "scopes": ["read"], "customer": customer})
    with server.client(made.json()["key"]) as own:
        answer = ask_until(own, "matched", flow="order-to-ship")
        assert (answer["customer"], check_of(answer, "received")["verdict"]) == (customer, "unknown")
        assert f"{customer}-other" not in json.dumps(answer)
        refused = own.post("/v1/why-not", json={"flow": "order-to-ship", "customer": f"{customer}-other"})
        assert refused.status_code == 403


def test_without_the_scope_to_read_nothing_is_answered(api: httpx.Client, server: ServerProcess) -> None:
    made = api.post("/v1/keys", json={"name": "sender", "scopes": ["ingest"]})
    with server.client(made.json()["key"]) as sender:
        assert sender.post("/v1/why-not", json={"flow": "archive"}).status_code == 403


def test_the_module_of_these_tests_declares_what_they_ask_about(api: httpx.Client, tmp_path: Path) -> None:
    keys = [flow["key"] for flow in api.get("/v1/flows").json()["items"]]
    assert keys == ["order-to-ship", "archive", "quiet-flow", "nightly"]
