"""The overview in a real browser: the chart draws its own table, and a stretch of time chosen leads to its records."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from harness.demo import Demo
from harness.server import eventually

pytestmark = pytest.mark.browser

FAIL_LIGHT, FAIL_DARK = "200,16,46", "255,115,124"
# How far things moved while the page came up, in shares of the window; 0 where nothing jumped.
SHIFTS = """
() => new Promise((done) => {
  new PerformanceObserver((list) => done(list.getEntries().reduce((sum, entry) => sum + entry.value, 0)))
    .observe({type: "layout-shift", buffered: true});
  setTimeout(() => done(0), 500);
})
"""
# The colours that the drawing has, as "r,g,b". They are read from a copy, which is made to be read.
COLOURS = """
(canvas) => {
  const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d", {willReadFrequently: true});
  copy.drawImage(canvas, 0, 0);
  const {data} = copy.getImageData(0, 0, canvas.width, canvas.height);
  const found = new Set();
  for (let at = 0; at < data.length; at += 4) if (data[at + 3] === 255) found.add(data.slice(at, at + 3).join(","));
  return [...found];
}
"""


@pytest.fixture
def chart(page: Page) -> Locator:
    """The chart of two days, drawn: most of it lies still, for the demo's new orders come in its last bar."""
    page.goto("/?duration=7d")
    expect(page.locator("event-chart canvas")).to_be_visible()
    return page.locator("event-chart")


def numbers_in(text: str) -> list[int]:
    return [int(number.replace(",", "")) for number in re.findall(r"([\d,]+) (?:failure|success|info)", text)]


def counter_of(page: Page) -> int:
    said = page.locator("main .title").inner_text()
    found = re.search(r"([\d,]+) records?", said)
    assert found, said
    return int(found[1].replace(",", ""))


def test_the_chart_is_drawn_without_anything_jumping(page: Page, chart: Locator) -> None:
    assert page.evaluate(SHIFTS) < 0.01
    assert FAIL_LIGHT in chart.locator("canvas").evaluate(COLOURS)


def test_the_chart_follows_the_colours_of_the_system(page: Page, chart: Locator) -> None:
    page.emulate_media(color_scheme="dark")
    # Asked again and again from here: the content policy lets nothing be evaluated in the page by itself.
    eventually(lambda: FAIL_DARK in chart.locator("canvas").evaluate(COLOURS), what="the colours of the dark")
    assert FAIL_LIGHT not in chart.locator("canvas").evaluate(COLOURS)


def test_dragging_over_the_chart_leads_to_the_records_of_that_time(page: Page, chart: Locator) -> None:
    area = chart.locator(".u-over").bounding_box()
    assert area
    middle = area["y"] + area["height"] / 2
    page.mouse.move(area["x"] + area["width"] * 0.7, middle)
    page.mouse.down()
    page.mouse.move(area["x"] + area["width"] * 0.85, middle, steps=4)
    told = chart.locator(".plot").get_attribute("aria-valuetext") or ""
    page.mouse.up()
    page.wait_for_url(re.compile(r"/logs\?from=.*&to="))
    assert sum(numbers_in(told)) == counter_of(page) > 0


def test_arrow_keys_choose_bars_and_enter_opens_their_records(page: Page, chart: Locator) -> None:
    slider = page.get_by_role("slider", name=re.compile("Records over time"))
    slider.focus()
    slider.press("End")
    slider.press("ArrowLeft")
    one = slider.get_attribute("aria-valuetext") or ""
    for _ in range(6):
        slider.press("Shift+ArrowLeft")
    several = slider.get_attribute("aria-valuetext") or ""
    assert one != several
    assert sum(numbers_in(several)) >= sum(numbers_in(one))
    slider.press("Enter")
    page.wait_for_url(re.compile(r"/logs\?from=.*&to="))
    assert counter_of(page) == sum(numbers_in(several)) > 0


def test_without_javascript_the_table_says_what_the_chart_draws(
    browser: Browser, session_state: Path, demo: Demo
) -> None:
    context = browser.new_context(base_url=demo.url, storage_state=session_state, java_script_enabled=False)
    page = context.new_page()
    page.goto("/?duration=7d")
    page.locator("event-chart summary").click()
    rows = page.locator("event-chart tbody tr")
    assert rows.count() > 10
    failures = sum(
        int(value) for value in rows.locator("data.failure").evaluate_all("all => all.map((one) => one.value)")
    )
    assert f"Failure {failures:,}" in page.locator("event-chart .legend").inner_text()
    rows.locator("a").first.click()
    page.wait_for_url(re.compile(r"/logs\?from="))
    context.close()


@pytest.mark.feature("B01")
@pytest.mark.parametrize("width", [1280, 390])
def test_the_logs_button_is_blue_and_on_the_right_of_the_banner(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.goto("/")
    button = page.locator("header.banner summary", has_text="Logs")
    box = button.bounding_box()
    assert box
    assert box["x"] > width / 2
    assert box["x"] + box["width"] <= width
    colour = button.evaluate("(one) => getComputedStyle(one).backgroundColor")
    red, green, blue = (int(part) for part in re.findall(r"\d+", colour)[:3])
    assert blue > 180 > green > red
    button.click()
    page.locator("header details[open]").get_by_role("link", name="Integration Events").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Integration Events Log")


@pytest.mark.feature("I04")
def test_a_connection_that_is_disconnected_is_seen_on_the_overview_until_it_is_reconnected(page: Page) -> None:
    page.goto("/connections")
    page.get_by_role("link", name="holm-lund-lighting-ship").click()
    page.locator("summary", has_text="Disconnect").click()
    page.get_by_label("Why").fill("The access was withdrawn.")
    page.get_by_role("button", name="Disconnect").click()
    expect(page.locator(".because")).to_contain_text("The access was withdrawn.")
    page.goto("/")
    attention = page.get_by_role("region", name="Needs attention")
    attention.get_by_role("link", name="holm-lund-lighting-ship").click()
    page.get_by_role("button", name="Reconnect").click()
    expect(page.locator(".because")).to_have_count(0)
    page.goto("/")
    expect(page.get_by_role("region", name="Needs attention")).not_to_contain_text("holm-lund-lighting-ship")
