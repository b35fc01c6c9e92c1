"""A search by text as its reader finds it: words, phrases, exclusions, and any text, also inside words."""

from __future__ import annotations

import json
import uuid
from typing import Any

import httpx
import pytest

from clew.cli.tailing import read_events
from harness.command import ask_server
from harness.server import ServerProcess, eventually

TEXTS = {
    "sql": "'; DROP TABLE log; -- x' OR '1'='1",
    "cel": "event.payload.lines.size() > 0 && event.payload.country == 'US'",
    "path": "C:\\new\\table\tand\nlines",
    "quoted": 'she said "ship it" twice',
    "cjk": "注文は 東京都 へ",
    "emoji": "late again \U0001f62d\U0001f600 really",
    "template": "{{ 7 * 7 }} {p0:String} %(p0)s 100%",
    "postal": "Ship refused it: no Postal-Code in 1001",
    "dashed": '{"Postal":"Code","order":"SO-1001"}',
    "turned": "code postal",
}


@pytest.fixture(scope="module")
def customer(server: ServerProcess) -> str:
    """A record of each text, as the payload of an event and half of them as its message, indexed."""
    key = f"c-{uuid.uuid4().hex[:10]}"
    events = [
        {
            "event": "said",
            "customer": key,
            "keys": {"of": f"x{name}"},  # no word that is asked for
            **({"message": text} if n % 2 else {"payload": text}),
        }
        for n, (name, text) in enumerate(TEXTS.items())
    ]
    with server.client() as api:
        assert api.post("/v1/events", json=events).status_code == 201
        eventually(lambda: api.get("/v1/records/count", params={"customer": key}).json()["count"] == len(TEXTS))
    return key


def names_of(items: list[dict[str, Any]]) -> list[str]:
    return sorted(item["keys"]["of"][1:] for item in items)


def find(api: httpx.Client, customer: str, **asked: str) -> list[str]:
    params = {"customer": customer, **asked}
    answer = api.get("/v1/records", params=params)
    assert answer.status_code == 200, answer.text
    assert not answer.json()["coverage"]["truncated"]
    assert api.get("/v1/records/count", params=params).json()["count"] == len(answer.json()["items"])
    return names_of(answer.json()["items"])


@pytest.mark.feature("A17")
@pytest.mark.parametrize(
    ("q", "names"),
    [
        ("postal code", ["dashed", "postal", "turned"]),
        ('"postal code"', ["dashed", "postal"]),
        ('"code postal"', ["turned"]),
        ("postal -turned -so", ["postal", "turned"]),
        ('postal -"postal code"', ["turned"]),
        ("1001 -SO-1001", ["postal"]),
        ("'; DROP TABLE log; --", ["sql"]),
        ("event.payload.lines.size() > 0", ["cel"]),
        ("C:\\new\\table", ["path"]),
        ('"ship it" -"refused it"', ["quoted"]),
        ("東京都", ["cjk"]),
        ("東京", []),
        ("\U0001f62d\U0001f600", ["emoji"]),
        ("\U0001f62d", []),
        ("{{ 7 * 7 }}", ["template"]),
    ],
)
def test_words_phrases_and_what_must_not_occur(api: httpx.Client, customer: str, q: str, names: list[str]) -> None:
    assert find(api, customer, q=q) == names


@pytest.mark.feature("A17")
@pytest.mark.parametrize(
    ("contains", "names"),
    [
        ("OSTAL-C", ["postal"]),
        ("' OR '1'='1", ["sql"]),
        ("size() > 0 && event", ["cel"]),
        ("東京", ["cjk"]),
        ("\U0001f600", ["emoji"]),
        ("%", ["template"]),
        ("100%", ["template"]),
        ("_", []),
        ("hip", ["postal", "quoted"]),
        ("no such text anywhere", []),
    ],
)
def test_any_text_is_found_also_inside_words(api: httpx.Client, customer: str, contains: str, names: list[str]) -> None:
    assert find(api, customer, contains=contains) == names
    assert find(api, customer, contains=contains, q="-absent", status="info") == names


def scan(api: httpx.Client, **params: Any) -> list[tuple[str, dict[str, Any]]]:
    with api.stream("GET", "/v1/integration-events/scan", params=params) as answer:
        assert answer.status_code == 200, answer.read()
        assert answer.headers["content-type"].startswith("text/event-stream")
        return [(event.name, json.loads(event.data)) for event in read_events(answer.iter_bytes())]


@pytest.mark.feature("A17", "N08")
def test_a_scan_tells_what_it_finds_and_how_far_it_came(api: httpx.Client, customer: str) -> None:
    events = scan(api, customer=customer, contains="hip")
    assert names_of([told for name, told in events if name == "match"]) == ["postal", "quoted"]
    name, done = events[-1]
    assert name == "done"
    assert (done["matches"], done["truncated"], done["next"]) == (2, False, None)
    assert done["coverage"]["from"] <= done["coverage"]["to"]
    for name, told in events[:-1]:
        assert name in ("match", "progress")
        if name == "progress":
            assert 0 <= told["fraction"] <= 1


def test_a_scan_that_is_full_goes_on_from_its_cursor_and_so_does_the_list(api: httpx.Client, customer: str) -> None:
    (_, first), (_, done) = scan(api, customer=customer, contains="hip", limit=1)
    assert (done["matches"], done["truncated"]) == (1, True)
    (_, second), (_, last) = scan(api, customer=customer, contains="hip", limit=1, cursor=done["next"])
    assert (last["truncated"], last["next"]) == (False, None)
    assert names_of([first, second]) == ["postal", "quoted"]
    listed = api.get(
        "/v1/integration-events", params={"customer": customer, "contains": "hip", "limit": 1, "cursor": done["next"]}
    )
    assert [item["id"] for item in listed.json()["items"]] == [second["id"]]


@pytest.mark.parametrize(
    ("path", "params", "said"),
    [
        ("/v1/records", {"q": 'a "b'}, "Close it"),
        ("/v1/records", {"q": "!!! ---"}, "contains"),
        ("/v1/records", {"q": 'a -"…"'.replace("…", "!")}, "quotation marks"),
        ("/v1/records", {"q": "a" * 10_000}, "at most 1000"),
        ("/v1/records/count", {"contains": "a" * 10_000}, "at most 1000"),
        ("/v1/records", {"contains": ""}, "leave it out"),
        ("/v1/records/scan", {"q": "postal"}, "ask for the list"),
        ("/v1/records/scan", {}, "ask for the list"),
        ("/v1/records/scan", {"contains": "a", "limit": 0}, "from 1 to 1000"),
        ("/v1/records/scan", {"contains": "a", "limit": 1001}, "from 1 to 1000"),
        ("/v1/records/scan", {"contains": "a", "cursor": "broken"}, "first page"),
        ("/v1/records/scan", {"contains": "a", "from": "2026-02-01", "to": "2026-01-01"}, "Exchange them"),
        ("/v1/records/scan", {"contains": "a", "colour": "red"}, "customer"),
    ],
)
def test_what_cannot_be_asked_says_what_to_change(
    api: httpx.Client, path: str, params: dict[str, Any], said: str
) -> None:
    answer = api.get(path, params=params)
    assert answer.status_code == 400, answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert said in answer.json()["hint"]


def test_a_cursor_of_another_text_is_refused(api: httpx.Client, customer: str) -> None:
    page = api.get("/v1/records", params={"customer": customer, "contains": "hip", "limit": 1}).json()
    for asked in ({"contains": "hi"}, {"q": "hip"}, {"contains": "hip", "q": "-x"}):
        answer = api.get("/v1/records", params={"customer": customer, "limit": 1, "cursor": page["next"], **asked})
        assert answer.status_code == 400
        assert "other filters" in answer.json()["detail"]


def test_the_command_finds_what_the_api_finds(server: ServerProcess, customer: str) -> None:
    found = ask_server(server, "search", "--customer", customer, "--json", "--", '"postal code"', "-so")
    assert found.returncode == 0, found.stderr
    answer = json.loads(found.stdout)
    assert names_of(answer["items"]) == ["postal"]
    inside = json.loads(ask_server(server, "search", "--customer", customer, "--contains", "hip", "--json").stdout)
    assert names_of(inside["items"]) == ["postal", "quoted"]
    assert set(answer) == set(inside) == {"items", "next", "prev", "coverage"}


def test_the_command_shows_a_table_and_how_to_go_on(server: ServerProcess, customer: str) -> None:
    found = ask_server(server, "search", "--customer", customer, "--limit", "2", "absent")
    assert found.returncode == 0, found.stderr
    assert "0 records" in found.stderr
    assert not found.stdout
    first = ask_server(
        server, "search", "--customer", customer, "--limit", "1", "--sort", "asc", "--status", "info", "--key", "of=*"
    )
    assert customer in first.stdout
    assert "\x1b" not in first.stdout
    cursor = first.stderr.split("--cursor ")[1].split()[0]
    second = ask_server(
        server,
        "search",
        "--customer",
        customer,
        "--limit",
        "1",
        "--sort",
        "asc",
        "--status",
        "info",
        "--key",
        "of=*",
        "--cursor",
        cursor,
    )
    assert second.stdout != first.stdout
    assert "of=" in second.stdout


def test_the_command_says_what_to_change_and_that_it_failed(server: ServerProcess) -> None:
    refused = ask_server(server, "search", 'a "b')
    assert refused.returncode == 2
    assert "Close it" in refused.stderr
    assert not refused.stdout
    assert ask_server(server, "search", "--status", "red").returncode == 2
    assert ask_server(server, "search", "--limit", "0").returncode == 2


@pytest.mark.feature("A17")
def test_an_order_number_is_found_that_came_as_a_business_key_alone(api: httpx.Client) -> None:
    customer = f"c-{uuid.uuid4().hex[:10]}"
    near = [{"keys": {"order": "SO-7301"}}, {"keys": {"order": "SO-7302"}, "message": "not 7301"}]
    events = [{"event": "placed", "customer": customer, **event} for event in near]
    assert api.post("/v1/events", json=events).status_code == 201
    eventually(lambda: api.get("/v1/records/count", params={"customer": customer}).json()["count"] == 2)

    def orders(**asked: str) -> list[str]:
        found = api.get("/v1/records", params={"customer": customer, **asked}).json()["items"]
        return [item["keys"]["order"] for item in found]

    assert orders(q="SO-7301") == orders(q="so 7301 -not") == orders(contains="o-7301") == ["SO-7301"]
    assert sorted(orders(q="so 7301")) == ["SO-7301", "SO-7302"]


@pytest.mark.feature("A17")
def test_a_reason_is_found_by_its_words(api: httpx.Client) -> None:
    customer = f"c-{uuid.uuid4().hex[:10]}"
    failed = {"event": "placed", "customer": customer, "status": "failure", "error": {"message": "No postal zone 9"}}
    assert api.post("/v1/events", json=failed).status_code == 201
    for asked in ({"q": '"postal zone"'}, {"contains": "ostal zon"}):
        eventually(
            lambda asked=asked: (
                api.get("/v1/records/count", params={"customer": customer, **asked}).json()["count"] == 1
            )
        )
