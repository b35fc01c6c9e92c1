"""What a log holds at a glance: the most frequent values of each filter, and its chart."""

from __future__ import annotations

import re
from html import unescape

import pytest

from clew.core.record import Record
from clew.registry.registry import Registry
from harness.log_pages import links_of
from harness.page_text import text_of
from harness.pages import Client, Keep, MakeRecord

# Facets


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("of=customer", [("acme", "3"), ("b", "1")]),
        ("of=customer&customer=b", [("acme", "3"), ("b", "1")]),
        ("of=customer&status=failure", [("acme", "1")]),
        ("of=event", [("e", "4")]),
        ("of=kind", [("Step", "3"), ("API request", "1")]),
        ("of=source", []),
    ],
)
def test_the_most_frequent_values_of_a_filter_are_links_with_their_counts(
    client: Client, make_record: MakeRecord, keep: Keep, query: str, expected: list[tuple[str, str]]
) -> None:
    keep(
        make_record(event="e", customer="acme"),
        make_record(after=1, event="e", customer="acme", status="failure"),
        make_record(after=2, event="e", customer="b"),
        make_record("api_request", 3, event="e", customer="acme"),
    )
    html = client.get(f"/logs/facets?{query}").text
    found = re.findall(r'<a href="([^"]+)".*?<span>(.*?)</span>.*?<span class="count">(.*?)</span>', html, re.DOTALL)
    assert [(unescape(label), count) for _, label, count in found] == expected
    for href, _, count in found:
        listed = client.get(unescape(href)).text
        assert listed.count("<tr class=") == int(count)
    if not expected:
        assert "Nothing here has a value." in html


def test_a_filters_values_are_asked_for_once_when_it_is_opened(client: Client, requests: dict[str, Record]) -> None:
    html = client.get("/logs/api-requests?customer=acme&status=success").text
    details = re.search(r'<details [^>]*hx-get="([^"]+)"[^>]*>\s*<summary[^>]*>Integration', html)
    assert details
    assert 'hx-trigger="toggle once"' in details.group(0)
    part = client.get(unescape(details.group(1))).text
    assert links_of("<main" + part)["orders 1"] == "/logs/api-requests?customer=acme&status=success&integration=orders"


@pytest.mark.parametrize("query", ["of=message", "", "of=customer&status=red"])
def test_values_that_cannot_be_told_say_why(client: Client, query: str) -> None:
    answer = client.get(f"/logs/facets?{query}")
    assert answer.status_code == 400
    assert "<html" not in answer.text
    assert '<p class="quiet">' in answer.text


def test_customers_and_integrations_are_called_by_their_names_in_the_values(
    client: Client, registry: Registry, make_record: MakeRecord, keep: Keep
) -> None:
    registry.customers.see("default", ["acme"], at_ms=1)
    registry.customers.rename("default", "acme", "Acme Outdoor")
    keep(make_record(customer="acme"))
    assert "<span>Acme Outdoor</span>" in client.get("/logs/facets?of=customer").text


# The chart


def test_the_chart_of_a_log_counts_what_the_log_counts(client: Client, requests: dict[str, Record]) -> None:
    html = client.get("/logs/api-requests?customer=acme").text
    href = re.search(r'<div class="card over-time" hx-get="([^"]+)" hx-trigger="load">', html)
    assert href
    chart = client.get(unescape(href.group(1))).text
    assert "<event-chart" in chart
    assert "Success 1" in text_of(chart)
    assert "Failure 0" in text_of(chart)
    assert 'data-href="/logs/api-requests?customer=acme&amp;from={from}&amp;to={to}"' in chart


def test_an_empty_list_has_no_chart(client: Client, requests: dict[str, Record]) -> None:
    assert "over-time" not in client.get("/logs?customer=nobody").text
