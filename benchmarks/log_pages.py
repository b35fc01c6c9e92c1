"""The pages of a real server on the same data: how long they take, how soon it is there, and what memory it holds."""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import msgspec

from benchmarks.log_data import data_dir
from benchmarks.log_sample import WORKSPACE, Draw, Sample
from benchmarks.log_set import KINDS, reference_of
from benchmarks.log_timing import Asked, Line, forget_pages, line_of, repeat
from benchmarks.processes import ADMIN_KEY, Server
from clew.core.clock import DAY_MS, to_rfc3339
from clew.core.settings import Settings
from clew.registry.registry import open_registry
from clew.web.security import SESSION_COOKIE

PAGE_GOAL_MS = 120.0
OPEN_GOAL_S = 5.0
IDLE_GOAL_MB = 600.0
IDLE_AFTER_S = 5.0
READY_LOOK_S = 0.02
# The records fill 30 days, and none of them may go while it is measured.
SETTINGS = {"CLEW_WORKSPACE": WORKSPACE, "CLEW_KEEP_DAYS": "0"}
_SERVED = "page: "

PAGES: tuple[tuple[str, Callable[[Draw], str]], ...] = (
    ("all logs", lambda draw: f"/logs?kind={KINDS[draw.place % len(KINDS)]}"),
    ("the chart over 30 days", lambda draw: f"/logs/chart?duration=30d&kind={KINDS[draw.place % len(KINDS)]}"),
    ("integration events", lambda draw: f"/logs/integration-events?event={quote(draw.record.event)}"),
    ("a customer's integration events", lambda draw: f"/customers/{quote(draw.record.customer)}/integration-events"),
    ("overview", lambda draw: "/"),
    ("one record", lambda draw: f"/records/{draw.record.id}"),
)
# Asked for the memory that they take; the first answer that the API gives, which for the last one may be a part.
WORST: tuple[Callable[[Draw], str], ...] = (
    lambda draw: f"/v1/records?status=failure&customer={quote(draw.record.customer)}&limit=1000",
    lambda draw: f"/v1/records/count?min_duration_ms={500 + draw.place}",
    lambda draw: f"/v1/records/histogram?duration=30d&customer={quote(draw.record.customer)}",
    lambda draw: "/v1/records/facets?duration=30d",
    lambda draw: f"/v1/records?q={reference_of(draw.record.payload)}",
    lambda draw: f"/v1/records?contains={reference_of(draw.record.payload)[11:21]}",
    lambda draw: f"/v1/records/{draw.record.id}/trace",
)
_MOST_EXPORTED_DAYS = 1


class Served(msgspec.Struct, frozen=True, kw_only=True):
    """A server on the data: its pages, seconds from its start until it was ready, and its memory in MB."""

    lines: tuple[Line, ...]
    open_s: float
    open_warm_s: float
    idle_mb: float
    idle_after_mb: float
    peak_mb: float


def measure_pages(directory: Path, sample: Sample) -> Served:
    """Start a server on the data twice, with nothing of it in memory and again, and ask for its pages."""
    cookie = prepare_state(data_dir(directory), sample)
    forget_pages(data_dir(directory))
    open_s = _time_start(directory)
    begun_s = time.perf_counter()
    with Server(data_dir(directory), settings=SETTINGS) as server:
        _wait_until_ready(server)
        open_warm_s = time.perf_counter() - begun_s
        time.sleep(IDLE_AFTER_S)
        idle_mb = server.rss_mb()
        lines = tuple(
            _measure_page(directory, server, name, path, cookie=cookie, sample=sample) for name, path in PAGES
        )
        _ask_the_worst(server, sample)
        peak_mb = server.peak_mb()
        time.sleep(IDLE_AFTER_S)
        return Served(
            lines=lines,
            open_s=round(open_s, 2),
            open_warm_s=round(open_warm_s, 2),
            idle_mb=round(idle_mb),
            idle_after_mb=round(server.rss_mb()),
            peak_mb=round(peak_mb),
        )


def prepare_state(directory: Path, sample: Sample) -> str:
    """Let the state know the customers of the sample, and a member who is signed in: gives the cookie."""
    registry = open_registry(Settings(data_dir=str(directory), workspace=WORKSPACE))
    try:
        registry.customers.see(WORKSPACE, {record.customer for record in sample.records}, sample.oldest_ms)
        members = registry.members.list(WORKSPACE)
        member = (
            members[0]
            if members
            else registry.members.create(WORKSPACE, "bench@clew.example", "benchmark-password", "admin")
        )
        token, _ = registry.sessions.start(member)
        return f"{SESSION_COOKIE}={token}"
    finally:
        registry.close()


def _time_start(directory: Path) -> float:
    begun_s = time.perf_counter()
    with Server(data_dir(directory), settings=SETTINGS) as server:
        _wait_until_ready(server)
        return time.perf_counter() - begun_s


def _wait_until_ready(server: Server) -> None:
    connection = server.connect()
    while _fetch(connection, "/readyz", {})[0] != 200:
        time.sleep(READY_LOOK_S)
    connection.close()


def _measure_page(
    directory: Path, server: Server, name: str, path: Callable[[Draw], str], *, cookie: str, sample: Sample
) -> Line:
    connection = server.connect()

    def ask(place: int) -> Asked:
        if place == 1:
            connection.close()  # it was kept for some seconds only, while the files were read; the next one opens it
        wanted = path(sample.draw(place, time.time_ns() // 1_000_000))
        begun_s = time.perf_counter()
        status, size = _fetch(connection, wanted, {"cookie": cookie})
        took_s = time.perf_counter() - begun_s
        if status != 200:
            raise RuntimeError(f"{wanted} was answered with {status}")
        return Asked(took_s, rows=size)

    line = line_of(_SERVED + name, PAGE_GOAL_MS, repeat(ask, data_dir(directory) / "log"), has_engine=False)
    connection.close()
    return line


def _ask_the_worst(server: Server, sample: Sample) -> None:
    """Ask what takes the most memory, and take a file of a day while nobody hurries."""
    connection = server.connect()
    key = {"authorization": f"Bearer {ADMIN_KEY}"}
    now_ms = time.time_ns() // 1_000_000
    for place in range(3):
        for path in WORST:
            wanted = path(sample.draw(place, now_ms))
            status, _ = _fetch(connection, wanted, key)
            if status != 200:
                raise RuntimeError(f"{wanted} was answered with {status}")
    from_ms = now_ms - _MOST_EXPORTED_DAYS * DAY_MS
    for format in ("csv", "ndjson", "parquet"):
        _fetch(connection, f"/v1/records/export?format={format}&from={_moment(from_ms)}", key)
    connection.close()


def _moment(ms: int) -> str:
    return quote(to_rfc3339(ms))


def _fetch(connection: http.client.HTTPConnection, path: str, headers: dict[str, str]) -> tuple[int, int]:
    """Status and size of an answer, which is read and not kept."""
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    size = 0
    while piece := answer.read(256 * 1024):
        size += len(piece)
    return answer.status, size
