"""What all of the six logs have: their place in the menu, filters alone and together, order, paging, downloads."""

from __future__ import annotations

import itertools
import re
from html import unescape
from urllib.parse import urlencode

import pytest

from clew.core.clock import HOUR_MS, FakeClock, to_rfc3339
from clew.core.record import Record
from harness.log_pages import exchange, found_of, links_of
from harness.page_text import text_of
from harness.pages import Client, Keep, MakeRecord


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
