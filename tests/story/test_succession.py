"""One server after another on a data directory, as whoever keeps services running starts them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

from harness.server import ServerProcess, eventually


def test_the_next_server_waits_for_the_one_that_is_ending_and_has_all_that_it_took(tmp_path: Path) -> None:
    """The first is held still, so that it answers nobody, and told to stop while the second is there already."""
    first, second = ServerProcess(tmp_path / "data").start(), ServerProcess(tmp_path / "data")
    try:
        with first.client() as api:
            assert api.post("/v1/events", json={"event": "order.released"}).status_code == 201
        os.kill(first.pid, signal.SIGSTOP)
        starting = threading.Thread(target=second.start)
        starting.start()
        eventually(lambda: any("it is waited for" in line for line in second.lines))
        assert starting.is_alive()
        os.kill(first.pid, signal.SIGCONT)
        assert first.stop() == 0
        starting.join(60)
        assert not starting.is_alive()
        with second.client() as api:
            assert api.get("/v1/records/count", params={"event": "order.released"}).json()["count"] == 1
    finally:
        second.close()
        first.close()


def test_a_second_server_and_a_command_are_told_that_one_runs(server: ServerProcess) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CLEW_")}
    environment |= {"CLEW_DATA_DIR": str(server.directory), "CLEW_PORT": "0"}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "clew", *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=25, check=False)

    again = run("serve")
    assert again.returncode == 1
    assert server.url in again.stderr
    assert "waited for" not in again.stderr
    assert f"It answers at {server.url}" in run("doctor").stdout
