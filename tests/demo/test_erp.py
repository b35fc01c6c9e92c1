import hashlib
import hmac
import random

import httpx
import pytest

from clew.core.clock import FakeClock
from clew.demo.clew_client import ClewClient
from clew.demo.companies import COMPANIES
from clew.demo.erp import Erp, build_erp_app, report_update
from clew.demo.local_server import serve_locally
from clew.demo.orders import make_order

NOW_MS = 1_780_000_000_000
TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
ORDER = make_order(random.Random(3), "SO-1042", COMPANIES[0], NOW_MS)
CONNECTION = "acme-outdoor-ship"
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
async def client(clew, api_key):
    async with httpx.AsyncClient() as http:
        yield ClewClient(clew.url, api_key, http)


@pytest.fixture
async def erp(client):
    return Erp(client, "s3cret", "erp-token", FakeClock())


@pytest.fixture
async def http(erp):
    headers = {"authorization": "Bearer erp-token"}
    async with serve_locally(build_erp_app(erp)) as url, httpx.AsyncClient(base_url=url, headers=headers) as client:
        yield client


async def test_a_released_order_is_sent_as_a_signed_webhook_in_its_trace(erp, clew):
    answer = await erp.release(ORDER, CONNECTION, TRACE_ID, NOW_MS)
    (webhook,) = clew.webhooks
    headers = webhook["headers"]
    assert webhook["source"] == "orders"
    assert headers["x-erp-signature"] == hmac.new(b"s3cret", webhook["body"], hashlib.sha256).hexdigest()
    assert headers["traceparent"].startswith(f"00-{TRACE_ID}-")
    assert webhook["document"]["type"] == "order.released"
    assert webhook["document"]["account"] == "Acme Outdoor"
    assert webhook["document"]["connection"] == "acme-outdoor-ship"
    assert webhook["document"]["data"]["number"] == "SO-1042"
    assert answer.event_ids == [answer.origin_id]


async def test_an_order_on_hold_is_sent_as_held(erp, clew):
    order = make_order(random.Random(3), "SO-1", COMPANIES[0], NOW_MS, on_hold=True)
    await erp.release(order, CONNECTION, TRACE_ID, NOW_MS)
    assert clew.webhooks[0]["document"]["type"] == "order.held"


async def test_an_order_can_be_looked_up(erp, http):
    await erp.release(ORDER, CONNECTION, TRACE_ID, NOW_MS)
    answer = await http.get("/orders/SO-1042")
    assert answer.status_code == 200
    assert answer.json()["status"] == "open"
    assert answer.json()["ship_to"]["postal_code"] == "80302"


async def test_an_unknown_order_is_a_404_that_names_it(http):
    answer = await http.get("/orders/SO-7")
    assert answer.status_code == 404
    assert answer.json() == {"error": "order_not_found", "message": "There is no order SO-7."}


async def test_a_confirmed_order_is_shipped(erp, http):
    await erp.release(ORDER, CONNECTION, TRACE_ID, NOW_MS)
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


async def test_a_shipped_order_is_reported_in_the_trace_of_who_confirmed_it(erp, http, client, clew):
    await erp.release(ORDER, CONNECTION, TRACE_ID, NOW_MS)
    headers = {"traceparent": f"00-{TRACE_ID}-00f067aa0ba902b7-01"}
    await http.post("/shipment-confirmations", json=CONFIRMATION, headers=headers)
    await report_update(erp.updated.get_nowait(), client)
    (updated,) = [record for record in clew.records.values() if record["event"] == "order.updated"]
    assert updated["trace_id"] == TRACE_ID
    assert updated["source_product"] == updated["target_product"] == "erp"
    assert updated["keys"] == {"order": "SO-1042", "shipment": "SH-9"}
    assert updated["payload"]["status"] == "shipped"


async def test_an_address_is_located_unless_the_geocoder_does_not_answer(erp, http):
    await erp.release(ORDER, CONNECTION, TRACE_ID, NOW_MS)
    answer = await http.get("/orders/SO-1042/location")
    assert answer.status_code == 200
    assert 25 <= answer.json()["latitude"] <= 47
    erp.lose_location("SO-1042")
    answer = await http.get("/orders/SO-1042/location")
    assert answer.status_code == 503
    assert answer.json()["error"] == "geocoder_unavailable"


async def test_the_sales_desk_is_told(erp, http):
    answer = await http.post("/sales-notes", json={"order_number": "SO-1042", "text": "It leaves today."})
    assert answer.status_code == 201
    assert [note.text for note in erp.sales_notes] == ["It leaves today."]


async def test_freight_is_booked_once_for_a_shipment(http):
    freight = {"shipment_number": "SH-9", "order_number": "SO-1042", "carrier": "Albion Post", "amount": 9.9}
    first = await http.post("/freight", json=freight)
    again = await http.post("/freight", json={**freight, "amount": 12.0})
    assert first.status_code == again.status_code == 201
    assert again.json() == first.json() == freight


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer nonsense", "Bearer é"])
async def test_without_its_token_nothing_is_answered(http, authorization):
    answer = await http.get("/orders/SO-7", headers={"authorization": authorization.encode()})
    assert answer.status_code == 401
    assert answer.json()["error"] == "token_unknown"


async def test_what_does_not_exist_is_a_404(http):
    answer = await http.get("/invoices")
    assert answer.status_code == 404
    assert answer.json()["error"] == "http_error"
