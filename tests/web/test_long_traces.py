"""The page of a record whose trace is longer than a page reads."""

from __future__ import annotations

import re
from html import unescape

import pytest

from clew.core.record import Record
from clew.diagnosis.chain import MOST_CHAIN
from harness.pages import Client, Keep, MakeRecord

NOTE = "Only the first 5,000 records of this trace are read here"


@pytest.fixture
def trace(make_record: MakeRecord, keep: Keep) -> list[Record]:
    """A pull that brought 5,100 events, the last of which failed and another was refused by a flow."""
    pull = make_record("external_event_pull", source="shipments", event="shipments")
    events = [make_record("external_event", 1 + number, pull, event=f"shipment {number}") for number in range(5_099)]
    last = make_record("external_event", 6_000, pull, event="the last", status="failure", message="no number")
    refused = make_record("decision", 6_001, events[-1], flow="order-to-ship", state="filtered_out", message="no lines")
    keep(pull, *events, last, refused)
    return [pull, *events, last]


def whole_trace_href(html: str) -> str:
    found = re.search(r'<a href="([^"]*)">Open the whole trace in All records</a>', html)
    assert found, "no link"
    return unescape(found[1])


@pytest.mark.parametrize("tab", ["", "?tab=trace"])
def test_a_trace_that_is_cut_says_so_and_leads_to_all_of_it(client: Client, trace: list[Record], tab: str) -> None:
    html = client.get(f"/records/{trace[0].id}{tab}").text
    assert NOTE in html
    assert "5,000+" in html
    assert whole_trace_href(html) == f"/logs?trace_id={trace[0].trace_id}&duration=all"
    listed = client.get(whole_trace_href(html)).text
    assert "5,102 records" in listed


def test_a_record_behind_the_cut_stands_under_what_it_came_from_and_over_what_it_led_to(
    client: Client, trace: list[Record]
) -> None:
    *_, before, last = trace
    html = client.get(f"/records/{last.id}?tab=trace").text
    assert NOTE in html
    rows = re.findall(r"Level (\d+): </span>\s*<a class=\"event\" href=\"/records/([^\"]+)\"( aria-current)?", html)
    assert rows[0][:2] == ("1", trace[0].id)
    assert [(level, record_id) for level, record_id, current in rows if current] == [("2", last.id)]
    assert "no lines" in client.get(f"/records/{before.id}").text


def test_a_trace_of_as_many_as_a_page_reads_is_whole(client: Client, make_record: MakeRecord, keep: Keep) -> None:
    first = make_record()
    keep(first, *(make_record("step", 1 + number, first) for number in range(MOST_CHAIN - 1)))
    html = client.get(f"/records/{first.id}?tab=trace").text
    assert NOTE not in html
    assert re.search(r"5,000\b(?!\+)", html)
    assert "none of which failed, are not shown" in html


def test_failures_that_are_not_shown_are_counted(client: Client, make_record: MakeRecord, keep: Keep) -> None:
    first = make_record()
    keep(first, *(make_record("api_request", 1 + number, first, status="failure") for number in range(1_500)))
    html = client.get(f"/records/{first.id}?tab=trace").text
    assert "501 more records of this chain, 501 of which failed, are not shown" in html
