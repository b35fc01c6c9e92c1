"""A journal without room refuses before it would lose anything, and reading goes on."""

from __future__ import annotations

import os
from pathlib import Path

import httpx

from harness.server import ServerProcess, eventually


def fill(api: httpx.Client, ids: list[str]) -> httpx.Response | None:
    """Send until it is refused. The refusal, or None where the journal was trimmed before it could be looked at."""
    while (answer := api.post("/v1/events", json={"event": "x", "payload": os.urandom(100_000).hex()})).is_success:
        ids += answer.json()["ids"]
    ready = api.get("/readyz")
    is_told = ready.status_code == 503 and ready.json()["parts"]["journal"]["ok"] is False
    return answer if is_told else None


def test_a_full_journal_is_a_503_and_reading_goes_on(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path / "data", env={"CLEW_JOURNAL_MAX_BYTES": str(1024 * 1024)}).start()
    try:
        with server.client() as api:
            ids: list[str] = []
            answer = eventually(lambda: fill(api, ids), what="a journal that is full and says that it is not ready")
            assert answer.status_code == 503
            assert int(answer.headers["retry-after"]) > 0
            assert answer.json()["code"] == "journal_full"
            assert ids
            eventually(lambda: api.get("/v1/records/count").json()["count"] == len(ids))
            assert api.get(f"/v1/records/{ids[-1]}").status_code == 200
            eventually(
                lambda: api.post("/v1/events", json={"event": "after"}).status_code == 201,
                what="intake again, once what was indexed is trimmed",
            )
            assert eventually(lambda: api.get("/readyz").status_code == 200)
    finally:
        server.close()
