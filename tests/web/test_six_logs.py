"""The six logs and their detail pages: columns, filters alone and together, and links both ways."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable
from html import unescape
from urllib.parse import urlencode

import msgspec
import pytest
from litestar import Litestar
from litestar.testing import TestClient

from clew.core.clock import DAY_MS, HOUR_MS, FakeClock, to_rfc3339
from clew.core.record import Body, ErrorInfo, HttpExchange, Record
from clew.registry.registry import Registry
from harness.shop_pages import Shop

Client = TestClient[Litestar]
Keep = Callable[..., None]
MakeRecord = Callable[..., Record]

WHOSE = {"customer": "acme", "integration": "orders", "connection": "acme-ship"}


def text_of(html: str) -> str:
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", html))).strip()


def headings_of(html: str) -> list[str]:
    head = html[html.index("<thead>") : html.index("</thead>")]
    return [text_of(cell).rstrip(" ↓↑").removesuffix(" (UTC)") for cell in re.findall(r"<th.*?</th>", head, re.DOTALL)]


def rows_of(html: str) -> list[dict[str, str]]:
    """The rows of the list, each as its cells by their heading."""
    if "<tbody>" not in html:
        return []
    body = html[html.index("<tbody>") : html.index("</tbody>")]
    rows = re.findall(r"<tr.*?</tr>", body, re.DOTALL)
    cells = [[text_of(cell) for cell in re.findall(r"<td.*?</td>", row, re.DOTALL)] for row in rows]
    return [dict(zip(headings_of(html)[1:], row[1:], strict=True)) for row in cells]


def links_of(html: str) -> dict[str, str]:
    """Where the links of the page's content lead, by what they say."""
    main = html[html.index("<main") :]
    return {
        text_of(label): unescape(href) for href, label in re.findall(r'<a [^>]*?href="([^"]+)"[^>]*>(.*?)</a>', main)
    }


def exchange(direction: str, url: str, status: int, **fields: object) -> HttpExchange:
    return HttpExchange(direction=direction, method="POST", url=url, status_code=status, **fields)  # type: ignore[arg-type]


@pytest.fixture
def requests(make_record: MakeRecord, keep: Keep) -> dict[str, Record]:
    """An outgoing request that Ship took, one that it refused, and one that came to our API; by name."""
    taken = make_record(
        "api_request",
        **WHOSE,
        duration_ms=71,
        http=exchange("outgoing", "https://ship.example/shipments?dry=1", 201),
    )
    refused = make_record(
        "api_request",
        1,
        customer="other",
        status="failure",
        duration_ms=212,
        message="POST https://ship.example/shipments answered 422 Unprocessable Entity",
        error=ErrorInfo(type="http", message="answered 422 Unprocessable Entity"),
        http=exchange("outgoing", "https://ship.example/shipments", 422),
    )
    incoming = make_record("api_request", 2, http=exchange("incoming", "https://clew.example/v1/events", 201))
    keep(taken, refused, incoming)
    return {"taken": taken, "refused": refused, "incoming": incoming}


@pytest.fixture
def webhooks(make_record: MakeRecord, keep: Keep) -> dict[str, Record]:
    """A webhook with two events, one with one, and one that was refused; and their events; by name."""
    shared = {**WHOSE, "source": "orders", "source_product": "erp"}
    http = exchange(
        "incoming",
        "https://clew.example/webhooks/in/orders?token=****&page=2",
        200,
        request_headers={"content-type": "application/json"},
        response_headers={"content-type": "application/json"},
        response_body=Body(text='{"id":"1"}', size=10),
    )
    two = make_record(
        "external_webhook",
        event="order.released",
        state="success",
        sender_id="delivery-17",
        payload='[{"a": 1}]',
        content_type="application/json",
        http=http,
        **shared,
    )
    events = [
        make_record("external_event", 1 + n, two, event=f"order.{n}", status="info", state="created", **shared)
        for n in range(2)
    ]
    one = make_record("external_webhook", 10, event="order.held", state="success", http=http, **shared)
    only = make_record("external_event", 11, one, event="order.held", status="info", state="created", **shared)
    refused = make_record(
        "external_webhook",
        20,
        state="error",
        status="failure",
        message="The signature does not match.",
        error=ErrorInfo(type="signature", key="mismatch", message="The signature does not match."),
        source="orders",
        source_product="erp",
        http=msgspec.structs.replace(http, status_code=401),
    )
    keep(two, *events, one, only, refused)
    return {"two": two, "first": events[0], "second": events[1], "one": one, "only": only, "refused": refused}


@pytest.fixture
def pulls(make_record: MakeRecord, keep: Keep) -> dict[str, Record]:
    """A full pull that brought an event, one that brought none, and one that failed; by name."""
    shared = {**WHOSE, "source": "shipments", "source_product": "ship"}
    full = make_record(
        "external_event_pull",
        state="success",
        duration_ms=1_500,
        parameters=json.dumps({"is_full_scan": True, "scanned": 40}),
        **shared,
    )
    event = make_record("external_event", 1, full, event="shipment.updated", state="created", status="info", **shared)
    latest = make_record(
        "external_event_pull",
        10,
        state="success",
        message="Nothing was new.",
        parameters=json.dumps({"is_full_scan": False}),
        **shared,
    )
    failed = make_record(
        "external_event_pull", 20, state="error", status="failure", message="Ship does not answer.", **shared
    )
    keep(full, event, latest, failed)
    return {"full": full, "event": event, "latest": latest, "failed": failed}


# What all of them have


@pytest.mark.feature("C01")
def test_the_menu_has_exactly_the_six_in_their_order(client: Client) -> None:
    html = client.get("/logs").text
    menu = html[html.index('<nav class="menu" aria-label="Logs"') :]
    names = re.findall(r"<a [^>]*>([^<]+)", menu[: menu.index("</nav>")])
    assert [name.strip() for name in names[-6:]] == [
        "API Requests",
        "External Webhooks",
        "External Event Pulls",
        "External Events",
        "Internal Events",
        "Flow Runs",
    ]


SIX = {
    "/logs/api-requests": "api_request",
    "/logs/external-webhooks": "external_webhook",
    "/logs/external-event-pulls": "external_event_pull",
    "/logs/external-events": "external_event",
    "/logs/internal-events": "internal_event",
    "/logs/flow-runs": "flow_run",
}


@pytest.fixture
def spread(make_record: MakeRecord, keep: Keep) -> list[Record]:
    """Of every kind a record for each way of being asked for or not, an hour apart."""
    ways = list(itertools.product(("acme", "b"), ("orders", "c"), ("acme-ship", "d"), ("success", "failure")))
    records = [
        make_record(
            kind,
            -HOUR_MS * n,
            customer=customer,
            integration=integration,
            connection=connection,
            status=status,
            event=f"event-{n % 3}",
            flow=f"flow-{n % 3}",
            source=f"source-{n % 2}",
            state=("completed", "failed", "queued")[n % 3],
            http=exchange(("incoming", "outgoing")[n % 2], f"https://x.example/{n}", 200 + 100 * (n % 4)),
        )
        for kind in SIX.values()
        for n, (customer, integration, connection, status) in enumerate(ways)
    ]
    keep(*records)
    return records


def found_of(html: str) -> set[str]:
    """The ids of the records in the list."""
    return set(re.findall(r'<td class="event[^"]*"[^>]*><a href="/(?:records|flow-runs)/([0-9a-f-]{36})"', html))


def is_asked(record: Record, query: dict[str, str], bounds: tuple[int, int]) -> bool:
    assert record.http
    values = {
        "customer": record.customer,
        "integration": record.integration,
        "connection": record.connection,
        "status": record.status,
        "source": record.source,
        "event": record.event,
        "flow": record.flow,
        "state": record.state,
        "http_direction": record.http.direction,
        "http_status": f"{record.http.status_code // 100}xx",
    }
    after = bounds[0] <= record.time if "from" in query else True
    before = record.time < bounds[1] if "to" in query else True
    return after and before and all(values[name] == value for name, value in query.items() if name in values)


COMMON = {"customer": "acme", "integration": "orders", "connection": "acme-ship", "status": "failure"}
OWN = {
    "/logs/api-requests": {"http_direction": "outgoing", "http_status": "4xx"},
    "/logs/external-webhooks": {"source": "source-1"},
    "/logs/external-event-pulls": {"source": "source-1", "state": "queued"},
    "/logs/external-events": {"source": "source-1", "event": "event-1"},
    "/logs/internal-events": {"source": "source-1", "event": "event-1"},
    "/logs/flow-runs": {"flow": "flow-1", "state": "failed"},
}


@pytest.mark.feature("C02", "C12", "C22", "C32", "C46", "C53", "C63")
@pytest.mark.parametrize("path", SIX)
def test_each_filter_works_alone_and_with_every_other(
    client: Client, clock: FakeClock, spread: list[Record], path: str
) -> None:
    bounds = clock.now_ms() - 13 * HOUR_MS, clock.now_ms() - 3 * HOUR_MS
    moments = {"from": to_rfc3339(bounds[0]), "to": to_rfc3339(bounds[1])}
    asked = {**COMMON, **OWN[path], **moments}
    of_kind = [record for record in spread if record.kind == SIX[path]]
    alone = [{name: asked[name]} for name in asked]
    together = [dict(list(asked.items())[:count]) for count in range(len(asked) + 1)]
    for query in [*alone, *together]:
        html = client.get(f"{path}?{urlencode(query)}").text
        assert found_of(html) == {record.id for record in of_kind if is_asked(record, query, bounds)}, query


@pytest.mark.feature("C02")
@pytest.mark.parametrize("path", SIX)
def test_every_filter_of_a_log_is_a_field_of_its_form(client: Client, spread: list[Record], path: str) -> None:
    html = client.get(path).text
    form = html[html.index('<form class="filters') :]
    fields = set(re.findall(r'<(?:input|select) [^>]*name="(\w+)"', form[: form.index("</form>")]))
    assert fields >= {"customer", "integration", "connection", "from", "to", *OWN[path]}
    assert {"Info", "Success", "Failure"} <= links_of(html).keys()


@pytest.mark.feature("C12")
@pytest.mark.parametrize("path", SIX)
def test_the_newest_are_first_unless_the_oldest_are_asked_for(client: Client, spread: list[Record], path: str) -> None:
    def times_of(query: str) -> list[str]:
        return re.findall(r'<td class="time mono"><time datetime="([^"]+)"', client.get(f"{path}{query}").text)

    newest, oldest = times_of(""), times_of("?sort=asc")
    assert len(newest) == 16
    assert newest == sorted(newest, reverse=True)
    assert oldest == newest[::-1]


@pytest.mark.feature("C03")
@pytest.mark.parametrize("path", SIX)
def test_paging_visits_each_row_once(client: Client, make_record: MakeRecord, keep: Keep, path: str) -> None:
    records = [make_record(SIX[path], n) for n in range(70)]
    keep(*records)
    html, seen = client.get(f"{path}?limit=25").text, []
    seen += re.findall(r'<td class="event[^"]*"[^>]*><a href="/(?:records|flow-runs)/([0-9a-f-]{36})"', html)
    while older := re.search(r'<a href="([^"]+)"[^>]*>Older</a>', html):
        html = client.get(unescape(older.group(1))).text
        seen += re.findall(r'<td class="event[^"]*"[^>]*><a href="/(?:records|flow-runs)/([0-9a-f-]{36})"', html)
    assert seen == [record.id for record in reversed(records)]


@pytest.mark.parametrize("path", SIX)
def test_an_empty_log_says_what_would_be_in_it(client: Client, path: str) -> None:
    html = client.get(path).text
    assert "Nothing has come in yet" in html
    said = text_of(html[html.index('<div class="nothing">') :].split("</div>")[0])
    assert "one row here" in said
    assert text_of(client.get(f"{path}?customer=nobody").text).count("one row here") == 1


@pytest.mark.parametrize("path", [*SIX, "/logs", "/logs/integration-events"])
def test_every_log_counts_its_rows_and_can_be_downloaded(client: Client, spread: list[Record], path: str) -> None:
    html = client.get(f"{path}?customer=acme").text
    counter = re.search(r"</h1>\s*<span[^>]*>([\d,]+) ", html)
    assert counter
    href = links_of(html)["CSV"]
    assert href.startswith(f"{path}/download?customer=acme")
    lines = client.get(href).text.splitlines()
    assert len(lines) - 1 == int(counter.group(1))


# API Requests


@pytest.mark.feature("C10", "C11")
def test_api_requests_have_their_columns_and_both_directions(client: Client, requests: dict[str, Record]) -> None:
    rows = rows_of(client.get("/logs/api-requests").text)
    assert rows[2] == {
        "Time": rows[2]["Time"],
        "Direction": "Outgoing",
        "Request": "POST /shipments ship.example ?dry=1",
        "Customer": "acme",
        "Integration": "orders",
        "Connection": "acme-ship",
        "Response": "201",
        "Took": "71 ms",
    }
    assert rows[1]["Response"] == "422 Unprocessable Entity"
    assert rows[0]["Direction"] == "Incoming"
    for direction, count in (("incoming", 1), ("outgoing", 2)):
        found = rows_of(client.get(f"/logs/api-requests?http_direction={direction}").text)
        assert [row["Direction"] for row in found] == [direction.title()] * count
    assert client.get("/logs/api-requests?http_direction=sideways").status_code == 400


@pytest.mark.feature("C10", "C12")
def test_api_requests_are_found_by_their_http_status(client: Client, requests: dict[str, Record]) -> None:
    for status, count in (("201", 2), ("4xx", 1), ("2xx", 2), ("500", 0)):
        assert len(rows_of(client.get(f"/logs/api-requests?http_status={status}").text)) == count


@pytest.mark.feature("C13", "C90")
def test_a_request_is_shown_with_its_response_and_how_long_it_took(
    client: Client, refused_order: dict[str, Record]
) -> None:
    html = client.get(f"/records/{refused_order['post'].id}?tab=http").text
    said = text_of(html)
    for part in (
        "POST https://ship.example/shipments",
        "422",
        "212 ms",
        "authorization [redacted]",
        '"order"',
        '"field"',
    ):
        assert part in said
    assert "Made by create_shipment" in links_of(html)


def test_the_query_of_a_request_is_shown_by_name(client: Client, webhooks: dict[str, Record]) -> None:
    html = client.get(f"/records/{webhooks['two'].id}?tab=http").text
    table = html[html.index("Query of the request") :].split("</table>")[0]
    assert re.findall(r'<th scope="row" class="mono">(.*?)</th><td class="mono">(.*?)</td>', table) == [
        ("?token", "****"),
        ("?page", "2"),
    ]


# External Webhooks


@pytest.mark.feature("C20", "C21")
def test_external_webhooks_have_their_columns(client: Client, webhooks: dict[str, Record]) -> None:
    rows = rows_of(client.get("/logs/external-webhooks").text)
    assert rows[2] == {
        "Time": rows[2]["Time"],
        "Webhook": "order.released",
        "Status": "success",
        "Subscription": "orders",
        "Customer": "acme",
        "Integration": "orders",
        "Connection": "acme-ship",
        "Collected": "2 events",
        "Error": "",
    }
    assert (rows[0]["Status"], rows[0]["Error"]) == ("error", "The signature does not match.")
    assert "delivery-17" in text_of(client.get(f"/records/{webhooks['two'].id}").text)


@pytest.mark.feature("C21", "C23")
def test_a_webhook_leads_to_the_events_it_brought_and_they_lead_back(
    client: Client, webhooks: dict[str, Record]
) -> None:
    listed = links_of(client.get("/logs/external-webhooks").text)
    assert listed["1 event"] == f"/records/{webhooks['only'].id}"
    both = client.get(listed["2 events"]).text
    assert found_of(both) == {webhooks["first"].id, webhooks["second"].id}
    html = client.get(f"/records/{webhooks['two'].id}").text
    collected = html[html.index('<h2 id="collected">') :].split("</section>")[0]
    assert re.findall(r'href="/records/([^"]+)"', collected) == [webhooks["first"].id, webhooks["second"].id]
    back = client.get(f"/records/{webhooks['first'].id}").text
    assert re.search(
        rf'<dt>Collected by</dt>\s*<dd><a href="/records/{webhooks["two"].id}">order.released</a>\s*'
        r'<span class="quiet">External webhook</span>',
        back,
    )


@pytest.mark.feature("C23")
def test_a_webhook_is_shown_with_what_came_and_what_was_answered(client: Client, webhooks: dict[str, Record]) -> None:
    said = text_of(client.get(f"/records/{webhooks['two'].id}?tab=http").text)
    for part in ("content-type application/json", "?page", "The request's body is the payload", "200", '"id"'):
        assert part in said
    refused = text_of(client.get(f"/records/{webhooks['refused'].id}").text)
    assert "It was refused, so nothing was taken out of it." in refused
    assert "The signature does not match." in refused


def test_on_a_page_of_many_days_an_old_webhook_leads_to_what_it_brought_without_asking_for_it(
    client: Client, webhooks: dict[str, Record], make_record: MakeRecord, keep: Keep
) -> None:
    old = make_record("external_webhook", -9 * DAY_MS, source="orders")
    keep(old)
    rows = rows_of(client.get("/logs/external-webhooks?duration=30d").text)
    assert [row["Collected"] for row in rows].count("open to see") == 1
    assert rows[-1]["Collected"] == "open to see"
    assert "2 events" in [row["Collected"] for row in rows]


# External Event Pulls


@pytest.mark.feature("C30", "C31")
def test_external_event_pulls_have_their_columns(client: Client, pulls: dict[str, Record]) -> None:
    rows = rows_of(client.get("/logs/external-event-pulls").text)
    assert rows[2] == {
        "Started": rows[2]["Started"],
        "Ended": rows[2]["Ended"],
        "Subscription": "shipments",
        "Status": "success",
        "Full scan": "full",
        "Customer": "acme",
        "Integration": "orders",
        "Connection": "acme-ship",
        "Collected": "1 event",
        "Error": "",
    }
    assert rows[2]["Started"] < rows[2]["Ended"]
    assert [row["Full scan"] for row in rows] == ["", "latest", "full"]
    assert (rows[0]["Status"], rows[0]["Error"]) == ("error", "Ship does not answer.")


@pytest.mark.feature("C31", "C33")
def test_a_pull_leads_to_what_it_brought_and_says_why_it_brought_nothing(
    client: Client, pulls: dict[str, Record]
) -> None:
    html = client.get(f"/records/{pulls['full'].id}").text
    assert links_of(html)["shipment.updated"] == f"/records/{pulls['event'].id}"
    assert f'href="/records/{pulls["full"].id}"' in client.get(f"/records/{pulls['event'].id}").text
    nothing = client.get(f"/records/{pulls['latest'].id}").text
    assert "Nothing was new." in text_of(nothing[nothing.index('<h2 id="collected">') :])
    assert "Nothing was logged while it worked." in client.get(f"/records/{pulls['full'].id}?tab=logs").text


# External Events and Internal Events


EVENT_COLUMNS = [
    "Status",
    "Time",
    "Event type",
    "Status",
    "Subscription",
    "Customer",
    "Integration",
    "Connection",
    "Launched",
    "Payload",
]


@pytest.mark.feature("C40", "C42", "C50", "C51")
@pytest.mark.parametrize(
    ("kind", "path", "former"),
    [
        ("external_event", "/logs/external-events", "/activity/data-source-events"),
        ("internal_event", "/logs/internal-events", "/activity/app-events"),
    ],
)
def test_events_have_their_columns_and_are_reached_under_both_names(
    client: Client, make_record: MakeRecord, keep: Keep, kind: str, path: str, former: str
) -> None:
    event = make_record(
        kind, event="order.released", status="info", state="created", source="orders", payload="{}", **WHOSE
    )
    keep(event)
    html = client.get(path).text
    assert headings_of(html) == EVENT_COLUMNS
    (row,) = rows_of(html)
    assert row["Event type"] == "order.released"
    assert (row["Status"], row["Subscription"], row["Customer"]) == ("created", "orders", "acme")
    assert links_of(html)["payload"] == f"/records/{event.id}?tab=payload"
    assert client.get(f"{former}?customer=acme").headers["location"] == f"{path}?customer=acme"


@pytest.mark.feature("C41", "C46")
@pytest.mark.parametrize(
    "type_", ["data-record-created", "data-record-updated", "data-record-deleted", "connector-event"]
)
def test_events_are_found_by_their_type(client: Client, make_record: MakeRecord, keep: Keep, type_: str) -> None:
    wanted = make_record("external_event", type=type_, event="e")
    keep(wanted, make_record("external_event", 1, type="another", event="e"))
    assert found_of(client.get(f"/logs/external-events?type={type_}").text) == {wanted.id}
    assert type_ in text_of(client.get(f"/records/{wanted.id}").text)


@pytest.mark.feature("C42")
def test_an_event_that_could_not_be_read_says_so_where_its_runs_would_be(
    client: Client, make_record: MakeRecord, keep: Keep
) -> None:
    error = ErrorInfo(type="parse", message="The event has no name.")
    keep(make_record("external_event", status="failure", state="error", message=error.message, error=error))
    (row,) = rows_of(client.get("/logs/external-events").text)
    assert (row["Status"], row["Launched"]) == ("error", "The event has no name.")


@pytest.fixture
def launched(make_record: MakeRecord, keep: Keep) -> dict[str, Record]:
    """An internal event that launched two runs, and one that launched none; by name."""
    event = make_record("internal_event", event="order.paid")
    runs = [make_record("flow_run", 1 + n, event, flow=f"flow-{n}", state="completed") for n in range(2)]
    decisions = [
        make_record(
            "decision", 5 + n, event, flow=run.flow, state="launched", parameters=json.dumps({"flow_run_id": run.id})
        )
        for n, run in enumerate(runs)
    ]
    other = make_record("internal_event", 20, event="order.paid")
    refusal = make_record(
        "decision",
        21,
        other,
        status="info",
        state="filter_not_matched",
        flow="flow-0",
        message="flow-0 was not launched.",
    )
    keep(event, *runs, *decisions, other, refusal)
    return {"event": event, "one": runs[0], "two": runs[1], "other": other}


@pytest.mark.feature("C43", "C52")
def test_an_event_that_launched_two_runs_shows_two_links(client: Client, launched: dict[str, Record]) -> None:
    listed = client.get("/logs/internal-events").text
    assert [row["Launched"] for row in rows_of(listed)] == ["filter not matched", "2 runs"]
    assert links_of(listed)["2 runs"] == f"/records/{launched['event'].id}"
    html = client.get(f"/records/{launched['event'].id}").text
    section = html[html.index('<h2 id="launches">Launched</h2>') :].split("</section>")[0]
    assert re.findall(r'href="/flow-runs/([^"]+)"', section) == [launched["one"].id, launched["two"].id]


@pytest.mark.feature("C44", "C52")
def test_an_event_that_launched_none_says_why_and_leads_to_the_guided_check(
    client: Client, launched: dict[str, Record]
) -> None:
    html = client.get(f"/records/{launched['other'].id}").text
    section = html[html.index('<h2 id="launches">Launched nothing</h2>') :].split("</section>")[0]
    assert "filter not matched" in text_of(section)
    assert "flow-0 was not launched." in text_of(section)
    assert re.search(r'href="/troubleshooting\?[^"]+#integration-not-running"', section)


@pytest.mark.feature("C43", "C45", "C62")
def test_an_event_leads_to_its_run_and_back_and_what_did_not_run_to_its_trigger(
    shop: Shop, failed: tuple[Record, str]
) -> None:
    event, run = failed
    listed = shop.get("/logs/external-events")
    row = next(row for row in re.findall(r"<tr.*?</tr>", listed, re.DOTALL) if event.id in row)
    assert f'<a href="/flow-runs/{run}">1 run</a>' in row
    page = shop.get(f"/records/{event.id}")
    assert f'href="/flow-runs/{run}"' in page
    assert re.search(r'href="/flows/[^"]+#trigger">Trigger configuration</a>', page)
    trigger = re.search(r'href="(/flows/[^"]+)#trigger"', page)
    assert trigger
    assert 'id="trigger"' in shop.get(trigger.group(1))
    assert f'href="/records/{event.id}"' in shop.get(f"/flow-runs/{run}")


# Flow Runs


@pytest.mark.feature("C60", "C61", "C62")
def test_flow_runs_have_their_columns_and_lead_to_what_launched_them(shop: Shop, failed: tuple[Record, str]) -> None:
    event, run = failed
    html = shop.get("/logs/flow-runs?status=failure")
    assert headings_of(html) == [
        "Status",
        "Started",
        "Flow",
        "Status",
        "Launched by",
        "Customer",
        "Integration",
        "Connection",
        "Nodes",
        "Error",
        "Took",
    ]
    row = next(row for row in rows_of(html) if "SO-1042" in row["Flow"])
    assert (row["Status"], row["Launched by"]) == ("failed", "external event")
    assert "postal_code" in row["Error"] or "create_shipment" in row["Error"]
    assert f'href="/records/{event.id}">external event</a>' in html
    assert run in found_of(html)


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
