"""`clew demo` in a process of its own."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx


@dataclass
class Demo:
    """`clew demo` in a process of its own, and what it printed."""

    process: subprocess.Popen[str]
    data_dir: Path
    lines: list[str] = field(default_factory=list)
    ready: threading.Event = field(default_factory=threading.Event)

    def read(self) -> None:
        assert self.process.stdout
        with self.process.stdout:
            for line in self.process.stdout:
                self.lines.append(line.rstrip())
                if "until you press Ctrl-C" in line:
                    self.ready.set()
        self.ready.set()

    def printed(self, pattern: str) -> str:
        found = re.search(pattern, "\n".join(self.lines))
        assert found, self.lines
        return found[1]

    @property
    def url(self) -> str:
        return self.printed(r"Clew is at (\S+)")

    @property
    def sign_in_link(self) -> str:
        return self.printed(r"Sign in, once: (\S+)")

    def sign_in(self) -> dict[str, Any]:
        """Use the link. The session, as Playwright has the state of a browser."""
        with httpx.Client(trust_env=False, verify=False) as client:  # plain HTTP
            form = client.get(self.sign_in_link).raise_for_status().text
            token = re.search(r'name="form_token" value="([^"]+)"', form)
            assert token, form
            answer = client.post(self.sign_in_link, data={"form_token": token[1]})
            assert answer.status_code == 303, answer.text
            of_all = {"domain": httpx.URL(self.url).host, "path": "/", "expires": -1, "secure": False}
            cookies = [
                {"name": name, "value": value, "httpOnly": True, "sameSite": "Lax"} | of_all
                for name, value in client.cookies.items()
            ]
        return {"cookies": cookies, "origins": []}

    def new_sign_in_link(self) -> str:
        """Another link for the demo's member: each is good for one session."""
        done = subprocess.run(
            [sys.executable, "-m", "clew", "sign-in-link", "ada@clew.example"],
            env={"PATH": "/usr/bin:/bin", "CLEW_DATA_DIR": str(self.data_dir)},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    @property
    def failing_order(self) -> str:
        return self.printed(r"Order (\S+) of .* is not in Ship")

    @property
    def thread_link(self) -> str:
        return self.printed(r"its thread\s+(\S+)")

    @property
    def flow_run_link(self) -> str:
        return self.printed(r"its flow run\s+(\S+)")

    @property
    def unlaunched_order(self) -> str:
        return self.printed(r"Order (\S+) of .* started no flow")

    @property
    def unlaunched_event_link(self) -> str:
        return self.printed(r"its event\s+(\S+)")
