"""*The order is in the ERP. Why is it not in Ship?* From the overview to the reason, clicking only what has a red dot.

And for an order for which nothing ran: from the overview to the clause of the filter that refused it.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from harness.demo import Demo
from harness.red_dots import follow_red_dots

pytestmark = pytest.mark.browser

REASON = "postal_code: must not be blank"


@pytest.mark.feature("D01")
def test_clicking_only_red_dots_leads_from_the_overview_to_the_cause(page: Page, demo: Demo) -> None:
    page.goto("/")
    trail = follow_red_dots(page, REASON, demo.failing_order)
    expect(page.get_by_role("main")).to_contain_text(REASON)
    assert any(demo.failing_order in text for text in trail), trail


@pytest.mark.feature("D04")
def test_the_flow_run_of_the_failing_order_shows_where_it_broke(page: Page, demo: Demo) -> None:
    page.goto(demo.flow_run_link)
    main = page.get_by_role("main")
    expect(main).to_contain_text("create_shipment")
    expect(main).to_contain_text("Ship")
    step = page.locator("tr:has(.dot.failure)", has_text="create_shipment")
    expect(step).to_have_count(1)
    expect(page.locator("tr", has_text="confirm_to_erp")).to_contain_text("not reached")
    page.get_by_role("link", name="Go to cause").click()
    expect(main).to_contain_text(REASON)


@pytest.mark.feature("C44", "C45")
def test_the_order_that_launched_nothing_names_the_clause_and_both_values(page: Page, demo: Demo) -> None:
    page.goto("/")
    page.locator("header summary", has_text="Logs").click()
    page.locator("header details[open]").get_by_role("link", name="External Events").click()
    page.wait_for_url("**/logs/external-events*")
    page.locator("summary", has_text="Key").click()
    page.get_by_label("Key", exact=True).fill(f"order={demo.unlaunched_order}")
    page.get_by_label("Key", exact=True).press("Enter")
    page.wait_for_url(re.compile(r"key=order(%3D|=)"))
    page.locator("table.log tbody tr a").first.click()
    page.wait_for_url("**/records/*")
    assert urlsplit(page.url).path == urlsplit(demo.unlaunched_event_link).path
    main = page.get_by_role("main")
    expect(main).to_contain_text("event.payload.data.ship_to.country == 'US'")
    expect(main).to_contain_text("'US'")
    expect(main).to_contain_text(demo.printed(r"goes to (\w\w) and started no flow"))


@pytest.mark.feature("F31")
def test_the_disabled_flow_is_shown_as_disabled(page: Page) -> None:
    page.goto("/flows")
    row = page.locator("tr", has_text="Orders to the old archive")
    expect(row).to_contain_text("disabled")
    row.get_by_role("link", name="Orders to the old archive").click()
    expect(page.get_by_role("main")).to_contain_text("archive")
