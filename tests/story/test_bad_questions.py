"""What cannot be asked is refused with what to change, the same by the API, on the pages and by the commands; any text
in a value is a text and nothing else.
"""

from __future__ import annotations

import html
import json
import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from harness.browsing import browse
from harness.command import ask_server
from harness.server import ServerProcess, eventually

API_PATHS = ("", "/count", "/histogram", "/facets", "/export", "/tail", "/scan")
PAGE_PATHS = ("/logs", "/logs/chart", "/logs/download", "/logs/scan", "/logs/tail")

REFUSED: list[tuple[dict[str, str], str]] = [
    ({"q": "a" * 10_000}, "at most 1000 are taken"),
    ({"q": "!!! --- …".replace("…", ".")}, "Write at least one word"),
    ({"q": '"never closed'}, "Close it"),
    ({"q": '-"!!!"'}, "excludes a phrase that has no word"),
    ({"contains": "b" * 10_000}, "at most 1000 are taken"),
    ({"key": "order"}, "NAME=VALUE"),
    ({"key": "=1"}, "NAME=VALUE"),
    ({"trace_id": "xyz"}, "32 lower-case hex digits"),
    ({"http_status": "abc"}, "a status code"),
    ({"min_duration_ms": "-1"}, "a whole number"),
    ({"status": "meh"}, "success"),
    ({"colour": "red"}, "customer"),
]
"""What no face answers, and what its refusal says."""

REFUSED_LISTS: list[tuple[dict[str, str], str]] = [
    ({"from": "2026-02-01", "to": "2026-01-01"}, "Exchange them"),
    ({"from": "yesterday"}, "RFC 3339"),
    ({"duration": "2h"}, "24h"),
    ({"cursor": "broken"}, "begin at the first page"),
    ({"cursor": "A" * 56}, "begin at the first page"),
    ({"limit": "0"}, "from 1 to"),
    ({"limit": "1001"}, "from 1 to"),
    ({"limit": "ten"}, "from 1 to"),
    ({"sort": "up"}, "desc"),
]
"""The same of what has times and pages."""

TEXTS = {
    "sql": "'; DROP TABLE log; -- ' OR '1'='1",
    "cel": "event.payload.lines.size() > 0 && event.country == 'US'",
    "cjk": "注文は 東京都",
    "emoji": "late \U0001f62d\U0001f600",
    "template": "{{ 7 * 7 }} {p0:String} %(p0)s ${x}",
    "markup": "<script>alert(1)</script> & </td>",
    "quotes": "\"double\" 'single' `back` \\ slash",
    "star": "*",
    "percent": "%_100%",
}
FIELDS = ("customer", "event", "type", "source_product", "integration")


@pytest.fixture(scope="module")
def mark(server: ServerProcess) -> str:
    """A record of each text, in every field that is filtered by. Gives the type of all of them."""
    mark = f"m-{uuid.uuid4().hex[:8]}"
    events = [
        {**dict.fromkeys(FIELDS, text), "keys": {mark: text}, "message": text, "parameters": {"of": name}}
        for name, text in TEXTS.items()
    ]
    with server.client() as api:
        assert api.post("/v1/events", json=events).status_code == 201
        eventually(lambda: api.get("/v1/records/count", params={"key": f"{mark}=*"}).json()["count"] == len(TEXTS))
    return mark


@pytest.fixture(scope="module")
def browser(server: ServerProcess) -> Iterator[httpx.Client]:
    with browse(server) as browser:
        yield browser


@pytest.mark.parametrize("path", API_PATHS)
@pytest.mark.parametrize(("asked", "said"), REFUSED + REFUSED_LISTS, ids=lambda value: str(value)[:40])
def test_the_api_refuses_it_with_what_to_change(api: httpx.Client, path: str, asked: dict[str, str], said: str) -> None:
    answer = api.get(f"/v1/records{path}", params={**({"contains": "x"} if path == "/scan" else {}), **asked})
    assert answer.status_code == 400, answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")
    problem = answer.json()
    assert problem["hint"]
    is_for_lists = path in ("", "/scan") or not set(asked) & {"cursor", "limit", "sort"}
    if is_for_lists and path != "/tail":
        assert said in problem["detail"] + problem["hint"]


@pytest.mark.parametrize("path", PAGE_PATHS)
@pytest.mark.parametrize(("asked", "said"), REFUSED + REFUSED_LISTS[:5], ids=lambda value: str(value)[:40])
def test_a_page_says_what_to_change(browser: httpx.Client, path: str, asked: dict[str, str], said: str) -> None:
    if path == "/logs/tail" and "cursor" in asked:
        return  # a live list has no pages, so the part of it that comes live leaves the cursor out
    page = browser.get(path, params={**({"contains": "x"} if path == "/logs/scan" else {}), **asked})
    assert page.status_code == 400, page.text[:500]
    assert said in html.unescape(page.text) or (path == "/logs/download" and "cursor" in asked)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("search", "a" * 10_000), "at most 1000 are taken"),
        (("search", "!!!"), "Write at least one word"),
        (("search", "--from", "2026-02-01", "--to", "2026-01-01"), "Exchange them"),
        (("search", "--cursor", "broken"), "begin at the first page"),
        (("search", "--limit", "0"), "--limit"),
        (("search", "--limit", "1001"), "--limit"),
        (("export", "--output", "-", "--http-status", "abc"), "a status code"),
        (("tail", "--key", "order"), "NAME=VALUE"),
        (("tail", "--status", "meh"), "success"),
    ],
    ids=lambda value: str(value)[:50],
)
def test_a_command_exits_with_2_and_says_what_to_change(
    server: ServerProcess, arguments: tuple[str, ...], said: str
) -> None:
    ran = ask_server(server, *arguments)
    assert ran.returncode == 2, ran.stderr
    assert said in ran.stderr
    assert ran.stdout == ""


def test_a_cursor_of_another_filter_is_refused_by_every_face(
    server: ServerProcess, api: httpx.Client, browser: httpx.Client, mark: str
) -> None:
    cursor = api.get("/v1/records", params={"key": f"{mark}=*", "limit": 1}).json()["next"]
    said = "other filters or another sort"
    for asked in ({"limit": 1}, {"key": f"{mark}=*", "sort": "asc"}, {"key": f"{mark}=*", "status": "info"}):
        answer = api.get("/v1/records", params={**asked, "cursor": cursor})
        assert (answer.status_code, said in answer.json()["detail"]) == (400, True)
        assert "Leave `cursor` out" in answer.json()["hint"]
    page = browser.get("/logs", params={"event": "x", "cursor": cursor})
    assert page.status_code == 400
    assert said in page.text
    ran = ask_server(server, "search", "--event", "x", "--cursor", cursor)
    assert (ran.returncode, said in ran.stderr) == (2, True), ran.stderr


@pytest.mark.parametrize("name", TEXTS)
def test_any_text_in_a_value_is_found_as_it_is_and_does_nothing(
    server: ServerProcess, api: httpx.Client, browser: httpx.Client, mark: str, name: str
) -> None:
    text = TEXTS[name]
    asked: list[dict[str, Any]] = [{field: text, "key": f"{mark}=*"} for field in FIELDS]
    asked += [{"contains": text, "key": f"{mark}=*"}]
    asked += [{"key": f"{mark}={text}"}] if text != "*" else []
    for params in asked:
        items = api.get("/v1/records", params=params).json()["items"]
        found = [item["parameters"]["of"] for item in items]
        assert name in found, params
        assert found == [name] or "contains" in params
        assert api.get("/v1/records/count", params=params).json()["count"] == len(found)
        facets = api.get("/v1/records/facets", params={**params, "names": "customer"}).json()["facets"]["customer"]
        assert text in [value["value"] for value in facets]
    page = browser.get("/logs", params={"key": f"{mark}=*", "customer": text})
    assert page.status_code == 200
    assert text in html.unescape(page.text)
    assert "<script>alert" not in page.text


def test_any_text_in_a_value_is_found_by_the_command(server: ServerProcess, mark: str) -> None:
    customers = [argument for text in TEXTS.values() for argument in ("--customer", text)]
    ran = ask_server(server, "search", "--key", f"{mark}=*", *customers, "--json")
    assert sorted(item["parameters"]["of"] for item in json.loads(ran.stdout)["items"]) == sorted(TEXTS)


def test_a_star_finds_every_record_that_has_the_key_and_only_those(api: httpx.Client, mark: str) -> None:
    items = api.get("/v1/records", params={"key": f"{mark}=*", "limit": 1000}).json()["items"]
    assert sorted(item["parameters"]["of"] for item in items) == sorted(TEXTS)
    assert api.get("/v1/records", params={"key": f"{mark}x=*"}).json()["items"] == []
