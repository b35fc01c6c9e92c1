"""`clew tail` before a person: in a terminal, with its colours and its Ctrl-C."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from harness.server import ServerProcess
from harness.tails import PATIENCE_S, report

COLOR = re.compile(r"\x1b\[(?:\d+;)*[349][0-7](?:;\d+)*m")
CTRL_C = b"\x03"
# The terminal becomes that of the process, so that its keys reach it as they would a person's.
BEGIN = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.executable, [sys.executable, "-m", "clew", "tail", *sys.argv[1:]])
"""


class Terminal:
    """A command in a terminal of its own: what stands in it, and the keys that are pressed."""

    def __init__(self, screen: int, process: subprocess.Popen[bytes]) -> None:
        self._screen = screen
        self._process = process
        self.text = ""

    def until(self, part: str) -> None:
        deadline_s = time.monotonic() + PATIENCE_S
        while part not in self.text:
            assert time.monotonic() < deadline_s, self.text
            if select.select([self._screen], [], [], 0.1)[0]:
                self.text += os.read(self._screen, 65_536).decode(errors="replace")

    def press(self, key: bytes) -> int:
        """Press a key that ends it; its exit code."""
        os.write(self._screen, key)
        return self._process.wait(PATIENCE_S)


@contextmanager
def terminal(server: ServerProcess, *arguments: str, **env: str) -> Iterator[Terminal]:
    screen, inside = pty.openpty()
    unwanted = ("CLEW_", "NO_COLOR", "FORCE_COLOR")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(unwanted)}
    process = subprocess.Popen(
        [sys.executable, "-c", BEGIN, *arguments],
        stdin=inside,
        stdout=inside,
        stderr=inside,
        env={**clean, "TERM": "xterm-256color", "CLEW_DATA_DIR": str(server.directory), **env},
        start_new_session=True,
    )
    os.close(inside)
    try:
        yield Terminal(screen, process)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        os.close(screen)


@pytest.mark.parametrize(("env", "has_colours"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_a_terminal_shows_failures_in_red_unless_colours_are_not_wanted_and_ctrl_c_ends_it_well(
    server: ServerProcess, api: httpx.Client, env: dict[str, str], has_colours: bool
) -> None:
    name = f"t-{uuid.uuid4().hex[:10]}"
    with terminal(server, "--customer", name, **env) as screen:
        screen.until("Ctrl-C ends it.")
        report(api, {"event": "order.refused", "customer": name, "status": "failure", "message": "no postal code"})
        screen.until("no postal code")
        assert bool(COLOR.search(screen.text)) == has_colours
        assert ("\x1b[31m" in screen.text) == has_colours
        assert screen.press(CTRL_C) == 0
    assert "Traceback" not in screen.text
    assert "Aborted" not in screen.text


def test_the_filters_are_those_of_the_pages(server: ServerProcess, api: httpx.Client) -> None:
    """One that a page's address has is one of the command's, by the same name and with the same meaning."""
    name = f"t-{uuid.uuid4().hex[:10]}"
    common = {"customer": name, "source_product": "erp", "target_product": "ship", "keys": {"order": "SO-1"}}
    asked = (
        "--product",
        "ship",
        "--event",
        "order.refused",
        "--q",
        "postal",
        "--key",
        "order=*",
        "--kind",
        "integration_event",
    )
    with terminal(server, "--customer", name, *asked, NO_COLOR="1") as screen:
        screen.until("Ctrl-C ends it.")
        report(
            api,
            {**common, "event": "order.refused", "message": "no postal code, at first"},
            {**common, "event": "order.refused", "message": "all is well"},
            {**common, "event": "order.refused", "message": "a postal note", "target_product": "mail"},
            {**common, "event": "order.refused", "message": "no postal code, at last"},
        )
        screen.until("at last")
        assert screen.press(CTRL_C) == 0
    assert screen.text.count("order.refused") == 2
