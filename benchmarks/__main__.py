"""`python -m benchmarks`: every promise, one line each, then a table for README.md."""

from __future__ import annotations

import argparse
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import batch_intake, event_to_node, flow_runs, single_intake, thread_opened, visible
from benchmarks.machine import describe_machine
from benchmarks.outcome import Measure, Outcome, add_options
from benchmarks.processes import run_module

MEASURES: tuple[Measure, ...] = (
    batch_intake.measure,
    single_intake.measure,
    visible.measure,
    flow_runs.measure,
    event_to_node.measure,
    thread_opened.measure,
)


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure what is promised.")
    add_options(parser, 20.0)
    options = parser.parse_args()
    outcomes = []
    for measure in MEASURES:
        with tempfile.TemporaryDirectory(dir=options.directory, prefix="clew-benchmark-") as directory:
            outcomes.append(measure(Path(directory), options.seconds))
        print(outcomes[-1].sentence, flush=True)
    on_disk = ["--directory", str(options.directory)] if options.directory else []
    print("\n" + run_module("stages", *on_disk), flush=True)
    print(f"{datetime.now(UTC):%Y-%m-%d}, {describe_machine()}\n")
    print(format_table(outcomes))


def format_table(outcomes: list[Outcome]) -> str:
    """The outcomes as a Markdown table."""
    rows = [f"| {o.promise} | {o.goal} | **{o.figure}** | {o.verdict} | {o.ratio} |" for o in outcomes]
    return "\n".join(["| promise | goal | reached | | beside |", "|---|---|---|---|---|", *rows])


if __name__ == "__main__":
    main()
