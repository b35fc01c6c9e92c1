"""A download that its reader leaves makes room for the next one at once."""

from __future__ import annotations

import uuid

import httpx
import pytest

from clew.log.export import EXPORTS_AT_ONCE
from harness.server import eventually


@pytest.mark.parametrize("form", ["csv", "ndjson", "parquet"])
def test_downloads_that_were_left_in_the_middle_are_in_nobodys_way(api: httpx.Client, form: str) -> None:
    customer = f"c-{uuid.uuid4().hex[:8]}"
    events = [{"event": "order.released", "customer": customer, "message": uuid.uuid4().hex * 8}] * 1_000
    for _ in range(4):
        assert api.post("/v1/events", json=events).status_code == 201
    params = {"customer": customer, "format": form}
    eventually(lambda: api.get("/v1/records/count", params={"customer": customer}).json()["count"] == 4_000)
    for _ in range(3 * EXPORTS_AT_ONCE):
        with _begin(api, params) as answer:
            next(answer.iter_bytes(1_000))
    answer = eventually(lambda: _read(api, params), timeout_s=20)
    assert answer.count(b"order.released") == 4_000 or form == "parquet"


def _begin(api: httpx.Client, params: dict[str, str]):
    """An export that has begun: where those before it are still being ended, it is asked again."""

    def begin():
        stream = api.stream("GET", "/v1/records/export", params=params)
        answer = stream.__enter__()
        if answer.status_code == 200:
            return stream, answer
        assert answer.status_code == 429, answer.read()
        assert answer.headers["retry-after"]
        stream.__exit__(None, None, None)
        return None

    stream, answer = eventually(begin, timeout_s=20)
    return _Begun(stream, answer)


class _Begun:
    def __init__(self, stream, answer):
        self._stream, self._answer = stream, answer

    def __enter__(self) -> httpx.Response:
        return self._answer

    def __exit__(self, *error: object) -> None:
        self._stream.__exit__(*error)


def _read(api: httpx.Client, params: dict[str, str]) -> bytes:
    answer = api.get("/v1/records/export", params=params)
    return answer.content if answer.status_code == 200 else b""
