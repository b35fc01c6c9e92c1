"""The machine: versions, memory, how many files may be open."""

from __future__ import annotations

import platform
import resource
import sqlite3
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

from clew.core.settings import MIB, Settings
from clew.log.engine import OPEN_FILES
from clew.operations.doctor.finding import Finding, ok, problem, say_bytes, warning

LEAST_OPEN_FILES = 2_048
"""The engine alone holds some 500, and a question over many days some thousand more."""
IDLE_BYTES = 600 * MIB
"""What an idle server takes at most."""
_MEMORY = Path("/proc/meminfo")


def examine_versions() -> Finding:
    """Which versions run."""
    versions = f"Clew {version('clew')}, chDB {version('chdb-core')}, SQLite {sqlite3.sqlite_version}"
    return ok(
        "versions", f"{versions}, Python {platform.python_version()} on {platform.system()} {platform.release()}."
    )


def examine_machine(settings: Settings) -> Iterator[Finding]:
    """Memory and open files."""
    if _MEMORY.exists():
        yield examine_memory(_MEMORY.read_text(), settings.log_memory_bytes)
    yield examine_open_files(resource.getrlimit(resource.RLIMIT_NOFILE)[1])


def examine_memory(meminfo: str, query_bytes: int) -> Finding:
    """Whether an idle server and one question fit into what is free, as `/proc/meminfo` tells it."""
    sizes = {line.split(":")[0]: int(line.split()[1]) * 1024 for line in meminfo.splitlines() if line.endswith(" kB")}
    total, free = sizes["MemTotal"], sizes["MemAvailable"]
    found = f"{say_bytes(free)} of {say_bytes(total)} are free; one question may take {say_bytes(query_bytes)}."
    if free < IDLE_BYTES + query_bytes:
        return warning("memory", found, "Lower CLEW_LOG_MEMORY_BYTES, or give the machine more memory.")
    return ok("memory", found)


def examine_open_files(hard: int) -> Finding:
    """Whether the limit that a server raises itself to is enough. `hard` is what the system allows."""
    if hard == resource.RLIM_INFINITY or hard >= OPEN_FILES:
        return ok("open files", f"A server may have {OPEN_FILES:,} files open.")
    found = f"A process may have no more than {hard:,} files open; the log may need {OPEN_FILES:,}."
    todo = "Raise the hard limit: LimitNOFILE=65536 in a systemd unit, --ulimit nofile=65536 for a container."
    return problem("open files", found, todo) if hard < LEAST_OPEN_FILES else warning("open files", found, todo)
