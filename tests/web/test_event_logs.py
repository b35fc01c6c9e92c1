"""The logs of events and of the runs they launched: columns, details, and links both ways."""

from __future__ import annotations

import json
import re

import pytest

from clew.core.record import ErrorInfo, Record
from harness.log_pages import WHOSE, found_of, links_of, rows_of
from harness.page_text import headings_of, text_of
from harness.pages import Client, Keep, MakeRecord
from harness.shop_pages import Shop

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
