"""Pinning a record on its page, and what pages say of what was removed."""

from __future__ import annotations

import re

import httpx
import pytest

from clew.core.clock import DAY_MS, FakeClock
from clew.core.record import Body, HttpExchange, Kind, LogLine, Record
from clew.core.settings import Settings
from clew.log.memory import MemoryStore
from clew.log.retention import Retention
from clew.log.store import Kept
from clew.registry.members import Role
from clew.registry.registry import Registry
from harness.page_text import main_text_of, token_of
from harness.pages import Client, Keep, MakeRecord

LOGGING = "/settings/logging"
DATE = "2026-05-20"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return Settings(data_dir=settings.data_dir, keep_days=14, keep_days_by_kind=("api_request=7", "node_run=30"))


def read(answer: httpx.Response) -> str:
    return main_text_of(answer.text)


def old(make_record: MakeRecord, days: int, kind: Kind = "step", **fields: object) -> Record:
    """A record of so many days ago."""
    return make_record(kind, -days * DAY_MS, **fields)


@pytest.fixture
def emptied(make_record: MakeRecord, keep: Keep, store: MemoryStore) -> Record:
    """A request whose bodies retention took."""
    http = HttpExchange(
        direction="outgoing",
        method="POST",
        url="https://ship.example/",
        status_code=200,
        request_body=Body(text="{}", size=2),
        response_body=Body(text="{}", size=2),
    )
    record = make_record(
        "api_request",
        http=http,
        payload="{}",
        logs=(LogLine(time=1, msg="x"),),
        redacted=("/payload/token",),
    )
    keep(record)
    store.empty(record.time // DAY_MS, ("success",), Kept(), DATE)
    return record


@pytest.mark.feature("N11")
class TestPins:
    def test_a_record_is_pinned_on_its_page_and_stays(
        self, client: Client, make_record: MakeRecord, keep: Keep, retention: Retention, registry: Registry
    ) -> None:
        pinned, other = old(make_record, 30, event="kept"), old(make_record, 30)
        child = old(make_record, 30, parent=pinned)
        keep(pinned, other, child)
        page = client.get(f"/records/{pinned.id}")
        assert "Kept with its trace" not in page.text
        answer = client.post(f"/records/{pinned.id}/pin", data={"form_token": token_of(page.text)})
        assert (answer.status_code, answer.headers["location"]) == (303, f"/records/{pinned.id}")
        retention.run()
        assert "Kept with its trace: pinned by ada@acme.example" in read(client.get(f"/records/{pinned.id}"))
        assert client.get(f"/records/{child.id}").status_code == 200
        assert client.get(f"/records/{other.id}").status_code == 404
        assert "kept ada@acme.example" in read(client.get(LOGGING))
        client.post(f"/records/{pinned.id}/unpin", data={"form_token": token_of(page.text)})
        assert registry.pins.list_all() == ()
        assert f"/records/{pinned.id}" not in client.get(LOGGING).text
        retention.run()
        assert client.get(f"/records/{pinned.id}").status_code == 404

    def test_who_may_only_look_pins_nothing(
        self, stranger: Client, registry: Registry, make_record: MakeRecord, keep: Keep
    ) -> None:
        role: Role = "viewer"
        member = registry.members.create("default", "eve@acme.example", "correct horse", role)
        stranger.cookies.set("clew_session", registry.sessions.start(member)[0])
        record = make_record()
        keep(record)
        registry.pins.pin("default", record.id, by="ada@acme.example")
        page = stranger.get(f"/records/{record.id}")
        assert "pinned by ada@acme.example" in read(page)
        assert "Unpin" not in page.text
        assert "Unpin " not in read(stranger.get(LOGGING)).replace("When Unpin", "")
        token = token_of(page.text)
        assert stranger.post(f"/records/{record.id}/unpin", data={"form_token": token}).status_code == 403
        assert stranger.post(f"/records/{record.id}/pin", data={"form_token": token}).status_code == 403
        assert registry.pins.find("default", record.id) is not None

    def test_a_form_of_another_site_and_an_unknown_record_pin_nothing(
        self, client: Client, registry: Registry, make_record: MakeRecord, keep: Keep
    ) -> None:
        record = make_record()
        keep(record)
        page = client.get(f"/records/{record.id}")
        assert client.post(f"/records/{record.id}/pin", data={"form_token": "guessed"}).status_code == 403
        assert client.post("/records/no-id/pin", data={"form_token": token_of(page.text)}).status_code == 404
        assert registry.pins.list_all() == ()


@pytest.mark.feature("N11", "N08")
class TestWhatWasTakenOut:
    def test_a_record_says_what_of_it_was_removed_and_when(self, client: Client, emptied: Record) -> None:
        details = read(client.get(f"/records/{emptied.id}"))
        assert (
            f"Removed by retention The payload, the log lines, the request's body and the response's body were "
            f"removed on {DATE}." in details
        )
        assert "Removed before it was kept /payload/token" in details
        assert "(retention" not in details

    def test_a_tab_says_it_in_its_place(self, client: Client, emptied: Record) -> None:
        exchange = read(client.get(f"/records/{emptied.id}", params={"tab": "http"}))
        assert f"The request's body was removed on {DATE}." in exchange
        assert f"The response's body was removed on {DATE}." in exchange
        assert "The body, 2 bytes, is no longer kept." in exchange
        logs = read(client.get(f"/records/{emptied.id}", params={"tab": "logs"}))
        assert f"The log lines were removed on {DATE}." in logs
        assert "Nothing was logged" not in logs

    def test_a_payload_that_was_removed_is_no_empty_file(self, client: Client, emptied: Record) -> None:
        answer = client.get(f"/records/{emptied.id}/payload")
        assert answer.status_code == 404
        assert f"The payload was removed on {DATE} by retention." in read(answer)

    def test_a_webhook_whose_body_is_its_payload_says_that_it_was_removed(
        self, client: Client, make_record: MakeRecord, keep: Keep, store: MemoryStore
    ) -> None:
        http = HttpExchange(direction="incoming", method="POST", url="https://clew.example/in", status_code=202)
        record = make_record("external_webhook", http=http, payload="{}")
        keep(record)
        store.empty(record.time // DAY_MS, ("success",), Kept(), DATE)
        exchange = read(client.get(f"/records/{record.id}", params={"tab": "http"}))
        assert f"The payload was removed on {DATE}." in exchange


@pytest.mark.feature("C91", "N08")
class TestWhatListsSay:
    def test_a_list_says_since_when_its_kind_is_kept(
        self, client: Client, make_record: MakeRecord, keep: Keep, retention: Retention
    ) -> None:
        keep(old(make_record, 9, "api_request"), make_record("api_request"), old(make_record, 9), make_record())
        retention.run()
        requests = read(client.get("/logs/api-requests", params={"customer": "nobody", "duration": "all"}))
        assert "kept since 20 May" in requests
        assert "Records from before 20 May were removed." in requests
        everything = read(client.get("/logs", params={"duration": "all"}))
        assert "kept since 19 May" in everything

    def test_a_log_of_which_nothing_is_left_says_that_it_was_removed(
        self, client: Client, make_record: MakeRecord, keep: Keep, retention: Retention
    ) -> None:
        keep(old(make_record, 9, "api_request"), make_record())
        retention.run()
        page = read(client.get("/logs/api-requests"))
        assert "Nothing is kept here What came before 20 May was removed, and nothing has come since." in page
        assert "Nothing has come in yet" in read(client.get("/logs/flow-runs"))

    def test_words_of_removed_payloads_are_not_found_and_the_page_says_why(
        self, client: Client, make_record: MakeRecord, keep: Keep, retention: Retention
    ) -> None:
        keep(make_record(payload="needle"), make_record())
        day = retention._clock.now_ms() // DAY_MS
        retention.removals.announce(day - 1, "bodies of successes", "budget")
        page = read(client.get("/logs", params={"q": "elsewhere", "duration": "30d"}))
        assert "Payloads from before 28 May were removed." in page


@pytest.mark.feature("C91", "N11")
class TestSettingsPage:
    def test_it_says_how_long_each_kind_is_kept_and_what_there_is(
        self, client: Client, make_record: MakeRecord, keep: Keep
    ) -> None:
        keep(make_record("api_request"), old(make_record, 2, "flow_run"), make_record("flow_run"))
        page = read(client.get(LOGGING))
        assert re.search(r"API request 7 days 1 record 28 May \d\d:\d\d UTC about \d+ bytes", page)
        assert re.search(r"Flow run 14 days 2 records 26 May \d\d:\d\d UTC about \d+ bytes", page)
        assert "Node run 30 days 0 records" in page
        assert "Decision" not in page

    def test_it_says_what_was_removed_and_how_much_room_there_is(
        self, client: Client, make_record: MakeRecord, keep: Keep, retention: Retention, clock: FakeClock
    ) -> None:
        assert "is measured a minute after a start" in read(client.get(LOGGING))
        assert "What was removed Nothing yet." in read(client.get(LOGGING))
        keep(old(make_record, 40), old(make_record, 20), old(make_record, 9, "api_request"), make_record())
        retention.run()
        page = read(client.get(LOGGING))
        assert re.search(r"2026-04-18 Everything 1 record about \d+ bytes its age 28 May", page)
        names = "Integration events, Steps, API requests and 7 more kinds"
        assert re.search(rf"2026-05-08 {names} 1 record about \d+ bytes its age 28 May", page)
        assert re.search(r"2026-05-19 API requests 1 record about \d+ bytes its age 28 May", page)
        assert "its room is not bounded (CLEW_LOG_MAX_BYTES)" in page
        assert "Looked at last 28 May" in page

    def test_it_says_how_full_the_log_is_and_what_is_in_the_way(
        self, client: Client, make_record: MakeRecord, keep: Keep, retention: Retention
    ) -> None:
        keep(make_record(payload="x" * 3_000))
        retention._max_bytes = 100
        retention.run()
        page = read(client.get(LOGGING))
        assert re.search(r"The log takes \d+ bytes of 100 bytes, \d+ %\.", page)
        assert "Not all that is to go was removed." in page
        assert re.search(r"Payloads of successes|Bodies of successes", page)
