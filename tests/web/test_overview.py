"""The start page: the last day in numbers that lead to their records, and red dots that lead to the error."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape

from litestar import Litestar
from litestar.testing import TestClient

from clew.core.clock import HOUR_MS, FakeClock
from clew.core.record import Record
from harness.server import eventually
from harness.shop_pages import Shop

Client = TestClient[Litestar]
Keep = Callable[..., None]
MakeRecord = Callable[..., Record]
Dotted = Callable[[str], list[str]]
REASON = "postal_code: must not be blank"


def text_of(html: str) -> str:
    main = html[html.index("<main") :]
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", main)))


def test_each_number_leads_to_as_many_records(client: Client, refused_order: dict[str, Record]) -> None:
    html = client.get("/").text
    figures = re.findall(r'<a href="([^"]+)"><b>([\d,]+)</b> <span>([a-z ]+)</span>', html)
    assert [(count, label) for _, count, label in figures] == [
        ("6", "records"),
        ("3", "failures"),
        ("1", "flow runs"),
    ]
    chips = re.findall(r'<a class="chip" href="([^"]+)">.*?</span> ([A-Z][\w ]+) <b>(\d+)</b>', html)
    assert [(label, count) for _, label, count in chips] == [("API Requests", "1"), ("Flow Runs", "1")]
    for href, count in [(href, count) for href, count, _ in figures] + [(href, count) for href, _, count in chips]:
        assert client.get(unescape(href)).text.count('<tr class="') == int(count)


def test_the_failures_of_a_chain_are_one_line_that_leads_to_its_flow_run(
    client: Client, refused_order: dict[str, Record]
) -> None:
    html = client.get("/").text
    lines = re.findall(r"<li>.*?</li>", html[html.index('<ul class="latest"') :], re.DOTALL)
    assert len(lines) == 1
    assert f'href="/flow-runs/{refused_order["run"].id}"' in lines[0]
    assert "SO-1042" in lines[0]


def test_a_request_that_its_node_got_over_is_no_failure_to_look_at(
    client: Client, make_record: MakeRecord, keep: Keep
) -> None:
    run = make_record("flow_run", flow="f")
    tried = make_record("node_run", 1, run, flow="f", node="n", status="info", state="failed")
    request = make_record("api_request", 2, tried, flow="f", node="n", status="failure", message="busy")
    keep(run, tried, request, make_record("node_run", 3, run, flow="f", node="n"))
    assert "Nothing failed in the last 24 hours." in text_of(client.get("/").text)


def test_a_day_on_which_nothing_failed_says_so_without_a_dot(
    client: Client, clock: FakeClock, refused_order: dict[str, Record]
) -> None:
    clock.advance(25 * HOUR_MS)
    html = client.get("/").text
    assert "Nothing failed in the last 24 hours." in text_of(html)
    assert "0 records" in text_of(html)
    assert 'class="dot failure"' not in html


def test_from_the_overview_every_way_of_red_dots_ends_at_the_reason(
    shop: Shop, failed: tuple[Record, str], dotted: Dotted
) -> None:
    start = eventually(lambda: dotted(shop.get("/")), what="a red dot")
    waiting, seen, ends = [*start, "/flows", "/logs/flow-runs", "/logs/api-requests"], set(), set()
    while waiting:
        href = unescape(waiting.pop())
        if href in seen:
            continue
        seen.add(href)
        html = shop.get(href)
        onwards = [unescape(link) for link in dotted(html) if unescape(link) != href]
        waiting += onwards
        if "tab=error" in href or "view=error" in href:
            ends.add(href)
            assert "409 Conflict" in text_of(html)
        else:
            assert onwards, href
    assert len(ends) >= 3
    assert any(REASON in text_of(shop.get(end)) for end in ends)


def test_flows_that_fail_come_first_with_their_share(shop: Shop, failed: tuple[Record, str]) -> None:
    html = eventually(lambda: (html := shop.get("/")) and "status=failure" in html and html)
    table = html[html.index('aria-labelledby="flows"') :]
    rows = re.findall(r"<tr.*?</tr>", table[table.index("<tbody") :], re.DOTALL)
    assert "Order to ship" in rows[0]
    assert '<span class="bad">0 %</span>' in rows[0]
    assert "disabled" in rows[1]
