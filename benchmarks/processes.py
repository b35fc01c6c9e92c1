"""The processes of a benchmark: the server, the load client and other helpers, each ended by who started it."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import msgspec

from benchmarks.load import HOST, LoadResult, LoadSpec

ADMIN_KEY = "clew_benchmark_admin_key_0123456789abcdef"
START_TIMEOUT_S = 60
STOP_TIMEOUT_S = 60
ROOT = Path(__file__).resolve().parents[1]
_ANNOUNCED = re.compile(r"Clew is at http://[^:/]+:(\d+)")
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def environment() -> dict[str, str]:
    """This process's environment without settings of Clew, and with the package that stands beside this folder."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CLEW_")}
    return kept | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "src")])}


class Server:
    """`clew serve MODULE` on a free port of loopback with its data in `directory`, as an operator would start it.

    `settings` are more of its environment.
    """

    def __init__(self, directory: Path, module: str = "", settings: Mapping[str, str] | None = None) -> None:
        self._lines: deque[str] = deque(maxlen=200)
        self._announced = threading.Event()
        self.port = 0
        self._process = subprocess.Popen(
            [sys.executable, "-m", "clew", "serve", *([module] if module else [])],
            env=environment()
            | {"CLEW_DATA_DIR": str(directory), "CLEW_PORT": "0", "CLEW_ADMIN_KEY": ADMIN_KEY}
            | dict(settings or {}),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()

    def __enter__(self) -> Server:
        if not self._announced.wait(START_TIMEOUT_S) or not self.port:
            self.stop()
            raise RuntimeError("the server did not start:\n" + "\n".join(self._lines))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        if error is not None:
            print("\n".join(self._lines), file=sys.stderr)

    @property
    def pid(self) -> int:
        """The server's process."""
        return self._process.pid

    def cpu_s(self) -> float:
        """The processor time it has used, all its threads together."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S

    def rss_mb(self) -> float:
        """The memory it holds."""
        return self._status_mb("VmRSS")

    def peak_mb(self) -> float:
        """The most memory it held."""
        return self._status_mb("VmHWM")

    def _status_mb(self, name: str) -> float:
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(rf"{name}:\s+(\d+)", status)[1]) / 1024  # type: ignore[index]  # every process has one

    def connect(self) -> http.client.HTTPConnection:
        """A connection of one's own."""
        return http.client.HTTPConnection(HOST, self.port, timeout=30)

    def stop(self) -> None:
        """Stop it as Ctrl-C does; kill it where it does not stop."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reading.join()

    def _read(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            self._lines.append(line.rstrip())
            if found := _ANNOUNCED.search(line):
                self.port = int(found[1])
                self._announced.set()
        self._announced.set()


def ask(connection: http.client.HTTPConnection, path: str, body: bytes | None = None) -> tuple[int, Any]:
    """Status and JSON of one request, with the admin key."""
    headers = {"authorization": f"Bearer {ADMIN_KEY}"} | ({"content-type": "application/json"} if body else {})
    connection.request("POST" if body else "GET", path, body, headers)
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read())


class LoadClient:
    """The load client's process. Leave the `with` block and it is gone."""

    def __init__(self, spec: LoadSpec) -> None:
        self._spec = spec
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.load_client", msgspec.json.encode(spec).decode()],
            env=environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> LoadClient:
        assert self._process.stdout
        if self._process.stdout.readline() != "ready\n":
            raise RuntimeError("the load client did not start")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.communicate()

    def start(self, port: int) -> None:
        """Let it send."""
        assert self._process.stdin
        self._process.stdin.write(f"{port}\n")
        self._process.stdin.flush()

    def finish(self) -> LoadResult:
        """Wait for its end. Raises `RuntimeError` where the load failed: the reason is on standard error."""
        assert self._process.stdout
        text = self._process.stdout.read()
        if self._process.wait() or not text:
            raise RuntimeError("the load client failed")
        return msgspec.json.decode(text, type=LoadResult)


def run_module(module: str, *arguments: str) -> str:
    """What a module of this folder prints, run in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{module}", *arguments],
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return done.stdout
