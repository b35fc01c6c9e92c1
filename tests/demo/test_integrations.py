"""The sample flows, without a runner: their functions are called in order, before the real sample products."""

import asyncio
import random

import httpx
import msgspec
import pytest

from clew.core.clock import DAY_MS, FakeClock
from clew.demo.clew_client import ClewClient
from clew.demo.companies import ABROAD, COMPANIES, NO_POSTAL_CODE
from clew.demo.erp import Erp, build_erp_app
from clew.demo.events import ERP, SHIP, SHOP
from clew.demo.history import make_history
from clew.demo.integrations import (
    archive,
    book_freight,
    confirm_to_erp,
    create_shipment,
    fetch_shipment,
    locate,
    lookup,
    notify_sales,
    order_to_ship,
    orders_to_archive,
    shipment_to_erp,
)
from clew.demo.local_server import serve_locally
from clew.demo.orders import make_order
from clew.demo.ship import Grant, Ship, build_ship_app
from clew.demo.signing import set_secrets
from clew.flows.event import Event
from clew.flows.node_log import NodeLog
from clew.registry.declare import collect, load_objects
from clew.triggers.match import evaluate

DECLARED = collect(load_objects("clew.demo.integrations"))
ACME = COMPANIES[0]
NOW_MS = 1_780_000_000_000
TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"


def test_the_products_sources_and_integrations_that_the_demo_uses_are_declared():
    assert {product.key for product in DECLARED.products} == {ERP, SHIP, SHOP}
    assert {source.key for source in DECLARED.sources} == {"orders", "shipments"}
    directions = {integration.key: integration.direction for integration in DECLARED.integrations}
    assert directions == {
        "orders": "two-way",
        "customers": "one-way",
        "invoices": "one-way",
        "referrals": "one-way",
    }


def test_the_demo_sets_every_secret_that_is_named():
    secrets: dict[str, str] = {}
    set_secrets(secrets)
    assert set(DECLARED.secret_names()) == secrets.keys()


def test_every_reported_event_names_declared_products_and_integrations():
    products = {product.key for product in DECLARED.products}
    integrations = {integration.key for integration in DECLARED.integrations} | {""}
    for step in make_history(now_ms=NOW_MS, records=2_000, seed=7):
        assert {step.event.source_product, step.event.target_product} <= products
        assert step.event.integration in integrations


def test_the_graph_of_each_flow_is_read_from_its_functions():
    assert [node.name for node in order_to_ship.graph.nodes] == [
        "lookup",
        "locate",
        "create_shipment",
        "notify_sales",
        "confirm_to_erp",
    ]
    assert order_to_ship.graph.node("locate").on_error == "continue"
    assert order_to_ship.graph.node("create_shipment").retries == 2
    assert shipment_to_erp.graph.edges == (("fetch_shipment", "book_freight"),)
    assert order_to_ship.enabled
    assert not orders_to_archive.enabled


def released(company, **kinds):
    order = make_order(random.Random(3), "SO-1042", company, NOW_MS, **kinds)
    payload = {"type": "order.released", "account": company.name, "data": msgspec.to_builtins(order)}
    keys = {"order": order.number}
    return order, Event(
        id="e", time=NOW_MS, type="order.released", payload=payload, keys=keys, connection=ACME.connection
    )


@pytest.mark.parametrize(
    ("event", "clause", "expected", "actual"),
    [
        (released(ABROAD[0])[1], "event.payload.data.ship_to.country == 'US'", "'US'", "GB"),
        (released(ACME, is_empty=True)[1], "event.payload.data.lines.size() > 0", None, 0),
    ],
    ids=["abroad", "empty"],
)
def test_an_order_that_is_not_for_ship_is_refused_by_a_clause(event, clause, expected, actual):
    assert order_to_ship.where
    verdict = evaluate(order_to_ship.where, {"event": event.to_cel()})
    assert (verdict.matched, verdict.clause, verdict.actual) == (False, clause, actual)
    assert expected is None or verdict.expected == expected


def test_an_order_to_the_us_passes():
    assert order_to_ship.where
    assert evaluate(order_to_ship.where, {"event": released(ACME)[1].to_cel()}).matched


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
async def erp(clew, api_key, clock):
    async with httpx.AsyncClient() as http:
        yield Erp(ClewClient(clew.url, api_key, http), "s3cret", "erp-token", clock)


@pytest.fixture
async def erp_url(erp):
    async with serve_locally(build_erp_app(erp)) as url:
        yield url


@pytest.fixture
async def to_erp(erp_url):
    async with httpx.AsyncClient(base_url=erp_url, headers={"authorization": "Bearer erp-token"}) as client:
        yield client


@pytest.fixture
async def to_ship(clock):
    ship = Ship("t", {ACME.connection: Grant(ACME.name, clock.now_ms() + DAY_MS)}, random.Random(1), (0, 0), clock)
    headers = {"authorization": "Bearer t"}
    async with (
        serve_locally(build_ship_app(ship)) as url,
        httpx.AsyncClient(base_url=url, headers=headers) as client,
    ):
        yield client


async def test_an_order_is_carried_to_ship_and_its_freight_back(erp, to_erp, to_ship, erp_url):
    order, event = released(ACME)
    await erp.release(order, ACME.connection, TRACE_ID, NOW_MS)
    found = await lookup(event, to_erp)
    place = await locate(found, to_erp)
    log = NodeLog()
    shipment = await create_shipment(event, found, place, to_ship, log)
    assert [line.type for line in log.lines()] == ["message", "data"]
    assert (shipment["order_number"], shipment["account"]) == (order.number, ACME.name)
    await notify_sales(found, shipment, to_erp)
    assert shipment["number"] in erp.sales_notes[0].text
    # httpx's own blocking client would block the server, which is in this loop.
    confirmed = await run_plain(confirm_to_erp, shipment, erp_url, NodeLog())
    assert confirmed == {"order": order.number, "status": "shipped"}

    announced = msgspec.structs.replace(event, payload={"data": shipment}, keys={"shipment": shipment["number"]})
    log = NodeLog()
    fetched = await fetch_shipment(announced, to_ship, log)
    assert fetched == shipment
    assert log.lines()[0].data["equal"] is True
    booked = await book_freight(fetched, to_erp)
    assert booked["amount"] == shipment["freight"]


async def run_plain(function, value, erp_url, log):
    with httpx.Client(base_url=erp_url, headers={"authorization": "Bearer erp-token"}) as client:
        return await asyncio.to_thread(function, value, client, log)


async def test_ship_refuses_what_the_erp_lacks(erp, to_erp, to_ship):
    order, event = released(NO_POSTAL_CODE)
    await erp.release(order, ACME.connection, TRACE_ID, NOW_MS)
    found = await lookup(event, to_erp)
    with pytest.raises(httpx.HTTPStatusError) as refused:
        await create_shipment(event, found, None, to_ship, NodeLog())
    assert refused.value.response.status_code == 422
    assert refused.value.response.json()["message"] == "postal_code: must not be blank"


async def test_a_geocoder_that_does_not_answer_is_an_error_of_its_node(erp, to_erp):
    order, event = released(ACME)
    await erp.release(order, ACME.connection, TRACE_ID, NOW_MS)
    erp.lose_location(order.number)
    with pytest.raises(httpx.HTTPStatusError, match="503"):
        await locate(await lookup(event, to_erp), to_erp)


def test_the_old_archive_would_take_the_number():
    assert archive(released(ACME)[1], NodeLog()) == {"order": "SO-1042"}
