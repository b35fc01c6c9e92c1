"""*The order is in the ERP. Why is it not in Ship?* From the log to the reason, by clicking what has a red dot."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from harness.demo import Demo
from harness.red_dots import follow_red_dots

pytestmark = pytest.mark.browser

IMAGES = Path(__file__).parents[2] / "docs" / "images"
"""Written to with `CLEW_WRITE_IMAGES=1`, so that a test changes nothing in the repository unasked."""
REASON = "postal_code: must not be blank"


@pytest.mark.feature("D01", "N03")
def test_following_red_dots_from_the_log_reaches_the_reason(page: Page, demo: Demo) -> None:
    page.goto("/logs")
    page.locator("summary", has_text="Key").click()
    page.get_by_label("Key", exact=True).fill(f"order={demo.failing_order}")
    page.get_by_label("Key", exact=True).press("Enter")
    page.wait_for_url(re.compile(r"key=order(%3D|=)"))
    follow_red_dots(page, REASON, demo.failing_order)
    expect(page.locator("main .because").first).to_contain_text(REASON)


@pytest.mark.feature("N02")
def test_the_link_that_the_demo_prints_shows_the_way_and_the_reason(page: Page, demo: Demo) -> None:
    page.goto(demo.thread_link)
    expect(page.get_by_role("main")).to_contain_text(REASON)
    failed = page.locator("ol.thread li .dot.failure")
    assert failed.count() >= 3
    page.get_by_role("link", name="Go to cause").click()
    expect(page.get_by_role("main")).to_contain_text(REASON)


PICTURES = {
    "failing-order": ("/flow-runs/{run}", "flow-graph svg"),
    "overview": ("/", "event-chart canvas"),
    "integration-events-log": ("/logs/integration-events", "event-chart canvas"),
    "integration-events-tab": (
        "/customers/{customer}/integration-events?duration=7d&event={event}",
        "main tr[aria-selected=true], main tr.here, main [aria-current]",
    ),
}
"""Each picture of the documents: the page, and what is on it once it is drawn."""


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_of_the_documents_can_be_taken(page: Page, places: dict[str, str], tmp_path: Path, name: str) -> None:
    path, drawn = PICTURES[name]
    file = (IMAGES if os.environ.get("CLEW_WRITE_IMAGES") else tmp_path) / f"{name}.png"
    page.goto(path.format(**places))
    expect(page.locator(drawn).first).to_be_visible()
    page.screenshot(path=file, clip={"x": 0, "y": 0, "width": 1280, "height": 720})
    assert file.stat().st_size > 20_000


def test_without_javascript_the_reason_is_found_as_well(browser, session_state: Path, demo: Demo) -> None:
    context = browser.new_context(base_url=demo.url, storage_state=session_state, java_script_enabled=False)
    page = context.new_page()
    page.goto(f"/logs?key=order%3D{demo.failing_order}&status=failure")
    page.locator("table.log tbody tr a").first.click()
    page.get_by_role("navigation", name="About this record").get_by_text("Error").click()
    expect(page.get_by_role("main")).to_contain_text("must not be blank")
    context.close()
