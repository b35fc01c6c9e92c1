"""The results of the log, as they are kept in a file, and as the table of README.md."""

from __future__ import annotations

from pathlib import Path

import msgspec

from benchmarks.log_pages import IDLE_GOAL_MB, OPEN_GOAL_S, Served
from benchmarks.log_rates import Rate
from benchmarks.log_timing import Line
from benchmarks.postgres import PeerRun

README = Path(__file__).with_name("README.md")
BEGIN, END = "<!-- log questions: begin -->", "<!-- log questions: end -->"
_FILE = "results.json"
_PICTURE = "![How long each question takes, on a logarithmic scale](../docs/images/log-questions.svg)"
DISK_GOAL_BYTES = 500


class Results(msgspec.Struct, frozen=True, kw_only=True):
    """One run: `records` of `record_bytes` each on disk; what was not measured is empty.

    `peak_mb` is the most memory of the process that asked the questions.
    """

    date: str
    machine: str
    records: int
    record_bytes: float
    build_s: float
    lines: tuple[Line, ...]
    rates: tuple[Rate, ...] = ()
    served: Served | None = None
    peer: PeerRun | None = None
    peak_mb: float = 0


def save_results(directory: Path, results: Results) -> None:
    """Keep the results beside the data."""
    (directory / _FILE).write_bytes(msgspec.json.format(msgspec.json.encode(results)))


def read_results(directory: Path) -> Results:
    """What was kept."""
    return msgspec.json.decode((directory / _FILE).read_bytes(), type=Results)


def find_results(directory: Path) -> Results | None:
    """The same, None where nothing was kept."""
    return read_results(directory) if (directory / _FILE).is_file() else None


def format_results(results: Results) -> str:
    """The results as Markdown."""
    parts = [
        f"{results.date}, {results.machine}. {results.records:,} records of 1.5 KB over 30 days, "
        f"{results.record_bytes:,.0f} B each on disk (goal {DISK_GOAL_BYTES}: "
        f"{_verdict(results.record_bytes < DISK_GOAL_BYTES)}), built, counted and merged in "
        f"{results.build_s / 60:,.1f} minutes.",
        _format_lines(results),
    ]
    if results.served:
        parts += [_format_pages(results.served), _format_server(results.served, results.peak_mb)]
    if results.rates:
        parts.append(_format_rates(results.rates))
    parts.append(_format_peer(results.peer))
    return "\n\n".join(parts)


def write_readme(results: Results, readme: Path = README) -> None:
    """Put the results between their marks. Raises `ValueError` where the marks are not there."""
    text = readme.read_text()
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{readme} has no {BEGIN} ... {END}")
    readme.write_text(f"{before}{BEGIN}\n\n{format_results(results)}\n\n{_PICTURE}\n\n{END}{after}")


def _format_lines(results: Results) -> str:
    peers = {one.name: one for one in results.peer.times} if results.peer else {}
    heading = f"PostgreSQL, {results.peer.records:,}" if results.peer else "PostgreSQL"
    rows = [f"| question | goal | p50 | p95 | in chDB | first | rows | {heading} | |", "|---|" + "--:|" * 7 + "---|"]
    for line in results.lines:
        peer = peers.get(line.name)
        beside = "" if peer is None else "> 30 s" if peer.p50_ms is None else _ms(peer.p50_ms)
        rows.append(
            f"| {line.name}{_truncated(line)} | {_goal(line)} | **{_ms(line.p50_ms)}** | {_ms(line.p95_ms)} | "
            f"{_ms(line.engine_ms)} | {_ms(line.first_ms)} | {line.rows:,} | {beside} | {line.verdict} |"
        )
    return "\n".join(rows)


def _format_pages(served: Served) -> str:
    rows = ["| over HTTP | goal | p50 | p95 | first | KB | |", "|---|--:|--:|--:|--:|--:|---|"]
    rows += [
        f"| {line.name.removeprefix('page: ')} | {_goal(line)} | **{_ms(line.p50_ms)}** | {_ms(line.p95_ms)} | "
        f"{_ms(line.first_ms)} | "
        f"{line.rows / 1024:,.0f} | {line.verdict} |"
        for line in served.lines
    ]
    return "\n".join(rows)


def _format_server(served: Served, asker_mb: float) -> str:
    idle_mb = max(served.idle_mb, served.idle_after_mb)
    return "\n".join(
        [
            "| the server on this log | goal | reached | |",
            "|---|--:|--:|---|",
            f"| ready, nothing of the files in memory | {OPEN_GOAL_S:g} s | **{served.open_s:.1f} s** | "
            f"{_verdict(served.open_s < OPEN_GOAL_S)} |",
            f"| ready, started again | {OPEN_GOAL_S:g} s | **{served.open_warm_s:.1f} s** | "
            f"{_verdict(served.open_warm_s < OPEN_GOAL_S)} |",
            f"| memory when idle, after the start | {IDLE_GOAL_MB:.0f} MB | **{served.idle_mb:,.0f} MB** | "
            f"{_verdict(served.idle_mb < IDLE_GOAL_MB)} |",
            f"| memory when idle, after all questions | {IDLE_GOAL_MB:.0f} MB | **{served.idle_after_mb:,.0f} MB** | "
            f"{_verdict(idle_mb < IDLE_GOAL_MB)} |",
            f"| most memory while asked over HTTP, exports too | bounded | **{served.peak_mb:,.0f} MB** | |",
            f"| most memory of the process that asked all questions of the first table | bounded | "
            f"**{asker_mb:,.0f} MB** | |",
        ]
    )


def _format_rates(rates: tuple[Rate, ...]) -> str:
    rows = ["| records a second | reached | chDB alone | |", "|---|--:|--:|---|"]
    rows += [
        f"| {rate.name} | **{rate.per_s:,.0f}** | {'' if rate.bare_per_s is None else f'{rate.bare_per_s:,.0f}'} | "
        f"{rate.note} |"
        for rate in rates
    ]
    return "\n".join(rows)


def _format_peer(peer: PeerRun | None) -> str:
    if peer is None:
        return "No PostgreSQL was measured beside it."
    return (
        f"PostgreSQL {peer.version} loaded {peer.records:,} records, the latest {peer.span_days:g} days of as many a "
        f"day, in {peer.load_s / 60:,.1f} minutes ({peer.records / peer.load_s:,.0f}/s over two connections by "
        f"COPY, all indexes in place) and takes {peer.record_bytes:,.0f} B for each. Its questions of 30 days are over "
        "what it has."
    )


def _truncated(line: Line) -> str:
    return f" ({line.truncated} of {line.repetitions} ended at a bound)" if line.truncated else ""


def _goal(line: Line) -> str:
    return "" if line.goal_ms is None else f"p95 < {line.goal_ms:g}"


def _ms(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def _verdict(is_met: bool) -> str:
    return "met" if is_met else "not met"
