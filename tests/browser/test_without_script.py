"""Every page shows what it has to a browser that runs no script, and its forms work there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from harness.demo import Demo
from harness.every_page import PAGES

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def plain(browser: Browser, session_state: Path, demo: Demo) -> Iterator[Page]:
    """A page of a browser that runs no script."""
    context = browser.new_context(base_url=demo.url, storage_state=session_state, java_script_enabled=False)
    context.set_default_timeout(15_000)
    yield context.new_page()
    context.close()


@pytest.mark.parametrize("name", PAGES)
def test_a_page_shows_its_content_without_a_script(plain: Page, places: dict[str, str], name: str) -> None:
    answer = plain.goto(PAGES[name].path.format(**places))
    assert answer
    assert answer.status == PAGES[name].status
    main = plain.get_by_role("main")
    expect(main.get_by_role("heading", level=1)).to_be_visible()
    assert len(main.inner_text()) > 40
    assert (
        plain.locator("[data-copy]:visible, [data-keys]:visible, [data-live]:visible, live-tail:visible").count() == 0
    )


def test_without_a_script_filters_and_the_search_work(plain: Page) -> None:
    plain.goto("/logs?duration=7d")
    plain.locator("main summary", has_text="Kind").click()
    plain.get_by_label("Kind", exact=True).select_option("flow_run")
    plain.locator("details[open]").get_by_role("button", name="Apply").click()
    expect(plain).to_have_url(re.compile(r"[?&]kind=flow_run(&|$)"))
    expect(plain.locator("table.log tbody tr").first).to_be_visible()
    plain.get_by_role("searchbox").fill("postal_code")
    plain.get_by_role("searchbox").press("Enter")
    expect(plain).to_have_url(re.compile(r"q=postal_code"))
    expect(plain.locator("table.log tbody tr").first).to_be_visible()


def test_without_a_script_a_time_zone_can_be_chosen(browser: Browser, session_state: Path, demo: Demo) -> None:
    context = browser.new_context(base_url=demo.url, storage_state=session_state, java_script_enabled=False)
    page = context.new_page()
    page.goto("/logs?duration=7d")
    page.get_by_role("banner").get_by_text("ada@clew.example").first.click()
    page.get_by_role("button", name="Local time").click()
    page.get_by_role("combobox").select_option("Asia/Kolkata")
    page.get_by_role("button", name="Use this time zone").click()
    expect(page).to_have_url(re.compile(r"/logs\?duration=7d$"))
    expect(page.get_by_role("columnheader", name="Time (Kolkata)")).to_be_visible()
    context.close()
