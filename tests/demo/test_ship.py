import random

import httpx
import msgspec
import pytest
from standardwebhooks import Webhook

from clew.core.clock import HOUR_MS, FakeClock
from clew.demo.clew_client import ClewClient
from clew.demo.companies import COMPANIES, NO_POSTAL_CODE
from clew.demo.local_server import serve_locally
from clew.demo.orders import make_order, request_shipment
from clew.demo.ship import Grant, Ship, announce, build_ship_app

TOKEN = "ship-token"
TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
ACME = COMPANIES[0]
HEADERS = {
    "authorization": f"Bearer {TOKEN}",
    "x-ship-connection": ACME.connection,
    "traceparent": f"00-{TRACE_ID}-00f067aa0ba902b7-01",
}


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def ship(clock):
    grants = {ACME.connection: Grant(ACME.name, clock.now_ms() + HOUR_MS)}
    return Ship(TOKEN, grants, random.Random(1), (0, 0), clock)


@pytest.fixture
async def http(ship):
    async with serve_locally(build_ship_app(ship)) as url, httpx.AsyncClient(base_url=url, headers=HEADERS) as client:
        yield client


def ask_for(company, **kinds):
    return msgspec.to_builtins(request_shipment(make_order(random.Random(2), "SO-1042", company, 0, **kinds)))


async def test_a_sound_shipment_is_created_and_can_be_read(http):
    answer = await http.post("/shipments", json=ask_for(ACME))
    assert answer.status_code == 201
    shipment = answer.json()
    assert shipment["order_number"] == "SO-1042"
    assert shipment["account"] == "Acme Outdoor"
    assert shipment["freight"] > 0
    assert (await http.get(f"/shipments/{shipment['number']}")).json() == shipment


async def test_an_address_without_a_postal_code_is_refused_with_422(http):
    answer = await http.post("/shipments", json=ask_for(NO_POSTAL_CODE))
    assert answer.status_code == 422
    body = answer.json()
    assert body["errors"] == [{"field": "postal_code", "message": "must not be blank"}]
    assert (body["error"], body["message"]) == ("validation_failed", "postal_code: must not be blank")


async def test_everything_that_is_wrong_is_named(http):
    wanted = ask_for(ACME)
    wanted["ship_to"]["city"] = "  "
    wanted["lines"][0]["quantity"] = -1
    answer = await http.post("/shipments", json=wanted)
    assert [error["field"] for error in answer.json()["errors"]] == ["city", "lines[0].quantity"]
    answer = await http.post("/shipments", json={**ask_for(ACME), "lines": []})
    assert [error["field"] for error in answer.json()["errors"]] == ["lines"]


async def test_access_holds_until_the_moment_it_expires(http, clock):
    clock.advance(HOUR_MS - 1)
    assert (await http.post("/shipments", json=ask_for(ACME))).status_code == 201
    clock.advance(1)
    answer = await http.post("/shipments", json=ask_for(ACME))
    assert answer.status_code == 401
    assert answer.json()["error"] == "token_expired"
    assert answer.json()["message"] == "The access of Acme Outdoor expired at 2026-05-28T21:26:40.000Z."
    assert answer.headers["www-authenticate"] == 'Bearer error="token_expired"'


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer nonsense", "Bearer é", "Basic YTpi"])
async def test_a_token_that_ship_did_not_issue_is_refused_with_401(http, authorization):
    headers = {"authorization": authorization.encode()}
    answer = await http.post("/shipments", json=ask_for(ACME), headers=headers)
    assert answer.status_code == 401
    assert answer.json()["error"] == "token_unknown"


async def test_a_connection_that_nobody_granted_is_refused_with_401(http):
    answer = await http.post("/shipments", json=ask_for(ACME), headers={"x-ship-connection": "nobody-ship"})
    assert answer.status_code == 401
    assert answer.json()["error"] == "connection_unknown"
    assert "'nobody-ship'" in answer.json()["message"]


async def test_a_ship_that_has_too_much_to_do_says_so_as_often_as_it_was_told(http, ship):
    ship.be_overloaded("SO-1042", 2)
    answers = [await http.post("/shipments", json=ask_for(ACME)) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [503, 503, 201]
    assert answers[0].json()["error"] == "overloaded"


async def test_a_line_of_quantity_zero_breaks_ship_with_a_500(http):
    answer = await http.post("/shipments", json=ask_for(ACME, sample=True))
    assert answer.status_code == 500
    assert answer.json()["error"] == "internal_error"
    assert answer.json()["message"] == "ZeroDivisionError: float division by zero"
    assert (await http.post("/shipments", json=ask_for(ACME))).status_code == 201


async def test_a_body_that_cannot_be_read_is_a_400(http):
    answer = await http.post("/shipments", content=b"{")
    assert answer.status_code == 400
    assert answer.json()["error"] == "malformed"


async def test_what_does_not_exist_is_a_404(http):
    assert (await http.get("/shipments/SH-1")).status_code == 404
    answer = await http.get("/parcels")
    assert answer.status_code == 404
    assert answer.json()["error"] == "http_error"


async def test_a_created_shipment_is_announced_in_the_trace_of_its_order(http, ship, clew, api_key, secrets_set):
    shipment = (await http.post("/shipments", json=ask_for(ACME))).json()
    created = ship.created.get_nowait()
    await announce(created, ClewClient(clew.url, api_key, http), secrets_set["SHIP_SECRET"])
    (webhook,) = clew.webhooks
    assert webhook["source"] == "shipments"
    assert webhook["document"]["connection"] == "acme-outdoor-ship"
    assert webhook["headers"]["traceparent"].split("-")[1] == TRACE_ID
    verified = Webhook(secrets_set["SHIP_SECRET"]).verify(webhook["body"], webhook["headers"])
    assert verified["type"] == "shipment.created"
    assert verified["data"] == shipment


async def test_a_refused_shipment_is_not_announced(http, ship):
    await http.post("/shipments", json=ask_for(NO_POSTAL_CODE))
    assert ship.created.empty()
