"""POSTs with an Idempotency-Key, before a small application that counts."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from clew.api.answers import Answers
from clew.api.idempotency import IdempotentPosts
from clew.api.wire import read_body, send_json
from clew.core.clock import HOUR_MS, FakeClock
from clew.core.settings import Settings
from clew.registry.registry import Registry, open_registry
from clew.state.tables import answered_requests
from harness.flow_place import migrated_state, until

ADMIN_KEY = "clew_test_admin_key_0123456789abcdefghij"


class Place:
    """An application that makes a thing at each POST, and what stands before it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.clock = FakeClock()
        self.made = 0
        self.status = 201
        self.gate = asyncio.Event()
        self.gate.set()
        self.heard: list[bytes] = []
        self.open(b"server secret")

    def open(self, secret: bytes) -> None:
        """Open what is kept, as after a restart."""
        settings = Settings(data_dir=str(self.directory), admin_key=ADMIN_KEY)
        self.registry: Registry = open_registry(settings, self.clock)
        answers = Answers(self.registry.database, self.clock, secret=secret, keep_hours=48)
        posts = IdempotentPosts(self._app, answers, self.registry.keys, 10_000)
        self.http = httpx.AsyncClient(
            transport=httpx.ASGITransport(posts, raise_app_exceptions=False),
            base_url="http://clew.example",
            headers={"authorization": f"Bearer {ADMIN_KEY}"},
        )

    def reopen(self, secret: bytes = b"server secret") -> None:
        self.registry.close()
        self.open(secret)

    async def _app(self, scope: Any, receive: Any, send: Any) -> None:
        self.heard.append(await read_body(scope, receive, 10_000))
        await self.gate.wait()
        self.made += 1
        if self.status == 0:
            raise asyncio.CancelledError
        await send_json(send, self.status, {"made": self.made, "key": f"clew_secret_{self.made}"})

    async def post(
        self, key: str = "k1", body: bytes = b"{}", path: str = "/v1/keys", **headers: str
    ) -> httpx.Response:
        return await self.http.post(path, content=body, headers={"idempotency-key": key, **headers})

    def rows(self) -> list[Any]:
        with self.registry.database.read() as connection:
            return list(connection.execute(sa.select(answered_requests)))


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    (tmp_path / "state.db").write_bytes(migrated_state())
    place = Place(tmp_path)
    yield place
    place.registry.close()


async def test_the_same_key_and_body_get_the_same_answer_and_it_is_done_once(place: Place) -> None:
    first = await place.post(body=b'{"name": "erp"}')
    again = await place.post('"k1"', body=b'{"name": "erp"}')
    assert (first.status_code, first.json()["made"]) == (201, 1)
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert again.headers["idempotent-replayed"] == "true"
    assert "idempotent-replayed" not in first.headers
    assert {name: again.headers[name] for name in first.headers} == dict(first.headers)
    assert (place.made, place.heard) == (1, [b'{"name": "erp"}'])


async def test_it_is_remembered_across_a_restart(place: Place) -> None:
    first = await place.post()
    place.reopen()
    assert (await place.post()).content == first.content
    assert place.made == 1


@pytest.mark.parametrize(("body", "path"), [(b"[]", "/v1/keys"), (b"{}", "/v1/products"), (b"{}", "/v1/keys?a=1")])
async def test_the_same_key_with_another_request_is_refused(place: Place, body: bytes, path: str) -> None:
    await place.post()
    answer = await place.post(body=body, path=path)
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")
    assert place.made == 1


async def test_callers_do_not_share_keys(place: Place) -> None:
    _, text = place.registry.keys.create("default", "another", ("admin",))
    first = await place.post()
    other = await place.post(authorization=f"Bearer {text}")
    assert (first.json()["made"], other.json()["made"]) == (1, 2)


@pytest.mark.parametrize("status", [400, 403, 404, 409, 422, 429, 503])
async def test_what_was_refused_may_come_again_and_corrected(place: Place, status: int) -> None:
    place.status = status
    assert (await place.post()).status_code == status
    place.status = 201
    assert (await place.post(body=b"[]")).status_code == 201


async def test_a_mistake_of_the_server_is_told_again_and_not_made_again(place: Place) -> None:
    place.status = 500
    assert (await place.post()).status_code == 500
    place.status = 201
    assert (await place.post()).status_code == 500
    assert place.made == 1


async def test_a_second_request_while_the_first_is_being_answered_is_told_to_come_again(place: Place) -> None:
    place.gate.clear()
    first = asyncio.create_task(place.post())
    await until(lambda: place.heard, "the first is being answered")
    second = await place.post()
    assert (second.status_code, second.json()["code"], second.headers["retry-after"]) == (409, "conflict", "1")
    place.gate.set()
    assert (await first).status_code == 201
    assert (await place.post()).json()["made"] == 1


async def test_of_many_at_once_one_is_done(place: Place) -> None:
    answers = await asyncio.gather(*(place.post() for _ in range(20)))
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert {answer.json()["made"] for answer in answers if answer.status_code == 201} == {1}
    assert place.made == 1


async def test_a_request_that_was_cut_short_is_not_done_again_and_says_so(place: Place) -> None:
    place.status = 0
    with pytest.raises(asyncio.CancelledError):
        await place.post()
    for _ in range(2):
        answer = await place.post()
        assert (answer.status_code, place.made) == (409, 1)
        assert "whether it was done is not known" in answer.json()["detail"]
        place.reopen()


async def test_an_answer_is_kept_where_nobody_else_can_read_it(place: Place) -> None:
    first = await place.post(key="an idempotency key")
    [row] = place.rows()
    assert row.answer
    kept = b"".join(path.read_bytes() for path in place.directory.iterdir())
    for secret in (first.json()["key"], ADMIN_KEY, "an idempotency key", '"made"'):
        assert secret.encode() not in kept
    place.reopen(b"another secret")
    answer = await place.post(key="an idempotency key")
    assert (answer.status_code, place.made) == (409, 1)
    assert "cannot be read" in answer.json()["detail"]


async def test_two_equal_answers_are_not_kept_equal(place: Place) -> None:
    place.status = 500
    await place.post("k1")
    place.made = 0
    await place.post("k2")
    one, other = (row.answer for row in place.rows())
    assert one != other


async def test_a_key_is_forgotten_after_its_time(place: Place) -> None:
    await place.post("old")
    place.clock.advance(49 * HOUR_MS)
    assert (await place.post("old", body=b"[]")).json()["made"] == 2
    await place.post("older")
    place.clock.advance(49 * HOUR_MS)
    await place.post("new")
    assert len(place.rows()) == 1


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("GET", "/v1/keys", {"idempotency-key": "k1"}),
        ("DELETE", "/v1/keys/x", {"idempotency-key": "k1"}),
        ("POST", "/v1/events/x/steps", {"idempotency-key": "k1"}),
        ("POST", "/sign-in", {"idempotency-key": "k1"}),
        ("POST", "/v1/keys", {}),
        ("POST", "/v1/keys", {"idempotency-key": ""}),
        ("POST", "/v1/keys", {"idempotency-key": '""'}),
        ("POST", "/v1/keys", {"idempotency-key": "k1", "authorization": "Bearer clew_unknown"}),
    ],
)
async def test_all_else_is_answered_each_time(place: Place, method: str, path: str, headers: dict[str, str]) -> None:
    for _ in range(2):
        assert (await place.http.request(method, path, headers=headers)).status_code == 201
    assert (place.made, place.rows()) == (2, [])


async def test_a_key_that_is_too_long_and_a_body_that_is_too_large_are_refused(place: Place) -> None:
    assert (await place.post("k" * 256)).status_code == 400
    assert (await place.post(body=b"x" * 10_001)).status_code == 413
    assert (place.made, place.rows()) == (0, [])


async def test_who_leaves_before_the_answer_finds_it_later(place: Place) -> None:
    place.gate.clear()

    async def leave(message: Any) -> None:
        raise ConnectionError

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/v1/keys",
        "query_string": b"",
        "headers": [(b"authorization", f"Bearer {ADMIN_KEY}".encode()), (b"idempotency-key", b"k1")],
    }

    async def receive() -> Any:
        return {"type": "http.request", "body": b"{}", "more_body": False}

    posts: Any = place.http._transport.app  # type: ignore[attr-defined]
    leaving = asyncio.create_task(posts(scope, receive, leave))
    place.gate.set()
    with pytest.raises(ConnectionError):
        await leaving
    assert (await place.post()).json()["made"] == 1
