"""Calls of the API as records, before a few small applications."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import zstandard

from clew.api import request_records
from clew.api.front_door import FrontDoor
from clew.api.heard_calls import MOST_READ_BYTES, MOST_REQUEST_BYTES
from clew.api.request_records import RequestRecords
from clew.api.wire import answering, read_body, send_json
from clew.core.clock import FakeClock
from clew.core.errors import Invalid, NotAllowed
from clew.core.record import Record, decode_line
from clew.core.redaction import MASK, Redactor
from clew.core.settings import Settings
from clew.journal.memory import MemoryJournal
from clew.registry.registry import Registry, open_registry
from harness.flow_place import migrated_state

ADMIN_KEY = "clew_test_admin_key_0123456789abcdefghij"


class Place:
    """A front door with a journal behind it. `answer` is what its application answers: status, body, content type."""

    def __init__(self, registry: Registry) -> None:
        self.clock = FakeClock()
        self.journal = MemoryJournal(clock=self.clock)
        self.is_on = True
        self.answer: tuple[int, Any, bytes] = (200, {"ok": True}, b"application/json")
        self.records = RequestRecords(
            journal=self.journal,
            keys=registry.keys,
            redactor=Redactor(),
            is_on=lambda _: self.is_on,
            clock=self.clock,
        )
        door = FrontDoor(self._app, {("POST", "/v1/events"): answering(self._hot)}, {}, self.records)
        self.http = httpx.AsyncClient(
            transport=httpx.ASGITransport(door),
            base_url="http://clew.example",
            headers={"authorization": f"Bearer {ADMIN_KEY}"},
        )

    async def _app(self, scope: Any, receive: Any, send: Any) -> None:
        await read_body(scope, receive, 10_000_000)
        self.clock.advance(7)
        status, body, content_type = self.answer
        await send_json(send, status, body, content_type=content_type)

    async def _hot(self, scope: Any, receive: Any, send: Any) -> None:
        body = await read_body(scope, receive, 10_000)
        self.clock.advance(3)
        if b"wrong" in body:
            raise Invalid("/status: It is wrong.", hint="Write it well.")
        if b"broken" in body:
            raise RuntimeError("a secret inside")
        await send_json(send, 201, {"accepted": 1})

    async def written(self) -> list[Record]:
        """The records so far."""
        await self.records.close()
        found = []
        reader = self.journal.reader("log")
        while block := reader.read(1_000):
            found += [decode_line(line) for line in block.lines.splitlines()]
            reader.commit(block)
        return found

    async def logged(self, method: str, path: str, **options: Any) -> Record:
        """The one record of a call."""
        await self.http.request(method, path, **options)
        [record] = await self.written()
        return record


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    (tmp_path / "state.db").write_bytes(migrated_state())
    registry = open_registry(Settings(data_dir=str(tmp_path), admin_key=ADMIN_KEY), FakeClock())
    yield registry
    registry.close()


@pytest.fixture
def place(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.setattr(request_records, "GATHER_S", 0)
    return Place(registry)


def problem(status: int) -> tuple[int, Any, bytes]:
    document = {"status": status, "detail": "There is none.", "code": "not_found", "hint": "Look elsewhere."}
    return status, document, b"application/problem+json"


@pytest.mark.feature("C10", "C11", "C13")
async def test_a_call_is_a_record_with_its_caller_its_request_its_answer_and_its_time(place: Place) -> None:
    began_ms = place.clock.now_ms()
    record = await place.logged("POST", "/v1/products?a=1", json={"key": "erp"}, headers={"x-request-id": "mine"})
    assert (record.kind, record.workspace, record.status, record.time) == (
        "api_request",
        "default",
        "success",
        began_ms,
    )
    assert (record.action, record.message, record.duration_ms) == ("POST", "POST /v1/products answered 200", 7)
    told = {"key": "the admin key of the settings", "key_id": "settings", "request_id": "mine"}
    assert json.loads(record.parameters) == told
    http = record.http
    assert http is not None
    assert (http.direction, http.method, http.url, http.status_code) == ("incoming", "POST", "/v1/products?a=1", 200)
    assert http.request_body is not None
    assert json.loads(http.request_body.text) == {"key": "erp"}
    assert http.response_body is not None
    assert (http.response_body.text, http.response_body.cut) == ('{"ok":true}', False)
    assert http.response_headers["content-type"] == "application/json"
    assert http.response_headers["x-request-id"] == "mine"
    assert record.error is None


@pytest.mark.feature("C90")
async def test_secrets_are_in_no_part_of_the_record(place: Place) -> None:
    made = "clew_" + "x" * 40
    place.answer = (201, {"key": made, "deep": [{"password": "hunter2"}]}, b"application/json")
    record = await place.logged(
        "POST",
        f"/v1/keys?token=hunter2&of={made}",
        json={"client_secret": "hunter2", "note": f"as {made}"},
        headers={"cookie": "session=hunter2", "x-note": made},
    )
    text = repr(record)
    assert ADMIN_KEY not in text
    assert made not in text
    assert "hunter2" not in text
    assert record.http is not None
    assert record.http.request_headers["authorization"] == MASK
    assert record.http.response_body is not None
    assert json.loads(record.http.response_body.text)["key"] == f"clew_{MASK}"


@pytest.mark.parametrize(
    ("method", "path", "status", "is_read_as"),
    [
        ("GET", "/v1/records/x", 404, "info"),
        ("GET", "/v1/records", 403, "info"),
        ("DELETE", "/v1/products/x", 409, "info"),
        ("POST", "/v1/flows/x/runs", 404, "info"),
        ("GET", "/v1/records", 500, "failure"),
        ("POST", "/v1/flows/x/runs", 503, "failure"),
        ("POST", "/v1/events/x/steps", 404, "failure"),
        ("POST", "/v1/events/", 422, "failure"),
        ("POST", "/v1/internal-events/order", 403, "failure"),
        ("GET", "/v1/eventsource", 404, "info"),
    ],
)
async def test_what_was_refused_on_the_way_in_or_broke_is_a_failure_and_another_refusal_is_not(
    place: Place, method: str, path: str, status: int, is_read_as: str
) -> None:
    place.answer = problem(status)
    record = await place.logged(method, path)
    assert record.status == is_read_as
    assert record.message == f"{method} {path} answered {status}: There is none."
    assert record.error is not None
    assert (record.error.type, record.error.key, record.error.message) == ("http", "not_found", "There is none.")
    assert record.error.data == {"hint": "Look elsewhere."}


async def test_an_answer_that_is_no_problem_document_is_an_error_all_the_same(place: Place) -> None:
    place.answer = (500, b"<html>", b"text/html")
    error = (await place.logged("GET", "/v1/products")).error
    assert error is not None
    assert error.message == "answered 500"


@pytest.mark.parametrize("path", ["/v1/events", "/v1/events/x/steps", "/v1/internal-events/x", "/v1/otlp/v1/logs"])
async def test_a_way_in_that_was_taken_is_not_logged_a_second_time(place: Place, path: str) -> None:
    place.answer = (201, {"accepted": 1}, b"application/json")
    assert (await place.http.post(path, json={})).status_code == 201
    assert await place.written() == []


async def test_what_the_journal_does_not_take_is_not_given_to_it_in_another_form(place: Place) -> None:
    place.answer = problem(503)
    await place.http.post("/v1/events/x/steps", json={})
    assert await place.written() == []


async def test_a_refused_event_is_logged_with_what_was_sent_and_why_it_was_refused(place: Place) -> None:
    record = await place.logged("POST", "/v1/events", json={"status": "wrong", "password": "hunter2"})
    assert (record.status, record.duration_ms) == ("failure", 3)
    assert record.message == "POST /v1/events answered 422: /status: It is wrong."
    assert record.error is not None
    assert (record.error.key, record.error.data) == ("invalid", {"hint": "Write it well."})
    assert record.http is not None
    assert record.http.request_body is not None
    assert json.loads(record.http.request_body.text) == {"status": "wrong", "password": MASK}
    assert record.http.response_body is not None
    assert json.loads(record.http.response_body.text)["code"] == "invalid"


async def test_an_event_that_broke_the_server_is_logged_without_its_inside(place: Place) -> None:
    record = await place.logged("POST", "/v1/events", content=b'"broken"')
    assert (record.status, record.http and record.http.status_code) == ("failure", 500)
    assert "a secret inside" not in repr(record)


async def test_a_body_over_the_limit_is_refused_and_logged_without_it(place: Place) -> None:
    record = await place.logged("POST", "/v1/events", content=b"x" * 20_000)
    assert record.http is not None
    assert (record.http.status_code, record.http.request_body) == (413, None)


async def test_without_a_key_of_ours_nothing_is_logged(place: Place) -> None:
    place.answer = problem(401)
    for authorization in ("", "Bearer", "Bearer clew_unknown", "Basic YTpi"):
        await place.http.get("/v1/records", headers={"authorization": authorization})
        await place.http.post("/v1/events", content="wrong", headers={"authorization": authorization})
    assert await place.written() == []


async def test_a_key_without_the_right_is_logged_by_its_name_and_its_customer(place: Place, registry: Registry) -> None:
    _, text = registry.keys.create("default", "Acme's", ("read",), "acme")

    async def refuse(scope: Any, receive: Any, send: Any) -> None:
        raise NotAllowed("The key has no scope.")

    door = FrontDoor(place._app, {("POST", "/v1/events"): answering(refuse)}, {}, place.records)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(door), base_url="http://clew.example") as http:
        await http.post("/v1/events", json={}, headers={"authorization": f"bearer {text}"})
    [record] = await place.written()
    assert (record.customer, record.status, record.http and record.http.status_code) == ("acme", "failure", 403)
    assert json.loads(record.parameters)["key"] == "Acme's"


@pytest.mark.feature("C14")
async def test_nothing_is_logged_while_the_switch_is_off(place: Place) -> None:
    place.is_on = False
    await place.http.get("/v1/products")
    await place.http.post("/v1/events", content="wrong")
    assert await place.written() == []
    place.is_on = True
    assert await place.logged("GET", "/v1/products")


@pytest.mark.parametrize(
    "path",
    ["/v1/records/tail", "/v1/api-requests/tail", "/livez", "/readyz", "/metrics", "/docs", "/openapi.json", "/"],
)
async def test_pages_tails_and_what_operators_ask_are_never_logged(place: Place, path: str) -> None:
    await place.http.get(path)
    assert await place.written() == []


@pytest.mark.parametrize(
    ("method", "status", "kept"),
    [("GET", 200, MOST_READ_BYTES), ("GET", 404, MOST_REQUEST_BYTES), ("POST", 200, MOST_REQUEST_BYTES)],
)
async def test_bodies_are_cut_between_characters_and_say_how_long_they_were(
    place: Place, method: str, status: int, kept: int
) -> None:
    body = ("x" + "é" * 20_000).encode()
    place.answer = (status, body, b"text/plain")
    http = (await place.logged(method, "/v1/customers", content=body)).http
    assert http is not None
    assert http.request_body is not None
    assert http.response_body is not None
    for part, most in ((http.request_body, MOST_REQUEST_BYTES), (http.response_body, kept)):
        assert (part.size, part.cut, part.encoding) == (len(body), True, "utf-8")
        assert len(part.text.encode()) == most - 1  # of the character that was cut in two nothing is left
        assert part.text == "x" + "é" * ((most - 2) // 2)


async def test_a_body_that_is_no_text_is_kept_as_base64(place: Place) -> None:
    http = (await place.logged("POST", "/v1/keys", content=b"\xff\xfe\x00")).http
    assert http is not None
    assert http.request_body is not None
    assert (http.request_body.encoding, http.request_body.text) == ("base64", "//4A")


@pytest.mark.parametrize(("encoding", "pack"), [("gzip", gzip.compress), ("zstd", zstandard.compress)])
async def test_a_compressed_body_is_kept_as_it_was_before(place: Place, encoding: str, pack: Any) -> None:
    for body in (b'{"wrong": "' + b"x" * 100 + b'"}', b'{"wrong": "' + b"x" * 100_000 + b'"}'):
        packed = pack(body) + b"wrong"  # what is behind the end is not looked at
        record = await place.logged("POST", "/v1/events", content=packed, headers={"content-encoding": encoding})
        assert record.http is not None
        kept = record.http.request_body
        assert kept is not None
        assert kept.text == body[:MOST_REQUEST_BYTES].decode()
        assert kept.cut == (len(body) > MOST_REQUEST_BYTES)


@pytest.mark.parametrize(
    "path",
    [
        "/v1/records",
        "/v1/records/x/payload",
        "/v1/traces/x",
        "/v1/integration-events",
        "/v1/flow-runs/x",
        "/v1/records/count",
    ],
)
async def test_a_look_at_the_log_is_logged_where_it_is_refused_and_is_no_echo_where_it_is_not(
    place: Place, path: str
) -> None:
    await place.http.get(path)
    assert await place.written() == []
    place.answer = problem(400)
    assert (await place.logged("GET", path)).status == "info"


@pytest.mark.parametrize("path", ["/v1/records/export", "/v1/integration-events/export"])
async def test_an_export_is_logged_without_its_body(place: Place, path: str) -> None:
    place.answer = (200, b"x" * 5_000, b"text/csv")
    http = (await place.logged("GET", f"{path}?format=csv")).http
    assert http is not None
    assert http.response_body is not None
    assert (http.response_body.text, http.response_body.size, http.response_body.cut) == ("", 5_000, True)


async def test_a_call_joins_its_callers_trace(place: Place) -> None:
    trace_id = "4bf92f3577b34da6a3ce929d0e0e4736"
    record = await place.logged("GET", "/v1/x", headers={"traceparent": f"00-{trace_id}-00f067aa0ba902b7-01"})
    assert record.trace_id == trace_id
    assert (await place.logged("GET", "/v1/x")).trace_id not in ("", trace_id)


async def test_logs_1_still_adds_to_the_answer(place: Place) -> None:
    answer = await place.http.get("/v1/products?logs=1")
    assert answer.json()["_logs"]
    [record] = await place.written()
    assert record.http is not None
    assert record.http.url == "/v1/products?logs=1"


async def test_what_is_too_much_is_dropped_and_counted_and_nobody_waits(
    place: Place, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(request_records, "MOST_WAITING", 3)
    monkeypatch.setattr(request_records, "GATHER_S", 60)
    for _ in range(5):
        assert (await place.http.get("/v1/products")).status_code == 200
    assert (place.records.waiting, place.records.dropped) == (3, 2)
    assert [record.message for record in caplog.records if record.name == "clew.api"] == [
        "calls of the API are not logged: too many wait (1 so far)"
    ]
    assert place.records._writing is not None
    place.records._writing.cancel()


async def test_a_full_journal_costs_the_records_and_not_the_answers(place: Place) -> None:
    place.journal._max_bytes = 1
    assert (await place.http.get("/v1/products")).status_code == 200
    assert await place.written() == []
    assert place.records.dropped == 1
    place.journal._max_bytes = 0
    assert await place.logged("GET", "/v1/products")


async def test_many_calls_at_once_are_all_logged_once(place: Place) -> None:
    await asyncio.gather(*(place.http.get(f"/v1/products/{n}") for n in range(450)))
    found = await place.written()
    assert sorted(record.message for record in found) == sorted(
        f"GET /v1/products/{n} answered 200" for n in range(450)
    )


async def test_a_caller_who_leaves_before_the_answer_is_not_logged(place: Place) -> None:
    async def leave(scope: Any, receive: Any, send: Any) -> None:
        raise asyncio.CancelledError

    door = FrontDoor(leave, {}, {}, place.records)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(door), base_url="http://clew.example") as http:
        with pytest.raises(asyncio.CancelledError):
            await http.get("/v1/records", headers={"authorization": f"Bearer {ADMIN_KEY}"})
    assert await place.written() == []
