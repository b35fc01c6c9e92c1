"""Single events: durable acknowledgements in a second at 64 connections, one event a request."""

from __future__ import annotations

from pathlib import Path

import msgspec

from benchmarks.limits import measure_client_ceiling, measure_fsync_rate
from benchmarks.load import LoadSpec
from benchmarks.outcome import Outcome, run
from benchmarks.processes import ADMIN_KEY
from benchmarks.watch import run_load

GOAL_PER_S = 8_000
GOAL_P99_MS = 50
CONNECTIONS = 64
CEILING_SECONDS = 2.0
CEILING_REQUESTS = 150_000


def measure(directory: Path, seconds: float) -> Outcome:
    """Measure single-event intake: durable acknowledgements in a second."""
    spec = LoadSpec(key=ADMIN_KEY, connections=CONNECTIONS, seconds=seconds, requests=int(seconds * GOAL_PER_S * 1.75))
    fsyncs_per_s = measure_fsync_rate(directory)
    ceiling = measure_client_ceiling(msgspec.structs.replace(spec, seconds=CEILING_SECONDS, requests=CEILING_REQUESTS))
    seen = run_load(directory / "data", spec)
    load = seen.load
    ratio = load.per_s / fsyncs_per_s
    return Outcome(
        promise=f"single-event intake, {CONNECTIONS} connections",
        goal=f"{GOAL_PER_S:,}/s, p99 < {GOAL_P99_MS} ms",
        figure=f"{load.per_s:,.0f}/s, p99 {load.p99_ms:.1f} ms",
        is_met=load.per_s >= GOAL_PER_S and load.p99_ms < GOAL_P99_MS,
        ratio=f"{ratio:.2f} of the fsync rate ({fsyncs_per_s:,.0f}/s)",
        notes=(
            f"p50 {load.p50_ms:.1f} ms, longest {load.max_ms:.0f} ms, for {load.seconds:.1f} s, {load.refused} refused",
            f"indexed {seen.indexed_per_s:,.0f}/s, drained {seen.drain_s:.1f} s later, at most {seen.most_waiting:,} "
            "waiting",
            f"{load.wire_bytes:,.0f} B a request",
            f"the client alone reaches {ceiling.per_s:,.0f}/s",
            seen.describe_cost(),
        ),
    )


if __name__ == "__main__":
    run(measure)
