"""A real Clew server in a process of its own, as an operator would run it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import httpx

ADMIN_KEY = "clew_test_admin_key_0123456789abcdefghij"
START_TIMEOUT_S = 120
T = TypeVar("T")
_ANNOUNCED = re.compile(r"Clew is at (http://\S+)")


class ServerProcess:
    """`clew serve` on a free port of loopback, with its data in `directory`.

    `script` is run in its place: one that opens a server in another way, and says where it is as the command does.
    """

    def __init__(
        self,
        directory: Path,
        module: Path | None = None,
        env: Mapping[str, str] | None = None,
        script: Path | None = None,
    ) -> None:
        self.directory = directory
        self._command = [str(script)] if script else ["-m", "clew", "serve", *([str(module)] if module else [])]
        self._env = {
            **{name: value for name, value in os.environ.items() if not name.startswith("CLEW_")},
            "CLEW_DATA_DIR": str(directory),
            "CLEW_PORT": "0",
            "CLEW_ADMIN_KEY": ADMIN_KEY,
            **(env or {}),
        }
        self.url = ""
        self.lines: deque[str] = deque(maxlen=1000)
        self._process: subprocess.Popen[str] | None = None
        self._announced = threading.Event()

    def start(self) -> ServerProcess:
        """Start it and wait until it answers."""
        self._announced.clear()
        self._process = subprocess.Popen(
            [sys.executable, *self._command],
            env=self._env,
            cwd=self.directory.parent,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reading = threading.Thread(target=self._read, args=(self._process,), daemon=True)
        self._reading.start()
        if not self._announced.wait(START_TIMEOUT_S):
            self.kill()
            raise AssertionError("the server did not start:\n" + "\n".join(self.lines))
        return self

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout
        with process.stdout:
            for line in process.stdout:
                self.lines.append(line.rstrip())
                if found := _ANNOUNCED.search(line):
                    self.url = found[1].rstrip("/")
                    self._announced.set()
        self._announced.set()

    @property
    def pid(self) -> int:
        assert self._process
        return self._process.pid

    def kill(self) -> None:
        """Kill it as a loss of power to the process would: SIGKILL."""
        assert self._process
        self._process.kill()
        self._process.wait()
        self._reading.join()

    def wait_until_killed(self, timeout_s: float) -> None:
        """Wait until it has killed itself, which is what its script is told to do."""
        assert self._process
        self._process.wait(timeout_s)
        self._reading.join()
        assert self._process.returncode == -signal.SIGKILL, "\n".join(self.lines)

    def stop(self, timeout_s: float = 60) -> int:
        """Stop it as Ctrl-C does. Returns its exit code."""
        assert self._process
        self._process.send_signal(signal.SIGINT)
        try:
            code = self._process.wait(timeout_s)
            self._reading.join()
            return code
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError("the server did not stop on SIGINT:\n" + "\n".join(self.lines)) from None

    def close(self) -> None:
        """Stop it where it still runs."""
        if self._process and self._process.poll() is None:
            self.stop()

    def client(self, key: str = ADMIN_KEY, **options: Any) -> httpx.Client:
        """A client with a key."""
        headers = {"authorization": f"Bearer {key}"} if key else {}
        # It speaks plain HTTP: to read the certificates of this machine would take longer than the answer.
        return httpx.Client(base_url=self.url, headers=headers, timeout=60, trust_env=False, verify=False, **options)


@contextmanager
def serving(home: Path, module: str, **env: str) -> Iterator[ServerProcess]:
    """A server in `home`, while the block runs, that was started with a module of this text."""
    file = home / "connected.py"
    file.write_text(module)
    server = ServerProcess(home / "data", file, env).start()
    try:
        yield server
    finally:
        server.close()


def eventually(probe: Callable[[], T], *, timeout_s: float = 60, what: str = "") -> T:
    """The first truthy answer of `probe`."""
    deadline = time.monotonic() + timeout_s
    while not (answer := probe()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout_s} s: {what or probe}")
        time.sleep(0.02)
    return answer
