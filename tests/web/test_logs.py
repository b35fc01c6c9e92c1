"""The lists: what the URL asks is what the page shows."""

from __future__ import annotations

import re
from html import unescape

import msgspec
import pytest

from clew.core.clock import DAY_MS, HOUR_MS, FakeClock
from clew.core.record import Record
from clew.registry.registry import Registry
from harness.page_text import events_of, link_of, text_of
from harness.pages import Client, Keep, MakeRecord

SIX = ["API Requests", "External Webhooks", "External Event Pulls", "External Events", "Internal Events", "Flow Runs"]


def dotted_logs(client: Client) -> list[str]:
    """What in the navigation has a red dot."""
    html = client.get("/logs").text
    side = html[html.index('<nav class="side"') : html.index("</nav>")]
    return re.findall(r'<a href="[^"]+"[^>]*>([^<]+?) <span class="dot failure"', side)


def test_the_list_shows_newest_first_with_its_counter(client: Client, refused_order: dict[str, Record]) -> None:
    html = client.get("/logs").text
    expected = ["POST /shipments", "create_shipment", "lookup", "order-to-ship", "order.released", "order.released"]
    assert events_of(html) == expected
    assert "6 records · 3 failures" in text_of(html)
    assert "ERP" in html
    assert "Aptean Ship" in html


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("status=failure", 3),
        ("kind=api_request", 1),
        ("kind=node_run&kind=flow_run", 3),
        ("customer=acme", 6),
        ("product=ship&event=order.released", 2),
        ("key=order=SO-1042", 6),
        ("key=order=*&status=info", 0),
        ("q=script", 1),
        ("http_status=4xx", 1),
        ("customer=", 6),
        ("from=2020-01-01&duration=1h", 6),
        ("duration=all", 6),
    ],
)
def test_each_filter_of_the_url_narrows_the_list(
    client: Client, refused_order: dict[str, Record], query: str, count: int
) -> None:
    answer = client.get(f"/logs?{query}")
    assert answer.status_code == 200
    assert len(events_of(answer.text)) == count


def test_a_filter_that_is_set_can_be_removed_alone(client: Client, refused_order: dict[str, Record]) -> None:
    html = client.get("/logs?customer=acme&flow=order-to-ship&status=failure").text
    removes = [unescape(href) for href in re.findall(r'<a class="remove" href="([^"]+)"', html)]
    assert removes == ["/logs?flow=order-to-ship&status=failure", "/logs?customer=acme&status=failure"]


def test_the_form_carries_on_what_it_has_no_field_for(client: Client, refused_order: dict[str, Record]) -> None:
    html = client.get("/logs?status=failure&flow=order-to-ship&duration=7d&customer=acme&sort=asc").text
    start = html.index('<form class="filters')
    form = html[start : html.index("</form>", start)]
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form))
    assert hidden == {"status": "failure", "flow": "order-to-ship", "duration": "7d", "sort": "asc"}


@pytest.mark.feature("C03")
def test_paging_visits_every_record_once_and_comes_back(client: Client, make_record: MakeRecord, keep: Keep) -> None:
    records = [make_record(after=n, event=f"e{n}") for n in range(120)]
    keep(*records)
    html, seen, pages = client.get("/logs").text, [], 1
    first = events_of(html)
    seen += first
    while "Older</a>" in html:
        html = client.get(link_of(html, "Older")).text
        seen += events_of(html)
        pages += 1
    assert seen == [record.event for record in reversed(records)]
    while pages > 1:
        html = client.get(link_of(html, "Newer")).text
        pages -= 1
    assert events_of(html) == first


def test_oldest_first_turns_the_list_around(client: Client, refused_order: dict[str, Record]) -> None:
    html = client.get("/logs?sort=asc").text
    assert events_of(html)[0] == "order.released"
    assert 'aria-sort="ascending"' in html
    assert 'href="/logs"' in html[html.index("<thead>") : html.index("</thead>")]


def test_htmx_gets_the_rows_alone(client: Client, refused_order: dict[str, Record]) -> None:
    whole = client.get("/logs").text
    part = client.get("/logs", headers={"HX-Request": "true", "HX-Request-Type": "partial"}).text
    assert part.lstrip().startswith('<section id="rows"')
    assert events_of(part) == events_of(whole)
    assert "<html" not in part
    assert part.strip() in whole


@pytest.mark.parametrize("query", ["status=red", "nonsense=1", "duration=3h", "cursor=x", "key=order", "from=soon"])
def test_a_wrong_filter_is_said_on_the_page(client: Client, refused_order: dict[str, Record], query: str) -> None:
    answer = client.get(f"/logs?{query}")
    assert answer.status_code == 400
    assert 'role="alert"' in answer.text
    assert "All records" in answer.text
    assert events_of(answer.text) == []


@pytest.mark.feature("N08")
def test_an_empty_list_says_what_was_searched_and_where_to_look_next(
    client: Client, clock: FakeClock, make_record: MakeRecord, keep: Keep
) -> None:
    keep(make_record(after=-2 * DAY_MS, event="yesterdays"))
    html = client.get("/logs?event=yesterdays").text
    assert "There is nothing like this between" in html
    assert "indexed 0.4 s ago" in html
    assert events_of(client.get(link_of(html, "Search the last 7 days")).text) == ["yesterdays"]
    assert events_of(client.get(link_of(html, "Search all time")).text) == ["yesterdays"]
    assert link_of(html, "Clear the filters") == "/logs"


def test_a_key_that_nothing_has_may_have_been_meant_as_words(client: Client, refused_order: dict[str, Record]) -> None:
    html = client.get("/logs?key=number=SO-1042").text
    assert link_of(html, "Search for it as words") == "/logs?q=number+SO-1042"
    assert events_of(client.get("/logs?q=number+SO-1042").text) == ["order.released"]


def test_a_log_without_any_record_says_how_the_first_one_comes(client: Client) -> None:
    assert "Nothing has come in yet" in client.get("/logs").text


@pytest.mark.feature("B01", "B02", "C01")
def test_the_logs_menu_has_integration_events_and_the_six_in_their_order(client: Client) -> None:
    html = client.get("/logs").text
    menu = html[html.index('aria-label="Logs"') :]
    labels = re.findall(r"<a [^>]*>([^<]+)", menu[: menu.index("</nav>")])
    assert [label.strip() for label in labels] == ["Integration Events", *SIX]


@pytest.mark.parametrize("label", ["All records", "Integration Events", *SIX])
def test_every_log_of_the_navigation_opens_and_is_current_there(client: Client, label: str) -> None:
    href = link_of(client.get("/logs").text, label)
    html = client.get(href).text
    assert re.search(rf'<a href="{href}" aria-current="page">{label}', html)
    assert re.search(rf"<h1>{label}( Log)?</h1>", html)


def test_a_log_of_one_kind_has_no_other(client: Client, refused_order: dict[str, Record]) -> None:
    assert events_of(client.get("/logs/flow-runs").text) == ["order-to-ship"]
    assert client.get("/logs/flow-runs?kind=api_request").status_code == 400
    assert client.get("/logs/nonsense").status_code == 404


@pytest.mark.feature("C40", "C50")
@pytest.mark.parametrize(
    ("before", "now"),
    [
        ("/activity/data-source-events?customer=acme", "/logs/external-events?customer=acme"),
        ("/activity/app-events", "/logs/internal-events"),
    ],
)
def test_the_paths_of_other_names_lead_to_the_logs(client: Client, before: str, now: str) -> None:
    assert client.get(before).headers["location"] == now


def test_the_search_box_knows_a_key_an_id_and_a_trace(client: Client, refused_order: dict[str, Record]) -> None:
    post = refused_order["post"]
    key = client.get("/logs", params={"q": "order=SO-1042", "duration": "all"})
    assert key.headers["location"] == "/logs?duration=all&key=order=SO-1042"
    by_id = client.get("/logs", params={"q": post.id.upper()})
    assert by_id.headers["location"] == f"/records/{post.id}"
    by_trace = client.get("/logs", params={"q": post.trace_id})
    assert by_trace.headers["location"] == f"/logs?trace_id={post.trace_id}"
    unknown = client.get("/logs", params={"q": "0190" + post.id[4:]})
    assert unknown.status_code == 200


@pytest.mark.feature("D01")
def test_a_red_dot_is_on_the_logs_in_which_something_failed_lately(
    client: Client, clock: FakeClock, refused_order: dict[str, Record]
) -> None:
    assert dotted_logs(client) == ["Overview", "All records", "API Requests", "Flow Runs"]
    clock.advance(25 * HOUR_MS)
    assert dotted_logs(client) == []


@pytest.mark.feature("D01")
def test_a_request_that_its_node_made_good_gives_no_dot(
    client: Client, clock: FakeClock, make_record: MakeRecord, keep: Keep
) -> None:
    node = make_record("node_run", node="create", flow="f")
    keep(node, make_record("api_request", 1, node, node="create", flow="f", status="failure"))
    assert dotted_logs(client) == []
    keep(make_record("api_request", 2, status="failure"))  # nobody's: nothing can have made it good
    clock.advance(6_000)
    assert dotted_logs(client) == ["Overview", "All records", "API Requests"]


@pytest.mark.feature("D01")
def test_a_request_that_broke_its_node_gives_a_dot_behind_hundreds_that_were_made_good(
    client: Client, make_record: MakeRecord, keep: Keep
) -> None:
    broken = make_record("node_run", node="create", flow="f", status="failure")
    keep(broken, make_record("api_request", 1, broken, node="create", flow="f", status="failure"))
    for n in range(450):
        node = make_record("node_run", 10 + n, node="create", flow="f")
        keep(node, make_record("api_request", 11 + n, node, node="create", flow="f", status="failure"))
    assert dotted_logs(client) == ["Overview", "All records", "API Requests"]


def test_dots_are_found_however_many_failures_of_one_kind_came_last(
    client: Client, make_record: MakeRecord, keep: Keep
) -> None:
    keep(make_record("flow_run", status="failure"))
    keep(*(make_record("api_request", 1 + n, status="failure") for n in range(300)))
    html = client.get("/logs/flow-runs").text
    assert re.search(r'aria-current="page">Flow Runs <span class="dot failure"', html)


def test_markup_in_a_record_is_text_in_the_list(client: Client, make_record: MakeRecord, keep: Keep) -> None:
    evil = "<img src onerror>"
    keep(make_record(event=evil, message=evil, customer=evil, source_product=evil, keys={evil: evil}, state=f'"{evil}'))
    html = client.get("/logs", params={"customer": evil, "key": f"{evil}={evil}"}).text
    assert events_of(html) == [evil]
    assert "<img" not in html


def test_customers_are_called_by_their_names(
    client: Client, registry: Registry, refused_order: dict[str, Record]
) -> None:
    registry.customers.see("default", ["acme"], at_ms=1)
    registry.customers.rename("default", "acme", "Acme Outdoor")
    html = client.get("/logs?customer=acme").text
    assert html.count("Acme Outdoor") >= 7


def test_records_of_another_workspace_are_not_shown(client: Client, make_record: MakeRecord, keep: Keep) -> None:
    theirs = msgspec.structs.replace(make_record(event="theirs"), workspace="other")
    keep(theirs)
    assert events_of(client.get("/logs").text) == []
    assert client.get(f"/records/{theirs.id}").status_code == 404
    assert client.get(f"/records/{theirs.id}/payload").status_code == 404
