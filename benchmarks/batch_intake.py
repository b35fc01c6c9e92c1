"""Batches: events acknowledged and indexed in a second, 1,000 in a request, for as long as the load lasts.

What counts is the slower half: the clock runs from the first request until the log holds the last record.
"""

from __future__ import annotations

from pathlib import Path

from benchmarks.limits import measure_direct_feed, measure_fsync_rate
from benchmarks.load import LoadSpec
from benchmarks.outcome import Outcome, run
from benchmarks.processes import ADMIN_KEY
from benchmarks.watch import run_load
from clew.log.pump import MAX_RECORDS

GOAL_PER_S = 30_000
PER_REQUEST = 1_000
CONNECTIONS = 6
DIRECT_RECORDS = 200_000


def measure(directory: Path, seconds: float) -> Outcome:
    """Measure batch intake: records acknowledged and indexed in a second."""
    spec = LoadSpec(
        key=ADMIN_KEY,
        connections=CONNECTIONS,
        seconds=seconds,
        # Half as many again as promised: more would only take memory.
        requests=int(seconds * GOAL_PER_S * 1.5 / PER_REQUEST),
        per_request=PER_REQUEST,
    )
    fsyncs_per_s = measure_fsync_rate(directory)
    seen = run_load(directory / "data", spec)
    direct = measure_direct_feed(directory / "direct", DIRECT_RECORDS, spec.size, MAX_RECORDS)
    load = seen.load
    ratio = seen.indexed_per_s / direct.per_s
    return Outcome(
        promise="batch intake, acknowledged and indexed",
        goal=f"{GOAL_PER_S:,}/s",
        figure=f"{seen.indexed_per_s:,.0f}/s",
        is_met=seen.indexed_per_s >= GOAL_PER_S,
        ratio=f"{ratio:.2f} of chDB fed the same rows directly ({direct.per_s:,.0f}/s)",
        notes=(
            f"acknowledged {load.per_s:,.0f}/s for {load.seconds:.1f} s, p50 {load.p50_ms:.0f} ms, "
            f"p99 {load.p99_ms:.0f} ms, {load.refused} refused",
            f"drained {seen.drain_s:.1f} s later, at most {seen.most_waiting:,} waiting",
            f"{load.wire_bytes:,.0f} B sent a record, {direct.line_bytes:,.0f} B in the journal",
            f"chDB alone {direct.cpu_us_per_record:.1f} us CPU a record",
            f"fsync {fsyncs_per_s:,.0f}/s",
            seen.describe_cost(),
        ),
    )


if __name__ == "__main__":
    run(measure)
