"""Republishing an event to a flow that consumed it, over flows that really run."""

from __future__ import annotations

import re

import pytest

from clew.core.ids import new_id
from clew.core.record import Record
from harness.page_text import text_of
from harness.server import eventually
from harness.shop_pages import Shop

HERE = "/customers/acme/integration-events"


@pytest.fixture(autouse=True)
def acme(shop: Shop) -> None:
    shop.registry.customers.see("default", ["acme", "other"], at_ms=1)


def steps_of(html: str) -> list[tuple[str, str]]:
    part = html[html.index('id="event-details"') :]
    rows = re.findall(r"<tr.*?</tr>", part[part.index("<tbody") : part.index("</tbody>")], re.DOTALL)
    cells = [re.findall(r"<td.*?</td>", row, re.DOTALL) for row in rows]
    words = [[text_of(one) for one in row] for row in cells]
    return [(row[3], row[4]) for row in words]


def republish(shop: Shop, event: Record, status: int = 303, flow: str = "order-to-ship") -> str:
    answer = shop.pages.client.post(f"{HERE}/{event.id}/republish", data={**shop.form, "flow": flow})
    assert answer.status_code == status, answer.text
    return answer.headers.get("location", "") or answer.text


@pytest.mark.feature("A23")
def test_an_event_that_failed_is_republished_and_its_new_run_is_under_it(
    shop: Shop, failed: tuple[Record, str]
) -> None:
    event, first_run = failed
    html = shop.get(f"{HERE}?event={event.id}")
    assert f'action="{HERE}/{event.id}/republish"' in html
    assert '<button name="flow" value="order-to-ship">Order to ship</button>' in html
    location = republish(shop, event)
    assert location == f"{HERE}?event={event.id}"
    assert "Republished Order to ship" in [action for action, _ in steps_of(shop.get(location))]
    runs = eventually(lambda: len(found := shop.records("flow_run", event)) == 2 and found, what="the second run")
    assert {run.parent_id for run in runs} == {event.id}
    (step,) = shop.records("step", event)
    again = next(run for run in runs if run.id != first_run)
    assert again.id in step.parameters
    assert step.message == "Republished to Order to ship by admin@acme.example."
    assert (step.parent_id, step.customer, step.keys) == (event.id, "acme", event.keys)
    done = steps_of(shop.get(location))
    place = [action for action, _ in done].index("Republished Order to ship")
    assert any(status == "failure" for _, status in done[place:])


@pytest.mark.feature("A21", "A23")
def test_what_was_republished_and_still_runs_has_no_result_yet(shop: Shop, failed: tuple[Record, str]) -> None:
    event, _ = failed
    ended = len(shop.records("flow_run", event))
    shop.ship.gate.clear()
    location = republish(shop, event)
    html = shop.get(location)
    assert steps_of(html)[-1][1] == "no processing result yet"
    shop.ship.gate.set()
    eventually(lambda: len(shop.records("flow_run", event)) == ended + 1, what="its end")
    assert "no processing result yet" not in shop.get(location)


def test_a_run_that_is_open_cannot_be_republished_and_the_page_says_so(shop: Shop) -> None:
    shop.ship.gate.clear()
    event = shop.order("SO-4711", postal_code="1234")
    assert "republish" not in shop.get(f"{HERE}?event={event.id}")
    text = republish(shop, event, status=422)
    assert "No flow &#39;order-to-ship&#39; has consumed this event." in text
    shop.ship.gate.set()
    shop.run_of(event)
    assert "Republished" not in [action for action, _ in steps_of(shop.get(f"{HERE}?event={event.id}"))]


@pytest.mark.feature("A23")
def test_who_may_only_look_is_not_offered_it_and_may_not(shop: Shop, failed: tuple[Record, str]) -> None:
    event, _ = failed
    shop.sign_in("viewer")
    assert "republish" not in shop.get(f"{HERE}?event={event.id}").lower().replace("republished", "")
    republish(shop, event, status=403)
    shop.sign_in("support")
    assert "/republish" in shop.get(f"{HERE}?event={event.id}")


@pytest.mark.feature("A23")
def test_an_event_without_a_flow_that_consumed_it_is_not_offered_it(shop: Shop) -> None:
    event = shop.pages.report(event="nothing.waits", source="orders")
    assert "/republish" not in shop.get(f"{HERE}?event={event.id}")


def test_only_a_form_of_ours_and_an_event_of_the_customer_is_republished(
    shop: Shop, failed: tuple[Record, str]
) -> None:
    event, _ = failed
    before = len(shop.records("step", event))
    path = f"{HERE}/{event.id}/republish"
    assert shop.pages.client.post(path, data={"flow": "order-to-ship"}).status_code == 403
    republish(shop, event, status=422, flow="nonsense")
    for wrong in (path.replace("acme", "other"), f"{HERE}/{new_id()}/republish"):
        answer = shop.pages.client.post(wrong, data={**shop.form, "flow": "order-to-ship"})
        assert answer.status_code == 404
    assert len(shop.records("step", event)) == before
