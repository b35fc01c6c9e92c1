"""The open event of a customer's Integration Events: its steps, what they say, where it leads, its payload."""

from __future__ import annotations

import json
import re
from html import unescape

import pytest

from clew.core.ids import new_id
from clew.core.record import Record
from harness.customer_pages import HERE, details_of, events_of, headings, rows_of, section
from harness.page_text import main_text_of
from harness.pages import Client, Keep, MakeRecord

pytestmark = pytest.mark.usefixtures("acme")

TRACE = "0af7651916cd43dd8448eb211c80319c"


@pytest.mark.feature("A06", "A07", "A08", "A09", "A10", "A20")
def test_the_open_event_has_a_row_for_each_of_its_steps_in_their_order(
    client: Client, released: dict[str, Record], make_record: MakeRecord, keep: Keep
) -> None:
    keep(make_record("integration_event", 900, customer="acme", event="label.printed", source_product="ship"))
    html = client.get(f"{HERE}?event={released['event'].id}").text
    part = section(html, "Event Details")
    assert headings(part) == ["Source Product", "Event", "Event Fired", "Action", "Status", "Payload"]
    rows = details_of(html)
    assert [(row[0], row[1], row[4], row[5]) for row in rows] == [
        ("ERP", "order.released", "success", "payload"),
        ("ERP", "order.released", "success", "payload"),
        ("Aptean Ship", "order.released", "failure", "payload"),
    ]
    assert [row[3].split()[0] for row in rows] == ["Published", "Received", "Processed"]
    current = re.findall(r'<tr class="here">.*?</tr>', html, re.DOTALL)
    assert len(current) == 1
    assert "order.released" in current[0]


@pytest.mark.feature("A14", "A16", "A22")
def test_the_details_say_the_way_the_times_and_where_the_failure_lies(
    client: Client, released: dict[str, Record], make_record: MakeRecord, keep: Keep
) -> None:
    failed = main_text_of(client.get(HERE).text)
    assert "Two-way: ERP ↔ Aptean Ship" in failed
    assert "synchronised never" in failed
    assert "Received by Aptean Ship, not processed: the data was refused." in failed
    assert "postal_code: must not be blank" in failed
    keep(make_record("step", 900, released["event"], action="Retried", customer="acme", source_product="ship"))
    mended = main_text_of(client.get(HERE).text)
    assert re.search(r"fired \d+ \w{3} [\d:.]+ synchronised [\d:.]+ ?, 900 ms later", mended)
    assert "not processed" not in mended


@pytest.mark.feature("A14", "A15")
@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"direction": "one-way", "target_product": "ship"}, "One-way: ERP → Aptean Ship"),
        ({"direction": "two-way", "target_product": "ship"}, "Two-way: ERP ↔ Aptean Ship"),
        ({"direction": "one-way", "target_product": "erp"}, "Within ERP"),
        ({"integration": "orders"}, "Two-way: ERP ↔ Aptean Ship"),
        ({}, "From ERP"),
    ],
)
def test_how_an_event_connects_its_products_is_said(
    client: Client, make_record: MakeRecord, keep: Keep, fields: dict[str, str], expected: str
) -> None:
    keep(make_record("integration_event", customer="acme", event="e", source_product="erp", **fields))
    assert expected in main_text_of(client.get(HERE).text)


@pytest.mark.feature("A15")
def test_an_event_within_one_product_is_shown_as_such(client: Client, make_record: MakeRecord, keep: Keep) -> None:
    keep(
        make_record("integration_event", customer="acme", event="e", source_product="ship", target_product="ship"),
    )
    html = client.get(HERE).text
    assert "within Aptean Ship" in rows_of(section(html, "Application Events"))[0][4]
    assert "Within Aptean Ship" in main_text_of(html)


@pytest.mark.feature("A21")
def test_a_missing_second_acknowledgement_is_said_in_words(client: Client, make_record: MakeRecord, keep: Keep) -> None:
    shared = {"customer": "acme", "event": "e", "source_product": "erp", "target_product": "ship"}
    event = make_record("integration_event", action="Published", **shared)
    keep(event, make_record("step", 9, event, action="Received", **shared))
    html = client.get(HERE).text
    assert details_of(html)[-1][4] == "no processing result yet"
    assert details_of(html)[-1][5] == ""
    assert "not synchronised yet" in main_text_of(html)


@pytest.mark.feature("A19")
def test_the_correlation_id_is_a_link_to_all_that_share_it(
    client: Client, released: dict[str, Record], make_record: MakeRecord, keep: Keep
) -> None:
    keep(
        make_record("integration_event", 700, customer="acme", event="shipped", keys={"correlation_id": "C-77"}),
        make_record("integration_event", 900, customer="acme", event="label.printed"),
    )
    html = client.get(f"{HERE}?event={released['event'].id}").text
    link = re.search(r'href="([^"]+)">C-77</a>', html)
    assert link
    found = client.get(unescape(link[1])).text
    assert events_of(found) == ["shipped", "order.released SO-1042"]
    assert len(details_of(found)) == 3
    assert "Correlation id <b>C-77</b>" in found


@pytest.mark.feature("A19")
def test_an_event_without_a_correlation_id_is_correlated_by_its_trace(
    client: Client, make_record: MakeRecord, keep: Keep
) -> None:
    keep(
        make_record("external_event", customer="acme", event="a", trace_id=TRACE),
        make_record("external_event", 5, customer="acme", event="b", trace_id=TRACE),
        make_record("external_event", 6, customer="acme", event="c"),
    )
    link = re.search(rf'href="([^"]+)">{TRACE}</a>', client.get(f"{HERE}?q=&event=").text.replace("\n", ""))
    assert link is None  # the open event is another
    assert events_of(client.get(f"{HERE}?correlation_id={TRACE}").text) == ["b", "a"]


@pytest.mark.feature("A11")
def test_a_payload_opens_as_a_tree_and_as_a_file_with_what_is_known_around_it(
    client: Client, released: dict[str, Record]
) -> None:
    html = client.get(HERE).text
    href = re.search(r'href="([^"]+)" aria-label="payload of Published', html)
    assert href
    page = client.get(unescape(href[1])).text
    assert '<ul class="json">' in page
    assert "12345678901234567890.10" in page
    assert "<script>alert" not in page
    answer = client.get(f"{HERE}/{released['event'].id}/payload.json")
    assert answer.headers["content-type"].startswith("application/json")
    assert "attachment" in answer.headers["content-disposition"]
    document = json.loads(answer.content)
    assert {"date", "time", "status", "event", "action", "correlation_id"} <= set(document)
    assert document["payload"]["number"] == "SO-1042"
    assert document["customer"] == "Acme Outdoor"
    assert (document["source_product"], document["target_product"]) == ("ERP", "Aptean Ship")
    assert b"12345678901234567890.10" in answer.content
    failed = json.loads(client.get(f"{HERE}/{released['processed'].id}/payload.json").content)
    assert failed["status"] == "failure"
    assert failed["error"]["message"] == "postal_code: must not be blank"
    assert failed["payload"] is None


@pytest.mark.parametrize("payload", ["no json", "[" * 5_000, '{"a": 1} {"b": 2}', "\ufeff{}", "1e999", '"\\ud800"'])
def test_any_payload_can_be_opened_and_downloaded(
    client: Client, make_record: MakeRecord, keep: Keep, payload: str
) -> None:
    event = make_record("integration_event", customer="acme", event="e", payload=payload)
    keep(event)
    assert client.get(f"{HERE}/{event.id}").status_code == 200
    document = client.get(f"{HERE}/{event.id}/payload.json").content
    json.loads(document)


def test_the_cause_of_a_failure_is_a_click_away(client: Client, refused_order: dict[str, Record]) -> None:
    html = client.get(HERE).text
    href = re.search(r'<a class="button cause" href="([^"]+)">Go to cause</a>', html)
    assert href
    assert refused_order["post"].id in href[1]
    assert "postal_code" in main_text_of(client.get(unescape(href[1])).text)


def test_an_event_of_a_webhook_says_what_fired_it_and_how_its_flow_took_it(
    client: Client, refused_order: dict[str, Record]
) -> None:
    html = client.get(HERE).text
    assert rows_of(section(html, "Application Events"))[0][4].endswith("event from ERP")
    assert [row[3].split()[0] for row in details_of(html)] == ["Published", "Processed", "Processed", "Processed"]
    assert "create_shipment" in details_of(html)[2][3] or "create_shipment" in details_of(html)[3][3]


def test_an_event_that_it_led_to_is_a_link_to_its_own_details(
    client: Client, make_record: MakeRecord, keep: Keep
) -> None:
    event = make_record("integration_event", customer="acme", event="order.released", source_product="erp")
    created = make_record("integration_event", 9, event, customer="acme", event="shipment.created", action="Published")
    keep(event, created)
    html = client.get(f"{HERE}?event={event.id}").text
    assert "It led to shipment.created ." in main_text_of(html)
    href = re.search(r'class="dotted" href="([^"]+)"', html)
    assert href
    assert f"event={created.id}" in href[1]


def test_a_record_that_is_no_event_of_this_customer_is_not_found(
    client: Client, released: dict[str, Record], make_record: MakeRecord, keep: Keep
) -> None:
    theirs = make_record("integration_event", customer="other", event="theirs", payload='{"secret": 1}')
    keep(theirs)
    for path in (
        f"{HERE}?event={theirs.id}",
        f"{HERE}?event={released['received'].id}",
        f"{HERE}?event={new_id()}",
        f"{HERE}/{theirs.id}",
        f"{HERE}/{theirs.id}/payload.json",
        f"{HERE}/nonsense",
        f"{HERE}/{released['event'].id}/more",
        "/customers/nobody",
        "/customers/nobody/integration-events",
        "/customers/nobody/aip-events",
        "/customers/acme/nonsense",
    ):
        assert client.get(path).status_code == 404, path
    assert "theirs" not in client.get(f"{HERE}?selected={theirs.id}").text
