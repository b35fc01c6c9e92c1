"""The logs before a person: found by the blue button, filtered, counted, downloaded, opened, saved."""

from __future__ import annotations

import csv
import re

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from harness.demo import Demo

pytestmark = pytest.mark.browser

LOG = "/logs/integration-events"


def counted(page: Page) -> int:
    said = page.locator(".title").inner_text()
    return int(re.search(r"([\d,]+) integration events?", said)[1].replace(",", ""))


@pytest.mark.feature("B01", "B02")
def test_the_blue_button_at_the_right_of_the_banner_leads_to_the_integration_events(page: Page) -> None:
    page.goto("/")
    button = page.locator("header.banner summary", has_text="Logs")
    box, banner = button.bounding_box(), page.locator("header.banner").bounding_box()
    assert box
    assert banner
    assert box["x"] > banner["x"] + banner["width"] / 2
    red, green, blue = map(int, re.findall(r"\d+", button.evaluate("e => getComputedStyle(e).backgroundColor"))[:3])
    assert blue > 180 > green > red
    button.click()
    page.locator("header.banner nav[aria-label=Logs]").get_by_role("link", name="Integration Events").click()
    expect(page).to_have_url(re.compile(rf"{LOG}$"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Integration Events Log")


@pytest.mark.feature("B04", "B11", "B12", "B13")
def test_the_failures_are_counted_and_downloaded_as_many_as_they_are(page: Page) -> None:
    page.goto(f"{LOG}?duration=7d&to=")
    page.get_by_role("link", name="Failure", exact=True).click()
    page.wait_for_url(re.compile("status=failure"))
    assert page.locator("table.log thead th").all_inner_texts()[1:] == ["Type", "Status", "Message", "Details"]
    assert set(page.locator("table.log td.verdict").all_inner_texts()) == {"Failure"}
    count = counted(page)
    page.locator(".title summary", has_text="Download").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    with download.value.path().open(newline="", encoding="utf-8") as file:
        head, *rows = csv.reader(file)
    assert head[:5] == ["Created Date", "Type", "Status", "Message", "Details"]
    assert len(rows) == count > 0
    assert download.value.suggested_filename.startswith("integration-events-")


@pytest.mark.feature("B07", "B10", "B14", "B15")
def test_a_failed_conversion_leads_to_its_details_with_the_message_and_the_parameters(page: Page) -> None:
    page.goto(f"{LOG}?duration=7d&status=failure&type=Conversion")
    badge = page.locator("td.verdict").first
    expect(badge).to_have_attribute("title", "The conversion failed, use the details column to see why.")
    expect(page.locator(".meanings").first).to_contain_text("Information was captured but a Referral was not created.")
    page.locator("td.details a").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Event Details")
    data = page.locator("section.data")
    expect(data.get_by_role("heading", name="Data")).to_be_visible()
    for part in ("Status", "Result", "Message", "externalIdentifier"):
        expect(data).to_contain_text(part)


def test_opening_a_filter_shows_its_most_frequent_values_and_typing_asks_nothing(page: Page) -> None:
    page.goto(f"{LOG}?duration=7d")
    page.wait_for_load_state("networkidle")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.locator("summary.chip", has_text="Customer").click()
    facets = page.locator("details[open] .facets a")
    expect(facets.first).to_be_visible()
    assert [url for url in asked if "/facets" in url] == asked
    page.get_by_label("Customer", exact=True).press_sequentially("Acme", delay=5)
    assert len(asked) == 1
    name = facets.first.locator("span").first.inner_text()
    count = int(facets.first.locator(".count").inner_text().replace(",", ""))
    facets.first.click()
    page.wait_for_url(re.compile("customer="))
    expect(page.locator("summary.chip", has_text="Customer")).to_contain_text(name)
    assert counted(page) >= count


def test_the_rows_stay_where_they_are_when_the_chart_comes(page: Page) -> None:
    waiting: list[Route] = []

    def hold(route: Route) -> None:
        waiting.append(route)

    page.route("**/integration-events/chart*", hold)
    with page.expect_request("**/integration-events/chart*"):
        page.goto(f"{LOG}?duration=7d")
    expect(page.locator("#rows")).to_be_visible()
    before = page.locator("#rows").bounding_box()
    for route in waiting:
        route.continue_()
    expect(page.locator("event-chart canvas, event-chart .uplot").first).to_be_visible()
    assert page.locator("#rows").bounding_box() == before


def test_a_stretch_of_the_chart_becomes_the_stretch_of_the_list(page: Page) -> None:
    page.goto(f"{LOG}?duration=7d")
    over = page.locator("event-chart .u-over")
    expect(over).to_be_visible()
    box = over.bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] * 0.75, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.95, box["y"] + 20, steps=5)
    page.mouse.up()
    page.wait_for_url(re.compile(r"from=.*to="))
    expect(page.locator("#rows")).to_be_visible()


def test_a_view_is_saved_opened_and_deleted_by_name(page: Page) -> None:
    page.goto(f"{LOG}?duration=7d&status=info")
    page.locator(".title summary", has_text="Views").click()
    page.get_by_label("Save this view as").fill("Nothing was created")
    page.get_by_role("button", name="Save").click()
    page.goto(LOG)
    page.locator(".title summary", has_text="Views").click()
    page.get_by_role("link", name="Nothing was created").click()
    page.wait_for_url(re.compile("status=info"))
    assert set(page.locator("td.verdict").all_inner_texts()) == {"Info"}
    page.locator(".title summary", has_text="Nothing was created").click()
    page.get_by_role("button", name="Delete the view Nothing was created").click()
    expect(page.locator(".title summary", has_text="Views")).to_be_visible()


def test_a_request_is_copied_as_a_command(context: BrowserContext, page: Page, demo: Demo) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto("/logs/api-requests?status=failure")
    page.locator("table.log td.event a").first.click()
    page.get_by_role("link", name="Request and Response").click()
    page.get_by_role("button", name="Copy the command").click()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith(("curl ", "# **** stands for what was removed"))
    assert "Bearer" not in copied
    assert copied == page.locator("#curl-command").inner_text()


def test_without_javascript_filters_views_and_downloads_work(browser: Browser, session_state, demo: Demo) -> None:
    context = browser.new_context(base_url=demo.url, storage_state=session_state, java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{LOG}?duration=7d")
    page.locator("summary.chip", has_text="Type").click()
    page.get_by_label("Type", exact=True).fill("Conversion")
    page.get_by_label("Type", exact=True).press("Enter")
    page.wait_for_url(re.compile("type=Conversion"))
    assert set(page.locator("td.type").all_inner_texts()) == {"Conversion"}
    page.locator(".title summary", has_text="Views").click()
    page.get_by_label("Save this view as").fill("Conversions")
    page.get_by_role("button", name="Save").click()
    page.locator(".title summary", has_text="Conversions").click()
    page.get_by_role("button", name="Delete the view Conversions").click()
    expect(page.locator(".title summary", has_text="Conversions")).to_have_count(0)
    page.locator(".title summary", has_text="Download").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="JSON").click()
    assert download.value.path().read_bytes().count(b"\n") == counted(page)
    context.close()
