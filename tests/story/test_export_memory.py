"""An export takes as much memory for a million records as for some thousands, and leaves none behind."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.filled_log import MESSAGE, fill_log
from harness.server import ServerProcess

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the peak of a process is set back in /proc")

DAYS, A_DAY = 12, 30_000
FEW = {"customer": "c7"}
"""A hundredth of the records, of every day."""
MOST_MORE_MB, MOST_OVER_IDLE_MB, MOST_LEFT_MB = 90, 150, 70
"""About twice what they are. Where the engine reads ahead of each part and keeps what it freed: 180, 200, 180."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    data = tmp_path_factory.mktemp("memory") / "data"
    fill_log(data, [(A_DAY, MESSAGE)] * DAYS)
    process = ServerProcess(data, env={"CLEW_KEEP_DAYS": "0"}).start()
    yield process
    process.close()


@pytest.fixture(scope="module")
def idle_mb(server: ServerProcess) -> float:
    """What it has when it has answered something."""
    with server.client() as api:
        assert api.get("/v1/records/count", params={"kind": "step"}).json()["count"] == DAYS * A_DAY
    return memory_mb(server, "VmRSS")


def memory_mb(server: ServerProcess, name: str) -> float:
    found = re.search(rf"{name}:\s+(\d+)", Path(f"/proc/{server.pid}/status").read_text())
    assert found
    return int(found[1]) / 1024


def peak_of(server: ServerProcess, params: dict[str, str], records: int) -> float:
    """The most memory that the server had while it wrote a file, in MB."""
    Path(f"/proc/{server.pid}/clear_refs").write_text("5")
    lines = 0
    with server.client() as api, api.stream("GET", "/v1/records/export", params=params) as answer:
        assert answer.status_code == 200, answer.read()
        for piece in answer.iter_bytes():
            lines += piece.count(b"\n")
    assert lines == records + (params["format"] == "csv") or params["format"] == "parquet"
    return memory_mb(server, "VmHWM")


@pytest.mark.parametrize("form", ["csv", "ndjson", "parquet"])
def test_an_export_of_a_hundred_times_as_many_records_takes_hardly_more_memory_and_leaves_none(
    server: ServerProcess, idle_mb: float, form: str
) -> None:
    few, many = {"format": form, **FEW}, {"format": form, "kind": "step"}
    few_mb = max(peak_of(server, few, DAYS * A_DAY // 100) for _ in range(2))
    many_mb = peak_of(server, many, DAYS * A_DAY)
    left_mb = memory_mb(server, "VmRSS")
    assert many_mb - few_mb < MOST_MORE_MB
    assert many_mb - idle_mb < MOST_OVER_IDLE_MB
    assert left_mb - idle_mb < MOST_LEFT_MB
