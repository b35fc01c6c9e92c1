"""The start page: numbers that lead to their records, what needs attention, and red dots that lead to the error."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from typing import Protocol

import msgspec
import pytest

from clew.app import declare
from clew.core.clock import HOUR_MS, MINUTE_MS, FakeClock
from clew.core.record import ErrorInfo, Record
from clew.doors.json_events import Event
from clew.registry.registry import Registry
from harness.page_text import main_text_of, text_of
from harness.pages import Client, Keep, MakeRecord
from harness.server import eventually
from harness.shop_pages import Shop


class Indexed(Protocol):
    """How far the log is behind."""

    behind_ms: int


Dotted = Callable[[str], list[str]]
REASON = "postal_code: must not be blank"


def section(html: str, name: str) -> str:
    """The part of the page under the heading with this id."""
    start = html.index(f'aria-labelledby="{name}"')
    return html[start : html.index("</section>", start)]


def count_rows(client: Client, href: str) -> int:
    answer = client.get(unescape(href))
    assert answer.status_code == 200, answer.text
    return answer.text.count('<tr class="')


def numbers_of(html: str) -> list[tuple[int, str]]:
    """Every number of the page that is a link, and where it leads."""
    main = html[html.index("<main") : html.index("</main>")]
    links = re.findall(r'<a [^>]*href="([^"]+)"[^>]*>(.*?)</a>', main, re.DOTALL)
    found = []
    for href, inner in links:
        words = text_of(inner)
        if match := re.search(r"(?:^|\s)([\d,]+)(?: records?)?$", words):
            found.append((int(match[1].replace(",", "")), href))
    return found


@pytest.mark.feature("I09")
def test_each_number_leads_to_exactly_as_many_records(client: Client, refused_order: dict[str, Record]) -> None:
    html = client.get("/").text
    numbers = numbers_of(html)
    assert len(numbers) >= 10
    for count, href in numbers:
        assert count_rows(client, href) == count, href
    assert "6 records in the last 24 hours" in main_text_of(html)
    assert "Failure <b>3</b>" in html


def test_each_number_holds_for_every_duration(
    client: Client, clock: FakeClock, make_record: MakeRecord, keep: Keep, refused_order: dict[str, Record]
) -> None:
    keep(
        *(
            make_record("integration_event", -hours * HOUR_MS, status="failure", customer="acme")
            for hours in (2, 30, 400)
        )
    )
    totals = {}
    for duration in ("1h", "7d", "14d", "30d"):
        html = client.get(f"/?duration={duration}").text
        assert re.search(rf'duration={duration}" aria-current="true"', html)
        for count, href in numbers_of(html):
            assert f"duration={duration}" in href or "from=" in href
            assert count_rows(client, href) == count, href
        totals[duration] = re.search(r"(\d+) records? in", main_text_of(html))[1]
    assert totals == {"1h": "6", "7d": "8", "14d": "8", "30d": "9"}


def test_a_duration_or_filter_that_does_not_exist_is_refused_with_those_that_do(client: Client) -> None:
    answer = client.get("/?duration=2h")
    assert answer.status_code == 400
    assert "duration may be: 1h, 24h, 7d, 14d, 30d." in main_text_of(answer.text)
    answer = client.get("/?customer=acme")
    assert answer.status_code == 400
    assert "There is no filter 'customer' here." in main_text_of(answer.text)


def test_the_chart_says_each_bar_in_a_table_with_links(
    client: Client, clock: FakeClock, make_record: MakeRecord, keep: Keep
) -> None:
    keep(*(make_record("step", -minutes * MINUTE_MS, status="failure") for minutes in (90, 91, 300)))
    html = client.get("/").text
    table = html[html.index("<event-chart") : html.index("</event-chart>")]
    rows = re.findall(r"<tr><th.*?</tr>", table, re.DOTALL)[1:]
    counts = [re.search(r'href="([^"]+)"><data class="failure" value="(\d+)"', row) for row in rows]
    assert [int(found[2]) for found in counts if found] == [1, 2]
    for found in counts:
        assert found
        assert count_rows(client, found[1]) == int(found[2])
    assert 'data-href="/logs?from={from}&amp;to={to}"' in html


def test_failures_are_told_by_product_and_by_customer_most_first(
    client: Client, registry: Registry, make_record: MakeRecord, keep: Keep
) -> None:
    registry.customers.see("default", ["acme"], 1)
    registry.customers.rename("default", "acme", "Acme Outdoor")
    failed = {"status": "failure", "source_product": "erp"}
    keep(
        make_record(customer="acme", target_product="ship", **failed),
        make_record(after=1, customer="acme", target_product="erp", **failed),
        make_record(after=2, customer="holm", **failed),
        make_record(after=3, customer="holm", source_product="erp"),
    )
    html = client.get("/").text
    assert text_rows(section(html, "products")) == ["ERP 3", "Aptean Ship 1"]
    assert text_rows(section(html, "customers")) == ["Acme Outdoor 2", "holm 1"]


def text_rows(html: str) -> list[str]:
    rows = re.findall(r"<tr.*?</tr>", html[html.index("<tbody") :], re.DOTALL)
    return [text_of(row) for row in rows]


def test_a_webhook_refused_for_its_signature_needs_attention(
    client: Client, make_record: MakeRecord, keep: Keep
) -> None:
    error = ErrorInfo(type="signature", message="The signature does not hold.")
    keep(
        *(make_record("external_webhook", at, status="failure", error=error) for at in range(2)),
        make_record("external_webhook", 5, status="failure", error=ErrorInfo(type="parse", message="no JSON")),
    )
    html = section(client.get("/").text, "attention")
    said = text_of(html)
    assert "External webhooks 2 refused, because the signature does not hold" in said
    href = re.search(r'class="many bad" href="([^"]+)"', html)
    assert href
    assert count_rows(client, href[1]) == 2


def test_a_disconnected_connection_needs_attention_with_what_it_refused(
    client: Client, registry: Registry, make_record: MakeRecord, keep: Keep
) -> None:
    registry.connections.see("default", [("acme-ship", "acme", ""), ("holm-ship", "holm", "")], 1)
    registry.connections.disconnect("default", "acme-ship", "The access expired.")
    keep(make_record("decision", status="failure", state="connection_disconnected", connection="acme-ship"))
    html = section(client.get("/").text, "attention")
    said = text_of(html)
    assert "acme-ship 1 launch refused: the connection of acme is disconnected: The access expired." in said
    assert "holm-ship" not in said
    assert 'href="/connections/acme-ship"' in html


def test_a_log_that_is_behind_needs_attention(client: Client, indexed: Indexed) -> None:
    assert "The log is behind" not in client.get("/").text
    indexed.behind_ms = 3 * MINUTE_MS
    said = main_text_of(client.get("/").text)
    assert "The log is behind What came in the last 3 min 0 s is kept, and cannot be found yet." in said


def test_the_failures_of_a_chain_are_one_line_that_leads_to_its_flow_run(
    client: Client, refused_order: dict[str, Record]
) -> None:
    lines = re.findall(r"<li>.*?</li>", section(client.get("/").text, "failures"), re.DOTALL)
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
    assert "Nothing failed in the last 24 hours." in main_text_of(client.get("/").text)


def test_a_day_on_which_nothing_failed_says_so_without_a_dot(
    client: Client, clock: FakeClock, refused_order: dict[str, Record]
) -> None:
    clock.advance(25 * HOUR_MS)
    html = client.get("/").text
    assert "Nothing failed in the last 24 hours." in main_text_of(html)
    assert "Nothing needs attention." in main_text_of(html)
    assert "0 records" in main_text_of(html)
    assert 'class="dot failure"' not in html


def test_where_nothing_has_ever_come_in_the_page_says_what_to_do_first(client: Client) -> None:
    html = client.get("/").text
    told = main_text_of(html)
    for part in (
        "Nothing has come in yet",
        "clew keys create orders --scope ingest",
        "curl http://testserver.local/v1/events",
        "clew serve orders.py",
    ):
        assert part in told
    assert "<event-chart" not in html


def test_what_the_first_steps_say_works(client: Client) -> None:
    html = client.get("/").text
    command, module = (unescape(text) for text in re.findall(r'<pre class="raw"[^>]*>(.*?)</pre>', html, re.DOTALL))
    event = msgspec.json.decode(
        command.partition("-d '")[2].removesuffix("'"), type=Event
    )  # unknown fields are refused
    assert event.event == "order.released"
    names: dict[str, object] = {}
    exec(compile(module, "orders.py", "exec"), names)
    declared = declare(names.values())
    assert [flow.key for flow in declared.flows] == ["released"]
    assert [source.key for source in declared.declarations.sources] == ["orders"]


@pytest.mark.feature("B01", "B02")
def test_the_banner_has_the_blue_logs_button_with_integration_events_first(client: Client) -> None:
    html = client.get("/").text
    banner = html[html.index('<header class="banner"') : html.index("</header>")]
    button = re.search(
        r'<details class="pop end">\s*<summary class="button primary">Logs<.*?</details>', banner, re.DOTALL
    )
    assert button
    first = re.search(r'<a href="([^"]+)"[^>]*>([^<]+)<', button[0])
    assert first
    assert (first[1], first[2].strip()) == ("/logs/integration-events", "Integration Events")
    assert "<h1>Integration Events Log</h1>" in client.get(first[1]).text


@pytest.mark.feature("D01")
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
            assert "409 Conflict" in main_text_of(html)
        else:
            assert onwards, href
    assert len(ends) >= 3
    assert any(REASON in main_text_of(shop.get(end)) for end in ends)


def test_flows_that_fail_come_first_with_their_share(shop: Shop, failed: tuple[Record, str]) -> None:
    html = eventually(lambda: (html := shop.get("/")) and "status=failure" in html and html)
    table = section(html, "flows")
    rows = re.findall(r"<tr.*?</tr>", table[table.index("<tbody") :], re.DOTALL)
    assert "Order to ship" in rows[0]
    assert '<span class="bad">0 %</span>' in rows[0]
    assert "disabled" in rows[1]


def test_a_flow_that_fails_and_one_that_lets_events_pass_need_attention(shop: Shop, failed: tuple[Record, str]) -> None:
    html = eventually(lambda: (html := shop.get("/")) and "launched nothing" in html and html, what="both")
    said = text_of(section(html, "attention"))
    assert "Order to ship 1 of 1 run failed" in said
    assert "order-report 1 event launched nothing: the flow is disabled" in said
    assert 'href="/logs?kind=decision&amp;state=flow_disabled&amp;flow=order-report"' in html
