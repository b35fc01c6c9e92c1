"""A customer's Integration Events and AIP Events: what is listed, filters, pages."""

from __future__ import annotations

import json
import re
from html import unescape

import pytest

from clew.core.clock import DAY_MS, HOUR_MS, FakeClock, to_rfc3339
from clew.core.ids import new_id
from clew.core.record import ErrorInfo, Record
from clew.registry.registry import Registry
from harness.customer_pages import HERE, details_of, events_of, headings, rows_of, section
from harness.page_text import main_text_of
from harness.pages import Client, Keep, MakeRecord

pytestmark = pytest.mark.usefixtures("acme")


@pytest.mark.feature("A01", "A02", "A03", "A04", "A05")
def test_the_tab_lists_the_events_of_its_customer_newest_first(
    client: Client, released: dict[str, Record], make_record: MakeRecord, keep: Keep
) -> None:
    keep(
        make_record("integration_event", 900, customer="acme", event="label.printed", source_product="ship"),
        make_record("integration_event", 950, customer="other", event="theirs", source_product="ship"),
    )
    html = client.get(HERE).text
    assert '<a href="/customers/acme/integration-events" aria-current="page">Integration Events' in html
    assert "<h1>Acme Outdoor</h1>" in html
    part = section(html, "Application Events")
    assert headings(part)[2:] == ["Source Product", "Event", "Event Fired"]
    assert events_of(html) == ["label.printed", "order.released SO-1042"]
    assert rows_of(part)[1][2] == "ERP"
    assert re.fullmatch(r"\d+ \w{3} \d\d:\d\d:\d\d reported by ERP", rows_of(part)[1][4])
    assert "theirs" not in html


@pytest.mark.feature("A12")
def test_the_durations_are_these_and_the_last_24_hours_unless_said_otherwise(client: Client) -> None:
    html = client.get(HERE).text
    select = html[html.index('<select name="duration"') : html.index("</select>")]
    assert re.findall(r">([^<]+)</option>", select) == [
        "Last 1 hour",
        "Last 24 hours",
        "Last 7 days",
        "Last 14 days",
        "Last 30 days",
        "Custom",
    ]
    assert 'value="24h" selected' in select
    assert re.search(r'<label class="duration"><span class="quiet">Duration</span>', html)


@pytest.mark.feature("A12")
def test_a_duration_filters_both_sections(
    client: Client, clock: FakeClock, make_record: MakeRecord, keep: Keep
) -> None:
    for hours in (0, 2, 30, 24 * 8, 24 * 20):
        keep(make_record("integration_event", -hours * HOUR_MS, customer="acme", event=f"e{hours}"))
    found = {
        duration: events_of(client.get(f"{HERE}?duration={duration}&from=&to=").text)
        for duration in ("1h", "24h", "7d", "14d", "30d")
    }
    assert found == {
        "1h": ["e0"],
        "24h": ["e0", "e2"],
        "7d": ["e0", "e2", "e30"],
        "14d": ["e0", "e2", "e30", "e192"],
        "30d": ["e0", "e2", "e30", "e192", "e480"],
    }
    from_ms, to_ms = clock.now_ms() - 40 * HOUR_MS, clock.now_ms() - HOUR_MS
    bounds = {"duration": "custom", "from": to_rfc3339(from_ms), "to": to_rfc3339(to_ms)}
    html = client.get(HERE, params=bounds).text
    assert events_of(html) == ["e2", "e30"]
    assert 'value="custom" selected' in html
    assert "e2" in details_of(html)[0][1]


def test_a_duration_wins_over_bounds_that_stand_there_unseen(
    client: Client, make_record: MakeRecord, keep: Keep
) -> None:
    keep(make_record("integration_event", customer="acme", event="now"))
    query = "duration=7d&from=2001-01-01T00:00&to=2001-01-02T00:00"
    assert events_of(client.get(f"{HERE}?{query}").text) == ["now"]
    assert events_of(client.get(f"{HERE}?{query.replace('7d', 'custom')}").text) == []


def test_custom_without_a_bound_asks_for_one(client: Client, make_record: MakeRecord, keep: Keep) -> None:
    keep(make_record("integration_event", customer="acme", event="now"))
    html = client.get(f"{HERE}?duration=custom&from=&to=").text
    assert "Say From or To" in main_text_of(html)
    assert 'value="custom" selected' in html
    assert events_of(html) == ["now"]


@pytest.mark.feature("A17")
def test_the_order_in_a_payload_finds_the_event_and_its_failed_step(
    client: Client, released: dict[str, Record], make_record: MakeRecord, keep: Keep
) -> None:
    keep(make_record("integration_event", 900, customer="acme", event="e", payload='{"number": "SO-2"}'))
    for text in ("SO-1042", "so-1042", "order=SO-1042"):
        html = client.get(HERE, params={"q": text}).text
        assert events_of(html) == ["order.released SO-1042"]
        assert details_of(html)[-1][4] == "failure"
        assert "postal_code: must not be blank" in main_text_of(html)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("source_product=erp", ["order.released SO-1042"]),
        ("source_product=ship", ["label.printed"]),
        ("event=label.printed", ["label.printed"]),
        ("status=failure", ["order.released SO-1042"]),
        ("status=success", ["label.printed"]),
        ("failure_class=data", ["order.released SO-1042"]),
        ("failure_class=delivery", []),
        ("status=success&failure_class=data", []),
        ("status=failure&source_product=erp&q=SO-1042&duration=7d", ["order.released SO-1042"]),
        ("integration=orders", ["order.released SO-1042"]),
    ],
)
def test_filters_work_alone_and_together(
    client: Client, released: dict[str, Record], make_record: MakeRecord, keep: Keep, query: str, expected: list[str]
) -> None:
    keep(make_record("integration_event", 900, customer="acme", event="label.printed", source_product="ship"))
    assert events_of(client.get(f"{HERE}?{query}").text) == expected


@pytest.mark.feature("A22")
def test_an_event_whose_delivery_failed_is_found_by_that(
    client: Client, released: dict[str, Record], make_record: MakeRecord, keep: Keep
) -> None:
    shared = {"customer": "acme", "event": "e", "source_product": "erp", "target_product": "ship"}
    event = make_record("integration_event", 900, action="Published", **shared)
    error = ErrorInfo(type="delivery", message="connection refused")
    keep(event, make_record("step", 950, event, action="Delivered", error=error, **{**shared, "status": "failure"}))
    html = client.get(HERE).text
    field = html[html.index('<select id="filter-failure_class"') :]
    assert re.findall(r">([^<]+)</option>", field[: field.index("</select>")]) == [
        "any",
        "Delivery failed",
        "Configuration",
        "Data",
    ]
    found = client.get(f"{HERE}?failure_class=delivery").text
    assert events_of(found) == ["e"]
    assert "Delivery failed: Aptean Ship could not be reached" in main_text_of(found)


def test_an_event_that_is_picked_by_its_steps_is_found_beyond_the_first_page(
    client: Client, released: dict[str, Record], make_record: MakeRecord, keep: Keep
) -> None:
    keep(*(make_record("integration_event", 1 + n, customer="acme", event=f"e{n}") for n in range(120)))
    assert events_of(client.get(f"{HERE}?status=failure").text) == ["order.released SO-1042"]
    html = client.get(f"{HERE}?status=success").text
    assert len(events_of(html)) == 50
    assert "order.released" not in main_text_of(html)


@pytest.mark.parametrize("query", ["", "status=success"])
def test_paging_visits_each_event_once_and_comes_back(
    client: Client, make_record: MakeRecord, keep: Keep, query: str
) -> None:
    for n in range(120):
        status = "failure" if n % 3 == 0 else "success"
        keep(make_record("integration_event", n, customer="acme", event=f"e{n}", status=status))
    first = html = client.get(f"{HERE}?{query}").text
    seen = events_of(html)
    while found := re.search(r'href="([^"]+)">Older</a>', html):
        html = client.get(unescape(found[1])).text
        seen += events_of(html)
    wanted = [n for n in reversed(range(120)) if not query or n % 3]
    assert seen == [f"e{n}" for n in wanted]
    while found := re.search(r'href="([^"]+)">Newer</a>', html):
        html = client.get(unescape(found[1])).text
    assert events_of(html)[0] == events_of(first)[0]


@pytest.mark.parametrize(
    "query",
    [
        "status=info",
        "status=success&status=failure",
        "failure_class=meh",
        "duration=3h",
        "nonsense=1",
        "customer=other",
        "cursor=x",
        "from=soon",
        "&".join(f"selected={new_id()}" for _ in range(51)),
    ],
)
def test_a_wrong_filter_is_said_on_the_page(client: Client, released: dict[str, Record], query: str) -> None:
    for path in (HERE, HERE.replace("integration", "aip")):
        answer = client.get(f"{path}?{query}")
        assert answer.status_code == 400
        assert 'role="alert"' in answer.text
        assert "order.released" not in main_text_of(answer.text)


def test_an_empty_tab_says_what_was_searched_and_where_to_look_next(
    client: Client, make_record: MakeRecord, keep: Keep
) -> None:
    keep(make_record("integration_event", -2 * DAY_MS, customer="acme", event="yesterdays"))
    html = client.get(f"{HERE}?event=&q=").text
    assert "There is no such event between" in main_text_of(html)
    href = re.search(r'href="([^"]+)">Search the last 7 days', html)
    assert href
    assert events_of(client.get(unescape(href[1])).text) == ["yesterdays"]


def test_markup_in_a_record_is_text_on_every_page(client: Client, make_record: MakeRecord, keep: Keep) -> None:
    evil = "<img src=x onerror=alert(1)>"
    shared = {"customer": "acme", "event": evil, "action": evil, "message": evil, "source_product": evil, "type": evil}
    event = make_record("integration_event", payload=json.dumps({evil: evil}), keys={evil: evil}, **shared)
    error = ErrorInfo(type=evil, message=evil)
    step = make_record("step", 5, event, keys={evil: evil}, error=error, **{**shared, "status": "failure"})
    keep(event, step)
    for path in (f"{HERE}?selected={event.id}", f"{HERE}/{step.id}", "/customers/acme/aip-events"):
        assert "<img" not in client.get(path).text, path


@pytest.mark.feature("A25", "A26")
def test_aip_events_are_listed_with_their_number_and_their_richer_status(
    client: Client, released: dict[str, Record], make_record: MakeRecord, keep: Keep
) -> None:
    keep(
        make_record(
            "integration_event",
            900,
            customer="acme",
            event="label.printed",
            state="Review",
            sender_id="SYS-9",
            type="Label",
        )
    )
    html = client.get("/customers/acme/aip-events").text
    part = section(html, "AIP Events</h2>")
    assert headings(part) == [
        "Entry No.",
        "Source System Id",
        "Source Type",
        "Source Product",
        "Event Type",
        "Status",
        "Error",
    ]
    first, second = rows_of(part)
    assert first[1:] == ["SYS-9", "Label", "", "label.printed", "Review", ""]
    event = released["event"]
    assert second == [
        event.id[:13],
        "SO-1042",
        "Order",
        "ERP",
        "order.released",
        "Failed",
        "order.released failed: postal_code: must not be blank.",
    ]
    href = re.search(rf'href="([^"]+)">{event.id[:13]}<', html)
    assert href
    assert "Event Details" in client.get(unescape(href[1])).text


@pytest.mark.parametrize(
    "key", ["a/b", "100% Cotton", "..", "~1", "~/%", "Harbor & Pine #1?", "Nový zákazník", "a%2Fb"]
)
def test_a_customer_of_any_key_has_a_page(
    client: Client, registry: Registry, make_record: MakeRecord, keep: Keep, key: str
) -> None:
    registry.customers.see("default", [key], at_ms=1)
    keep(make_record("integration_event", customer=key, event="theirs"))
    listed = client.get("/customers", params={"q": key}).text
    href = re.search(r'<th scope="row"[^>]*><a href="([^"]+)"', listed)
    assert href
    html = client.get(unescape(href[1])).text
    assert events_of(html) == ["theirs"]
    assert details_of(client.get(unescape(re.search(r'href="([^"]+)" hx-get', html)[1])).text)
