"""A row of a list is one target, and what opens over a page stays inside its window."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from harness.server import eventually

pytestmark = pytest.mark.browser

CELLS = {
    "/logs": ".kind",
    "/logs/integration-events": ".type",
    "/logs/api-requests": ".direction",
    "/logs/external-events": ".state",
    "/logs/flow-runs": ".state",
}
INSIDE = """(menu) => {
    const { left, right } = menu.getBoundingClientRect();
    return left >= 0 && right <= document.documentElement.clientWidth;
}"""


@pytest.mark.parametrize("path", CELLS)
def test_a_row_opens_its_record_wherever_it_is_clicked(page: Page, path: str) -> None:
    page.goto(f"{path}?duration=7d&limit=10")
    page.locator(f"table.log tbody {CELLS[path]}").first.click(force=True)  # what takes the click is the link above it
    expect(page).to_have_url(re.compile(r"/(records|flow-runs)/[0-9a-f-]{36}$"))


def test_a_link_inside_a_row_leads_to_its_own_place(page: Page) -> None:
    page.goto("/logs/external-events?duration=7d&limit=10")
    link = page.locator("table.log .payload a").first
    href = link.get_attribute("href")
    link.click()
    expect(page).to_have_url(re.compile(re.escape(str(href)) + "$"))


@pytest.mark.parametrize("width", [1280, 1024, 390])
def test_a_menu_opens_inside_the_window(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.goto("/logs/flow-runs?duration=7d&limit=10")
    for pop in page.locator("main details.pop:visible, header details.pop:visible").all():
        pop.locator("summary").first.click()
        menu = pop.locator(".menu")
        expect(menu).to_be_visible()
        eventually(lambda menu=menu: menu.evaluate(INSIDE), what="the menu inside the window")
        page.keyboard.press("Escape")
        expect(menu).to_be_hidden()
    assert page.evaluate("document.documentElement.scrollLeft") == 0
