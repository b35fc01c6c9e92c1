"""`clew export`: its bar on a terminal, its silence elsewhere, and no half file under the name of a whole one.

It asks a real local server that gives a file in two halves, the second when the test says so.
"""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from clew.log.export import csv_rows
from harness.server import eventually

PATIENCE_S = 60
RECORDS = 200
HALVES = {
    "csv": (
        csv_rows([["id"], *([str(number)] for number in range(RECORDS // 2))]),
        csv_rows([str(number)] for number in range(RECORDS // 2, RECORDS)),
    ),
    "ndjson": (b'{"id": 1}\n' * (RECORDS // 2), b'{"id": 2}\n' * (RECORDS // 2)),
    "parquet": (b"PAR1" * 50, b"PAR1" * 50),
}


class Halves(ThreadingHTTPServer):
    """Gives the second half of a file once `gate` is open, and its end where `is_whole`."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.gate = threading.Event()
        self.is_whole = True


class _Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Halves

    def do_GET(self) -> None:
        path, asked = urlsplit(self.path).path, parse_qs(urlsplit(self.path).query)
        self.send_response(200)
        if path == "/v1/records/count":
            body = json.dumps({"count": RECORDS, "truncated": False}).encode()
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            return
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        first, second = HALVES[asked["format"][0]]
        self._send(first)
        self.server.gate.wait(PATIENCE_S)
        self._send(second)
        if self.server.is_whole:
            self._send(b"")
        self.close_connection = True

    def _send(self, piece: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))

    def log_message(self, *arguments: object) -> None:
        """Nothing: a test's output is for what failed."""


Export = Callable[..., "Exporting"]


@pytest.fixture
def export(halves: Halves) -> Iterator[Export]:
    """Starts the command. One that a failed test leaves is ended."""
    started: list[Exporting] = []

    def start(*arguments: object, is_terminal: bool) -> Exporting:
        started.append(Exporting(halves, *arguments, is_terminal=is_terminal))
        return started[-1]

    yield start
    for exporting in started:
        exporting.close()


@pytest.fixture
def halves() -> Iterator[Halves]:
    server = Halves()
    serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    serving.start()
    yield server
    server.gate.set()
    server.shutdown()
    serving.join()
    server.server_close()


class Exporting:
    """The command in a process of its own. Its standard error is a terminal, or a pipe."""

    def __init__(self, halves: Halves, *arguments: object, is_terminal: bool) -> None:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("CLEW_")}
        url = f"http://127.0.0.1:{halves.server_port}"
        reading, writing = pty.openpty() if is_terminal else os.pipe()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "clew", "export", "--url", url, "--api-key", "key", *map(str, arguments)],
            env={**clean, "TERM": "xterm-256color", "COLUMNS": "120"},
            stdout=subprocess.PIPE,
            stderr=writing,
        )
        os.close(writing)
        self._errors = reading
        self._said = b""
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self) -> None:
        try:
            while part := os.read(self._errors, 4096):
                self._said += part
        except OSError:
            pass  # so a terminal says that nobody writes to it any more

    @property
    def said(self) -> str:
        """What it wrote to standard error."""
        return self._said.decode()

    def until_said(self, pattern: str) -> None:
        eventually(lambda: re.search(pattern, self.said), timeout_s=PATIENCE_S, what=f"{pattern}: {self.said}")

    def interrupt(self) -> None:
        """As Ctrl-C does."""
        self._process.send_signal(signal.SIGINT)

    def close(self) -> None:
        """End it where it still runs."""
        if self._process.returncode is None:
            self._process.kill()
            self.end()

    def end(self) -> tuple[int, bytes]:
        """Its exit code and what it wrote to standard output."""
        out, _ = self._process.communicate(timeout=PATIENCE_S)
        self._thread.join()
        os.close(self._errors)
        return self._process.returncode, out


@pytest.mark.parametrize(
    ("form", "half", "whole"),
    [("csv", "100/200", "200/200"), ("ndjson", "100/200", "200/200"), ("parquet", "200 bytes", "400 bytes")],
)
def test_on_a_terminal_a_bar_shows_how_far_it_is_and_goes_away(
    halves: Halves, export: Export, tmp_path: Path, form: str, half: str, whole: str
) -> None:
    file = tmp_path / "file"
    exporting = export("--format", form, "--output", file, is_terminal=True)
    exporting.until_said(rf"Exporting.*{half}")
    assert not file.exists()
    assert whole not in exporting.said
    halves.gate.set()
    assert exporting.end() == (0, b"")
    assert file.read_bytes() == b"".join(HALVES[form])
    assert f"{len(file.read_bytes()):,} bytes." in exporting.said.rsplit("\x1b[2K", 1)[1]
    assert "Exporting" not in exporting.said.rsplit("\x1b[2K", 1)[1]
    assert exporting.said.count("\x1b[?25l") == exporting.said.count("\x1b[?25h"), "the cursor stays hidden"


@pytest.mark.parametrize("target", ["file", "-"])
def test_without_a_terminal_there_is_no_bar_and_one_line_at_the_end(
    halves: Halves, export: Export, tmp_path: Path, target: str
) -> None:
    halves.gate.set()
    output = target if target == "-" else tmp_path / target
    exporting = export("--format", "ndjson", "--output", output, is_terminal=False)
    code, out = exporting.end()
    assert code == 0
    assert exporting.said == f"{RECORDS} records when it began, 2,000 bytes.\n"
    assert (out if target == "-" else (tmp_path / target).read_bytes()) == b"".join(HALVES["ndjson"])
    assert target == "-" or out == b""


@pytest.mark.parametrize("is_terminal", [True, False])
@pytest.mark.parametrize("before", [None, b"what an earlier export wrote"])
def test_ctrl_c_in_the_middle_leaves_what_was_there_before_and_is_no_success(
    export: Export, tmp_path: Path, is_terminal: bool, before: bytes | None
) -> None:
    file = tmp_path / "file.csv"
    if before is not None:
        file.write_bytes(before)
    exporting = export("--output", file, is_terminal=is_terminal)
    eventually(lambda: list(tmp_path.glob(".file.csv.*.partial")), timeout_s=PATIENCE_S)
    if is_terminal:
        exporting.until_said("100/200")
    exporting.interrupt()
    code, _ = exporting.end()
    assert code != 0
    assert "Traceback" not in exporting.said
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == ({file.name: before} if before else {})
    assert exporting.said.count("\x1b[?25l") == exporting.said.count("\x1b[?25h"), "the cursor stays hidden"


def test_a_file_that_the_server_breaks_off_is_none_and_the_reader_is_told(
    halves: Halves, export: Export, tmp_path: Path
) -> None:
    halves.is_whole = False
    halves.gate.set()
    exporting = export("--output", tmp_path / "file.csv", is_terminal=False)
    assert exporting.end()[0] == 1
    assert "ended the file before it was whole" in exporting.said
    assert list(tmp_path.iterdir()) == []
