"""A live list and the same list after a reload: row for row, and cell for cell.

Before a server whose flows run, for what a row says its record led to becomes known after the row has come.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from harness.browsing import browse
from harness.flow_runs import release, run_for, send
from harness.server import ServerProcess, eventually
from harness.target import MODULE, TOKEN, running_target

pytestmark = pytest.mark.browser

LOGS = {
    "/logs": "record",
    "/logs/integration-events": "integration_event",
    "/logs/api-requests": "api_request",
    "/logs/external-webhooks": "external_webhook",
    "/logs/external-events": "external_event",
    "/logs/flow-runs": "flow_run",
}
"""Every log that something can come into; those of pulls and of internal events are in `tests/web/test_live.py`."""
ROWS = """() => [...document.querySelectorAll("table.log tbody tr")].map((row) => row.outerHTML)"""
HEADINGS = """() => [...document.querySelectorAll("table.log thead th")].map((cell) => cell.textContent.trim())"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    home = tmp_path_factory.mktemp("live")
    module = home / "my_flows.py"
    module.write_text(MODULE)
    with running_target() as target:
        env = {"TARGET_URL": target.url, "TARGET_TOKEN": TOKEN, "GONE_URL": "http://127.0.0.1:1"}
        process = ServerProcess(home / "data", module, env).start()
        with process.client() as api:
            happen(api)  # a list that is empty begins with a reload
        yield process
        process.close()


@pytest.fixture(scope="module")
def context(browser: Browser, server: ServerProcess) -> Iterator[BrowserContext]:
    """Signed in, in a zone that is no whole hour away."""
    with browse(server) as signed_in:
        cookies = [{"name": name, "value": value, "url": server.url} for name, value in signed_in.cookies.items()]
    context = browser.new_context(base_url=server.url, timezone_id="Asia/Kolkata")
    context.add_cookies([*cookies, {"name": "clew_zone", "value": "Asia/Kolkata", "url": server.url}])  # type: ignore[list-item]
    yield context
    context.close()


@pytest.fixture
def pages(context: BrowserContext) -> Iterator[tuple[Page, Page]]:
    """One that is live and one that is reloaded."""
    pages = (context.new_page(), context.new_page())
    yield pages
    for page in pages:
        page.close()


def happen(api: httpx.Client) -> dict[str, str]:
    """One of each kind: an event that launches a run, one that launches none, a report and a refused call; the ids of
    what has ended last, by kind."""
    event_id = release(api)
    unwanted_id = send(api, "order.released", lines=[], country="US")
    (report_id,) = api.post("/v1/events", json={"event": "order.seen", "message": "seen", "type": "order"}).json()[
        "ids"
    ]
    assert api.post("/v1/events", json={"nothing": uuid.uuid4().hex}).status_code == 422
    run = run_for(api, event_id, "carry", 2)
    return {"external_event": unwanted_id, "flow_run": run["id"], "integration_event": report_id}


def rows_of(page: Page) -> list[str]:
    rows: list[Any] = page.evaluate(ROWS)
    return [re.sub(r"\s+", " ", row) for row in rows]


@pytest.mark.parametrize("path", LOGS)
def test_a_live_list_is_what_a_reload_shows(server: ServerProcess, pages: tuple[Page, Page], path: str) -> None:
    live, reloaded = pages
    live.goto(f"{path}?limit=500&live=1")
    expect(live.get_by_role("status")).to_have_text("Live")
    live.evaluate("window.isTheSamePage = true")
    before = rows_of(live)
    with server.client() as api:
        ids = happen(api)

    def is_the_same() -> bool:
        reloaded.goto(f"{path}?limit=500")
        return len(rows_of(reloaded)) > len(before) and rows_of(live) == rows_of(reloaded)

    try:
        eventually(is_the_same, timeout_s=20)
    except AssertionError:
        assert rows_of(live) == rows_of(reloaded)
        raise
    assert live.evaluate("window.isTheSamePage"), "it was reloaded"
    assert live.evaluate(HEADINGS) == reloaded.evaluate(HEADINGS)
    rows = rows_of(live)
    if kind_id := ids.get(LOGS[path]):
        assert any(kind_id in row for row in rows)
    assert not any(new in before for new in rows[:1]), "what came is on top"


def test_what_an_event_led_to_is_in_its_row_though_it_came_later(
    server: ServerProcess, pages: tuple[Page, Page]
) -> None:
    """As a person reads it: the new rows say `1 run` and `filtered out` in the column Launched."""
    live, _ = pages
    live.goto("/logs/external-events?limit=500&live=1")
    expect(live.get_by_role("status")).to_have_text("Live")
    with server.client() as api:
        event_id = release(api)
        other_id = send(api, "order.released", lines=[], country="US")
    for record_id, said in ((event_id, "1 run"), (other_id, "filter")):
        expect(live.locator(f'tr[data-id="{record_id}"] td.outcome')).to_contain_text(said, timeout=15_000)
