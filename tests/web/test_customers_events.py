"""A customer's Integration Events: the events, the steps of the one that is open, the summary, payloads."""

from __future__ import annotations

import csv
import io
import json
import re
from html import unescape

import pytest

from clew.core.clock import DAY_MS, HOUR_MS, FakeClock, to_rfc3339
from clew.core.ids import new_id
from clew.core.record import ErrorInfo, Record
from clew.registry.integrations import Integration
from clew.registry.registry import Registry
from harness.pages import Client, Keep, MakeRecord

HERE = "/customers/acme/integration-events"
TRACE = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture(autouse=True)
def acme(registry: Registry) -> None:
    registry.customers.see("default", ["acme", "other"], at_ms=1)
    registry.customers.rename("default", "acme", "Acme Outdoor")
    registry.integrations.save(
        Integration(workspace="default", key="orders", source_product="erp", target_product="ship", direction="two-way")
    )


@pytest.fixture
def released(make_record: MakeRecord, keep: Keep) -> dict[str, Record]:
    """An order that the ERP published, Ship received, and Ship refused for its data; by name."""
    shared = {
        "customer": "acme",
        "source_product": "erp",
        "target_product": "ship",
        "event": "order.released",
        "direction": "two-way",
        "integration": "orders",
        "keys": {"order": "SO-1042", "correlation_id": "C-77"},
    }
    payload = '{"number": "SO-1042", "total": 12345678901234567890.10, "note": "<script>alert(1)</script>"}'
    event = make_record("integration_event", action="Published", type="Order", payload=payload, **shared)
    received = make_record("step", 27, event, action="Received", **shared)
    error = ErrorInfo(type="data", key="postal_code", message="postal_code: must not be blank")
    processed = make_record(
        "step", 598, event, action="Processed", error=error, **{**shared, "status": "failure", "source_product": "ship"}
    )
    records = {"event": event, "received": received, "processed": processed}
    keep(*records.values())
    return records


def text_of(html: str) -> str:
    main = html[html.index("<main") : html.index("</main>")]
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", main))).strip()


def section(html: str, heading: str) -> str:
    start = html.index(f">{heading}")
    return html[html.rindex("<section", 0, start) : html.index("</section>", start)]


def headings(part: str) -> list[str]:
    head = part[part.index("<thead") : part.index("</thead>")]
    return [re.sub(r"<[^>]+>", "", cell).strip() for cell in re.findall(r"<th[^>]*>(.*?)</th>", head, re.DOTALL)]


def rows_of(part: str) -> list[list[str]]:
    body = part[part.index("<tbody") : part.index("</tbody>")] if "<tbody" in part else ""
    rows = re.findall(r"<tr.*?</tr>", body, re.DOTALL)
    cells = [re.findall(r"<t[dh].*?</t[dh]>", row, re.DOTALL) for row in rows]
    return [[re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", one))).strip() for one in row] for row in cells]


def events_of(html: str) -> list[str]:
    return [row[3] for row in rows_of(section(html, "Application Events"))]


def details_of(html: str) -> list[list[str]]:
    return rows_of(section(html, "Event Details"))


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


@pytest.mark.feature("A06", "A07", "A08", "A09", "A10", "A20")
def test_the_open_event_has_a_row_for_each_of_its_steps_in_their_order(
    client: Client, released: dict[str, Record], make_record: MakeRecord, keep: Keep
) -> None:
    keep(make_record("integration_event", 900, customer="acme", event="label.printed", source_product="ship"))
    html = client.get(f"{HERE}?event={released['event'].id}").text
    part = section(html, "Event Details")
    assert headings(part) == ["Source Product", "Event", "Event Fired", "Action", "Status", "Payload"]
    rows = details_of(html)
    assert [(row[0], row[1], row[4], row[5]) for row in rows] == [
        ("ERP", "order.released", "success", "payload"),
        ("ERP", "order.released", "success", "payload"),
        ("Aptean Ship", "order.released", "failure", "payload"),
    ]
    assert [row[3].split()[0] for row in rows] == ["Published", "Received", "Processed"]
    current = re.findall(r'<tr class="here">.*?</tr>', html, re.DOTALL)
    assert len(current) == 1
    assert "order.released" in current[0]


@pytest.mark.feature("A14", "A16", "A22")
def test_the_details_say_the_way_the_times_and_where_the_failure_lies(
    client: Client, released: dict[str, Record], make_record: MakeRecord, keep: Keep
) -> None:
    failed = text_of(client.get(HERE).text)
    assert "Two-way: ERP ↔ Aptean Ship" in failed
    assert "synchronised never" in failed
    assert "Received by Aptean Ship, not processed: the data was refused." in failed
    assert "postal_code: must not be blank" in failed
    keep(make_record("step", 900, released["event"], action="Retried", customer="acme", source_product="ship"))
    mended = text_of(client.get(HERE).text)
    assert re.search(r"fired \d+ \w{3} [\d:.]+ synchronised [\d:.]+ ?, 900 ms later", mended)
    assert "not processed" not in mended


@pytest.mark.feature("A14", "A15")
@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"direction": "one-way", "target_product": "ship"}, "One-way: ERP → Aptean Ship"),
        ({"direction": "two-way", "target_product": "ship"}, "Two-way: ERP ↔ Aptean Ship"),
        ({"direction": "one-way", "target_product": "erp"}, "Within ERP"),
        ({"integration": "orders"}, "Two-way: ERP ↔ Aptean Ship"),
        ({}, "From ERP"),
    ],
)
def test_how_an_event_connects_its_products_is_said(
    client: Client, make_record: MakeRecord, keep: Keep, fields: dict[str, str], expected: str
) -> None:
    keep(make_record("integration_event", customer="acme", event="e", source_product="erp", **fields))
    assert expected in text_of(client.get(HERE).text)


@pytest.mark.feature("A15")
def test_an_event_within_one_product_is_shown_as_such(client: Client, make_record: MakeRecord, keep: Keep) -> None:
    keep(
        make_record("integration_event", customer="acme", event="e", source_product="ship", target_product="ship"),
    )
    html = client.get(HERE).text
    assert "within Aptean Ship" in rows_of(section(html, "Application Events"))[0][4]
    assert "Within Aptean Ship" in text_of(html)


@pytest.mark.feature("A21")
def test_a_missing_second_acknowledgement_is_said_in_words(client: Client, make_record: MakeRecord, keep: Keep) -> None:
    shared = {"customer": "acme", "event": "e", "source_product": "erp", "target_product": "ship"}
    event = make_record("integration_event", action="Published", **shared)
    keep(event, make_record("step", 9, event, action="Received", **shared))
    html = client.get(HERE).text
    assert details_of(html)[-1][4] == "no processing result yet"
    assert details_of(html)[-1][5] == ""
    assert "not synchronised yet" in text_of(html)


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
    assert "Say From or To" in text_of(html)
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
        assert "postal_code: must not be blank" in text_of(html)


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
    assert "Delivery failed: Aptean Ship could not be reached" in text_of(found)


def test_an_event_that_is_picked_by_its_steps_is_found_beyond_the_first_page(
    client: Client, released: dict[str, Record], make_record: MakeRecord, keep: Keep
) -> None:
    keep(*(make_record("integration_event", 1 + n, customer="acme", event=f"e{n}") for n in range(120)))
    assert events_of(client.get(f"{HERE}?status=failure").text) == ["order.released SO-1042"]
    html = client.get(f"{HERE}?status=success").text
    assert len(events_of(html)) == 50
    assert "order.released" not in text_of(html)


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


@pytest.mark.feature("A19")
def test_the_correlation_id_is_a_link_to_all_that_share_it(
    client: Client, released: dict[str, Record], make_record: MakeRecord, keep: Keep
) -> None:
    keep(
        make_record("integration_event", 700, customer="acme", event="shipped", keys={"correlation_id": "C-77"}),
        make_record("integration_event", 900, customer="acme", event="label.printed"),
    )
    html = client.get(f"{HERE}?event={released['event'].id}").text
    link = re.search(r'href="([^"]+)">C-77</a>', html)
    assert link
    found = client.get(unescape(link[1])).text
    assert events_of(found) == ["shipped", "order.released SO-1042"]
    assert len(details_of(found)) == 3
    assert "Correlation id <b>C-77</b>" in found


@pytest.mark.feature("A19")
def test_an_event_without_a_correlation_id_is_correlated_by_its_trace(
    client: Client, make_record: MakeRecord, keep: Keep
) -> None:
    keep(
        make_record("external_event", customer="acme", event="a", trace_id=TRACE),
        make_record("external_event", 5, customer="acme", event="b", trace_id=TRACE),
        make_record("external_event", 6, customer="acme", event="c"),
    )
    link = re.search(rf'href="([^"]+)">{TRACE}</a>', client.get(f"{HERE}?q=&event=").text.replace("\n", ""))
    assert link is None  # the open event is another
    assert events_of(client.get(f"{HERE}?correlation_id={TRACE}").text) == ["b", "a"]


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


@pytest.mark.feature("A11")
def test_a_payload_opens_as_a_tree_and_as_a_file_with_what_is_known_around_it(
    client: Client, released: dict[str, Record]
) -> None:
    html = client.get(HERE).text
    href = re.search(r'href="([^"]+)" aria-label="payload of Published', html)
    assert href
    page = client.get(unescape(href[1])).text
    assert '<ul class="json">' in page
    assert "12345678901234567890.10" in page
    assert "<script>alert" not in page
    answer = client.get(f"{HERE}/{released['event'].id}/payload.json")
    assert answer.headers["content-type"].startswith("application/json")
    assert "attachment" in answer.headers["content-disposition"]
    document = json.loads(answer.content)
    assert {"date", "time", "status", "event", "action", "correlation_id"} <= set(document)
    assert document["payload"]["number"] == "SO-1042"
    assert document["customer"] == "Acme Outdoor"
    assert (document["source_product"], document["target_product"]) == ("ERP", "Aptean Ship")
    assert b"12345678901234567890.10" in answer.content
    failed = json.loads(client.get(f"{HERE}/{released['processed'].id}/payload.json").content)
    assert failed["status"] == "failure"
    assert failed["error"]["message"] == "postal_code: must not be blank"
    assert failed["payload"] is None


@pytest.mark.parametrize("payload", ["no json", "[" * 5_000, '{"a": 1} {"b": 2}', "\ufeff{}", "1e999", '"\\ud800"'])
def test_any_payload_can_be_opened_and_downloaded(
    client: Client, make_record: MakeRecord, keep: Keep, payload: str
) -> None:
    event = make_record("integration_event", customer="acme", event="e", payload=payload)
    keep(event)
    assert client.get(f"{HERE}/{event.id}").status_code == 200
    document = client.get(f"{HERE}/{event.id}/payload.json").content
    json.loads(document)


def test_the_cause_of_a_failure_is_a_click_away(client: Client, refused_order: dict[str, Record]) -> None:
    html = client.get(HERE).text
    href = re.search(r'<a class="button cause" href="([^"]+)">Go to cause</a>', html)
    assert href
    assert refused_order["post"].id in href[1]
    assert "postal_code" in text_of(client.get(unescape(href[1])).text)


def test_an_event_of_a_webhook_says_what_fired_it_and_how_its_flow_took_it(
    client: Client, refused_order: dict[str, Record]
) -> None:
    html = client.get(HERE).text
    assert rows_of(section(html, "Application Events"))[0][4].endswith("event from ERP")
    assert [row[3].split()[0] for row in details_of(html)] == ["Published", "Processed", "Processed", "Processed"]
    assert "create_shipment" in details_of(html)[2][3] or "create_shipment" in details_of(html)[3][3]


def test_an_event_that_it_led_to_is_a_link_to_its_own_details(
    client: Client, make_record: MakeRecord, keep: Keep
) -> None:
    event = make_record("integration_event", customer="acme", event="order.released", source_product="erp")
    created = make_record("integration_event", 9, event, customer="acme", event="shipment.created", action="Published")
    keep(event, created)
    html = client.get(f"{HERE}?event={event.id}").text
    assert "It led to shipment.created ." in text_of(html)
    href = re.search(r'class="dotted" href="([^"]+)"', html)
    assert href
    assert f"event={created.id}" in href[1]


def test_a_record_that_is_no_event_of_this_customer_is_not_found(
    client: Client, released: dict[str, Record], make_record: MakeRecord, keep: Keep
) -> None:
    theirs = make_record("integration_event", customer="other", event="theirs", payload='{"secret": 1}')
    keep(theirs)
    for path in (
        f"{HERE}?event={theirs.id}",
        f"{HERE}?event={released['received'].id}",
        f"{HERE}?event={new_id()}",
        f"{HERE}/{theirs.id}",
        f"{HERE}/{theirs.id}/payload.json",
        f"{HERE}/nonsense",
        f"{HERE}/{released['event'].id}/more",
        "/customers/nobody",
        "/customers/nobody/integration-events",
        "/customers/nobody/aip-events",
        "/customers/acme/nonsense",
    ):
        assert client.get(path).status_code == 404, path
    assert "theirs" not in client.get(f"{HERE}?selected={theirs.id}").text


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
        assert "order.released" not in text_of(answer.text)


def test_an_empty_tab_says_what_was_searched_and_where_to_look_next(
    client: Client, make_record: MakeRecord, keep: Keep
) -> None:
    keep(make_record("integration_event", -2 * DAY_MS, customer="acme", event="yesterdays"))
    html = client.get(f"{HERE}?event=&q=").text
    assert "There is no such event between" in text_of(html)
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
