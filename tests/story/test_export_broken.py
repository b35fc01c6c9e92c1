"""An export that fails in the middle: its reader knows that it has no whole file, and the server's log says why."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from harness.command import ask_server
from harness.filled_log import MESSAGE, fill_log
from harness.server import ServerProcess, eventually

A_DAY = 12_000
TOO_LARGE = "repeat(repeat('x', 1000000), 60)"
"""Of a message of 60 MB the engine cannot make a line in this memory, and of the days on both sides of it it can."""
MEMORY_BYTES = 100_000_000
FORMATS = ["csv", "ndjson", "parquet"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    data = tmp_path_factory.mktemp("broken") / "data"
    days = [(A_DAY, MESSAGE)] * 4
    fill_log(data, [*days, (2, TOO_LARGE), *days])
    process = ServerProcess(data, env={"CLEW_KEEP_DAYS": "0", "CLEW_LOG_MEMORY_BYTES": str(MEMORY_BYTES)}).start()
    eventually(lambda: any("/sign-in/link/" in line for line in process.lines))  # the last that it says when it starts
    yield process
    process.close()


@pytest.mark.parametrize("form", FORMATS)
def test_a_file_that_fails_in_the_middle_breaks_off_and_is_one_line_of_the_log(
    server: ServerProcess, form: str
) -> None:
    before = len(server.lines)
    with server.client() as api:
        params = {"format": form, "kind": "step"}
        with api.stream("GET", "/v1/records/export", params=params) as answer:
            assert answer.status_code == 200
            pieces = answer.iter_bytes(100_000)
            assert next(pieces)
            with pytest.raises(httpx.RemoteProtocolError, match="incomplete"):
                list(pieces)
        eventually(lambda: len(server.lines) > before)
        few = {"format": form, "customer": "c7"}
        assert api.get("/v1/records/export", params=few).status_code == 200, "the next one is not in its way"
    (line,) = list(server.lines)[before:]
    assert "broke off in the middle" in line
    assert "CLEW_LOG_MEMORY_BYTES" in line


@pytest.mark.parametrize("form", FORMATS)
def test_the_command_leaves_no_file_of_it_and_says_so(server: ServerProcess, tmp_path: Path, form: str) -> None:
    ran = ask_server(server, "export", "--kind", "step", "--format", form, "--output", str(tmp_path / "file"))
    assert ran.returncode == 1
    assert "ended the file before it was whole" in ran.stderr
    assert list(tmp_path.iterdir()) == []
