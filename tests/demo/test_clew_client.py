import asyncio
import logging
import time

import httpx
import pytest

from clew.demo.clew_client import ClewClient, ClewRefused
from clew.demo.events import Event, Step

BACKOFF_S = (0.001, 0.005)
ORIGIN = "01990f3e-7c1b-7000-8000-000000000001"


def event(number):
    told_at = "2026-05-28T20:26:40.000Z"
    return Event(id=f"e-{number}", time=told_at, event="order.released", source_product="erp", status="success")


@pytest.fixture
async def http():
    async with httpx.AsyncClient() as client:
        yield client


@pytest.fixture
def client(clew, api_key, http):
    return ClewClient(clew.url, api_key, http, backoff_s=BACKOFF_S)


async def test_events_are_reported_in_order(client, clew):
    ids = await client.report([event(1), event(2)])
    assert [clew.records[record_id]["id"] for record_id in ids] == ["e-1", "e-2"]


async def test_children_hang_under_the_record_that_their_parent_became(client, clew):
    tree = Step(event(1), (Step(event(2), (Step(event(3)),)), Step(event(4))))
    reported = await client.report_steps([(tree, ORIGIN), (Step(event(5)), "")])
    parents = {record["id"]: record.get("parent_id", "") for record in clew.records.values()}
    record_of = {step.event.id: step.record_id for step in reported}
    assert parents == {
        "e-1": ORIGIN,
        "e-2": record_of["e-1"],
        "e-3": record_of["e-2"],
        "e-4": record_of["e-1"],
        "e-5": "",
    }


async def test_many_steps_go_in_batches_of_a_thousand_and_none_is_torn(client, clew):
    trees = [Step(event(n), (Step(event(n + 1)), Step(event(n + 2)))) for n in range(0, 2_400, 3)]
    reported = await client.report_steps([(tree, "") for tree in trees])
    assert len(reported) == len(clew.records) == 2_400
    assert clew.batches == [999, 999, 402]


async def test_no_steps_are_no_request(client, clew):
    assert await client.report_steps([]) == []
    assert clew.requests == 0


async def test_while_clew_cannot_the_sender_tries_again_and_says_so_once(client, clew, caplog):
    caplog.set_level(logging.INFO, logger="clew.demo")
    clew.failures = [(503, {}), (500, {}), (429, {})]
    assert len(await client.report([event(1)])) == 1
    assert clew.requests == 4
    said = [record.message for record in caplog.records if record.name == "clew.demo"]
    assert len(said) == 2
    assert "503" in said[0]
    assert said[1] == "Clew answers again."


async def test_many_senders_that_wait_say_so_once(client, clew, caplog):
    clew.failures = [(503, {})] * 10
    await asyncio.gather(*(client.report([event(number)]) for number in range(5)))
    assert len(clew.records) == 5
    warnings = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert 1 <= len(warnings) <= 2  # a second where one sender got through before another was refused


async def test_a_clew_that_is_not_there_yet_is_waited_for(api_key, http, caplog):
    waiting = ClewClient("http://127.0.0.1:9", api_key, http, backoff_s=BACKOFF_S)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await waiting.report([event(1)])
    assert [record.levelno for record in caplog.records if record.name == "clew.demo"] == [logging.WARNING]


async def test_retry_after_is_honoured(client, clew):
    clew.failures = [(503, {"retry-after": "1"})]
    began = time.monotonic()
    await client.report([event(1)])
    assert time.monotonic() - began >= 1


@pytest.mark.parametrize("status", [400, 413, 415, 422])
async def test_what_can_never_be_right_is_not_sent_again(client, clew, status):
    clew.failures = [(status, {})]
    with pytest.raises(ClewRefused, match=f"told to answer {status}"):
        await client.report([event(1)])
    assert clew.requests == 1


async def test_each_attempt_of_a_webhook_is_signed_anew(client, clew):
    clew.failures = [(503, {})]
    attempts = iter("12")
    answer = await client.deliver(
        "orders", b'{"type": "t"}', lambda: {"x-attempt": next(attempts), "traceparent": f"00-{'a' * 32}-{'b' * 16}-01"}
    )
    assert clew.webhooks[0]["headers"]["x-attempt"] == "2"
    assert clew.records[answer.origin_id]["kind"] == "external_event"
