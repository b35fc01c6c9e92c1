"""A journal without room refuses before it would lose anything, and reading goes on."""

from __future__ import annotations

import os
from pathlib import Path

from harness.server import ServerProcess, eventually


def test_a_full_journal_is_a_503_and_reading_goes_on(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path / "data", env={"CLEW_JOURNAL_MAX_BYTES": str(1024 * 1024)}).start()
    try:
        with server.client() as api:
            ids = []
            for _ in range(100):
                answer = api.post("/v1/events", json={"event": "x", "payload": os.urandom(100_000).hex()})
                if answer.status_code != 201:
                    break
                ids += answer.json()["ids"]
            assert answer.status_code == 503
            assert int(answer.headers["retry-after"]) > 0
            assert answer.json()["code"] == "journal_full"
            assert ids
            eventually(lambda: api.get("/v1/records/count").json()["count"] == len(ids))
            assert api.get(f"/v1/records/{ids[-1]}").status_code == 200
            ready = api.get("/readyz")
            assert ready.status_code == 503
            assert ready.json()["parts"]["journal"]["ok"] is False
            eventually(
                lambda: api.post("/v1/events", json={"event": "after"}).status_code == 201,
                timeout_s=60,
                what="intake again, once what was indexed is trimmed",
            )
            assert eventually(lambda: api.get("/readyz").status_code == 200)
    finally:
        server.close()
