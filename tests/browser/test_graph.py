"""The graph of a flow run: the same as the table below it, reached by mouse and by keyboard, and not needed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from harness.demo import Demo

pytestmark = pytest.mark.browser

FAILED_NODE = re.compile("^create_shipment, 1 run · 1 error · .*, failed$")


@pytest.mark.feature("D05", "D17")
def test_the_graph_has_a_node_for_each_step_and_the_trigger_before_them(page: Page, demo: Demo) -> None:
    page.goto(demo.flow_run_link)
    steps = page.locator("section:has(#steps) tbody tr")
    nodes = page.locator("flow-graph a")
    expect(nodes).to_have_count(steps.count() + 1)
    expect(nodes.first).to_have_attribute("aria-label", "order.released, trigger · matched")
    expect(page.locator("flow-graph .node.failure")).to_have_count(1)
    expect(page.locator("flow-graph a[aria-current]")).to_have_attribute("aria-label", FAILED_NODE)
    assert page.locator("flow-graph .node.off").count() == page.locator("tr", has_text="not reached").count()


@pytest.mark.feature("D07")
def test_a_node_is_opened_with_the_mouse_and_with_the_keyboard(page: Page, demo: Demo) -> None:
    page.goto(demo.flow_run_link)
    page.locator("flow-graph a[aria-label^='lookup']").click()
    expect(page.locator("#node")).to_have_text("lookup")
    page.locator("flow-graph a").first.focus()
    for _ in range(20):
        page.keyboard.press("Tab")
        if (page.evaluate("document.activeElement.getAttribute('aria-label')") or "").startswith("confirm_to_erp"):
            break
    page.keyboard.press("Enter")
    expect(page.locator("#node")).to_have_text("confirm_to_erp")


@pytest.mark.parametrize("width", [1280, 800, 390])
def test_the_graph_fits_its_page_and_goes_down_on_a_phone(page: Page, demo: Demo, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(demo.flow_run_link)
    expect(page.locator("flow-graph svg")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    first, second = (page.locator("flow-graph a").nth(n).bounding_box() for n in (0, 1))
    assert first
    assert second
    is_downwards = second["y"] > first["y"] + first["height"]
    assert is_downwards == (width < 620)


def test_without_javascript_the_table_says_it_all(browser, session_state: Path, demo: Demo) -> None:
    context = browser.new_context(base_url=demo.url, storage_state=session_state, java_script_enabled=False)
    page = context.new_page()
    page.goto(demo.flow_run_link)
    expect(page.locator("flow-graph")).to_be_hidden()
    page.get_by_role("row", name="confirm_to_erp").get_by_role("link").click()
    expect(page.locator("section:has(#node)")).to_contain_text("not reached: create_shipment failed")
    context.close()
