"""The command `clew`, as an operator or a script calls it: a process of its own, with none of this one's settings."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from harness.server import ADMIN_KEY, ServerProcess

TIMEOUT_S = 120


def run_clew(*arguments: object, cwd: Path | None = None, **env: str) -> subprocess.CompletedProcess[str]:
    """Run it to its end; `env` is the settings it is given."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("CLEW_")}
    return subprocess.run(
        [sys.executable, "-m", "clew", *map(str, arguments)],
        cwd=cwd,
        env={**clean, **env},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )


def ask_server(server: ServerProcess, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command that asks this server, with its address and key."""
    env = {"CLEW_SERVER_URL": server.url, "CLEW_API_KEY": ADMIN_KEY, "NO_COLOR": "1"}
    return run_clew(*arguments, cwd=server.directory.parent, **env)
