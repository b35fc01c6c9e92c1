"""Ticked events of a customer's Integration Events: their summary, and that ticks stay."""

from __future__ import annotations

import csv
import io
import re
from html import unescape

import pytest

from clew.core.clock import DAY_MS
from clew.core.record import Record
from harness.customer_pages import HERE, events_of, headings, rows_of, section
from harness.pages import Client, Keep, MakeRecord

pytestmark = pytest.mark.usefixtures("acme")


@pytest.mark.feature("A13")
def test_ticked_events_are_summarised_in_a_line_each(
    client: Client, released: dict[str, Record], make_record: MakeRecord, keep: Keep
) -> None:
    done = make_record(
        "integration_event",
        -DAY_MS * 3,
        customer="acme",
        event="=cmd()",
        action="Processed",
        source_product="ship",
        target_product="erp",
        duration_ms=204,
    )
    keep(done)
    ids = [done.id, released["event"].id]
    query = "&".join(f"selected={one}" for one in ids)
    html = client.get(f"{HERE}?{query}").text
    part = section(html, "Summary of 2 selected events")
    assert headings(part) == [
        "Source Product",
        "Target",
        "Event",
        "Event Fired",
        "Last action",
        "Status",
        "Steps",
        "Took",
        "First error",
    ]
    rows = [[*row[:3], *row[4:]] for row in rows_of(part)]
    assert rows[0][:7] == ["ERP", "Aptean Ship", "order.released", "Processed", "failure", "3", "598 ms"]
    assert "postal_code: must not be blank" in rows[0][7]
    assert rows[1] == ["Aptean Ship", "ERP", "=cmd()", "Processed", "success", "1", "204 ms", "none"]
    href = re.search(r'href="([^"]+)" download>Download', part)
    assert href
    answer = client.get(unescape(href[1]))
    assert "attachment" in answer.headers["content-disposition"]
    table = list(csv.reader(io.StringIO(answer.text)))
    assert table[0] == headings(part)
    assert [row[2] for row in table[1:]] == ["order.released", "'=cmd()"]


@pytest.mark.feature("A13")
def test_ticking_works_by_a_plain_form(client: Client, released: dict[str, Record]) -> None:
    event_id = released["event"].id
    html = client.get(f"{HERE}?duration=7d&q=SO-1042&event={event_id}").text
    part = section(html, "Application Events")
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', part))
    assert hidden == {"duration": "7d", "q": "SO-1042", "event": event_id}
    assert f'name="selected" value="{event_id}"' in part
    assert '<button class="button" type="submit">Show summary</button>' in part
    ticked = client.get(HERE, params={**hidden, "selected": event_id}).text
    assert "Summary of 1 selected event" in ticked
    assert re.search(rf'value="{event_id}" [^>]*checked', ticked)


def test_ticks_of_other_pages_and_filters_stay(client: Client, released: dict[str, Record]) -> None:
    event_id = released["event"].id
    html = client.get(f"{HERE}?event=&selected={event_id}&source_product=ship").text
    assert events_of(html) == []
    assert "Summary of 1 selected event" in html
    assert html.count(f'<input type="hidden" name="selected" value="{event_id}">') == 2
