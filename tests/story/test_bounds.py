"""Whatever is asked of a log that may use hardly any memory or time is answered as far as it came, or refused with what
to change: no crash, no gap that nobody is told of, and what comes in meanwhile is taken and indexed.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from clew.cli.tailing import read_events
from harness.browsing import browse
from harness.server import ServerProcess, eventually

DAYS, A_DAY = 9, 700
TRACE = "5" * 32
FAR_TOO_LITTLE = 1
TOO_LITTLE = 6_000_000
"""Bytes of memory: enough for a few questions on this log, and not for most."""
FILTERS: list[dict[str, Any]] = [
    {},
    {"q": "word7"},
    {"q": '"word7 word8"'},
    {"q": "-word7"},
    {"contains": "ord7"},
    {"contains": "no such text"},
    {"key": "order=SO-7"},
    {"key": "order=*"},
    {"customer": "c3", "status": "failure"},
    {"product": "erp"},
    {"trace_id": TRACE},
]
PAGES = (
    "/",
    "/logs",
    "/logs?q=word7",
    "/logs?contains=ord7",
    "/logs/integration-events",
    "/logs/chart",
    "/customers/c3/integration-events",
    "/troubleshooting?customer=c3&event_type=order.released",
    "/settings/logging",
)


def make_events() -> list[dict[str, Any]]:
    chance, now = random.Random(7), datetime.now(UTC)
    words = [f"word{number}" for number in range(400)]
    return [
        {
            "event": "order.released",
            "time": (now - timedelta(days=number % DAYS, seconds=number)).isoformat(),
            "status": "failure" if number % 9 == 0 else "success",
            "source_product": "erp",
            "customer": f"c{number % 20}",
            "keys": {"order": f"SO-{number}"} if number % 3 else {},
            "payload": " ".join(chance.choices(words, k=150)),
            **({"trace_id": TRACE} if number % 1_000 == 0 else {}),
        }
        for number in range(DAYS * A_DAY)
    ]


class Place:
    """A directory with records of several days, and what a server without bounds says of them until a time."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.ids: dict[str, list[str]] = {}
        self.until = ""

    def serve(self, **env: str) -> ServerProcess:
        return ServerProcess(self.home / "data", env={"CLEW_KEEP_DAYS": "0", **env}).start()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    made = Place(tmp_path_factory.mktemp("bounds"))
    server = made.serve()
    try:
        with server.client() as api:
            events = make_events()
            for start in range(0, len(events), 1_000):
                assert api.post("/v1/events", json=events[start : start + 1_000]).status_code == 201
            eventually(lambda: waiting(api) == 0, timeout_s=60)
            made.ids = {str(filters): ids_of(api, filters) for filters in FILTERS}
            made.until = datetime.now(UTC).isoformat()
    finally:
        server.close()
    return made


@pytest.fixture(scope="module", params=[FAR_TOO_LITTLE, TOO_LITTLE])
def memory(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture(scope="module")
def server(place: Place, memory: int) -> Iterator[ServerProcess]:
    process = place.serve(CLEW_LOG_MEMORY_BYTES=str(memory))
    yield process
    process.close()


def waiting(api: httpx.Client) -> int:
    return api.get("/readyz").json()["parts"]["pump"].get("waiting", -1)


def ids_of(api: httpx.Client, filters: dict[str, Any]) -> list[str]:
    """All that a list has, page by page."""
    ids: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = api.get("/v1/records", params={**filters, "limit": 1000, **cursor}).json()
        ids += [item["id"] for item in page["items"]]
        if page["next"] is None:
            return ids
        cursor = {"cursor": page["next"]}


def asked(place: Place, filters: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The filters up to when the log was filled, and what there is under them, the newest first."""
    return {**filters, "to": place.until}, place.ids[str(filters)]


def is_refused(answer: httpx.Response) -> bool:
    """Whether it is a refusal that says what to change."""
    if answer.status_code == 200:
        return False
    assert answer.status_code == 503, answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert "CLEW_LOG" in answer.json()["hint"], answer.text
    assert answer.headers["retry-after"]
    return True


@pytest.mark.parametrize("filters", FILTERS, ids=str)
def test_a_list_is_the_beginning_of_the_whole_and_says_where_it_ends_early(
    place: Place, api: httpx.Client, memory: int, filters: dict[str, Any]
) -> None:
    params, whole = asked(place, filters)
    answer = api.get("/v1/records", params={**params, "limit": 1000})
    assert answer.status_code == 200, answer.text
    found = [item["id"] for item in answer.json()["items"]]
    assert found == whole[: len(found)]
    is_truncated = answer.json()["coverage"]["truncated"]
    assert is_truncated or len(found) == min(len(whole), 1000)
    assert is_truncated or memory > FAR_TOO_LITTLE


@pytest.mark.parametrize("filters", FILTERS, ids=str)
def test_numbers_are_whole_or_say_that_they_are_not(place: Place, api: httpx.Client, filters: dict[str, Any]) -> None:
    params, whole = asked(place, filters)
    told: dict[str, Callable[[Any], int]] = {
        "count": lambda told: told["count"],
        "histogram": lambda told: sum(bar["info"] + bar["success"] + bar["failure"] for bar in told["bars"]),
        "facets?names=status": lambda told: sum(value["count"] for value in told["facets"]["status"]),
    }
    for path, total in told.items():
        answer = api.get(f"/v1/records/{path}", params={**dict(httpx.URL(path).params), **params})
        assert answer.status_code == 200, answer.text
        assert total(answer.json()) <= len(whole)
        assert answer.json()["coverage"]["truncated"] or total(answer.json()) == len(whole), path


@pytest.mark.parametrize("form", ["csv", "ndjson", "parquet"])
@pytest.mark.parametrize("filters", FILTERS, ids=str)
def test_an_export_is_whole_or_refused_and_never_half_a_file_that_looks_whole(
    place: Place, api: httpx.Client, filters: dict[str, Any], form: str
) -> None:
    params, whole = asked(place, filters)
    try:
        answer = api.get("/v1/records/export", params={**params, "format": form})
    except httpx.RemoteProtocolError:
        return  # it broke off in the middle, and the reader knows it
    if is_refused(answer) or form == "parquet":
        return
    assert answer.text.count("\n") == len(whole) + (form == "csv")


def test_a_scan_ends_and_says_how_far_it_came(place: Place, api: httpx.Client) -> None:
    params, whole = asked(place, {"contains": "ord7"})
    with api.stream("GET", "/v1/records/scan", params={**params, "limit": 1000}) as answer:
        assert answer.status_code == 200, answer.read()
        events = list(read_events(answer.iter_bytes()))
    assert events[-1].name == "done"
    matches = sum(event.name == "match" for event in events)
    assert b'"truncated":true' in events[-1].data or matches == len(whole)


def test_records_chains_causes_and_decisions_are_whole_or_refused(place: Place, api: httpx.Client) -> None:
    _, chain = asked(place, {"trace_id": TRACE})
    for path in ("", "/trace", "/cause", "/decisions", "/payload"):
        is_refused(api.get(f"/v1/records/{chain[0]}{path}"))
    answer = api.get(f"/v1/traces/{TRACE}")
    assert is_refused(answer) or sorted(item["id"] for item in answer.json()["items"]) == sorted(chain)


def test_why_something_did_not_run_is_unknown_where_it_could_not_be_looked_at(
    server: ServerProcess, api: httpx.Client
) -> None:
    asked = {"customer": "c3", "event_type": "shipment.updated"}
    answer = api.post("/v1/why-not", json=asked)
    if is_refused(answer) or not answer.json()["coverage"]["truncated"]:
        return
    verdicts = {check["name"]: check["verdict"] for check in answer.json()["checks"]}
    assert "no" not in verdicts.values(), verdicts


def test_what_comes_in_is_taken_indexed_and_shown_live(api: httpx.Client) -> None:
    with api.stream("GET", "/v1/records/tail", params={"event": "just.now"}) as tail:
        events = read_events(tail.iter_bytes())
        next(events)
        ids = api.post("/v1/events", json=[{"event": "just.now"}] * 50).json()["ids"]
        shown = [next(events) for _ in ids]
    assert [event.name for event in shown] == ["record"] * 50
    assert eventually(lambda: waiting(api) == 0)


def test_every_page_is_shown_or_says_what_to_change(server: ServerProcess) -> None:
    with browse(server) as browser:
        for path in PAGES:
            page = browser.get(path)
            assert page.status_code in (200, 503), (path, page.status_code)
            if page.status_code == 503:
                assert "CLEW_LOG_MEMORY_BYTES" in page.text, path
            assert "Nothing has come in yet" not in page.text, path
