"""The logs of API requests, webhooks and pulls: columns, details, and links both ways."""

from __future__ import annotations

import json
import re

import msgspec
import pytest

from clew.core.clock import DAY_MS
from clew.core.record import Body, ErrorInfo, Record
from harness.log_pages import WHOSE, exchange, found_of, links_of, rows_of
from harness.page_text import text_of
from harness.pages import Client, Keep, MakeRecord


@pytest.fixture
def webhooks(make_record: MakeRecord, keep: Keep) -> dict[str, Record]:
    """A webhook with two events, one with one, and one that was refused; and their events; by name."""
    shared = {**WHOSE, "source": "orders", "source_product": "erp"}
    http = exchange(
        "incoming",
        "https://clew.example/webhooks/in/orders?token=****&page=2",
        200,
        request_headers={"content-type": "application/json"},
        response_headers={"content-type": "application/json"},
        response_body=Body(text='{"id":"1"}', size=10),
    )
    two = make_record(
        "external_webhook",
        event="order.released",
        state="success",
        sender_id="delivery-17",
        payload='[{"a": 1}]',
        content_type="application/json",
        http=http,
        **shared,
    )
    events = [
        make_record("external_event", 1 + n, two, event=f"order.{n}", status="info", state="created", **shared)
        for n in range(2)
    ]
    one = make_record("external_webhook", 10, event="order.held", state="success", http=http, **shared)
    only = make_record("external_event", 11, one, event="order.held", status="info", state="created", **shared)
    refused = make_record(
        "external_webhook",
        20,
        state="error",
        status="failure",
        message="The signature does not match.",
        error=ErrorInfo(type="signature", key="mismatch", message="The signature does not match."),
        source="orders",
        source_product="erp",
        http=msgspec.structs.replace(http, status_code=401),
    )
    keep(two, *events, one, only, refused)
    return {"two": two, "first": events[0], "second": events[1], "one": one, "only": only, "refused": refused}


@pytest.fixture
def pulls(make_record: MakeRecord, keep: Keep) -> dict[str, Record]:
    """A full pull that brought an event, one that brought none, and one that failed; by name."""
    shared = {**WHOSE, "source": "shipments", "source_product": "ship"}
    full = make_record(
        "external_event_pull",
        state="success",
        duration_ms=1_500,
        parameters=json.dumps({"is_full_scan": True, "scanned": 40}),
        **shared,
    )
    event = make_record("external_event", 1, full, event="shipment.updated", state="created", status="info", **shared)
    latest = make_record(
        "external_event_pull",
        10,
        state="success",
        message="Nothing was new.",
        parameters=json.dumps({"is_full_scan": False}),
        **shared,
    )
    failed = make_record(
        "external_event_pull", 20, state="error", status="failure", message="Ship does not answer.", **shared
    )
    keep(full, event, latest, failed)
    return {"full": full, "event": event, "latest": latest, "failed": failed}


# API Requests


@pytest.mark.feature("C10", "C11")
def test_api_requests_have_their_columns_and_both_directions(client: Client, requests: dict[str, Record]) -> None:
    rows = rows_of(client.get("/logs/api-requests").text)
    assert rows[2] == {
        "Time": rows[2]["Time"],
        "Direction": "Outgoing",
        "Request": "POST /shipments ship.example ?dry=1",
        "Customer": "acme",
        "Integration": "orders",
        "Connection": "acme-ship",
        "Response": "201",
        "Took": "71 ms",
    }
    assert rows[1]["Response"] == "422 Unprocessable Entity"
    assert rows[0]["Direction"] == "Incoming"
    for direction, count in (("incoming", 1), ("outgoing", 2)):
        found = rows_of(client.get(f"/logs/api-requests?http_direction={direction}").text)
        assert [row["Direction"] for row in found] == [direction.title()] * count
    assert client.get("/logs/api-requests?http_direction=sideways").status_code == 400


@pytest.mark.feature("C10", "C12")
def test_api_requests_are_found_by_their_http_status(client: Client, requests: dict[str, Record]) -> None:
    for status, count in (("201", 2), ("4xx", 1), ("2xx", 2), ("500", 0)):
        assert len(rows_of(client.get(f"/logs/api-requests?http_status={status}").text)) == count


@pytest.mark.feature("C13", "C90")
def test_a_request_is_shown_with_its_response_and_how_long_it_took(
    client: Client, refused_order: dict[str, Record]
) -> None:
    html = client.get(f"/records/{refused_order['post'].id}?tab=http").text
    said = text_of(html)
    for part in (
        "POST https://ship.example/shipments",
        "422",
        "212 ms",
        "authorization [redacted]",
        '"order"',
        '"field"',
    ):
        assert part in said
    assert "Made by create_shipment" in links_of(html)


def test_the_query_of_a_request_is_shown_by_name(client: Client, webhooks: dict[str, Record]) -> None:
    html = client.get(f"/records/{webhooks['two'].id}?tab=http").text
    table = html[html.index("Query of the request") :].split("</table>")[0]
    assert re.findall(r'<th scope="row" class="mono">(.*?)</th><td class="mono">(.*?)</td>', table) == [
        ("?token", "****"),
        ("?page", "2"),
    ]


# External Webhooks


@pytest.mark.feature("C20", "C21")
def test_external_webhooks_have_their_columns(client: Client, webhooks: dict[str, Record]) -> None:
    rows = rows_of(client.get("/logs/external-webhooks").text)
    assert rows[2] == {
        "Time": rows[2]["Time"],
        "Webhook": "order.released",
        "Status": "success",
        "Subscription": "orders",
        "Customer": "acme",
        "Integration": "orders",
        "Connection": "acme-ship",
        "Collected": "2 events",
        "Error": "",
    }
    assert (rows[0]["Status"], rows[0]["Error"]) == ("error", "The signature does not match.")
    assert "delivery-17" in text_of(client.get(f"/records/{webhooks['two'].id}").text)


@pytest.mark.feature("C21", "C23")
def test_a_webhook_leads_to_the_events_it_brought_and_they_lead_back(
    client: Client, webhooks: dict[str, Record]
) -> None:
    listed = links_of(client.get("/logs/external-webhooks").text)
    assert listed["1 event"] == f"/records/{webhooks['only'].id}"
    both = client.get(listed["2 events"]).text
    assert found_of(both) == {webhooks["first"].id, webhooks["second"].id}
    html = client.get(f"/records/{webhooks['two'].id}").text
    collected = html[html.index('<h2 id="collected">') :].split("</section>")[0]
    assert re.findall(r'href="/records/([^"]+)"', collected) == [webhooks["first"].id, webhooks["second"].id]
    back = client.get(f"/records/{webhooks['first'].id}").text
    assert re.search(
        rf'<dt>Collected by</dt>\s*<dd><a href="/records/{webhooks["two"].id}">order.released</a>\s*'
        r'<span class="quiet">External webhook</span>',
        back,
    )


@pytest.mark.feature("C23")
def test_a_webhook_is_shown_with_what_came_and_what_was_answered(client: Client, webhooks: dict[str, Record]) -> None:
    said = text_of(client.get(f"/records/{webhooks['two'].id}?tab=http").text)
    for part in ("content-type application/json", "?page", "The request's body is the payload", "200", '"id"'):
        assert part in said
    refused = text_of(client.get(f"/records/{webhooks['refused'].id}").text)
    assert "It was refused, so nothing was taken out of it." in refused
    assert "The signature does not match." in refused


def test_on_a_page_of_many_days_an_old_webhook_leads_to_what_it_brought_without_asking_for_it(
    client: Client, webhooks: dict[str, Record], make_record: MakeRecord, keep: Keep
) -> None:
    old = make_record("external_webhook", -9 * DAY_MS, source="orders")
    keep(old)
    rows = rows_of(client.get("/logs/external-webhooks?duration=30d").text)
    assert [row["Collected"] for row in rows].count("open to see") == 1
    assert rows[-1]["Collected"] == "open to see"
    assert "2 events" in [row["Collected"] for row in rows]


# External Event Pulls


@pytest.mark.feature("C30", "C31")
def test_external_event_pulls_have_their_columns(client: Client, pulls: dict[str, Record]) -> None:
    rows = rows_of(client.get("/logs/external-event-pulls").text)
    assert rows[2] == {
        "Started": rows[2]["Started"],
        "Ended": rows[2]["Ended"],
        "Subscription": "shipments",
        "Status": "success",
        "Full scan": "full",
        "Customer": "acme",
        "Integration": "orders",
        "Connection": "acme-ship",
        "Collected": "1 event",
        "Error": "",
    }
    assert rows[2]["Started"] < rows[2]["Ended"]
    assert [row["Full scan"] for row in rows] == ["", "latest", "full"]
    assert (rows[0]["Status"], rows[0]["Error"]) == ("error", "Ship does not answer.")


@pytest.mark.feature("C31", "C33")
def test_a_pull_leads_to_what_it_brought_and_says_why_it_brought_nothing(
    client: Client, pulls: dict[str, Record]
) -> None:
    html = client.get(f"/records/{pulls['full'].id}").text
    assert links_of(html)["shipment.updated"] == f"/records/{pulls['event'].id}"
    assert f'href="/records/{pulls["full"].id}"' in client.get(f"/records/{pulls['event'].id}").text
    nothing = client.get(f"/records/{pulls['latest'].id}").text
    assert "Nothing was new." in text_of(nothing[nothing.index('<h2 id="collected">') :])
    assert "Nothing was logged while it worked." in client.get(f"/records/{pulls['full'].id}?tab=logs").text
