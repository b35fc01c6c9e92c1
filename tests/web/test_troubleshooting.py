"""Monitoring & Troubleshooting: its exact words, the box that finds a run, and the guided check."""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest

from clew.core.clock import HOUR_MS, MINUTE_MS, FakeClock, from_rfc3339, to_rfc3339
from clew.core.record import ErrorInfo, HttpExchange, Record
from clew.registry.registry import Registry
from clew.web.links import why_not_href
from harness.page_text import main_text_of, text_of
from harness.pages import Client, Keep, MakeRecord
from harness.server import eventually
from harness.shop_pages import Shop

PAGE = "/troubleshooting"


def headings_of(html: str, level: int) -> list[str]:
    return [text_of(one) for one in re.findall(rf"<h{level}[^>]*>(.*?)</h{level}>", html, re.DOTALL)]


def steps_of(html: str) -> dict[str, str]:
    """The steps of an answer: heading without its number → verdict."""
    found = re.findall(r'<h4>\d\. (.*?) <span class="tag [\w ]+">(.*?)</span></h4>', html)
    return {unescape(title): verdict for title, verdict in found}


def link_of(html: str, label: str) -> str:
    found = re.findall(rf'href="([^"]+)"[^>]*>{re.escape(label)}<', html[html.index("<main") :])
    assert found, label
    return unescape(found[-1])


def customer_known(shop: Shop) -> None:
    """What the doors do for a customer, and the shop's short way in does not."""
    shop.registry.customers.see("default", ["acme"], 1)


@pytest.mark.feature("E01")
def test_the_page_has_the_exact_headings_each_with_an_anchor(client: Client) -> None:
    html = client.get(PAGE).text
    assert headings_of(html, 1) == ["Monitoring & Troubleshooting"]
    assert headings_of(html, 2)[:3] == ["Logging", "Webhook Notifications", "Troubleshooting"]
    assert headings_of(html, 3) == [
        "Errors",
        "Integrations not doing the right thing",
        "Integration Not Running",
        "Detailed Logs for API requests",
    ]
    for heading in ("Logging", "Webhook Notifications", "Troubleshooting", *headings_of(html, 3)):
        assert f'id="{heading.lower().replace(" ", "-")}"' in html


@pytest.mark.feature("E01")
def test_the_six_logs_are_linked_in_their_order(client: Client) -> None:
    html = client.get(PAGE).text
    logging = html[html.index('id="logging"') : html.index('id="webhook-notifications"')]
    names = ("api-requests", "external-webhooks", "external-event-pulls", "external-events", "internal-events")
    assert re.findall(r'href="([^"]+)"', logging) == [f"/logs/{name}" for name in (*names, "flow-runs")]


@pytest.mark.feature("E02")
def test_the_three_types_of_problems_are_listed_and_lead_to_their_sections(client: Client) -> None:
    html = client.get(PAGE).text
    for href, said in (
        ("#errors", "Integration ran but resulted in an error."),
        ("#integrations-not-doing-the-right-thing", "Integration ran but didn't do what you expected it to do."),
        ("#integration-not-running", "Integration did not run when you expected it to."),
    ):
        assert link_of(html, said) == href


@pytest.mark.feature("E01", "E04")
def test_no_link_of_the_page_is_dead(client: Client) -> None:
    html = client.get(PAGE).text
    main = html[html.index("<main") : html.index("</main>")]
    links = {unescape(href) for href in re.findall(r'href="([^"]+)"', main)}
    anchors = {href for href in links if href.startswith("#")}
    assert anchors
    assert all(f'id="{anchor[1:]}"' in html for anchor in anchors)
    assert {href: client.get(href).status_code for href in links - anchors} == dict.fromkeys(links - anchors, 200)


@pytest.mark.feature("E04")
def test_the_four_labels_are_there_before_a_question_and_after_it(shop: Shop) -> None:
    customer_known(shop)
    for html in (shop.get(PAGE), shop.get(f"{PAGE}?flow=order-to-ship")):
        said = main_text_of(html)
        for label in ("Data Source Events", "App Events", "Customer Data Source", "Customer Subscriptions"):
            assert label in said
    external = link_of(html, "Data Source Events")
    assert external.startswith("/logs/external-events?event=order.released&from=")
    assert link_of(html, "App Events").startswith("/logs/internal-events?event=order.released&from=")
    assert shop.get(external)


@pytest.mark.feature("E01")
def test_the_latest_failures_are_where_the_red_dots_begin(client: Client, refused_order: dict[str, Record]) -> None:
    html = client.get(PAGE).text
    errors = html[html.index('id="errors"') : html.index('id="integrations-not-doing-the-right-thing"')]
    assert 'class="dot failure"' in errors
    assert f'href="/flow-runs/{refused_order["run"].id}"' in errors
    assert "follow the red dots" in errors


@pytest.mark.feature("E01")
def test_a_day_without_failures_says_so(client: Client) -> None:
    assert "Nothing failed in the last 24 hours." in main_text_of(client.get(PAGE).text)


@pytest.mark.feature("E01", "H01")
def test_detailed_logs_show_a_request_to_copy_and_when_it_works(client: Client) -> None:
    html = client.get(PAGE).text
    assert re.search(r'data-copy="curl -H &#34;Authorization: Bearer \$CLEW_KEY&#34; .*?logs=1&#34;"', html, re.DOTALL)
    assert "this only works when the response is a JSON object" in main_text_of(html)


# The box that finds a run


@pytest.mark.parametrize("text", ["SO-1042", "order=SO-1042", "event id", "run id"])
def test_an_order_with_one_run_leads_to_its_page(client: Client, refused_order: dict[str, Record], text: str) -> None:
    run = refused_order["run"]
    wanted = {"event id": refused_order["event"].id, "run id": run.id}.get(text, text)
    answer = client.get(PAGE, params={"find": wanted})
    assert (answer.status_code, answer.headers["location"]) == (303, f"/flow-runs/{run.id}")


def test_an_order_with_several_runs_lists_them_newest_first(
    client: Client, make_record: MakeRecord, keep: Keep
) -> None:
    runs = [
        make_record("flow_run", at, flow=f"flow-{at}", keys={"order": "SO-7"}, state="completed") for at in range(2)
    ]
    keep(*runs)
    html = client.get(f"{PAGE}?find=SO-7").text
    found = html[html.index('id="integrations-not-doing-the-right-thing"') : html.index('id="integration-not-running"')]
    assert re.findall(r'href="(/flow-runs/[^"]+)"', found) == [f"/flow-runs/{run.id}" for run in reversed(runs)]


def test_a_run_that_is_still_open_is_found(shop: Shop) -> None:
    shop.ship.gate.clear()
    shop.order("SO-2001", postal_code="10001")
    eventually(lambda: shop.pages.flows.runner.open_runs("default"), what="an open run")
    answer = shop.pages.client.get(f"{PAGE}?find=SO-2001")
    assert answer.status_code == 303
    assert "running" in shop.get(answer.headers["location"])


@pytest.mark.feature("N08")
def test_an_order_without_a_run_says_what_was_searched_and_where_else_to_look(client: Client) -> None:
    html = client.get(f"{PAGE}?find=SO-404").text
    assert "No flow run was found: the keys order were searched over all time that is kept." in main_text_of(html)
    assert link_of(html, "Search SO-404 in all records") == "/logs?q=SO-404&duration=all"


# The guided check


@pytest.mark.feature("E03", "N01")
def test_a_filter_that_refused_is_read_off_step_three_and_every_link_to_evidence_leads_somewhere(shop: Shop) -> None:
    customer_known(shop)
    event = shop.order("SO-3001", country="CA")
    html = shop.get(f"{PAGE}?customer=acme&flow=order-to-ship&from={to_rfc3339(event.time)}&to={after(event)}")
    assert steps_of(html) == {
        "Did the event happen?": "Yes",
        "Did it launch the integration?": "No",
        "Trigger configuration": "No",
        "Subscription": "Yes",
        "Global webhook test": "Not known",
    }
    said = main_text_of(html)
    assert "Order to ship did not run" in said
    assert "Condition event.payload.country == 'US' Expected 'US' Actual 'CA'" in said
    answer = html[html.index('id="answer"') : html.index("</main>")]
    links = {unescape(href).partition("#")[0] for href in re.findall(r'href="([^"]+)"', answer)}
    assert f"/records/{event.id}" in links
    assert "/flows/order-to-ship" in links
    for href in links:
        assert shop.get(href)


@pytest.mark.feature("E03")
def test_where_only_some_events_launched_a_run_the_step_says_no_and_the_rest_is_told(shop: Shop) -> None:
    customer_known(shop)
    first = shop.order("SO-3004", country="CA")
    shop.run_of(shop.order("SO-3005", postal_code="10001"))
    html = shop.get(f"{PAGE}?customer=acme&flow=order-to-ship&from={to_rfc3339(first.time)}")
    assert steps_of(html)["Did it launch the integration?"] == "No"
    said = main_text_of(html)
    assert "did not run for 1 of 2 events" in said
    assert "Not every event launched a run: step 3 says why." in said


@pytest.mark.feature("E03", "N01")
def test_an_order_that_failed_ran_and_is_shown_in_red_with_the_way_to_the_cause(
    shop: Shop, failed: tuple[Record, str]
) -> None:
    customer_known(shop)
    event, run_id = failed
    html = shop.get(f"{PAGE}?customer=acme&flow=order-to-ship&from={to_rfc3339(event.time)}&to={after(event)}")
    assert steps_of(html)["Did it launch the integration?"] == "Yes"
    answer = html[html.index('id="answer"') :]
    assert '<div class="because" role="status">' in answer
    assert f'href="/flow-runs/{run_id}"' in answer
    assert "ran for acme" in main_text_of(html)


@pytest.mark.feature("E03")
def test_what_only_did_not_run_has_no_red_in_its_answer(shop: Shop) -> None:
    html = shop.get(f"{PAGE}?event_type=order.never")
    answer = html[html.index('id="answer"') :]
    assert '<div class="explained" role="status">' in answer
    assert "dot failure" not in answer


def after(event: Record) -> str:
    """A moment after an event."""
    return to_rfc3339(event.time + 1)


@pytest.mark.feature("E03")
def test_a_whole_integration_is_asked_flow_by_flow(shop: Shop) -> None:
    customer_known(shop)
    shop.order("SO-3002", country="CA")
    html = shop.get(f"{PAGE}?customer=acme&flow=integration:orders")
    said = main_text_of(html)
    assert "order-report did not run" in said
    href = link_of(html, "order-report")
    asked = parse_qs(urlsplit(href).query)
    assert (asked["customer"], asked["flow"]) == (["acme"], ["order-report"])
    assert steps_of(shop.get(href.partition("#")[0]))["Trigger configuration"] == "No"


@pytest.mark.feature("E03")
def test_the_form_offers_the_flows_by_integration_the_customers_and_the_events(shop: Shop) -> None:
    customer_known(shop)
    html = shop.get(f"{PAGE}?customer=acme&flow=order-to-ship")
    groups = re.findall(r'<optgroup label="([^"]+)">(.*?)</optgroup>', html)
    assert [label for label, _ in groups] == ["orders"]
    assert re.findall(r'value="([^"]+)"', groups[0][1]) == ["integration:orders", "order-to-ship", "order-report"]
    assert '<option value="order-to-ship" selected>' in html
    assert '<option value="acme">acme</option>' in html
    assert '<option value="order.released">' in html


@pytest.mark.feature("E03")
def test_a_link_to_the_answer_says_the_same_tomorrow(shop: Shop) -> None:
    html = shop.get(f"{PAGE}?flow=order-to-ship&at=2026-05-28T20:00&within=1h")
    asked = parse_qs(urlsplit(link_of(html, "Link to this answer")).query)
    assert asked == {
        "flow": ["order-to-ship"],
        "from": ["2026-05-28T19:00:00.000Z"],
        "to": ["2026-05-28T21:00:00.000Z"],
    }


@pytest.mark.feature("E03")
def test_a_time_is_read_in_the_zone_of_who_asks(shop: Shop) -> None:
    html = shop.get(f"{PAGE}?flow=order-to-ship&at=2026-05-28T20:00&within=1h&zone=Europe/Berlin")
    assert parse_qs(urlsplit(link_of(html, "Link to this answer")).query)["from"] == ["2026-05-28T17:00:00.000Z"]


@pytest.mark.feature("E03", "N08")
def test_an_answer_says_what_was_searched_and_can_be_copied_for_a_ticket(shop: Shop) -> None:
    html = shop.get(f"{PAGE}?flow=order-to-ship&from=2026-05-28T20:00&to=2026-05-28T21:00")
    assert "Searched 28 May 20:00 to 28 May 21:00 UTC" in main_text_of(html)
    copied = re.search(r'data-copy="([^"]+)" hidden>Copy for a ticket', html)
    assert copied
    lines = unescape(copied[1]).split("\n")
    assert "Order to ship" in lines[0]
    assert [line[:2] for line in lines[1:6]] == ["1.", "2.", "3.", "4.", "5."]
    assert lines[6].startswith("http")


@pytest.mark.feature("E05")
def test_the_checklist_for_webhooks_has_its_seven_steps_and_answers_those_it_can(shop: Shop) -> None:
    customer_known(shop)
    event = shop.order("SO-3003", country="CA")
    html = shop.get(f"{PAGE}?customer=acme&flow=order-to-ship&from={to_rfc3339(event.time)}&to={after(event)}")
    checklist = html[html.index('class="checklist"') :]
    items = re.findall(r"<li><b>(.*?)</b>(?: <span class=\"tag [\w ]+\">(.*?)</span>)?", checklist)
    assert [(unescape(question), verdict) for question, verdict in items] == [
        ("Is the event associated with the correct customer?", "Yes"),
        ("Has it the data that you expect?", ""),
        ("Does the flow wait for the right webhook?", ""),
        ("Does the filter let the event through?", "No"),
        ("Is the subscription subscribed?", "Yes"),
        ("Trigger the webhook by hand: did it succeed?", ""),
        ("What do the latest request and response say?", ""),
    ]
    assert f'href="/records/{event.id}?tab=payload"' in checklist


def test_a_refused_webhook_is_the_latest_request_of_step_five(
    client: Client, make_record: MakeRecord, keep: Keep
) -> None:
    error = ErrorInfo(type="signature", key="wrong_signature", message="The signature does not hold.")
    http = HttpExchange(direction="incoming", method="POST", url="http://c/webhooks/in/orders", status_code=401)
    webhook = make_record("external_webhook", source="orders", status="failure", error=error, http=http)
    keep(webhook)
    html = client.get(f"{PAGE}?event_type=order.released").text
    assert steps_of(html)["Global webhook test"] == "No"
    assert "The latest request to orders was answered with 401." in main_text_of(html)
    assert f'href="/records/{webhook.id}?tab=http"' in html
    assert "signature: The signature does not hold" in main_text_of(html)


def test_a_source_that_is_declared_gets_a_request_to_try_by_hand(shop: Shop) -> None:
    html = shop.get(f"{PAGE}?flow=order-to-ship")
    assert "/webhooks/in/orders" in main_text_of(html)
    assert "Send an event by hand" in main_text_of(html)


@pytest.mark.parametrize(
    ("query", "status", "said"),
    [
        ("customer=nobody-of-that-name&flow=order-to-ship", 422, "There is no customer 'nobody-of-that-name'"),
        ("flow=nonsense", 422, "There is no flow 'nonsense'. Declared now: order-to-ship, order-report."),
        ("flow=integration:nonsense", 400, "There is no flow of an integration 'nonsense'."),
        ("customer=acme", 422, "Neither a flow nor an event type is given."),
        ("flow=order-to-ship&event_type=x", 422, "A flow and an event type are given"),
        ("flow=order-to-ship&from=2026-02-02&to=2026-02-01", 422, "The time ends before it begins"),
        ("flow=order-to-ship&at=yesterday", 400, "'yesterday' is no time."),
        ("flow=order-to-ship&at=2026-01-01&within=3y", 400, "within='3y' does not exist here."),
        ("flow=order-to-ship&zone=Mars", 400, "There is no time zone 'Mars'."),
        ("flow=a&flow=b", 400, "flow is given twice."),
        ("flw=order-to-ship", 400, "There is no 'flw' here."),
        ("find=%00", 400, "find cannot be read."),
        ("find=" + "x" * 201, 400, "find cannot be read."),
    ],
)
def test_a_question_that_makes_no_sense_is_answered_with_what_is_wrong(
    shop: Shop, query: str, status: int, said: str
) -> None:
    customer_known(shop)
    html = shop.get(f"{PAGE}?{query}", status)
    assert said in main_text_of(html)
    assert 'role="alert"' in html
    assert 'id="answer"' not in html


def test_a_flows_page_leads_to_the_check_of_that_flow(shop: Shop) -> None:
    html = shop.get("/flows/order-to-ship")
    assert link_of(html, "Why did it not run?") == why_not_href(flow="order-to-ship")


def test_the_link_to_the_check_says_all_that_is_known(client: Client, registry: Registry, clock: FakeClock) -> None:
    registry.customers.see("default", ["Acme & Co"], 1)
    href = why_not_href(customer="Acme & Co", event="order.released", at_ms=clock.now_ms())
    path, _, anchor = href.partition("#")
    assert anchor == "integration-not-running"
    html = client.get(path).text
    assert 'id="integration-not-running"' in html
    asked = parse_qs(urlsplit(link_of(html, "Link to this answer")).query)
    assert asked["customer"] == ["Acme & Co"]
    assert from_rfc3339(asked["to"][0]) - from_rfc3339(asked["from"][0]) == 30 * MINUTE_MS < HOUR_MS
    assert "flow" not in parse_qs(urlsplit(why_not_href(flow="f")).query).get("event_type", [])
