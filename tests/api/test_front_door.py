"""The outermost layer, before a few small applications."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from clew.api.front_door import FrontDoor
from clew.api.wire import send_json
from clew.core.request_log import note


def answering(status: int, body: Any, content_type: bytes = b"application/json") -> Any:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        note("it worked", {"n": 1})
        await send_json(send, status, body, content_type=content_type)

    return app


def client(app: Any, **hot: Any) -> httpx.AsyncClient:
    door = FrontDoor(app, hot.get("hot", {}), hot.get("prefixes", {}))
    return httpx.AsyncClient(transport=httpx.ASGITransport(door), base_url="http://clew.example")


@pytest.mark.feature("H01", "H05")
async def test_logs_1_adds_what_was_noted_to_a_json_object() -> None:
    async with client(answering(200, {"a": 1})) as http:
        body = (await http.get("/x?b=2&logs=1")).json()
    assert body["a"] == 1
    assert [line["msg"] for line in body["_logs"]] == ["GET /x", "it worked"]
    assert body["_logs"][1]["data"] == {"n": 1}


@pytest.mark.feature("H04")
async def test_a_problem_document_is_an_object_too() -> None:
    async with client(answering(422, {"status": 422}, b"application/problem+json")) as http:
        answer = await http.get("/x?logs=1")
    assert answer.status_code == 422
    assert answer.json()["_logs"]
    assert int(answer.headers["content-length"]) == len(answer.content)


@pytest.mark.feature("H02", "H06")
@pytest.mark.parametrize("value", ["0", "true", "", "11", "01"])
async def test_any_other_value_adds_nothing(value: str) -> None:
    async with client(answering(200, {"a": 1})) as http:
        assert (await http.get(f"/x?logs={value}")).json() == {"a": 1}


@pytest.mark.feature("H03")
@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ([{"a": 1}], b"application/json"),
        (b'{"a": 1}', b"text/html"),
        (b"a,b\n1,2\n", b"text/csv"),
        (b"7", b"application/json"),
    ],
)
async def test_what_is_no_json_object_is_unchanged(body: Any, content_type: bytes) -> None:
    async with client(answering(200, body, content_type)) as http:
        assert (await http.get("/x?logs=1")).content == (await http.get("/x")).content


async def test_numbers_and_odd_text_survive_the_log() -> None:
    async with client(answering(200, b'{"big": 123456789012345678901234567890, "e": 1e400}')) as http:
        text = (await http.get("/x?logs=1")).text
    assert "123456789012345678901234567890" in text
    assert "1e400" in text


async def test_what_one_request_noted_is_not_in_anothers_log() -> None:
    async with client(answering(200, {})) as http:
        await http.get("/first?logs=1")
        second = (await http.get("/second?logs=1")).json()
    assert [line["msg"] for line in second["_logs"]] == ["GET /second", "it worked"]


async def test_hot_paths_are_answered_by_their_own_callable_and_method() -> None:
    hot = {("POST", "/v1/events"): answering(201, {"hot": True})}
    prefixes = {"/webhooks/in/": answering(200, {"hook": True})}
    async with client(answering(200, {"hot": False}), hot=hot, prefixes=prefixes) as http:
        assert (await http.post("/v1/events")).json() == {"hot": True}
        assert (await http.get("/v1/events")).json() == {"hot": False}
        assert (await http.put("/webhooks/in/orders")).json() == {"hook": True}


@pytest.mark.parametrize(("given", "kept"), [("mine-1", True), ("a b", False), ("x" * 129, False), ("", False)])
async def test_a_request_id_is_kept_where_it_is_well_formed(given: str, kept: bool) -> None:
    async with client(answering(200, {})) as http:
        answered = (await http.get("/x", headers={"x-request-id": given})).headers["x-request-id"]
    assert (answered == given) is kept
    assert answered
