import asyncio
import contextlib
import hashlib
import hmac
import logging
import time

import httpx
import msgspec
import pytest
from standardwebhooks import Webhook

from clew.demo.clew_client import ClewRefused
from clew.demo.companies import COMPANIES
from clew.demo.orders import Order, Shipment, confirm_shipment, request_shipment
from clew.demo.places import take_places
from clew.demo.world import run_world

EVERY_OUTCOME = [
    "refused",
    "abroad",
    "shipped",
    "unlocated",
    "overloaded",
    "expired",
    "crashed",
    "given_up",
    "held",
    "empty",
    "cut_off",
]


@pytest.fixture
def places():
    environ: dict[str, str] = {}
    places = take_places(environ)
    yield places
    places.close()


@pytest.fixture
async def start_world(clew, api_key, secrets_set, eventually):
    """Starts a world and gives its first orders, one of each outcome; it is stopped and awaited when the block ends."""

    @contextlib.asynccontextmanager
    async def start(**options):
        stop = asyncio.Event()
        released = []
        places = take_places({})
        world = asyncio.create_task(
            run_world(
                clew.url, api_key, places, stop=stop, on_released=released.append, work_s=(0, 0), seed=7, **options
            )
        )
        try:
            await eventually(lambda: world.done() or len(released) >= len(EVERY_OUTCOME))
            if world.done():
                await world
            yield World(released, places, secrets_set)
        finally:
            stop.set()
            await world

    return start


class World:
    """A running world: its orders, and its products as a flow reaches them."""

    def __init__(self, released, places, secrets):
        self.released = released
        self.erp_url, self.ship_url = (f"http://127.0.0.1:{s.getsockname()[1]}" for s in (places.erp, places.ship))
        self._secrets = secrets

    def of(self, outcome):
        return next(order for order in self.released if order.outcome == outcome)

    async def carry(self, order):
        """What `order-to-ship` does: look up, create, confirm. Gives Ship's answer."""
        connection = next(company.connection for company in COMPANIES if company.name == order.customer)
        trace = {"traceparent": f"00-{order.trace_id}-00f067aa0ba902b7-01"}
        erp = {**trace, "authorization": f"Bearer {self._secrets['ERP_TOKEN']}"}
        ship = {
            **trace,
            "authorization": f"Bearer {self._secrets['SHIP_TOKEN']}",
            "x-ship-connection": connection,
        }
        async with httpx.AsyncClient() as http:
            found = await http.get(f"{self.erp_url}/orders/{order.number}", headers=erp)
            wanted = request_shipment(msgspec.convert(found.json(), Order))
            answer = await http.post(f"{self.ship_url}/shipments", json=msgspec.to_builtins(wanted), headers=ship)
            if answer.is_success:
                confirmation = msgspec.to_builtins(confirm_shipment(msgspec.convert(answer.json(), Shipment)))
                done = await http.post(f"{self.erp_url}/shipment-confirmations", json=confirmation, headers=erp)
                assert done.status_code == 200
        return answer


async def test_it_begins_with_an_order_of_each_outcome_the_refused_one_first(start_world, clew):
    async with start_world(orders_per_minute=1) as world:
        assert [order.outcome for order in world.released] == EVERY_OUTCOME
        refused = world.of("refused")
        assert refused.customer == "Blackwater Marine"
        assert clew.records[refused.webhook_id]["kind"] == "external_webhook"
        assert clew.records[refused.event_id]["parent_id"] == refused.webhook_id
        assert clew.records[refused.event_id]["trace_id"] == refused.trace_id
        assert [webhook["document"]["type"] for webhook in clew.webhooks].count("order.held") == 1


async def test_orders_go_on_while_webhooks_are_not_logged(start_world, clew):
    clew.logs_webhooks = False
    async with start_world(orders_per_minute=1) as world:
        assert [order.outcome for order in world.released] == EVERY_OUTCOME
        assert all(order.webhook_id == order.event_id for order in world.released)


async def test_ship_answers_as_the_outcome_says(start_world):
    answers = {
        "shipped": [201],
        "unlocated": [201],
        "refused": [422, 422],
        "expired": [401, 401],
        "crashed": [500, 500],
        "overloaded": [503, 201],
        "given_up": [503, 503, 503, 201],
        "empty": [422],
        "cut_off": [401],
    }
    async with start_world(orders_per_minute=1) as world:
        for outcome, statuses in answers.items():
            given = [(await world.carry(world.of(outcome))).status_code for _ in statuses]
            assert (outcome, given) == (outcome, statuses)


async def test_orders_that_no_flow_takes_go_abroad_or_have_no_lines(start_world, clew):
    async with start_world(orders_per_minute=1) as world:
        documents = {webhook["document"]["data"]["number"]: webhook["document"] for webhook in clew.webhooks}
        for order in world.released:
            data = documents[order.number]["data"]
            assert (data["ship_to"]["country"] == "US") == (order.outcome != "abroad")
            assert data["ship_to"]["country"] == order.country
            assert bool(data["lines"]) == (order.outcome != "empty")
            assert documents[order.number]["connection"].endswith("-ship")


async def test_a_shipped_order_comes_back_in_the_same_trace(start_world, clew, eventually):
    async with start_world(orders_per_minute=1) as world:
        order = world.of("shipped")
        shipment = (await world.carry(order)).json()
        await eventually(lambda: "order.updated" in {record["event"] for record in clew.records.values()})
        await eventually(lambda: any(webhook["source"] == "shipments" for webhook in clew.webhooks))
    announced = next(webhook for webhook in clew.webhooks if webhook["source"] == "shipments")
    assert announced["document"]["data"] == shipment
    assert announced["headers"]["traceparent"].split("-")[1] == order.trace_id
    (updated,) = clew.of_order(order.number)
    assert (updated["event"], updated["trace_id"]) == ("order.updated", order.trace_id)
    assert updated["keys"]["shipment"] == shipment["number"]


async def test_every_webhook_is_signed_with_the_secret_of_its_product(start_world, clew, secrets_set, eventually):
    async with start_world(orders_per_minute=1) as world:
        await world.carry(world.of("shipped"))
        await eventually(lambda: {webhook["source"] for webhook in clew.webhooks} == {"orders", "shipments"})
    for webhook in clew.webhooks:
        if webhook["source"] == "orders":
            expected = hmac.new(secrets_set["ERP_SECRET"].encode(), webhook["body"], hashlib.sha256).hexdigest()
            assert webhook["headers"]["x-erp-signature"] == expected
        else:
            Webhook(secrets_set["SHIP_SECRET"]).verify(webhook["body"], webhook["headers"])


async def test_orders_go_on_and_no_number_or_id_comes_twice(start_world, clew, eventually):
    async with start_world(orders_per_minute=300) as world:
        await eventually(lambda: len(world.released) >= 13)
    async with start_world(orders_per_minute=300) as world:
        await eventually(lambda: len(world.released) >= 13)
    numbers = [webhook["document"]["data"]["number"] for webhook in clew.webhooks]
    assert len(set(numbers)) == len(numbers) >= 26
    assert clew.duplicates == 0


async def test_it_outlives_a_clew_that_is_away(start_world, clew, caplog):
    clew.failures = [(503, {})] * 8
    async with start_world(orders_per_minute=300) as world:
        assert {order.outcome for order in world.released} == set(EVERY_OUTCOME)
    assert 1 <= len([record for record in caplog.records if record.levelno == logging.WARNING]) <= 3


async def test_it_ends_loudly_where_clew_says_that_what_it_sends_is_wrong(start_world, clew):
    clew.failures = [(422, {})]
    with pytest.raises(ExceptionGroup) as raised:
        async with start_world():
            pytest.fail("it must not become ready")
    assert raised.group_contains(ClewRefused, match="422")


@pytest.mark.parametrize("failures", [0, 1_000])
async def test_it_closes_within_two_seconds_also_while_it_waits_for_clew(
    clew, api_key, secrets_set, places, eventually, failures
):
    clew.failures = [(503, {})] * failures
    stop = asyncio.Event()
    world = asyncio.create_task(run_world(clew.url, api_key, places, stop=stop, on_released=lambda _: None))
    await eventually(lambda: clew.requests >= 3)
    began = time.monotonic()
    stop.set()
    await world
    assert time.monotonic() - began < 2


async def test_it_leaves_nothing_behind_when_it_is_cancelled(clew, api_key, secrets_set, places, eventually):
    before = asyncio.all_tasks()
    stop = asyncio.Event()
    world = asyncio.create_task(run_world(clew.url, api_key, places, stop=stop, on_released=lambda _: None))
    await eventually(lambda: clew.requests >= 3)
    world.cancel()
    with pytest.raises(asyncio.CancelledError):
        await world
    await eventually(lambda: asyncio.all_tasks() <= before)


@pytest.mark.parametrize("rate", [0, -1, 301])
async def test_a_rate_that_would_repeat_numbers_is_refused(places, rate):
    stop = asyncio.Event()
    with pytest.raises(ValueError, match="orders_per_minute"):
        await run_world("http://127.0.0.1:9", "", places, stop=stop, on_released=print, orders_per_minute=rate)


async def test_what_is_sent_before_the_products_answer_waits_for_them(clew, api_key, secrets_set, eventually):
    environ: dict[str, str] = {}
    places = take_places(environ)
    headers = {"authorization": f"Bearer {secrets_set['ERP_TOKEN']}"}
    async with httpx.AsyncClient(headers=headers) as http:
        asking = asyncio.create_task(http.get(f"{environ['ERP_URL']}/orders/SO-1"))
        await asyncio.sleep(0)
        stop = asyncio.Event()
        world = asyncio.create_task(run_world(clew.url, api_key, places, stop=stop, on_released=lambda _: None))
        assert (await asking).status_code == 404
    stop.set()
    await world
