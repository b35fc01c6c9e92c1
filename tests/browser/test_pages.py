"""What the pages keep: they show what was sent and never run it, and are reached by links."""

from __future__ import annotations

import json
import re

import httpx
import pytest
from playwright.sync_api import Page, expect

from harness.demo import Demo
from harness.server import ADMIN_KEY, eventually

pytestmark = pytest.mark.browser

SCRIPT = "<script>window.ran = true</script><img src=x onerror='window.ran = true'>"
TABS = ("Details", "Payload", "Error", "Trace")


@pytest.fixture(scope="module")
def poisoned(demo: Demo) -> str:
    """The id of a record with script wherever a sender can put text."""
    event = {
        "event": SCRIPT,
        "type": SCRIPT,
        "action": SCRIPT,
        "message": SCRIPT,
        "customer": SCRIPT,
        "source_product": SCRIPT,
        "target_product": SCRIPT,
        "keys": {"order": SCRIPT},
        "parameters": {SCRIPT: SCRIPT},
        "payload": {"html": SCRIPT, SCRIPT: [SCRIPT]},
        "status": "failure",
        "error": {"type": SCRIPT, "message": SCRIPT, "data": {"html": SCRIPT}, "stack": SCRIPT},
    }
    headers = {"authorization": f"Bearer {ADMIN_KEY}"}
    with httpx.Client(base_url=demo.url, headers=headers, trust_env=False) as api:
        record_id = api.post("/v1/events", json=event).json()["ids"][0]
        eventually(lambda: api.get(f"/v1/records/{record_id}").status_code == 200)
    return record_id


def test_script_in_a_payload_is_shown_and_not_run(page: Page, poisoned: str) -> None:
    for tab in TABS:
        page.goto(f"/records/{poisoned}")
        page.get_by_role("navigation", name="About this record").get_by_role("link", name=tab).click()
        page.wait_for_load_state("networkidle")
        expect(page.get_by_role("main")).to_contain_text("<script>window.ran = true</script>")
        assert page.evaluate("window.ran") is None
        assert page.locator("main script, main img").count() == 0
    page.goto("/logs?q=onerror")
    expect(page.get_by_role("main")).to_contain_text("<script>")
    assert page.evaluate("window.ran") is None


@pytest.mark.feature("A11")
def test_a_payload_opens_as_a_tree_and_raw_and_as_a_file(page: Page, poisoned: str) -> None:
    page.goto(f"/records/{poisoned}?tab=payload")
    expect(page.locator("main details").first).to_be_visible()
    page.get_by_role("link", name="Raw").click()
    expect(page.locator("main pre")).to_contain_text('{"html":')
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    saved = json.loads(download.value.path().read_bytes())
    assert saved["html"] == SCRIPT


@pytest.mark.feature("C03", "B16")
def test_paging_leads_to_other_records_and_back(page: Page) -> None:
    page.goto("/logs?duration=7d&sort=asc")  # the oldest first: new orders do not move these pages
    first = page.locator("table.log tbody tr a").first
    href = first.get_attribute("href") or ""
    page.get_by_role("link", name="Newer", exact=True).click()
    page.wait_for_url(re.compile("cursor="))
    expect(first).not_to_have_attribute("href", href)
    page.get_by_role("link", name="Older", exact=True).click()
    expect(first).to_have_attribute("href", href)


@pytest.mark.feature("B11")
def test_the_status_segments_give_only_their_rows(page: Page) -> None:
    page.goto("/logs?duration=7d")
    page.get_by_role("link", name="Failure", exact=True).click()
    page.wait_for_url(re.compile("status=failure"))
    rows = page.locator("table.log tbody tr")
    assert rows.count() > 0
    assert page.locator("table.log tbody tr.failure").count() == rows.count()
    page.get_by_role("link", name="List All", exact=True).click()
    expect(page).not_to_have_url(re.compile("status="))


@pytest.mark.feature("B01", "B02", "B18", "C01")
def test_the_logs_button_opens_the_six_logs(page: Page) -> None:
    page.goto("/logs")
    page.locator("header summary", has_text="Logs").click()
    names = page.locator("header details[open] a").all_inner_texts()
    expected = [
        "Integration Events",
        "API Requests",
        "External Webhooks",
        "External Event Pulls",
        "External Events",
        "Internal Events",
        "Flow Runs",
    ]
    assert [name.strip() for name in names] == expected


@pytest.mark.feature("N08")
def test_an_empty_list_says_what_was_searched(page: Page) -> None:
    page.goto("/logs?customer=nobody&duration=1h")
    expect(page.get_by_role("main")).to_contain_text(re.compile("Searched", re.IGNORECASE))
    page.get_by_role("link", name=re.compile("7 days|all time|24 hours", re.IGNORECASE)).first.click()
    expect(page).not_to_have_url(re.compile("duration=1h"))


def test_a_wrong_filter_in_the_address_is_explained(page: Page, context) -> None:
    quiet = context.new_page()
    answer = quiet.goto("/logs?status=meh")
    assert answer
    assert answer.status == 400
    expect(quiet.get_by_role("alert")).to_contain_text("status")


def test_nobody_sees_a_page_without_signing_in(browser, demo: Demo) -> None:
    context = browser.new_context(base_url=demo.url)
    page = context.new_page()
    page.goto("/logs?status=failure")
    expect(page).to_have_url(re.compile(r"/sign-in\?next="))
    page.get_by_label("E-mail").fill("ada@clew.example")
    page.get_by_label("Password").fill("not the password")
    page.get_by_role("main").get_by_role("button").click()
    expect(page.get_by_role("alert")).to_be_visible()
    page.goto(demo.sign_in_link)
    expect(page.get_by_role("main")).to_contain_text(re.compile("used|expired|not", re.IGNORECASE))
    context.close()


def test_signing_out_ends_the_session(browser, demo: Demo) -> None:
    context = browser.new_context(base_url=demo.url)  # a session of its own: the other tests go on with theirs
    page = context.new_page()
    page.goto(demo.new_sign_in_link())
    page.get_by_role("main").get_by_role("button").click()
    page.wait_for_url(re.compile(r"/(logs.*)?$"))
    page.goto("/logs")
    page.get_by_role("banner").get_by_text("ada@clew.example").first.click()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/sign-in*")
    page.goto("/logs")
    expect(page).to_have_url(re.compile("/sign-in"))
    context.close()


def test_the_api_description_can_be_browsed(browser, demo: Demo) -> None:
    page = browser.new_page(base_url=demo.url)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    page.goto("/docs")
    expect(page.locator("#api")).to_contain_text("/v1/events")
    assert not said
    page.close()
