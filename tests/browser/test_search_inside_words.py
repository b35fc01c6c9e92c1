"""A search inside words that goes on while the page is open, before a person."""

from __future__ import annotations

import json
import re
from html import escape

import pytest
from playwright.sync_api import Page, Route, expect

pytestmark = pytest.mark.browser

LIST = "/logs/external-events?contains=relea&duration=all&limit=5"
SCAN = "/logs/external-events/scan?contains=relea&duration=all&limit=5"
SCANS = re.compile(r"/logs/external-events/scan\?")


def pause_at_once(route: Route) -> None:
    """The page of the list as it is where the server's own search paused before it found anything."""
    answer = route.fetch()
    html = answer.text()
    html = re.sub(r"<tbody>.*</tbody>", "<tbody></tbody>", html, flags=re.DOTALL)
    scanning = (
        f'<log-scan data-src="{escape(SCAN)}"><p class="note"><span data-said role="status">nothing found yet</span> '
        '<span data-running hidden><progress aria-label="Searched" value="0"></progress> <button class="button" '
        'type="button">Stop</button></span> <a href="/logs/external-events">Go on</a></p></log-scan><table class="log'
    )
    assert '<table class="log' in html
    route.fulfill(response=answer, body=html.replace('<table class="log', scanning, 1))


def steps(*told: dict[str, object]) -> str:
    return "".join(f"event: step\ndata: {json.dumps(step)}\n\n" for step in told)


@pytest.mark.feature("A17")
def test_its_rows_come_while_one_watches_and_the_link_goes_on_from_where_it_came(page: Page) -> None:
    page.route(re.compile(f"{re.escape(LIST)}$"), pause_at_once)
    page.goto(LIST)
    expect(page.locator("table.log tbody tr")).to_have_count(5)
    expect(page.get_by_role("status")).to_contain_text("5 records found so far")
    expect(page.get_by_role("button", name="Stop")).to_be_hidden()
    expect(page.get_by_role("progressbar")).to_be_hidden()
    first = page.locator("table.log tbody td.event a").evaluate_all("links => links.map(link => link.href)")
    page.get_by_role("link", name="Go on").click()
    expect(page).to_have_url(re.compile("cursor="))
    expect(page.locator("table.log tbody tr")).to_have_count(5)
    second = page.locator("table.log tbody td.event a").evaluate_all("links => links.map(link => link.href)")
    assert not set(first) & set(second)


def test_it_is_stopped_and_says_so_where_the_connection_is_lost(page: Page) -> None:
    page.route(re.compile(f"{re.escape(LIST)}$"), pause_at_once)
    half = {
        "rows": "",
        "matches": 0,
        "said": "Searched back to noon.",
        "coverage": "Searched noon to now",
        "fraction": 0.5,
        "next": "/logs/external-events?contains=relea&cursor=abc",
        "is_done": False,
    }
    page.route(SCANS, lambda _route: None)  # it is not answered
    page.goto(LIST)
    stop = page.get_by_role("button", name="Stop")
    expect(stop).to_be_visible()
    expect(page.get_by_role("link", name="Go on")).to_be_hidden()
    stop.click()
    expect(page.get_by_role("link", name="Go on")).to_be_visible()
    expect(stop).to_be_hidden()

    page.unroute(SCANS)
    page.route(
        SCANS,
        lambda route: route.fulfill(content_type="text/event-stream", body=steps(half)),
    )
    page.reload()
    expect(page.get_by_role("status")).to_have_text("Searched back to noon. The connection is lost.")
    expect(page.get_by_role("link", name="Go on")).to_have_attribute("href", str(half["next"]))
    expect(page.locator(".foot > span")).to_have_text("Searched noon to now")
