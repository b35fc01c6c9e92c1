"""The keys: search, move through a list, open, go back, and the list of them. They never take a letter from a field."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from harness.demo import Demo

pytestmark = pytest.mark.browser

ROWS = "table.log tbody tr"


def links(page: Page) -> Locator:
    return page.locator(f"{ROWS} td.event a")


def open_log(page: Page) -> None:
    page.goto("/logs?duration=7d&sort=asc")  # the oldest first: new orders do not move these rows
    expect(page.locator(ROWS).nth(5)).to_be_visible()


def test_j_and_k_move_through_the_rows_and_enter_opens(page: Page) -> None:
    open_log(page)
    page.keyboard.press("j")
    expect(links(page).nth(0)).to_be_focused()
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    expect(links(page).nth(1)).to_be_focused()
    assert page.evaluate("getComputedStyle(document.activeElement, '::after').outlineStyle") == "solid"
    href = links(page).nth(1).get_attribute("href")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(re.escape(str(href)) + "$"))


def test_the_row_that_is_chosen_is_in_sight(page: Page) -> None:
    open_log(page)
    page.set_viewport_size({"width": 1280, "height": 400})
    for _ in range(25):
        page.keyboard.press("j")
    expect(links(page).nth(24)).to_be_in_viewport(ratio=1)
    for _ in range(24):
        page.keyboard.press("k")
    expect(links(page).nth(0)).to_be_in_viewport(ratio=1)
    banner = page.locator("header.banner").bounding_box()
    row = page.locator(ROWS).nth(0).bounding_box()
    assert banner
    assert row
    assert row["y"] >= banner["y"] + banner["height"]


def test_escape_goes_back_to_the_list_and_to_the_row_that_was_opened(page: Page) -> None:
    open_log(page)
    before = page.url
    href = links(page).nth(3).get_attribute("href")
    links(page).nth(3).click()
    page.get_by_role("navigation", name="About this record").get_by_role("link", name="Trace").click()
    page.wait_for_url(re.compile("tab=trace"))
    page.keyboard.press("Escape")
    page.wait_for_url(before)
    expect(page.locator(f"{ROWS} td.event a:focus")).to_have_attribute("href", str(href))


def test_escape_on_a_page_that_was_opened_by_a_link_goes_to_its_log(page: Page, demo: Demo) -> None:
    page.goto(demo.thread_link)
    page.keyboard.press("Escape")
    page.wait_for_url("**/logs/external-webhooks")


def test_escape_closes_what_is_open_before_it_goes_anywhere(page: Page, demo: Demo) -> None:
    page.goto(demo.thread_link)
    page.locator("header summary", has_text="Logs").click()
    page.keyboard.press("Escape")
    expect(page.locator("details.pop[open]")).to_have_count(0)
    expect(page).to_have_url(demo.thread_link)


def test_a_question_mark_lists_the_keys_and_they_can_be_turned_off(page: Page) -> None:
    open_log(page)
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keys")
    expect(dialog).to_contain_text("The next row")
    page.keyboard.press("j")
    expect(page.locator(f"{ROWS} a:focus")).to_have_count(0)
    dialog.get_by_label("Use these keys").uncheck()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(page).to_have_url(re.compile("/logs"))
    page.keyboard.press("j")
    expect(page.locator(f"{ROWS} a:focus")).to_have_count(0)
    page.get_by_role("banner").get_by_text("ada@clew.example").first.click()
    page.get_by_role("button", name="Keys").click()
    dialog.get_by_label("Use these keys").check()
    dialog.get_by_role("button", name="Close").click()
    page.keyboard.press("j")
    expect(links(page).nth(0)).to_be_focused()


def test_a_slash_goes_to_the_search_and_letters_in_it_are_letters(page: Page) -> None:
    open_log(page)
    page.keyboard.press("/")
    search = page.get_by_role("searchbox")
    expect(search).to_be_focused()
    page.keyboard.type("jk/?")
    expect(search).to_have_value("jk/?")
    page.keyboard.press("Escape")
    expect(search).not_to_be_focused()
    expect(page).to_have_url(re.compile("/logs"))


def test_the_keys_move_through_rows_that_came_later(page: Page) -> None:
    open_log(page)
    first = str(links(page).nth(0).get_attribute("href"))
    page.get_by_role("link", name="Newer", exact=True).click()
    expect(links(page).nth(0)).not_to_have_attribute("href", first)
    page.keyboard.press("j")
    expect(links(page).nth(0)).to_be_focused()


def test_local_time_is_the_browsers(browser, session_state, demo: Demo) -> None:
    context = browser.new_context(base_url=demo.url, storage_state=session_state, timezone_id="Asia/Dubai")
    page = context.new_page()
    page.goto("/logs?duration=7d&sort=asc")
    moment = page.locator("table.log tbody time").first
    in_utc, exact = moment.inner_text(), moment.get_attribute("datetime")
    page.get_by_role("banner").get_by_text("ada@clew.example").first.click()
    page.get_by_role("button", name="Local time").click()
    expect(page.get_by_role("columnheader", name="Time (Dubai)")).to_be_visible()
    expect(moment).to_have_attribute("datetime", str(exact))
    assert moment.inner_text() != in_utc
    shown = page.evaluate("""(exact) => new Date(exact).toLocaleTimeString("en-GB")""", exact)
    expect(moment).to_contain_text(shown)
    page.locator("summary", has_text="Last 7 days").click()
    page.get_by_label("From", exact=True).fill(
        page.evaluate("new Date(Date.now() - 3600e3).toLocaleString('sv').replace(' ', 'T')")
    )
    page.locator("details[open]").get_by_role("button", name="Apply").click()
    page.wait_for_url(re.compile("zone=Asia/Dubai|zone=Asia%2FDubai"))
    expect(page.locator("table.log tbody tr").first).to_be_visible()
    expect(page.locator("footer.foot")).to_contain_text("Dubai time")
    context.close()
