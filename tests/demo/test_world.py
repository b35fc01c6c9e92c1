import asyncio
import contextlib
import hashlib
import hmac
import logging
import time

import pytest
from standardwebhooks import Webhook

from clew.demo.clew_client import ClewRefused
from clew.demo.world import run_world


@pytest.fixture
async def start_world(clew, api_key, secrets_set):
    """Starts a world and gives its first failing order; it is stopped and awaited when the block ends."""

    @contextlib.asynccontextmanager
    async def start(**options):
        stop = asyncio.Event()
        ready = asyncio.get_running_loop().create_future()
        world = asyncio.create_task(
            run_world(clew.url, api_key, stop=stop, on_ready=ready.set_result, work_s=(0, 0), **options)
        )
        try:
            await asyncio.wait({world, ready}, timeout=10, return_when=asyncio.FIRST_COMPLETED)
            if not ready.done():
                await world
            yield ready.result()
        finally:
            stop.set()
            await world

    return start


def statuses(records):
    return {(record["event"], record.get("action", "")): record["status"] for record in records}


async def test_a_failing_order_is_there_at_once_and_its_thread_leads_to_the_422(start_world, clew):
    async with start_world(orders_per_minute=1) as failing:
        assert failing.reason == "Ship answered 422: postal_code: must not be blank"
        assert clew.path_to(failing.call_id) == [
            "order.released",  # the webhook
            "order.released",  # the event in it
            "order.released",  # what the ERP published
            "create_shipment",
            "POST /shipments",
        ]
        assert clew.records[failing.webhook_id]["kind"] == "external_webhook"
        assert clew.records[failing.event_id]["parent_id"] == failing.webhook_id
        call = clew.records[failing.call_id]
        assert call["trace_id"] == clew.records[failing.webhook_id]["trace_id"]
        assert call["parameters"]["method"] == "POST"
        assert call["parameters"]["status_code"] == 422
        assert call["parameters"]["url"].startswith("http://127.0.0.1:")
        assert call["error"]["data"]["errors"] == [{"field": "postal_code", "message": "must not be blank"}]
        assert call["error"]["caused_by"]["message"] == "postal_code: must not be blank"
        assert call["payload"]["ship_to"]["postal_code"] == ""


async def test_failure_climbs_to_what_failed_because_of_it_and_no_further(start_world, clew):
    async with start_world(orders_per_minute=1) as failing:
        assert statuses(clew.of_order(failing.number)) == {
            ("order.released", "Published"): "failure",
            ("lookup", "Processed"): "success",
            (f"GET /orders/{failing.number}", "Received"): "success",
            ("create_shipment", "Processed"): "failure",
            ("POST /shipments", "Delivered"): "failure",
            ("order.released", "Received"): "success",
        }


async def test_it_begins_with_an_order_of_each_outcome(start_world, clew, eventually):
    async with start_world(orders_per_minute=1):
        calls = [record for record in clew.records.values() if record["event"] == "POST /shipments"]
        assert sorted(call["parameters"]["status_code"] for call in calls) == [201, 401, 422, 500]
        held = [record for record in clew.records.values() if record.get("action") == "Ignored"]
        assert "nothing was created" in held[0]["message"]
        await eventually(lambda: "order.updated" in {record["event"] for record in clew.records.values()})


async def test_a_shipped_order_comes_back_to_the_erp_in_the_same_trace(start_world, clew, eventually):
    async with start_world(orders_per_minute=1):
        await eventually(lambda: "order.updated" in {record["event"] for record in clew.records.values()})
        record_id = next(key for key, record in clew.records.items() if record["event"] == "order.updated")
        assert clew.path_to(record_id) == [
            "shipment.created",  # Ship's webhook
            "shipment.created",  # the event in it
            "shipment.created",  # what Ship published
            "confirm_to_erp",
            "order.updated",
        ]
        updated = clew.records[record_id]
        assert updated["source_product"] == updated["target_product"] == "erp"
        assert updated["payload"]["status"] == "shipped"
        (created,) = [r for r in clew.of_order(updated["keys"]["order"]) if r["event"] == "create_shipment"]
        assert created["trace_id"] == updated["trace_id"]
        assert created["keys"]["shipment"] == updated["keys"]["shipment"]


async def test_every_webhook_is_signed_with_the_secret_of_its_product(start_world, clew, secrets_set, eventually):
    async with start_world(orders_per_minute=300):
        await eventually(lambda: {webhook["source"] for webhook in clew.webhooks} == {"orders", "shipments"})
        for webhook in clew.webhooks:
            if webhook["source"] == "orders":
                key = secrets_set["ERP_SECRET"].encode()
                expected = hmac.new(key, webhook["body"], hashlib.sha256).hexdigest()
                assert webhook["headers"]["x-erp-signature"] == expected
            else:
                Webhook(secrets_set["SHIP_SECRET"]).verify(webhook["body"], webhook["headers"])


async def test_orders_go_on_and_no_number_or_id_comes_twice(start_world, clew, eventually):
    async with start_world(orders_per_minute=300):
        await eventually(lambda: sum(webhook["source"] == "orders" for webhook in clew.webhooks) >= 12)
    async with start_world(orders_per_minute=300):
        await eventually(lambda: sum(webhook["source"] == "orders" for webhook in clew.webhooks) >= 24)
    numbers = [webhook["document"]["data"]["number"] for webhook in clew.webhooks if webhook["source"] == "orders"]
    assert len(set(numbers)) == len(numbers) >= 24
    assert clew.duplicates == 0


async def test_it_outlives_a_clew_that_is_away(start_world, clew, caplog, eventually):
    clew.failures = [(503, {})] * 8
    async with start_world(orders_per_minute=300) as failing:
        assert clew.path_to(failing.call_id)[-1] == "POST /shipments"
        await eventually(lambda: any(record["event"] == "order.updated" for record in clew.records.values()))
    assert 1 <= len([record for record in caplog.records if record.levelno == logging.WARNING]) <= 3


async def test_it_ends_loudly_where_clew_says_that_what_it_sends_is_wrong(start_world, clew):
    clew.failures = [(422, {})]
    with pytest.raises(ExceptionGroup) as raised:
        async with start_world():
            pytest.fail("it must not become ready")
    assert raised.group_contains(ClewRefused, match="422")


@pytest.mark.parametrize("failures", [0, 1_000])
async def test_it_closes_within_two_seconds_also_while_it_waits_for_clew(
    clew, api_key, secrets_set, eventually, failures
):
    clew.failures = [(503, {})] * failures
    stop = asyncio.Event()
    world = asyncio.create_task(run_world(clew.url, api_key, stop=stop, on_ready=lambda _: None))
    await eventually(lambda: clew.requests >= 3)
    began = time.monotonic()
    stop.set()
    await world
    assert time.monotonic() - began < 2


async def test_it_leaves_nothing_behind_when_it_is_cancelled(clew, api_key, secrets_set, eventually):
    before = asyncio.all_tasks()
    world = asyncio.create_task(run_world(clew.url, api_key, stop=asyncio.Event(), on_ready=lambda _: None))
    await eventually(lambda: clew.requests >= 3)
    world.cancel()
    with pytest.raises(asyncio.CancelledError):
        await world
    await eventually(lambda: asyncio.all_tasks() <= before)


@pytest.mark.parametrize("rate", [0, -1, 301])
async def test_a_rate_that_would_repeat_numbers_is_refused(rate):
    with pytest.raises(ValueError, match="orders_per_minute"):
        await run_world("http://127.0.0.1:9", "", stop=asyncio.Event(), on_ready=print, orders_per_minute=rate)
