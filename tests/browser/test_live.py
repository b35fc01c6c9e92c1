"""A list that goes on by itself, before a person."""

from __future__ import annotations

import re
import time
import uuid
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from playwright.sync_api import Page, Route, expect

from harness.demo import Demo
from harness.server import ADMIN_KEY, eventually

pytestmark = pytest.mark.browser

PATIENCE_MS = 12_000
"""The summary changes every five seconds at most."""
SET_HIDDEN = """hidden => {
  Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}"""


@pytest.fixture
def customer() -> str:
    return f"live-{uuid.uuid4().hex[:8]}"


def report(demo: Demo, customer: str, *messages: str) -> None:
    headers = {"authorization": f"Bearer {ADMIN_KEY}"}
    events = [{"event": "order.seen", "customer": customer, "message": message} for message in messages]
    answer = httpx.post(f"{demo.url}/v1/events", json=events, headers=headers, trust_env=False)
    assert answer.status_code == 201, answer.text


def open_with_rows(page: Page, url: str) -> None:
    """Open a list live when it has a row: one that is empty begins with a reload."""

    def has_rows() -> bool:
        page.goto(url)
        return page.locator("table.log tbody tr").count() > 0

    eventually(has_rows)
    page.goto(f"{url}&live=1")
    expect(page.get_by_role("status")).to_have_text("Live")


def messages_of(page: Page) -> list[str]:
    return page.locator("table.log tbody td.message").all_inner_texts()


@pytest.mark.feature("I10")
def test_new_rows_come_by_themselves_wait_under_the_pointer_and_while_nobody_looks(
    page: Page, demo: Demo, customer: str
) -> None:
    page.goto(f"/logs?customer={customer}")
    page.get_by_role("link", name="Live", exact=True).click()
    expect(page).to_have_url(re.compile("live=1"))
    status = page.get_by_role("status")
    expect(status).to_have_text("Live")

    # The list was empty: the first row brings its table. All later ones are put on top of it.
    report(demo, customer, "one")
    expect(page.locator("table.log tbody tr")).to_have_count(1)
    expect(page.locator("p > live-tail")).to_be_visible()
    page.evaluate("window.isTheSamePage = true")
    expect(status).to_have_text("Live")
    report(demo, customer, "two", "three")
    expect(page.locator("table.log tbody tr")).to_have_count(3)
    assert messages_of(page) == ["three", "two", "one"]
    expect(status).to_have_text("Live · 2 new", timeout=PATIENCE_MS)

    page.locator("table.log tbody tr").nth(1).hover()
    report(demo, customer, "four")
    expect(status).to_have_text("Live waits while you are at the list · 2 new · 1 to come")
    assert messages_of(page) == ["three", "two", "one"]
    page.get_by_role("heading", level=1).hover()
    expect(page.locator("table.log tbody tr")).to_have_count(4)
    assert messages_of(page)[0] == "four"

    page.evaluate(SET_HIDDEN, True)
    report(demo, customer, "five")
    time.sleep(1.5)  # longer than a record takes from its report to the page
    assert messages_of(page)[0] == "four"
    page.evaluate(SET_HIDDEN, False)
    expect(page.locator("table.log tbody tr")).to_have_count(5)
    assert page.evaluate("window.isTheSamePage")

    page.get_by_role("link", name="Stop live").click()
    expect(page).not_to_have_url(re.compile("live=1"))
    expect(page.locator("table.log tbody td.message")).to_have_text(["five", "four", "three", "two", "one"])
    expect(page.locator("live-tail")).to_have_count(0)


def test_as_many_rows_stay_as_a_page_can_hold_and_what_is_missing_is_said(
    page: Page, demo: Demo, customer: str
) -> None:
    report(demo, customer, "first")
    row = "<tr data-id='ffffffff-{0:04}'><td class='event'><a href='/records/{0}'>{0}</a></td></tr>"
    body = "retry: 600000\n\n" + "".join(
        f"id: 1.{number}\nevent: record\ndata: {row.format(number)}\n\n" for number in range(1, 261)
    )
    body += 'id: 1.300\nevent: dropped\ndata: {"count": 40, "at_most": 40}\n\n'

    def answer(route: Route) -> None:
        route.fulfill(content_type="text/event-stream", body=body)

    page.route("**/logs/tail*", answer)
    page.goto("/logs?duration=7d&live=1&limit=10")
    expect(page.locator("table.log tbody tr")).to_have_count(200)
    assert page.locator("table.log tbody tr a").first.inner_text() == "260"
    # 60 of the 260 came faster than they could be shown, 40 more faster than they could be sent.
    expect(page.get_by_role("status")).to_contain_text("200 new · 100 more were not shown", timeout=PATIENCE_MS)


def test_of_five_thousand_at_once_the_latest_are_shown_and_the_others_counted(
    page: Page, demo: Demo, customer: str
) -> None:
    report(demo, customer, "first")
    open_with_rows(page, f"/logs?customer={customer}")
    status = page.get_by_role("status")
    report(demo, customer, *(f"number {number}" for number in range(5_000)))
    expect(page.locator("table.log tbody tr")).to_have_count(200, timeout=30_000)
    expect(page.locator("td.message").first).to_have_text("number 4999", timeout=30_000)
    expect(status).to_contain_text("more were not shown", timeout=PATIENCE_MS)
    assert messages_of(page) == [f"number {number}" for number in range(4_999, 4_799, -1)]
    new, missing = (int(found.replace(",", "")) for found in re.findall(r"([\d,]+) (?:new|more)", status.inner_text()))
    assert new + missing == 5_000


def test_a_row_that_reports_the_past_stands_where_a_reload_has_it(page: Page, demo: Demo, customer: str) -> None:
    def put(minutes: int) -> None:
        time_text = (datetime.now(UTC) - timedelta(minutes=minutes)).isoformat()
        event = {"event": "x", "customer": customer, "message": f"{minutes} minutes ago", "time": time_text}
        headers = {"authorization": f"Bearer {ADMIN_KEY}"}
        answer = httpx.post(f"{demo.url}/v1/events", json=event, headers=headers, trust_env=False)
        assert answer.status_code == 201, answer.text

    put(30)
    open_with_rows(page, f"/logs?customer={customer}")
    for minutes in (10, 20, 40):
        put(minutes)
        expect(page.get_by_text(f"{minutes} minutes ago", exact=True)).to_be_visible()
    shown = messages_of(page)
    assert shown == [f"{minutes} minutes ago" for minutes in (10, 20, 30, 40)]
    page.goto(f"/logs?customer={customer}")
    assert messages_of(page) == shown


def test_going_to_an_older_page_ends_the_live_list(page: Page) -> None:
    page.goto("/logs?duration=7d&limit=10&live=1")
    expect(page.get_by_role("status")).to_contain_text("Live")
    page.locator("footer.foot").get_by_role("link", name="Older").click()
    expect(page.locator("live-tail")).to_have_count(0)
    expect(page).not_to_have_url(re.compile("live=1"))
