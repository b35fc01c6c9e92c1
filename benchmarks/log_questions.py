"""The log at ten million records: every question, its time and its goal, the engine's share, PostgreSQL beside it.

`python -m benchmarks.log_questions` (`make bench-log`) prints the tables; with `--write` they go into README.md and
the picture to docs/images/log-questions.svg. The data is built where it is not there (`make bench-data`).
"""

from __future__ import annotations

import argparse
import re
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import chdb
import msgspec
from clickhouse_connect.driver.binding import bind_query

from benchmarks.engine_time import EngineTime
from benchmarks.log_chart import write_chart
from benchmarks.log_data import LogData, add_options, find_or_build, log_dir, open_store, read_stamp, weigh
from benchmarks.log_pages import measure_pages
from benchmarks.log_rates import Rate, measure_export, measure_intake
from benchmarks.log_results import Results, find_results, format_results, read_results, save_results, write_readme
from benchmarks.log_sample import Sample, take_sample
from benchmarks.log_set import QUESTIONS, Question
from benchmarks.log_timing import REPETITIONS, Asked, Line, line_of, repeat
from benchmarks.machine import describe_machine
from benchmarks.postgres import measure_postgres
from clew.log.clickhouse import ClickHouseStore
from clew.log.export import FORMATS, ExportFormat
from clew.log.sql import Statement

PARTS = ("questions", "pages", "postgres")
INTAKE_RECORDS = 200_000
POSTGRES_MINUTES = 30.0


def measure_log(directory: Path, data: LogData, repetitions: int, intake_records: int) -> tuple[Results, Sample]:
    """Ask every question of the log itself, in this process."""
    with EngineTime() as engine, open_store(directory) as store:
        sample = take_sample(store, data.begin_ms, _now_ms())
        lines = []
        for question in QUESTIONS:
            lines.append(_measure(store, question, sample, directory, engine, repetitions))
            _say(lines[-1])
        peak_mb = _peak_mb()  # before whole exports are held in memory to measure the engine alone
        rates = _measure_rates(store, directory, sample, intake_records)
        record_bytes = weigh(store, data)
    results = Results(
        date=f"{datetime.now(UTC):%Y-%m-%d}",
        machine=describe_machine(),
        records=data.total,
        record_bytes=round(record_bytes),
        build_s=data.built_s,
        lines=tuple(lines),
        rates=rates,
        peak_mb=peak_mb,
    )
    return results, sample


def _measure(
    store: ClickHouseStore, question: Question, sample: Sample, directory: Path, engine: EngineTime, repetitions: int
) -> Line:
    def ask(place: int) -> Asked:
        draw = sample.draw(place, _now_ms())
        engine.take_s()
        begun_s = time.perf_counter()
        found = question.ask(store, draw)
        took_s = time.perf_counter() - begun_s
        return Asked(took_s, engine.take_s(), found.rows, found.truncated)

    asked = repeat(ask, log_dir(directory), repetitions=repetitions)
    if question.is_empty == any(one.rows for one in asked):
        raise RuntimeError(f"{question.name}: an answer where there is none, or none where there is one")
    return line_of(question.name, question.goal_ms, asked, has_engine=True)


def _measure_rates(store: ClickHouseStore, directory: Path, sample: Sample, intake_records: int) -> tuple[Rate, ...]:
    rates: list[Rate] = []
    connection = chdb.connect(str(log_dir(directory)))

    def bare(statement: Statement, format: str) -> int:
        text, values = bind_query(statement.text, statement.values)
        named: dict[str, Any] = {name.removeprefix("param_"): value for name, value in values.items()}
        return len(connection.query(str(text), format, params=named).bytes())

    try:
        rates += [measure_export(store, bare, msgspec.convert(format, ExportFormat), _now_ms()) for format in FORMATS]
    finally:
        connection.close()
    rates += measure_intake(store, sample, _now_ms(), intake_records)
    for rate in rates:
        print(f"{rate.name}: {rate.per_s:,.0f}/s ({rate.note})", flush=True)
    return tuple(rates)


def _say(line: Line) -> None:
    goal = f" (p95 goal {line.goal_ms:g} ms: {line.verdict})" if line.goal_ms is not None else ""
    print(
        f"{line.name}: p50 {line.p50_ms:g} ms, p95 {line.p95_ms:g} ms{goal}, in chDB {line.engine_ms:g} ms, "
        f"first {line.first_ms:g} ms, {line.rows:,} rows",
        flush=True,
    )


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _peak_mb() -> float:
    found = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())
    return round(int(found[1]) / 1024) if found else 0


def run(options: argparse.Namespace) -> Results:
    """Measure the parts that are asked for; those that are not keep what the last run found."""
    directory: Path = options.directory
    if set(options.only) == {"postgres"}:
        data = read_stamp(directory) or find_or_build(directory, options.records)
    else:
        data = find_or_build(directory, options.records)
    if "questions" in options.only:
        last = find_results(directory)
        results, sample = measure_log(directory, data, options.repetitions, options.intake_records)
        if last:
            results = msgspec.structs.replace(results, served=last.served, peer=last.peer)
        save_results(directory, results)
    else:
        results = read_results(directory)
    if "pages" in options.only:
        if "questions" not in options.only:
            with open_store(directory) as store:
                sample = take_sample(store, data.begin_ms, _now_ms())
        results = msgspec.structs.replace(results, served=measure_pages(directory, sample))
        save_results(directory, results)
    if "postgres" in options.only and options.postgres_minutes:
        results = msgspec.structs.replace(results, peer=measure_postgres(data, options.postgres_minutes))
        save_results(directory, results)
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description="Ask a log of ten million records what people ask.")
    add_options(parser)
    parser.add_argument("--repetitions", type=int, default=REPETITIONS, help="of each question [%(default)s]")
    parser.add_argument("--intake-records", type=int, default=INTAKE_RECORDS, help="for the intake [%(default)s]")
    parser.add_argument("--postgres-minutes", type=float, default=POSTGRES_MINUTES, help="to load for [%(default)s]")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, help="what to measure now [all]")
    parser.add_argument("--format", action="store_true", help="measure nothing, show what was measured last")
    parser.add_argument("--write", action="store_true", help="put the tables into README.md, and draw the picture")
    options = parser.parse_args()
    results = read_results(options.directory) if options.format else run(options)
    print("\n" + format_results(results))
    if options.write:
        write_readme(results)
        write_chart(results)


if __name__ == "__main__":
    main()
