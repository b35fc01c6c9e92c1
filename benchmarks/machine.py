"""Which machine this is, so that a figure can be compared with another one."""

from __future__ import annotations

import os
import platform
import re
from importlib.metadata import version
from pathlib import Path

LIBRARIES = ("uvicorn", "uvloop", "httptools", "msgspec", "clickhouse-connect", "chdb-core", "zstandard")


def describe_machine() -> str:
    """Processor, memory, system and versions in one line."""
    model = re.search(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text())
    memory = re.search(r"MemTotal:\s+(\d+)", Path("/proc/meminfo").read_text())
    versions = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    return (
        f"{model[1] if model else platform.processor()}, {len(os.sched_getaffinity(0))} cores, "
        f"{int(memory[1]) / 1024**2 if memory else 0:.0f} GiB, {platform.system()} {platform.release()}; "
        f"Python {platform.python_version()}, {versions}"
    )
