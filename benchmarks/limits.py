"""Raw limits of this machine, measured in the run they are compared with."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import msgspec

from benchmarks.load import LoadResult, LoadSpec
from benchmarks.processes import LoadClient, environment, run_module

PAGE_BYTES = 4096


def measure_fsync_rate(directory: Path, seconds: float = 2.0) -> float:
    """Appends of 4 KiB, each followed by `fdatasync`, in a second."""
    page = os.urandom(PAGE_BYTES)
    with tempfile.NamedTemporaryFile(dir=directory) as file:
        count, begun_s = 0, time.perf_counter()
        while (passed_s := time.perf_counter() - begun_s) < seconds:
            os.write(file.fileno(), page)
            os.fdatasync(file.fileno())
            count += 1
    return count / passed_s


def measure_client_ceiling(spec: LoadSpec) -> LoadResult:
    """What the load client reaches against a server that does nothing but answer."""
    trivial = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.trivial_server"],
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert trivial.stdout
        port = int(trivial.stdout.readline())
        with LoadClient(spec) as client:
            client.start(port)
            return client.finish()
    finally:
        trivial.communicate()  # its standard input ends, and with it the server


class DirectFeed(msgspec.Struct, frozen=True):
    """chDB fed without us before it: records a second, CPU seconds and bytes on disk for a record."""

    records: int
    per_s: float
    cpu_us_per_record: float
    line_bytes: float
    disk_bytes: float


def measure_direct_feed(directory: Path, records: int, size: str, block: int) -> DirectFeed:
    """Feed the product's own schema with the same records, in a process of its own."""
    text = run_module("direct_feed", str(directory), str(records), size, str(block))
    return msgspec.json.decode(text, type=DirectFeed)
