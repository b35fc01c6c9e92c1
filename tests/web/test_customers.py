"""The list of customers, and what stands above a customer's pages."""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import unquote

import pytest

from clew.core.clock import DAY_MS, MINUTE_MS, FakeClock
from clew.registry.registry import Registry
from clew.web.links import customer_href, customer_key
from harness.page_text import link_of
from harness.pages import Client, Keep, MakeRecord
from harness.server import eventually


def names_of(html: str) -> list[str]:
    return [unescape(name) for name in re.findall(r'<th scope="row"[^>]*><a href="[^"]+">([^<]+)</a>', html)]


def row_of(html: str, name: str) -> str:
    rows = re.findall(r"<tr>.*?</tr>", html[html.index("<tbody") :], re.DOTALL)
    return next(row for row in rows if f">{name}</a>" in row)


def test_customers_are_listed_with_a_red_dot_for_those_with_failures(
    client: Client, registry: Registry, clock: FakeClock, make_record: MakeRecord, keep: Keep
) -> None:
    registry.customers.see("default", ["acme", "zen", "quiet"], at_ms=1)
    registry.customers.rename("default", "acme", "Acme Outdoor")
    keep(
        make_record("step", customer="acme", status="failure"),
        make_record("step", 1, customer="acme"),
        make_record("step", 2, customer="zen"),
        make_record("step", -2 * DAY_MS, customer="quiet", status="failure"),
    )
    html = client.get("/customers").text
    assert names_of(html) == ["Acme Outdoor", "quiet", "zen"]
    acme = row_of(html, "Acme Outdoor")
    assert 'class="dot failure"' in acme
    assert "2 records" in acme
    assert ">1 failure</a>" in acme
    assert html.count('<td class="status"><span class="dot failure"') == 1
    assert "none yet" in row_of(html, "quiet")


def test_the_last_event_is_told(client: Client, registry: Registry, clock: FakeClock) -> None:
    registry.customers.see("default", ["acme"], at_ms=clock.now_ms())
    registry.activity.note("default", ["acme"], [])
    clock.advance(5 * MINUTE_MS)
    registry.activity.note("default", [], [])  # what was noted is written by what comes a minute later
    found = eventually(lambda: registry.customers.find("default", "acme").last_active_at, what="the note")
    assert found == clock.now_ms() - 5 * MINUTE_MS
    assert "5 min ago" in row_of(client.get("/customers").text, "acme")
    assert "last active 5 min ago" in client.get("/customers/acme/integration-events").text


def test_the_list_is_searched_by_how_a_name_or_a_key_begins(client: Client, registry: Registry) -> None:
    registry.customers.see("default", ["acme", "bold", "42"], at_ms=1)
    registry.customers.rename("default", "42", "Acorn")
    assert names_of(client.get("/customers?q=AC").text) == ["Acorn", "acme"]
    html = client.get("/customers?q=nobody").text
    assert "No customer begins with nobody" in html
    assert names_of(client.get(link_of(html, "All customers")).text) == ["Acorn", "acme", "bold"]


def test_paging_visits_every_customer_once(client: Client, registry: Registry) -> None:
    registry.customers.see("default", [f"c{n:03}" for n in range(120)], at_ms=1)
    html = client.get("/customers?q=c").text
    seen = names_of(html)
    while 'href="' in html[html.index('aria-label="Pages"') :] and ">Next</a>" in html:
        html = client.get(link_of(html, "Next")).text
        seen += names_of(html)
    assert seen == [f"c{n:03}" for n in range(120)]
    assert names_of(client.get(link_of(html, "First")).text)[0] == "c000"


def test_without_any_customer_the_list_says_how_one_comes(client: Client) -> None:
    assert "No customers yet" in client.get("/customers").text


def test_a_customer_leads_to_its_events(client: Client, registry: Registry) -> None:
    registry.customers.see("default", ["acme"], at_ms=1)
    assert client.get("/customers/acme").headers["location"] == "/customers/acme/integration-events"


@pytest.mark.feature("A01")
def test_the_head_counts_connections_and_its_tabs_lead_to_the_customer_s_records(
    client: Client, registry: Registry, make_record: MakeRecord, keep: Keep
) -> None:
    registry.customers.see("default", ["acme"], at_ms=1)
    registry.connections.see("default", [("a", "acme", ""), ("b", "acme", ""), ("c", "other", "")], at_ms=1)
    keep(make_record("flow_run", customer="acme", status="failure"), make_record("api_request", customer="acme"))
    html = client.get("/customers/acme/integration-events").text
    assert "2 connections" in html
    tabs = html[html.index('aria-label="About this customer"') :]
    found = re.findall(
        r'<a href="([^"]+)"[^>]*>([^<]+?)( <span class="dot failure"|</a>)', tabs[: tabs.index("</nav>")]
    )
    assert [(unescape(href), label, "dot" in dot) for href, label, dot in found] == [
        ("/customers/acme/integration-events", "Integration Events", True),
        ("/customers/acme/aip-events", "AIP Events", False),
        ("/connections?customer=acme", "Connections", False),
        ("/logs/flow-runs?customer=acme", "Flow Runs", True),
        ("/logs/api-requests?customer=acme", "API Requests", False),
        ("/logs/external-webhooks?customer=acme", "External Webhooks", False),
        ("/logs/external-events?customer=acme", "External Events", False),
    ]
    for href, _, _ in found:
        assert client.get(unescape(href)).status_code == 200


def test_customers_of_another_workspace_are_none(client: Client, registry: Registry) -> None:
    registry.customers.see("elsewhere", ["theirs"], at_ms=1)
    assert names_of(client.get("/customers").text) == []
    assert client.get("/customers/theirs/integration-events").status_code == 404


def test_an_archived_customer_is_found_by_its_link_and_no_longer_listed(client: Client, registry: Registry) -> None:
    registry.customers.see("default", ["acme"], at_ms=1)
    registry.customers.archive("default", "acme")
    assert names_of(client.get("/customers").text) == []
    assert "archived" in client.get("/customers/acme/integration-events").text


@pytest.mark.parametrize("key", ["acme", "a/b", "~", "~1", "%2F", "..", ".", "a b&c=d?#é", "\N{SNOWMAN}~0~2"])
def test_a_key_comes_back_out_of_its_path_whatever_it_is(key: str) -> None:
    path = customer_href(key)
    assert path.count("/") == 2
    text = unquote(path.rpartition("/")[2])
    assert text not in (".", "..")
    assert customer_key(text) == key
