"""Exports that take a while: begun from a list, watched, fetched by their member alone, removed after a day."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from clew.core.clock import DAY_MS, FakeClock
from clew.core.record import Record
from clew.core.settings import Settings
from clew.registry.registry import Registry
from clew.web.logs import downloads

Client = TestClient[Litestar]
Keep = Callable[..., None]
MakeRecord = Callable[..., Record]

PATIENCE_S = 10
TOKEN = re.compile(r'name="form_token" value="([^"]+)"')
HREF = re.compile(r'href="(/exports/[0-9a-f-]{36}/file)"')


@pytest.fixture
def three_steps(keep: Keep, make_record: MakeRecord) -> None:
    keep(*(make_record("step", after=n, customer="acme" if n else "globex") for n in range(3)))


def token_of(client: Client) -> str:
    found = TOKEN.search(client.get("/logs").text)
    assert found
    return found[1]


def begin(client: Client, address: str = "/logs/exports?duration=all", format: str = "ndjson") -> str:
    """Begins an export and gives the address of its page."""
    answer = client.post(address, data={"form_token": token_of(client), "format": format})
    assert answer.status_code == 303, answer.text
    location: str = answer.headers["location"]
    return location


def wait_for(client: Client, page: str, said: str) -> str:
    deadline_s = time.monotonic() + PATIENCE_S
    while said not in (text := client.get(page).text):
        assert time.monotonic() < deadline_s, text
        time.sleep(0.01)
    return text


@pytest.mark.usefixtures("three_steps")
def test_an_export_is_fetched_from_its_page_when_it_is_whole(client: Client, settings: Settings) -> None:
    page = begin(client, "/logs/exports?customer=acme&duration=all")
    text = wait_for(client, page, "It is ready")
    assert "2 records" in text
    assert "http-equiv" not in text
    found = HREF.search(text)
    assert found
    answer = client.get(found[1])
    assert [json.loads(line)["customer"] for line in answer.text.splitlines()] == ["acme", "acme"]
    assert re.search(r'filename="records-\d{8}T\d{6}Z\.ndjson"', answer.headers["content-disposition"])
    assert "records" in client.get("/exports").text
    directory = Path(settings.data_dir) / "exports"
    assert all(path.stat().st_mode & 0o077 == 0 for path in directory.glob("*.ndjson"))


@pytest.mark.usefixtures("three_steps")
def test_a_csv_counts_its_records_and_not_its_heading(client: Client) -> None:
    assert "3 records" in wait_for(client, begin(client, format="csv"), "It is ready")


@pytest.mark.usefixtures("three_steps")
def test_an_export_is_its_members_alone(client: Client, registry: Registry) -> None:
    page = begin(client)
    wait_for(client, page, "It is ready")
    other = registry.members.create("default", "eve@acme.example", "correct horse battery", "admin")
    client.cookies.set("clew_session", registry.sessions.start(other)[0])
    assert client.get(page).status_code == 404
    assert client.get(f"{page}/file").status_code == 404
    assert client.post(f"{page}/remove", data={"form_token": token_of(client)}).status_code == 404
    assert page not in client.get("/exports").text


@pytest.mark.usefixtures("three_steps")
def test_an_export_is_gone_when_a_day_is_over_or_its_member_removes_it(
    client: Client, clock: FakeClock, settings: Settings
) -> None:
    first, second = begin(client), begin(client, format="csv")
    wait_for(client, first, "It is ready")
    wait_for(client, second, "It is ready")
    assert client.post(f"{first}/remove", data={"form_token": token_of(client)}).headers["location"] == "/exports"
    assert client.get(first).status_code == 404
    assert client.get(second).status_code == 200
    clock.advance(DAY_MS + 2_000)
    assert client.get(second).status_code == 404
    assert list((Path(settings.data_dir) / "exports").iterdir()) == []


def test_an_export_that_is_asked_for_wrongly_is_refused(client: Client) -> None:
    token = token_of(client)
    assert client.post("/logs/exports", data={"format": "csv"}).status_code == 403
    assert client.post("/logs/exports?status=meh", data={"form_token": token}).status_code == 400
    assert client.post("/logs/exports", data={"form_token": token, "format": "xlsx"}).status_code == 400
    assert client.post("/logs/nothing/exports", data={"form_token": token}).status_code == 404
    assert client.get("/exports/none").status_code == 404
    assert "No export" in client.get("/exports").text


@pytest.mark.usefixtures("three_steps")
def test_the_menu_begins_a_file_where_there_are_very_many_records(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "/logs/download?" in client.get("/logs?duration=all").text
    monkeypatch.setattr(downloads, "MANY_RECORDS", 3)
    text = client.get("/logs?duration=all").text
    assert 'action="/logs/exports?duration=all"' in text
    assert "/logs/download?" not in text
