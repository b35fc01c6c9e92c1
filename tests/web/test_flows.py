"""Flows as they are declared, what an event launched, and why another launched nothing."""

from __future__ import annotations

import re

import pytest

from clew.core.record import Record
from harness.page_text import graph_of, main_text_of, text_of
from harness.server import eventually
from harness.shop_pages import Shop


@pytest.mark.feature("C43", "C44", "C62")
def test_an_event_links_to_the_run_it_launched_and_says_why_the_other_flow_did_not_run(
    shop: Shop, failed: tuple[Record, str]
) -> None:
    event, run_id = failed
    html = shop.get(f"/records/{event.id}")
    assert f'<a class="by" href="/flow-runs/{run_id}">Order to ship</a>' in html
    said = main_text_of(html)
    assert "order-report did not run · flow disabled" in said
    assert 'href="/flows/order-report#trigger"' in html


@pytest.mark.feature("C44", "C45")
def test_an_event_that_launched_nothing_names_the_clause_and_both_values(shop: Shop) -> None:
    event = shop.order("SO-1041", country="CA")
    html = shop.get(f"/records/{event.id}")
    said = main_text_of(html)
    assert "Launched nothing" in said
    assert "Condition event.payload.country == 'US' Expected 'US' Actual 'CA'" in said
    href = re.search(r'href="(/flows/order-to-ship#trigger)"', html)
    assert href
    assert 'id="trigger"' in shop.get(href.group(1).partition("#")[0])
    assert "Go to cause" not in html


def test_flows_are_listed_with_what_starts_them_and_how_they_do(shop: Shop, failed: tuple[Record, str]) -> None:
    html = eventually(lambda: (html := shop.get("/flows")) and "status=failure" in html and html, what="its failure")
    rows = re.findall(r"<tr.*?</tr>", html[html.index("<tbody") :], re.DOTALL)
    said = [text_of(row) for row in rows]
    for part in ("Order to ship order-to-ship", "Orders: ERP ↔ Aptean Ship", "order.released from orders", "'US'", "%"):
        assert part in said[0]
    assert 'class="dot failure"' in rows[0]
    assert 'href="/logs/flow-runs?flow=order-to-ship&amp;status=failure"' in rows[0]
    assert "order-report disabled" in said[1]
    assert "no run" in said[1]
    assert 'class="dot failure"' not in rows[1]


@pytest.mark.feature("C45", "F30")
def test_a_flows_page_shows_its_graph_trigger_filter_and_nodes(shop: Shop, failed: tuple[Record, str]) -> None:
    html = shop.get("/flows/order-to-ship")
    said = main_text_of(html)
    for part in (
        "Event order.released from the source orders",
        "Filter event.payload.lines > 0 && event.payload.country == 'US'",
        "Enabled yes as its code says",
        "Concurrency 1 run at a time for each connection",
        "lookup.total > 1000",
        "2 times, first after 0.01 s",
        "goes on",
        "shop.py:",
    ):
        assert part in said
    graph = graph_of(html)
    assert graph["·"]["label"] == "order.released"
    assert graph["notify_sales"]["about"] == "when lookup.total > 1000"
    assert graph["notify_sales"]["href"] == "#node-notify_sales"
    assert 'id="node-notify_sales"' in html
    assert f'href="/flow-runs/{failed[1]}"' in html


@pytest.mark.feature("F31")
def test_a_flow_is_disabled_and_enabled_again_and_the_page_says_by_whom(shop: Shop) -> None:
    assert shop.press("/flows/order-to-ship/disable") == "/flows/order-to-ship"
    try:
        assert "Enabled no: no event and no schedule launches it by admin@acme.example" in main_text_of(
            shop.get("/flows/order-to-ship")
        )
        event = shop.order("SO-1047", postal_code="10001")
        assert not shop.records("flow_run", event)
        assert "Order to ship did not run · flow disabled" in main_text_of(shop.get(f"/records/{event.id}"))
    finally:
        shop.press("/flows/order-to-ship/enable")
    assert "Enabled yes by admin@acme.example" in main_text_of(shop.get("/flows/order-to-ship"))


def test_what_is_not_declared_cannot_be_switched(shop: Shop) -> None:
    answer = shop.pages.client.post("/flows/nonsense/enable", data=shop.form)
    assert answer.status_code == 404
    assert "There is no flow &#39;nonsense&#39;." in answer.text


def test_a_flow_that_is_not_declared_is_a_page_that_says_which_are(shop: Shop) -> None:
    assert "order-to-ship, order-report" in shop.get("/flows/nonsense", 404)
