"""The page of a flow run: what each node did and why not, from the event to the node that failed."""

from __future__ import annotations

import re
from html import unescape

import pytest

from clew.core.record import Record
from harness.page_text import graph_of, main_text_of, steps_of, text_of
from harness.shop_pages import Shop

REASON = "postal_code: must not be blank"


def dotted_tabs(html: str) -> list[str]:
    main = html[html.index("<main") :]
    tabs = r'<a href="[^"]+"[^>]*>([A-Z][a-z]+)(?: <span class="count">\d+</span>)? <span class="dot failure"'
    return re.findall(tabs, main)


@pytest.mark.feature("D04", "D08", "D09")
def test_the_page_of_a_failed_run_says_what_each_node_did_and_why_not(shop: Shop, failed: tuple[Record, str]) -> None:
    html = shop.get(f"/flow-runs/{failed[1]}")
    steps = steps_of(html)
    assert list(steps) == ["lookup", "Create the shipment create_shipment", "notify_sales", "loyalty", "confirm_to_erp"]
    assert steps["lookup"].startswith("completed 1 run")
    assert steps["Create the shipment create_shipment"].startswith("failed 3 runs · 3 errors")
    assert steps["notify_sales"] == "skipped because lookup.total is 420"
    assert steps["loyalty"].startswith("completed 1 run · 1 error")
    assert steps["confirm_to_erp"] == "not reached create_shipment failed"
    said = main_text_of(html)
    for part in ("Order to ship", "failed", "launched by order.released", "ERP", "Aptean Ship", REASON):
        assert part in said


@pytest.mark.feature("D05")
def test_the_graph_holds_what_the_table_says(shop: Shop, failed: tuple[Record, str]) -> None:
    event, run_id = failed
    graph = graph_of(shop.get(f"/flow-runs/{run_id}"))
    trigger = graph["·"]
    assert (trigger["label"], trigger["about"]) == ("order.released", "trigger · matched")
    assert trigger["href"] == f"/records/{event.id}"
    create = graph["create_shipment"]
    assert (create["label"], create["dot"], create["is_current"]) == ("Create the shipment", "failure", True)
    assert re.match(r"3 runs · 3 errors · \d+ ms", str(create["about"]))
    assert graph["notify_sales"]["about"] == "skipped because lookup.total is 420"
    assert graph["loyalty"]["dot"] == "success"
    taken = {name: graph[name] for name in graph if "→" in name}
    assert taken == {
        "·→lookup": True,
        "lookup→create_shipment": True,
        "lookup→notify_sales": False,
        "lookup→loyalty": True,
        "create_shipment→confirm_to_erp": False,
        "loyalty→confirm_to_erp": False,
    }


@pytest.mark.feature("D02", "D13")
def test_a_failed_run_opens_with_the_node_that_failed_and_its_error(shop: Shop, failed: tuple[Record, str]) -> None:
    html = shop.get(f"/flow-runs/{failed[1]}")
    assert "answered 409 Conflict" in main_text_of(html)
    assert "File &#34;" in html
    assert dotted_tabs(html) == ["Error", "Error"]
    assert re.findall(r"Attempt \d", html) == ["Attempt 1", "Attempt 2", "Attempt 3"]
    assert "failed after 3 tries" in html


@pytest.mark.feature("D02", "D03", "C61", "C66")
def test_each_tab_of_the_run_has_what_its_nodes_have(shop: Shop, failed: tuple[Record, str]) -> None:
    _, run_id = failed
    error = main_text_of(shop.get(f"/flow-runs/{run_id}?tab=error"))
    assert error.index("create_shipment failed") < error.index("The reason")
    logs = main_text_of(shop.get(f"/flow-runs/{run_id}?tab=logs"))
    assert "country equal expected US actual US" in logs
    assert logs.count("creating a shipment") == 3
    assert '"number" : "SO-1042"' in main_text_of(shop.get(f"/flow-runs/{run_id}?tab=input"))
    requests = shop.get(f"/flow-runs/{run_id}?tab=requests")
    assert requests.count('<span class="mono code">409</span>') == 3
    assert requests.count('<td class="status"><span class="dot failure"') == 1


@pytest.mark.feature("D06")
def test_from_a_node_run_one_goes_step_by_step_up_and_down(shop: Shop, failed: tuple[Record, str]) -> None:
    _, run_id = failed
    html = shop.get(f"/flow-runs/{run_id}?node=create_shipment")
    before = re.search(
        r'<a href="([^"]+)"><span aria-hidden="true">←</span><span class="sr">before:</span> lookup', html
    )
    assert before
    lookup = shop.get(unescape(before.group(1)))
    assert "run 1 of 1 · completed" in lookup
    after = re.findall(r'<a href="([^"]+)"><span class="sr">after:</span>(\w+)', lookup)
    assert [name for _, name in after] == ["create_shipment", "notify_sales", "loyalty"]
    for href, name in after:
        assert re.search(r"run=[0-9a-f-]{36}", href), name
        assert name in shop.get(unescape(href))


@pytest.mark.feature("D08", "D17")
def test_a_node_that_was_skipped_names_its_clause_and_both_values(shop: Shop, failed: tuple[Record, str]) -> None:
    said = main_text_of(shop.get(f"/flow-runs/{failed[1]}?node=notify_sales"))
    assert "Condition lookup.total > 1000 Expected > 1000 Actual 420" in said


def test_a_node_that_was_not_reached_leads_to_the_one_that_failed(shop: Shop, failed: tuple[Record, str]) -> None:
    html = shop.get(f"/flow-runs/{failed[1]}?node=confirm_to_erp")
    panel = html[html.index('id="node"') : html.index('id="steps"')]
    assert "not reached: create_shipment failed" in panel
    assert re.search(r'create_shipment <span class="dot failure"', panel)


@pytest.mark.feature("D03", "D07", "D11")
@pytest.mark.parametrize("view", ["input", "output", "logs", "error", "requests", "nonsense"])
def test_every_tab_of_a_node_run_opens(shop: Shop, failed: tuple[Record, str], view: str) -> None:
    html = shop.get(f"/flow-runs/{failed[1]}?node=create_shipment&view={view}")
    label = "Error" if view == "nonsense" else view.capitalize()
    assert re.search(rf'aria-current="page">{label}', html)


@pytest.mark.feature("D16")
def test_a_node_that_may_fail_has_its_error_and_no_red_dot(shop: Shop, failed: tuple[Record, str]) -> None:
    html = shop.get(f"/flow-runs/{failed[1]}?node=loyalty&view=error")
    assert "no such member" in html
    assert dotted_tabs(html) == ["Error"]  # the run's own


def test_a_retry_that_recovered_gives_no_red_dot(shop: Shop) -> None:
    shop.ship.busy_left = 2
    event = shop.order("SO-1043", postal_code="10001")
    html = shop.get(f"/flow-runs/{shop.run_of(event)}?node=create_shipment")
    main = html[html.index("<main") :]
    assert "3 runs · 2 errors" in main
    assert 'class="dot failure"' not in main
    assert "Go to cause" not in main
    requests = shop.get(f"/flow-runs/{shop.run_of(event)}?tab=requests")
    assert 'class="dot failure"' not in requests[requests.index("<main") :]


@pytest.mark.feature("N02")
def test_go_to_cause_leads_to_the_request_that_was_refused(shop: Shop, failed: tuple[Record, str]) -> None:
    event, run_id = failed
    refused = shop.records("api_request", event)[-1]
    for path in (f"/flow-runs/{run_id}", f"/records/{event.id}"):
        href = re.search(r'<a class="button cause" href="([^"]+)">', shop.get(path))
        assert href
        assert href.group(1) == f"/records/{refused.id}?tab=error"
    html = shop.get(f"/records/{refused.id}")
    made_by = re.search(r'href="(/flow-runs/[^"]+)">Made by create_shipment', html)
    assert made_by
    assert "failed after 3 tries" in shop.get(unescape(made_by.group(1)))


def test_the_record_of_a_run_and_of_a_node_run_lead_to_the_run(shop: Shop, failed: tuple[Record, str]) -> None:
    event, run_id = failed
    assert f'href="/flow-runs/{run_id}">Open the flow run' in shop.get(f"/records/{run_id}")
    node = shop.records("node_run", event)[0]
    href = f"/flow-runs/{run_id}?node=lookup&amp;run={node.id}"
    assert f'href="{href}">Open in its flow run' in shop.get(f"/records/{node.id}")


@pytest.mark.feature("C60", "C61", "C62")
def test_the_list_has_state_flow_launcher_and_nodes(shop: Shop, failed: tuple[Record, str]) -> None:
    html = shop.get("/logs/flow-runs?key=order=SO-1042")
    (row,) = re.findall(r'<tr class="failure"[^>]*>.*?</tr>', html, re.DOTALL)
    said = text_of(row)
    for part in ("failed", "Order to ship SO-1042", "acme", "external event", "2/5"):
        assert part in said
    assert f'href="/flow-runs/{failed[1]}"' in row
    assert f'href="/records/{failed[0].id}"' in row


@pytest.mark.feature("C63")
@pytest.mark.parametrize(
    ("query", "count"),
    [("flow=order-to-ship&state=failed", 1), ("state=completed&key=order=SO-1042", 0), ("flow=order-report", 0)],
)
def test_runs_are_filtered_by_flow_and_state(shop: Shop, failed: tuple[Record, str], query: str, count: int) -> None:
    assert shop.get(f"/logs/flow-runs?{query}").count('<tr class="') == count
