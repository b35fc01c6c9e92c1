"""Bad input gets a clear error that says where, nothing of that request is stored, and the server goes on."""

from __future__ import annotations

import gzip
import json
import uuid
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from harness.server import eventually

DEEP = "[" * 65 + "]" * 65
GOOD = {"event": "fine"}
JSON = "application/json"


def problem(answer: httpx.Response, status: int) -> dict:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")
    document = answer.json()
    assert document["status"] == status
    assert document["title"]
    assert document["detail"]
    assert document["code"]
    return document


def post(api: httpx.Client, body: bytes | str, content_type: str = JSON, **headers: str) -> httpx.Response:
    return api.post("/v1/events", content=body, headers={"content-type": content_type, **headers})


def count_events(api: httpx.Client) -> int:
    """How many events there are, when all that was acknowledged is indexed."""
    eventually(lambda: api.get("/readyz").json()["parts"]["pump"]["waiting"] == 0)
    return api.get("/v1/integration-events/count").json()["count"]


@pytest.mark.feature("I06")
@pytest.mark.parametrize(
    ("body", "status", "pointer"),
    [
        ('{"event": "x",}', 400, None),
        ('{"event": "x"', 400, None),
        ("", 400, None),
        ("nonsense", 400, None),
        (b'{"event": "\xff"}', 400, None),
        (b'{"event": "x", "payload": "\xff\xfe"}', 400, None),
        ('{"event": "x", "payload": "\\ud800"}', 400, None),
        ("[]", 422, ""),
        ("3", 422, ""),
        ("null", 422, ""),
        ("{}", 422, "/event"),
        ('{"event": ""}', 422, "/event"),
        ('{"event": 3}', 422, "/event"),
        ('{"event": null}', 422, "/event"),
        ('{"event": "x", "colour": "red"}', 422, "/colour"),
        ('[{"event": "x"}, {"event": "y", "status": "meh"}]', 422, "/1/status"),
        ('[{"event": "x"}, {"event": "y", "direction": "up"}]', 422, "/1/direction"),
        ('{"event": "x", "time": "yesterday"}', 422, "/time"),
        ('{"event": "x", "time": 5}', 422, "/time"),
        ('{"event": "x", "time": "0001-01-01T00:00:00Z"}', 422, "/time"),
        ('{"event": "x", "time": "1900-01-01T00:00:00Z"}', 422, "/time"),
        ('{"event": "x", "time": "9999-12-31T23:59:59Z"}', 422, "/time"),
        ('{"event": "x", "time": "2500-01-01T00:00:00+14:00"}', 422, "/time"),
        ('{"event": "x\\u0000y"}', 422, "/event"),
        ('[{"event": "x"}, {"event": "y", "customer": "a\\u0000"}]', 422, "/1/customer"),
        ('{"event": "x", "keys": {"order": "a\\u0000b"}}', 422, "/keys/order"),
        ('{"event": "x", "keys": {"order": {"a": 1}}}', 422, "/keys"),
        ('{"event": "x", "keys": ["order"]}', 422, "/keys"),
        ('{"event": "x", "parameters": [1]}', 422, "/parameters"),
        ('{"event": "x", "trace_id": "xyz"}', 422, "/trace_id"),
        ('{"event": "x", "parent_id": "nobody"}', 422, "/parent_id"),
        ('{"event": "x", "duration_ms": -1}', 422, "/duration_ms"),
        (f'{{"event": "x", "payload": {DEEP}}}', 422, "/payload"),
        (f'[{{"event": "x"}}, {{"event": "x", "parameters": {{"a": {DEEP}}}}}]', 422, "/1/parameters"),
        ("[" * 100_000, 422, None),
        ("[" * 100_000 + "]" * 100_000, 422, None),
        ('{"event": "x", "payload": ' + "[" * 100_000 + "]" * 100_000 + "}", 422, None),
    ],
)
def test_it_is_refused_with_the_place(api: httpx.Client, body: bytes | str, status: int, pointer: str | None) -> None:
    before = count_events(api)
    document = problem(post(api, body), status)
    if pointer is not None:
        assert [error for error in document["errors"] if error["pointer"].startswith(pointer)], document["errors"]
    assert post(api, json.dumps(GOOD)).status_code == 201
    assert count_events(api) == before + 1


def test_malformed_json_names_the_byte(api: httpx.Client) -> None:
    assert "byte 14" in problem(post(api, '{"event": "x",}'), 400)["detail"]


def test_a_wrong_line_of_ndjson_is_named(api: httpx.Client) -> None:
    body = '{"event": "x"}\n\n{"event": }\n'
    assert "line 3" in problem(post(api, body, "application/x-ndjson"), 400)["detail"]


@pytest.mark.feature("I06")
def test_the_hint_lists_what_is_allowed(api: httpx.Client) -> None:
    document = problem(post(api, '{"event": "x", "status": "meh"}'), 422)
    text = json.dumps(document)
    assert all(word in text for word in ("info", "success", "failure"))
    unknown = problem(post(api, '{"event": "x", "colour": "red"}'), 422)
    assert "source_product" in json.dumps(unknown)


def test_a_request_over_its_bound_is_refused(api: httpx.Client) -> None:
    problem(post(api, b'{"event": "x", "payload": "' + b"a" * (10 * 1024 * 1024) + b'"}'), 413)
    huge = json.dumps([GOOD, {"event": "big", "payload": "a" * (1024 * 1024)}])
    document = problem(post(api, huge), 413)
    assert "/1" in [error["pointer"] for error in document["errors"]]
    assert post(api, json.dumps({"event": "big", "payload": "a" * 1_000_000})).status_code == 201


def test_a_chunked_request_over_its_bound_is_refused(api: httpx.Client) -> None:
    def chunks():
        for _ in range(11):
            yield b" " * 1024 * 1024

    problem(api.post("/v1/events", content=chunks(), headers={"content-type": JSON}), 413)


def test_a_gzip_bomb_is_refused(api: httpx.Client) -> None:
    bomb = gzip.compress(b" " * (200 * 1024 * 1024), 9)
    assert len(bomb) < 1024 * 1024
    problem(post(api, bomb, **{"content-encoding": "gzip"}), 413)
    problem(post(api, b"no gzip", **{"content-encoding": "gzip"}), 400)
    problem(post(api, b"{}", **{"content-encoding": "br"}), 415)


def test_another_content_type_is_refused(api: httpx.Client) -> None:
    problem(post(api, "<event/>", "application/xml"), 415)


def test_a_time_a_little_ahead_is_taken(api: httpx.Client) -> None:
    ahead = (datetime.now(UTC) + timedelta(minutes=10)).isoformat()
    order = uuid.uuid4().hex
    assert post(api, json.dumps({"event": "x", "time": ahead, "keys": {"order": order}})).status_code == 201
    eventually(lambda: api.get("/v1/records", params={"key": f"order={order}"}).json()["items"])


@pytest.mark.parametrize(
    ("query", "listed"),
    [
        ("colour=red", "customer"),
        ("status=meh", "failure"),
        ("kind=webhook", "external_webhook"),
        ("duration=2h", "24h"),
        ("sort=up", "desc"),
        ("direction=left", "two-way"),
    ],
)
def test_an_unknown_filter_lists_the_allowed_ones(api: httpx.Client, query: str, listed: str) -> None:
    document = problem(api.get(f"/v1/records?{query}"), 400)
    assert listed in document["hint"] + document["detail"]


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=1001",
        "limit=ten",
        "from=yesterday",
        "from=2026-02-01&to=2026-01-01",
        "duration=1h&from=2026-01-01",
        "cursor=broken",
        "key=order",
        "key=%3D",
        "trace_id=xyz",
        "http_status=abc",
        "min_duration_ms=-1",
        "customer=a%00b",
        "q=" + "a" * 10_000,
        "q=!!!",
    ],
)
def test_a_wrong_filter_value_is_refused(api: httpx.Client, query: str) -> None:
    assert problem(api.get(f"/v1/records?{query}"), 400)["hint"]


def test_a_cursor_of_another_filter_is_refused(api: httpx.Client) -> None:
    for _ in range(3):
        post(api, json.dumps({"event": "paged"}))
    first = eventually(lambda: api.get("/v1/records?event=paged&limit=1").json()["next"])
    problem(api.get("/v1/records", params={"event": "other", "limit": 1, "cursor": first}), 400)


def test_an_unknown_record_is_a_404(api: httpx.Client) -> None:
    problem(api.get(f"/v1/records/{uuid.uuid4()}"), 404)
    problem(api.get("/v1/records/not-an-id"), 404)
    problem(api.get("/v1/nothing-here"), 404)


def test_without_a_key_nothing_is_told(api: httpx.Client, server) -> None:
    with server.client(key="") as nobody:
        for path in ("/v1/records", "/v1/customers", f"/v1/records/{uuid.uuid4()}"):
            assert "www-authenticate" in nobody.get(path).headers
            problem(nobody.get(path), 401)
        problem(nobody.post("/v1/events", json=GOOD), 401)
    with server.client(key="clew_wrong") as stranger:
        problem(stranger.post("/v1/events", json=GOOD), 401)
