"""The two scenarios of the Integration Events tab, and the tab itself, in a real browser over the real demo.

*The order is not visible in Ship, coming from the ERP.* *A customer should have access to the shipping event, to track
the shipment.*
"""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from harness.demo import Demo
from harness.server import ADMIN_KEY, eventually

pytestmark = pytest.mark.browser

REASON = "postal_code: must not be blank"


def customer_of(demo: Demo) -> str:
    return demo.printed(r"Order \S+ of (.+) left the ERP and is not in Ship")


def tab_of(customer: str) -> str:
    return f"/customers/{quote(customer)}/integration-events"


def section(page: Page, heading: str) -> Locator:
    return page.locator("section", has=page.get_by_role("heading", name=heading, exact=True))


def shipped(demo: Demo) -> dict[str, str]:
    """A shipment that Ship told Clew of: its customer, its order and its tracking number."""
    with httpx.Client(base_url=demo.url, headers={"authorization": f"Bearer {ADMIN_KEY}"}, trust_env=False) as api:
        asked = {"event": "shipment.created", "kind": "external_event", "limit": "1"}
        found = eventually(lambda: api.get("/v1/records", params=asked).json()["items"], what="a shipment")[0]
        payload = api.get(f"/v1/records/{found['id']}/payload").json()["data"]
    return {"customer": found["customer"], "order": payload["order_number"], "tracking": payload["tracking_number"]}


@pytest.mark.feature("A01", "A06", "A17", "A22")
def test_order_not_visible_in_ship(page: Page, demo: Demo) -> None:
    customer = customer_of(demo)
    page.goto("/customers")
    page.get_by_role("link", name=customer, exact=True).click()
    page.wait_for_url("**/integration-events*")
    page.get_by_label("Text in a payload, or a key").fill(demo.failing_order)
    page.get_by_label("Text in a payload, or a key").press("Enter")
    page.wait_for_url(re.compile("q="))
    row = section(page, "Application Events").locator("tbody tr", has_text="order.released")
    expect(row).to_have_count(1)
    expect(row.locator(".dot.failure")).to_be_visible()
    row.get_by_role("link", name="order.released").click()
    details = section(page, "Event Details")
    expect(details).to_contain_text("Two-way: ERP ↔ Aptean Ship")
    expect(details).to_contain_text("Received by Aptean Ship, not processed: the data was refused.")
    expect(details).to_contain_text(REASON)
    failed = details.locator("tbody tr", has_text="create_shipment")
    expect(failed.locator("td").nth(4)).to_have_text(re.compile("^\\s*failure\\s*$"))
    details.get_by_role("link", name="Go to cause").click()
    expect(page.get_by_role("main")).to_contain_text(REASON)


@pytest.mark.feature("A11", "A18")
def test_shipment_tracking(page: Page, demo: Demo) -> None:
    shipment = shipped(demo)
    page.goto(tab_of(shipment["customer"]))
    page.get_by_label("Text in a payload, or a key").fill(shipment["tracking"])
    page.get_by_label("Text in a payload, or a key").press("Enter")
    page.wait_for_url(re.compile("q="))
    row = section(page, "Application Events").locator("tbody tr", has_text="shipment.created")
    expect(row).to_contain_text("webhook from Aptean Ship")
    row.get_by_role("link", name="shipment.created").click()
    details = section(page, "Event Details")
    expect(details).to_contain_text("Two-way: Aptean Ship ↔ ERP")
    details.get_by_role("link", name=re.compile("payload of Published")).click()
    main = page.get_by_role("main")
    expect(main).to_contain_text('"tracking_number"')
    expect(main).to_contain_text(shipment["tracking"])
    with page.expect_download() as download:
        main.get_by_role("link", name="Download").click()
    document = json.loads(download.value.path().read_bytes())
    assert document["payload"]["data"]["tracking_number"] == shipment["tracking"]
    assert {"date", "time", "status", "event", "customer"} <= set(document)


@pytest.mark.feature("A12", "A13")
def test_events_are_opened_and_ticked_without_leaving_the_page(page: Page, demo: Demo) -> None:
    page.goto(f"{tab_of(customer_of(demo))}?duration=7d")
    page.evaluate("window.stayed = true")
    rows = section(page, "Application Events").locator("tbody tr")
    second = rows.nth(1).get_by_role("link")
    name = second.inner_text()
    second.click()
    page.wait_for_url(re.compile("event="))
    expect(section(page, "Event Details")).to_contain_text(name)
    expect(rows.nth(1)).to_have_class("here")
    for place in (0, 1):
        rows.nth(place).get_by_role("checkbox").check()
        page.wait_for_url(re.compile(r"(selected=[^&]+&?)" * (place + 1)))
    summary = section(page, "Summary of 2 selected events")
    expect(summary.locator("tbody tr")).to_have_count(2)
    assert page.evaluate("window.stayed") is True
    with page.expect_download() as download:
        summary.get_by_role("link", name="Download").click()
    assert len(list(csv.reader(Path(download.value.path()).read_text("utf-8").splitlines()))) == 3
    page.reload()
    expect(summary.locator("tbody tr")).to_have_count(2)
    page.get_by_label("Duration").select_option("Last 1 hour")
    page.wait_for_url(re.compile("duration=1h"))
    expect(page.get_by_label("Duration")).to_have_value("1h")
    page.get_by_label("Duration").select_option("Custom")
    page.get_by_label("From", exact=True).fill("2001-01-01T00:00")
    page.get_by_label("To", exact=True).fill("2001-01-02T00:00")
    page.get_by_role("button", name="Apply").first.click()
    page.wait_for_url(re.compile("from=2001"))
    expect(section(page, "Application Events")).to_contain_text("No events match")


@pytest.mark.feature("A13")
def test_without_javascript_events_are_opened_and_ticked_as_well(
    browser: Browser, session_state: Path, demo: Demo
) -> None:
    context = browser.new_context(base_url=demo.url, storage_state=session_state, java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{tab_of(customer_of(demo))}?duration=7d&status=failure")
    rows = section(page, "Application Events").locator("tbody tr")
    rows.nth(0).get_by_role("link").click()
    page.wait_for_url(lambda url: "event" in parse_qs(urlsplit(url).query))
    for place in (0, 1):
        rows.nth(place).get_by_role("checkbox").check()
    page.get_by_role("button", name="Show summary").click()
    expect(section(page, "Summary of 2 selected events").locator("tbody tr")).to_have_count(2)
    expect(section(page, "Event Details")).to_be_visible()
    context.close()


@pytest.mark.feature("A23")
def test_a_republished_event_shows_its_new_step(page: Page, demo: Demo) -> None:
    page.goto(f"{tab_of(customer_of(demo))}?q={demo.failing_order}&event=")
    details = section(page, "Event Details")
    before = details.locator("tbody tr").count()
    details.locator("summary", has_text="Republish").click()
    details.get_by_role("button", name="Orders to Ship").click()
    page.wait_for_url(re.compile("event="))
    expect(details.locator("tbody tr", has_text="Republished")).to_have_count(1)
    assert details.locator("tbody tr").count() > before
