"""Very many records as a file: begun from the menu of a log, watched while it is written, fetched when it is whole."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest
from playwright.sync_api import Browser, Page, expect

from clew.log.export import EXPORTS_AT_ONCE
from clew.web.logs.downloads import MANY_RECORDS
from harness.browsing import browse
from harness.filled_log import MESSAGE, fill_log
from harness.server import ServerProcess, eventually

pytestmark = pytest.mark.browser

DAYS = 20
A_DAY = MANY_RECORDS // DAYS + 100
RECORDS = DAYS * A_DAY
PATIENCE_MS = 30_000


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    data = tmp_path_factory.mktemp("exports") / "data"
    fill_log(data, [(A_DAY, MESSAGE)] * DAYS)
    process = ServerProcess(data, env={"CLEW_KEEP_DAYS": "0"}).start()
    eventually(lambda: any("/sign-in/link/" in line for line in process.lines))
    yield process
    process.close()


@pytest.fixture
def page(browser: Browser, server: ServerProcess) -> Iterator[Page]:
    with browse(server) as signed_in:
        cookies = [{"name": name, "value": value, "url": server.url} for name, value in signed_in.cookies.items()]
    context = browser.new_context(base_url=server.url)
    context.set_default_timeout(PATIENCE_MS)
    context.add_cookies(cookies)  # type: ignore[arg-type]
    yield context.new_page()
    context.close()


@contextmanager
def no_room(server: ServerProcess) -> Iterator[None]:
    """As many downloads as may be, which nobody reads: a file has to wait for them, and there is time to look at it."""
    with ExitStack() as downloads, server.client() as api:
        for _ in range(EXPORTS_AT_ONCE):
            params = {"format": "ndjson", "kind": "step"}
            downloads.enter_context(api.stream("GET", "/v1/records/export", params=params))
        yield


def test_a_file_of_very_many_records_is_watched_until_it_is_ready_and_fetched(
    page: Page, server: ServerProcess
) -> None:
    page.goto("/logs?kind=step&duration=30d")
    page.locator(".title summary", has_text="Download").click()
    with no_room(server):
        page.get_by_role("button", name="CSV").click()
        page.wait_for_url(re.compile("/exports/"))
        bar = page.get_by_role("progressbar", name="Records written")
        expect(bar).to_have_attribute("max", str(RECORDS))
        expect(bar).to_have_attribute("value", "0")
        expect(page.get_by_role("link", name="Download")).to_have_count(0)
        page.evaluate("window.isTheSamePage = true")
    expect(page.get_by_role("heading", name="It is ready")).to_be_visible(timeout=PATIENCE_MS)
    assert page.evaluate("window.isTheSamePage"), "the page was loaded anew"
    expect(bar).to_have_count(0)
    expect(page.get_by_role("status")).to_contain_text(f"{RECORDS:,} records")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    with download.value.path().open("rb") as file:
        assert sum(1 for _ in file) == RECORDS + 1
    assert re.fullmatch(r"records-\d{8}T\d{6}Z\.csv", download.value.suggested_filename)


def test_a_file_that_is_still_written_is_cancelled_from_its_page(page: Page, server: ServerProcess) -> None:
    page.goto("/logs?kind=step&duration=30d")
    page.locator(".title summary", has_text="Download").click()
    with no_room(server):
        page.get_by_role("button", name="JSON").click()
        page.get_by_role("button", name="Cancel").click()
        page.wait_for_url(re.compile("/exports$"))
    assert list((server.directory / "exports").glob("*.ndjson")) == []
