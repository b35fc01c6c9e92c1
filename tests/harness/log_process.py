"""A log in a process of its own: a process can have one open, and one that is killed takes its log along."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

BEGIN = """
import sys
from pathlib import Path
from clew.core.clock import DAY_MS, FakeClock
from clew.core.errors import ClewError, Unavailable
from clew.core.ids import new_id
from clew.core.record import Record, encode_line
from clew.log.clickhouse import ClickHouseStore
from clew.log.query import Filter, KeyFilter, Place, Query
from clew.log import sql
from clew.log.store import Count, FacetValue
from clew.log.widening import Look
from clew.log.windows import Window

NOW = 1_780_000_000_000
DIRECTORY = Path(sys.argv[1])

def block(count, first=0, **fields):
    # the same records each time this is called, over three days
    lines = []
    for i in range(first, first + count):
        ms = NOW - i % 3 * DAY_MS - i
        head = f"{ms:012x}"
        record_id = f"{head[:8]}-{head[8:]}-7000-8000-{i:012x}"
        lines.append(encode_line(Record(id=record_id, time=ms, workspace="w", kind="step", **fields)) + b"\\n")
    return b"".join(lines)

def open_store(**limits):
    return ClickHouseStore(DIRECTORY, clock=FakeClock(NOW), **limits)
"""
"""What a script begins with: `block` makes records, `open_store` opens the log of the directory."""


def run_log(directory: Path, script: str, *, begin: str = BEGIN, code: int = 0) -> str:
    """What a script prints that works on the log of a directory. It must end with `code` and warn of nothing."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", begin + textwrap.dedent(script), str(directory)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == code, done.stderr
    return done.stdout.strip()
