import hashlib
import hmac
import random

import httpx
import pytest

from clew.demo.clew_client import ClewClient
from clew.demo.companies import COMPANIES
from clew.demo.erp import Erp, build_erp_app
from clew.demo.local_server import serve_locally
from clew.demo.orders import make_order

NOW_MS = 1_780_000_000_000
TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
ORDER = make_order(random.Random(3), "SO-1042", COMPANIES[0], NOW_MS)
CONFIRMATION = {
    "order_number": "SO-1042",
    "shipment_number": "SH-9",
    "carrier": "Albion Post",
    "service": "ground",
    "tracking_number": "12345",
    "tracking_url": "https://tracking.example/12345",
    "cartons": 1,
    "weight_kg": 2.5,
    "freight": 9.9,
    "shipped_at": "2026-05-28T20:26:40.000Z",
}


@pytest.fixture
async def erp(clew, api_key):
    async with httpx.AsyncClient() as http:
        yield Erp(ClewClient(clew.url, api_key, http), "s3cret")


@pytest.fixture
async def http(erp):
    async with serve_locally(build_erp_app(erp)) as url, httpx.AsyncClient(base_url=url) as client:
        yield client


async def test_a_released_order_is_sent_as_a_signed_webhook_in_its_trace(erp, clew):
    answer = await erp.release(ORDER, TRACE_ID, NOW_MS)
    (webhook,) = clew.webhooks
    headers = webhook["headers"]
    assert webhook["source"] == "orders"
    assert headers["x-erp-signature"] == hmac.new(b"s3cret", webhook["body"], hashlib.sha256).hexdigest()
    assert headers["traceparent"].startswith(f"00-{TRACE_ID}-")
    assert webhook["document"]["type"] == "order.released"
    assert webhook["document"]["account"] == "Acme Outdoor"
    assert webhook["document"]["data"]["number"] == "SO-1042"
    assert answer.event_ids == [answer.origin_id]


async def test_an_order_on_hold_is_sent_as_held(erp, clew):
    await erp.release(make_order(random.Random(3), "SO-1", COMPANIES[0], NOW_MS, on_hold=True), TRACE_ID, NOW_MS)
    assert clew.webhooks[0]["document"]["type"] == "order.held"


async def test_an_order_can_be_looked_up(erp, http):
    await erp.release(ORDER, TRACE_ID, NOW_MS)
    answer = await http.get("/orders/SO-1042")
    assert answer.status_code == 200
    assert answer.json()["status"] == "open"
    assert answer.json()["ship_to"]["postal_code"] == "80302"


async def test_an_unknown_order_is_a_404_that_names_it(http):
    answer = await http.get("/orders/SO-7")
    assert answer.status_code == 404
    assert answer.json() == {"error": "order_not_found", "message": "There is no order SO-7."}


async def test_a_confirmed_order_is_shipped(erp, http):
    await erp.release(ORDER, TRACE_ID, NOW_MS)
    answer = await http.post("/shipment-confirmations", json=CONFIRMATION)
    assert answer.status_code == 200
    assert answer.json()["status"] == "shipped"
    assert (await http.get("/orders/SO-1042")).json()["status"] == "shipped"


async def test_a_confirmation_of_an_unknown_order_is_a_404(http):
    assert (await http.post("/shipment-confirmations", json=CONFIRMATION)).status_code == 404


async def test_a_confirmation_that_cannot_be_read_is_a_400(http):
    answer = await http.post("/shipment-confirmations", json={"order_number": 7})
    assert answer.status_code == 400
    assert "order_number" in answer.json()["message"]
