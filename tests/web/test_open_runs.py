"""Runs that are open, and the buttons that stop and repeat them."""

from __future__ import annotations

import re
from html import unescape

import pytest

from clew.core.record import Record
from harness.page_text import steps_of
from harness.server import eventually
from harness.shop_pages import Shop

REASON = "postal_code: must not be blank"


@pytest.mark.feature("C60", "D09")
def test_an_open_run_is_above_the_list_and_its_page_shows_what_runs(shop: Shop) -> None:
    shop.ship.gate.clear()
    try:
        event = shop.order("SO-1044", postal_code="10001", customer="acme")
        opened = eventually(lambda: shop.pages.flows.runner.open_runs("default"), what="an open run")
        path = f"/flow-runs/{opened[0].id}"
        eventually(lambda: "running" in steps_of(shop.get(path)).get("Create the shipment create_shipment", ""))
        html = shop.get(path)
        assert steps_of(html)["confirm_to_erp"] == "waiting"
        assert 'hx-trigger="every 2s"' in html
        assert '"SO-1044"' in unescape(shop.get(f"{path}?tab=input"))
        assert ("Stop" in html, "Repeat" in html) == (True, True)
        rows = re.findall(r'<tr class="(\w+)"', shop.get("/logs/flow-runs"))
        assert rows[0] == "running"
        assert rows.count("running") == 1
        assert '<tr class="running"' in shop.get("/logs/flow-runs?flow=order-to-ship&state=running")
        for query in ("flow=order-report", "state=queued", "customer=nobody", "status=failure", "sort=asc", "q=x"):
            assert '<tr class="running"' not in shop.get(f"/logs/flow-runs?{query}"), query
        assert f'<a class="by" href="{path}">Order to ship</a> <span class="quiet">running' in shop.get(
            f"/records/{event.id}"
        )
    finally:
        shop.ship.gate.set()
    shop.run_of(event)
    html = shop.get(path)
    assert "hx-trigger" not in html
    assert ">Stop<" not in html


@pytest.mark.feature("C65")
def test_a_running_run_is_not_repeated_and_the_page_says_so(shop: Shop) -> None:
    shop.ship.gate.clear()
    try:
        event = shop.order("SO-1045", postal_code="10001")
        (opened,) = eventually(lambda: shop.pages.flows.runner.open_runs("default"))
        answer = shop.pages.client.post(f"/flow-runs/{opened.id}/repeat", data=shop.form)
        assert answer.status_code == 409
        assert "Cannot repeat a running flow run." in answer.text
        assert 'id="steps"' in answer.text
    finally:
        shop.ship.gate.set()
    shop.run_of(event)


@pytest.mark.feature("C64")
def test_stop_ends_a_run(shop: Shop) -> None:
    shop.ship.gate.clear()
    try:
        event = shop.order("SO-1046", postal_code="10001")
        (opened,) = eventually(lambda: shop.pages.flows.runner.open_runs("default"))
        assert shop.press(f"/flow-runs/{opened.id}/stop") == f"/flow-runs/{opened.id}"
        run_id = shop.run_of(event)
        html = shop.get(f"/flow-runs/{run_id}")
        assert '<span class="state">stopped</span>' in html
        # A second press, when it has ended: the page says so itself.
        assert shop.press(f"/flow-runs/{run_id}/stop") == f"/flow-runs/{run_id}"
    finally:
        shop.ship.gate.set()


@pytest.mark.feature("C65")
def test_repeat_starts_a_new_run_with_the_same_input(shop: Shop, failed: tuple[Record, str]) -> None:
    location = shop.press(f"/flow-runs/{failed[1]}/repeat")
    assert location != f"/flow-runs/{failed[1]}"
    html = eventually(lambda: (html := shop.get(location)) and "hx-trigger" not in html and html)
    assert f'href="/flow-runs/{failed[1]}">repeats an earlier run' in html
    assert REASON in html


@pytest.mark.feature("I05", "A30", "B27")
def test_a_viewer_looks_and_changes_nothing(shop: Shop, failed: tuple[Record, str]) -> None:
    shop.sign_in("viewer")
    html = shop.get(f"/flow-runs/{failed[1]}")
    assert "/repeat" not in html
    for path in (f"/flow-runs/{failed[1]}/repeat", f"/flow-runs/{failed[1]}/stop", "/flows/order-to-ship/disable"):
        answer = shop.pages.client.post(path, data=shop.form)
        assert answer.status_code == 403
        assert "not run, stop or switch" in answer.text


@pytest.mark.parametrize("path", ["/flow-runs/{}/repeat", "/flow-runs/{}/stop", "/flows/order-to-ship/disable"])
def test_a_button_works_only_from_a_page_of_this_session(shop: Shop, failed: tuple[Record, str], path: str) -> None:
    answer = shop.pages.client.post(path.format(failed[1]), data={"form_token": "x"})
    assert answer.status_code == 403
    assert "did not come from a page" in answer.text


@pytest.mark.parametrize("run_id", ["nonsense", "01990f3e-7c1b-7000-8000-000000000000", "<script>"])
def test_a_run_that_is_not_there_is_a_page_that_says_so(shop: Shop, run_id: str) -> None:
    html = shop.get(f"/flow-runs/{run_id}", 404)
    assert "There is no flow run" in html
    assert "<script>" not in html
