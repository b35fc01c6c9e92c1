"""PostgreSQL beside it: a plain table with the indexes one would give it, loaded for as long as is said.

The server is one of our own, on a Unix socket in a directory of its own, and is gone afterwards. It loads the latest
records first, so that its days are as full as ours; how far back they reach is what it could load. Times are taken by
`psql` (`\\timing`), each with a round trip over the socket, as ours have none.
"""

from __future__ import annotations

import csv
import io
import os
import pwd
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.load import percentile
from benchmarks.log_data import LogData
from benchmarks.log_sample import VALUES, WORKSPACE, Draw, Sample, pick_sample
from benchmarks.log_set import QUESTIONS, Question
from benchmarks.log_sql import COLUMNS
from benchmarks.log_timing import BUDGET_S, LEAST, REPETITIONS, WARM_UP
from benchmarks.records import Records
from clew.core.record import Record

CHUNK = 50_000
LOADERS = 2
"""As many as there are cores: each has a connection."""
KEPT_OF_CHUNK = 3 * VALUES
STATEMENT_TIMEOUT_S = 30
_BINARIES = ("/usr/lib/postgresql", "/usr/local/pgsql/bin", "/usr/pgsql-15/bin")
_NULL = "\\N"
_TIME = re.compile(r"^Time: ([\d.]+) ms", re.MULTILINE)
_ROWS = re.compile(r"^\((\d+) rows?\)", re.MULTILINE)
_SETTINGS = {
    "listen_addresses": "",
    "shared_buffers": "4GB",
    "effective_cache_size": "12GB",
    "work_mem": "64MB",
    "maintenance_work_mem": "1GB",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",
    "synchronous_commit": "on",
    "jit": "off",
}


class PeerTime(msgspec.Struct, frozen=True, kw_only=True):
    """A question to PostgreSQL: its p50 and p95, and the median of its rows. None: it took longer than it may."""

    name: str
    p50_ms: float | None
    p95_ms: float | None
    rows: int


class PeerRun(msgspec.Struct, frozen=True, kw_only=True):
    """PostgreSQL, measured: its version, how many records in how long, bytes on disk for each, and its times."""

    version: str
    records: int
    load_s: float
    record_bytes: float
    span_days: float
    times: tuple[PeerTime, ...]


def find_binaries() -> Path | None:
    """Where `initdb` and the server are, or None."""
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    places = (path for root in _BINARIES for path in sorted(Path(root).glob("**/initdb"), reverse=True))
    return next((path.parent for path in places), None)


def measure_postgres(data: LogData, minutes: float) -> PeerRun | None:
    """Load for so many minutes, then ask. None where there is no PostgreSQL on this machine."""
    binaries = find_binaries()
    if binaries is None or shutil.which("psql") is None:
        return None
    with Cluster(binaries) as cluster:
        cluster.run(table_sql())
        records, kept, load_s = load(cluster, data, minutes)
        cluster.run("VACUUM (ANALYZE) log")
        cluster.run("CHECKPOINT")
        oldest_ms = min(record.time for record in kept)
        now_ms = data.until_ms
        sample = pick_sample(kept, oldest_ms, now_ms)
        size = int(cluster.run("SELECT pg_total_relation_size('log')"))
        return PeerRun(
            version=cluster.run("SHOW server_version").split()[0],
            records=records,
            load_s=round(load_s, 1),
            record_bytes=round(size / records),
            span_days=round((now_ms - oldest_ms) / 86_400_000, 1),
            times=tuple(_measure(cluster, question, sample, now_ms) for question in QUESTIONS),
        )


class Cluster:
    """A PostgreSQL of our own, in a temporary directory. Leave the `with` block and it is gone."""

    def __init__(self, binaries: Path) -> None:
        self._binaries = binaries
        self._directory = Path(tempfile.mkdtemp(prefix="clew-postgres-"))
        # It refuses to run as root.
        self._as: dict[str, Any] = {}
        if os.geteuid() == 0:
            owner = pwd.getpwnam("postgres")
            os.chown(self._directory, owner.pw_uid, owner.pw_gid)
            self._as = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}

    def __enter__(self) -> Cluster:
        try:
            self._call(
                "initdb", "--pgdata", "data", "--username=bench", "--auth=trust", "--encoding=UTF8", "--locale=C"
            )
            options = " ".join(f"-c {name}='{value}'" for name, value in _SETTINGS.items())
            options += f" -c unix_socket_directories='{self._directory}'"
            self._call("pg_ctl", "start", "--pgdata", "data", "--wait", "--log", "server.log", "--options", options)
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._call("pg_ctl", "stop", "--pgdata", "data", "--mode", "fast", "--wait")
        finally:
            self._remove()

    def run(self, text: str, *, given: bytes | None = None) -> str:
        """What `psql` prints. Raises `RuntimeError` with what PostgreSQL says where it fails."""
        arguments = ["--no-align", "--tuples-only", "--quiet", "--set", "ON_ERROR_STOP=1", "--command", text]
        return self._psql(*arguments, given=given)

    def time(self, statements: list[str]) -> list[tuple[float, int]]:
        """Milliseconds and rows of each statement, over one connection. Fewer where one took longer than it may."""
        lines = [f"SET statement_timeout = '{STATEMENT_TIMEOUT_S}s';", "\\timing on"]
        lines += [f"{statement};" for statement in statements]
        text = self._psql("--quiet", "--set", "ON_ERROR_STOP=1", "--pset", "pager=off", given="\n".join(lines).encode())
        times = [float(found) for found in _TIME.findall(text)]
        rows = [int(found) for found in _ROWS.findall(text)]
        return list(zip(times, rows, strict=False))  # what took too long has a time and no rows

    def _psql(self, *arguments: str, given: bytes | None) -> str:
        done = subprocess.run(
            ["psql", "--no-psqlrc", "--host", str(self._directory), "--username=bench", "postgres", *arguments],
            check=False,  # what it says is in the error
            input=given,
            stdin=None if given is not None else subprocess.DEVNULL,
            capture_output=True,
        )
        message = done.stderr.decode()
        if done.returncode and "statement timeout" not in message:
            raise RuntimeError(f"psql failed: {message}")
        return done.stdout.decode()

    def _call(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [self._binaries / program, *arguments],
            cwd=self._directory,
            stdout=subprocess.DEVNULL,
            check=True,
            **self._as,
        )

    def _remove(self) -> None:
        shutil.rmtree(self._directory, ignore_errors=True)


def load(cluster: Cluster, data: LogData, minutes: float) -> tuple[int, list[Record], float]:
    """Copy records into the table until the time is up, the latest first.

    Gives how many, some of them for their values, and the seconds. Raises `RuntimeError` where not one chunk fitted.
    """
    begun_s = time.monotonic()
    end = data.first + data.total
    kept: list[Record] = []
    chunks = range(-(-data.total // CHUNK))

    def copy(place: int) -> int:
        if place and time.monotonic() - begun_s > minutes * 60:
            return 0
        first = max(end - (place + 1) * CHUNK, data.first)
        count = end - place * CHUNK - first
        stream = Records(10_000 + place, begin_ms=data.begin_ms, step_ms=data.step_ms, first=first)
        made = list(stream.records(count))
        kept.extend(record for record in made[:: count // KEPT_OF_CHUNK + 1] if record.workspace == WORKSPACE)
        copy_records(cluster, made)
        return count

    with ThreadPoolExecutor(LOADERS) as pool:
        records = sum(pool.map(copy, chunks))
    return records, kept, time.monotonic() - begun_s


def table_sql() -> str:
    """The table and its indexes."""
    return Path(__file__).with_name("postgres.sql").read_text()


def copy_records(cluster: Cluster, records: Iterable[Record]) -> None:
    """Put records into the table."""
    text = io.StringIO()
    csv.writer(text).writerows(map(_row, records))
    into = f"log ({', '.join(COLUMNS)})"
    cluster.run(f"COPY {into} FROM STDIN (FORMAT csv, NULL '{_NULL}')", given=text.getvalue().encode())


def _row(record: Record) -> Iterator[object]:
    for name in COLUMNS:
        value = getattr(record, name)
        if name in {"keys", "http", "error"}:
            yield _NULL if value is None else msgspec.json.encode(value).decode()
        else:
            yield _NULL if value is None else value


def _measure(cluster: Cluster, question: Question, sample: Sample, now_ms: int) -> PeerTime:
    """The same repetitions as of the log: a first one and some to warm up do not count."""
    statements = [question.peer(draw) for draw in _draws(sample, now_ms, 1 + WARM_UP)]
    warm = cluster.time(statements)
    if len(warm) < len(statements):
        return PeerTime(name=question.name, p50_ms=None, p95_ms=None, rows=0)
    each_s = max(sum(ms for ms, _ in warm) / len(warm) / 1000, 1e-6)
    count = max(LEAST, min(REPETITIONS, int(BUDGET_S / each_s)))
    timed = cluster.time([question.peer(draw) for draw in _draws(sample, now_ms, 1 + WARM_UP + count)[1 + WARM_UP :]])
    took = sorted(ms for ms, _ in timed)
    if len(took) < count:
        return PeerTime(name=question.name, p50_ms=None, p95_ms=None, rows=0)
    rows = sorted(rows for _, rows in timed)
    return PeerTime(
        name=question.name,
        p50_ms=round(percentile(took, 0.5), 2),
        p95_ms=round(percentile(took, 0.95), 2),
        rows=int(percentile(rows, 0.5)),
    )


def _draws(sample: Sample, now_ms: int, count: int) -> list[Draw]:
    return [sample.draw(place, now_ms) for place in range(count)]
