"""A list that goes on by itself: the button, the address, and the rows as they are sent."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from datetime import datetime
from html import unescape
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from clew.core.ids import new_id
from clew.core.record import Record, encode_line
from clew.journal.journal import Block
from clew.log.tail import MOST_WATCHERS, LiveTail
from clew.log.watcher import MOST_TAKEN
from clew.registry.members import Member
from clew.registry.registry import Registry
from clew.web.logs.live import MOST_ROWS

Client = TestClient[Litestar]
Keep = Callable[..., None]
MakeRecord = Callable[..., Record]
PATIENCE_S = 10
RUN_LAUNCHED = '{"flow_run_id": "019a0000-0000-7000-8000-0000000000aa"}'


def block_of(*records: Record, first: int = 1) -> Block:
    lines = b"".join(encode_line(record) + b"\n" for record in records)
    return Block(first, first, lines, len(records), 0, f"j-{first}")


def live_src(html: str) -> str:
    found = re.search(r'<live-tail data-src="([^"]*)"', html)
    return unescape(found[1]) if found else ""


def toggle(html: str) -> tuple[str, str]:
    """Where the button leads, and what it says."""
    found = re.search(r'<a class="button" href="([^"]*)" data-live>([^<]*)</a>', html)
    return (unescape(found[1]), found[2]) if found else ("", "")


class Stream:
    """An open connection to a stream of the pages, as ASGI has it: the test client reads a response to its end."""

    def __init__(self, app: Litestar, href: str, cookie: str, **headers: str) -> None:
        url = urlsplit(href)
        given = {"cookie": f"clew_session={cookie}", "host": "testserver", **headers}
        self.scope: dict[str, Any] = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": url.path,
            "raw_path": url.path.encode(),
            "query_string": url.query.encode(),
            "root_path": "",
            "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in given.items()],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80),
        }
        self.status = 0
        self.headers: dict[str, str] = {}
        self.text = ""
        self._left = asyncio.Event()
        self._came = asyncio.Event()
        self._has_asked = False
        self.task = asyncio.ensure_future(app(self.scope, self._receive, self._send))  # type: ignore[arg-type]

    async def _receive(self) -> Any:
        if not self._has_asked:
            self._has_asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self._left.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {name.decode().lower(): value.decode() for name, value in message["headers"]}
        else:
            self.text += message.get("body", b"").decode()
        self._came.set()

    async def until(self, part: str, times: int = 1) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while self.text.count(part) < times:
                await self._came.wait()
                self._came.clear()

    async def leave(self) -> None:
        self._left.set()
        await asyncio.wait_for(self.task, PATIENCE_S)


def streaming(client: Client, work: Callable[[Callable[..., Stream]], Awaitable[None]], cookie: str = "") -> None:
    """Run `work` in the event loop of the pages, with what opens a stream there."""
    token = cookie or client.cookies["clew_session"]
    client.blocking_portal.call(work, lambda href, **headers: Stream(client.app, href, token, **headers))


def test_the_button_turns_the_list_live_and_back_and_the_address_says_so(client: Client, tail: LiveTail) -> None:
    html = client.get("/logs?status=failure").text
    assert toggle(html) == ("/logs?status=failure&live=1", "Live")
    assert live_src(html) == ""
    html = client.get("/logs?status=failure&live=1").text
    assert toggle(html) == ("/logs?status=failure", "Stop live")
    assert live_src(html) == f"/logs/tail?status=failure&live=1&after={tail.here()}"


def test_live_is_no_filter(client: Client, refused_order: dict[str, Record]) -> None:
    html = client.get("/logs/api-requests?live=1").text
    assert "Clear</a>" not in html
    assert "No records match" not in html
    assert client.get("/logs?live=2").status_code == 400


@pytest.mark.parametrize("query", ["sort=asc", "to=2026-11-22T06:40"])
def test_a_list_that_has_an_end_or_begins_with_the_oldest_cannot_be_live(client: Client, query: str) -> None:
    html = client.get(f"/logs?{query}&live=1").text
    assert toggle(html) == ("", "")
    assert live_src(html) == ""


def test_a_later_page_is_not_live(client: Client, keep: Keep, make_record: MakeRecord) -> None:
    keep(*(make_record(after=number) for number in range(3)))
    html = client.get("/logs?limit=2&live=1").text
    older = unescape(re.search(r'href="([^"]*)"[^>]*>Older', html)[1])  # type: ignore[index]
    assert "live" not in older
    assert live_src(client.get(f"{older}&live=1").text) == ""


def test_a_new_row_is_the_row_that_the_list_has(
    client: Client, keep: Keep, make_record: MakeRecord, tail: LiveTail
) -> None:
    """For every log: the same bytes, whether the record was there or came."""
    kinds = {
        "": "external_webhook",
        "/api-requests": "api_request",
        "/external-webhooks": "external_webhook",
        "/external-event-pulls": "external_event_pull",
        "/external-events": "external_event",
        "/internal-events": "internal_event",
        "/flow-runs": "flow_run",
        "/integration-events": "integration_event",
    }
    said = {"customer": "acme", "message": "a\rb <b>\nevent: odd", "status": "failure", "keys": {"order": "SO-1"}}
    records = {path: make_record(kind, number, **said) for number, (path, kind) in enumerate(kinds.items())}
    keep(*records.values())

    async def work(open_stream: Callable[..., Stream]) -> None:
        streams = {path: open_stream(f"/logs{path}/tail?customer=acme") for path in kinds}
        for stream in streams.values():
            await stream.until("retry:")
        tail.offer(block_of(*records.values()))
        for path, stream in streams.items():
            await stream.until("event: record", len(kinds) if not path else 1 + (path == "/external-webhooks"))
            assert "event: odd\n" not in stream.text.replace("data: event: odd\n", "")
            rows[path] = rows_of(stream, "record")
            await stream.leave()

    rows: dict[str, list[str]] = {}
    streaming(client, work)
    for path, got in rows.items():
        assert sorted(got) == sorted(rows_in(client.get(f"/logs{path}?customer=acme").text)), path


def plain(row: str) -> str:
    return re.sub(r"\s+", " ", row)


def rows_of(stream: Stream, name: str) -> list[str]:
    """The rows that came as events of this name."""
    events = [event for event in stream.text.split("\n\n") if f"event: {name}\n" in event]
    sent = "\n".join(line[6:] for event in events for line in event.split("\n") if line.startswith("data: "))
    return [plain(row) for row in re.findall(r"<tr.*?</tr>", sent, re.DOTALL)]


def rows_in(html: str) -> list[str]:
    """The rows of a list."""
    body = html[html.index("<tbody>") : html.index("</tbody>")] if "<tbody>" in html else ""
    return [plain(row) for row in re.findall(r"<tr.*?</tr>", body, re.DOTALL)]


def test_what_a_row_leads_to_comes_into_it_when_it_is_known(
    client: Client, keep: Keep, make_record: MakeRecord, tail: LiveTail
) -> None:
    """An event that the page has and one that comes while it is open: each is sent again as the list has it then."""
    before, came = (make_record("external_event", number, customer="acme") for number in (0, 1))
    keep(before)
    stories = {
        "before": (make_record("decision", 5, before, state="filtered_out", status="info", message="no lines"),),
        "came": (make_record("decision", 6, came, state="launched", status="success", parameters=RUN_LAUNCHED),),
    }

    async def work(open_stream: Callable[..., Stream]) -> None:
        stream = open_stream("/logs/external-events/tail?customer=acme")
        await stream.until("event: changed")
        keep(came)
        tail.offer(block_of(came))
        await stream.until("event: record")
        assert "filtered out" not in stream.text
        for number, records in enumerate(stories.values(), 2):
            keep(*records)
            tail.offer(block_of(*records, first=number))
        await stream.until("event: changed", 3)
        sent.extend(rows_of(stream, "changed")[1:])
        await stream.leave()

    sent: list[str] = []
    streaming(client, work)
    listed = rows_in(client.get("/logs/external-events?customer=acme").text)
    assert sorted(sent) == sorted(listed)
    assert "filtered out" in "".join(listed)
    assert "1 run<" in "".join(listed)


def test_live_rows_are_in_the_zone_of_who_looks(client: Client, make_record: MakeRecord, tail: LiveTail) -> None:
    record = make_record(customer="acme")

    async def work(open_stream: Callable[..., Stream]) -> None:
        stream = open_stream("/logs/tail")
        await stream.until("retry:")
        tail.offer(block_of(record))
        await stream.until("event: record")
        sent.extend(rows_of(stream, "record"))
        await stream.leave()

    sent: list[str] = []
    streaming(client, work, cookie=f"{client.cookies['clew_session']}; clew_zone=Asia/Kolkata")
    clocks = re.findall(r">(\d\d:\d\d:\d\d\.\d{3})<", sent[0])
    at = datetime.fromtimestamp(record.time / 1000, ZoneInfo("Asia/Kolkata"))
    assert clocks == [at.strftime("%H:%M:%S.") + f"{record.time % 1000:03}"]


def test_of_more_than_a_page_can_show_the_latest_come_with_the_number_of_the_others(
    client: Client, make_record: MakeRecord, tail: LiveTail
) -> None:
    records = [make_record(message=f"number {number}.") for number in range(2_000)]

    async def work(open_stream: Callable[..., Stream]) -> None:
        stream = open_stream("/logs/tail")
        await stream.until("retry:")
        tail.offer(block_of(*records))
        await stream.until(records[-1].id)
        shown = len(rows_of(stream, "record"))
        dropped = sum(int(count) for count in re.findall(r'"count":(\d+)', stream.text))
        assert shown + dropped == len(records)
        assert MOST_ROWS <= shown <= MOST_ROWS + 2 * MOST_TAKEN
        await stream.leave()

    streaming(client, work)


def test_while_nothing_comes_the_stream_says_that_it_is_there_with_the_place_to_go_on(
    client: Client, tail: LiveTail
) -> None:
    async def work(open_stream: Callable[..., Stream]) -> None:
        stream = open_stream("/logs/tail")
        await stream.until(": ping", 4)
        assert stream.text.count(f": ping\nid: {tail.here()}\n\n") == stream.text.count(": ping") >= 4
        await stream.leave()

    streaming(client, work)


def test_the_rows_that_came_while_the_page_was_made_are_sent_first(
    client: Client, make_record: MakeRecord, tail: LiveTail
) -> None:
    src = live_src(client.get("/logs?live=1").text)
    record = make_record(message="meanwhile")
    tail.offer(block_of(record))

    async def work(open_stream: Callable[..., Stream]) -> None:
        stream = open_stream(src)
        await stream.until(f"/records/{record.id}")
        assert stream.headers["content-type"].startswith("text/event-stream")
        assert "content-security-policy" in stream.headers
        again = open_stream(src, last_event_id=re.findall(r"^id: (.*)$", stream.text, re.M)[-1])
        await again.until("retry:")
        assert record.id not in again.text
        for one in (stream, again):
            await one.leave()

    streaming(client, work)


def test_a_browser_that_leaves_watches_no_longer(client: Client, tail: LiveTail) -> None:
    async def work(open_stream: Callable[..., Stream]) -> None:
        stream = open_stream("/logs/tail")
        await stream.until("retry:")
        assert tail.watching == 1
        await stream.leave()
        assert tail.watching == 0

    streaming(client, work)


def test_a_stream_that_ends_with_the_server_ends_whole(client: Client, tail: LiveTail) -> None:
    async def work(open_stream: Callable[..., Stream]) -> None:
        stream = open_stream("/logs/tail")
        await stream.until("retry:")
        tail.close()
        await stream.leave()
        assert stream.status == 200

    streaming(client, work)
    assert client.get("/logs/tail").status_code == 503


def test_other_workspaces_and_filters_are_not_sent(client: Client, make_record: MakeRecord, tail: LiveTail) -> None:
    last = make_record(customer="acme")
    other = Record(id=new_id(last.time), time=last.time, workspace="other", kind="step", customer="acme")

    async def work(open_stream: Callable[..., Stream]) -> None:
        stream = open_stream("/logs/tail?customer=acme")
        await stream.until("retry:")
        tail.offer(block_of(other, make_record(customer="bolt"), last))
        await stream.until(last.id)
        assert stream.text.count("event: record") == 1
        await stream.leave()

    streaming(client, work)


def test_who_is_not_signed_in_or_asks_what_does_not_exist_gets_no_stream(client: Client, tail: LiveTail) -> None:
    assert client.get("/logs/tail?status=meh").status_code == 400
    assert client.get("/logs/tail?after=odd").status_code == 400
    assert client.get("/logs/nothing/tail").status_code == 404
    client.cookies.clear()
    assert client.get("/logs/tail").status_code == 303
    assert tail.watching == 0


def test_too_many_streams_are_refused_and_told_when_to_come_back(client: Client, tail: LiveTail) -> None:
    async def work(open_stream: Callable[..., Stream]) -> None:
        streams = [open_stream("/logs/tail") for _ in range(MOST_WATCHERS)]
        for stream in streams:
            await stream.until("retry:")
        refused = open_stream("/logs/tail")
        await refused.leave()
        assert refused.status == 429
        assert int(refused.headers["retry-after"]) > 0
        for stream in streams:
            await stream.leave()

    streaming(client, work)


def test_a_session_that_has_ended_ends_its_stream_at_the_next_look(
    client: Client, registry: Registry, member: Member, tail: LiveTail
) -> None:
    token, _ = registry.sessions.start(member)

    async def work(open_stream: Callable[..., Stream]) -> None:
        stream = open_stream("/logs/tail")
        await stream.until(": ping", 3)
        registry.sessions.end(token)
        async with asyncio.timeout(PATIENCE_S):
            while tail.watching:  # noqa: ASYNC110  # the stream ends by itself
                await asyncio.sleep(0.01)
        await stream.leave()

    streaming(client, work, cookie=token)
