"""What a load client is told, and what it found: the words between a benchmark and its client process."""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence

import msgspec

from benchmarks.records import Size

HOST = "127.0.0.1"


class LoadSpec(msgspec.Struct, frozen=True, kw_only=True):
    """One load.

    `per_request` events go into each of `requests` requests, all of them made before the first is sent; the load ends
    after `seconds` or with the last of them. With `rate` (requests a second) they are sent on time whatever the
    answers do, else each connection sends its next request when it has its answer.
    """

    key: str
    connections: int
    seconds: float
    requests: int
    per_request: int = 1
    rate: float = 0
    size: Size = "1 KB"
    seed: int = 2026
    sender_ids: bool = False
    path: str = "/v1/events"


class LoadResult(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a load. Latencies are from the first byte sent to the last byte of a 201, in milliseconds.

    `refused` counts answers 503, after which the same request was sent again. `cpu_s` is the client's own.
    """

    records: int
    requests: int
    refused: int
    seconds: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    max_ms: float
    cpu_s: float
    wire_bytes: float

    @property
    def per_s(self) -> float:
        """Records acknowledged in a second."""
        return self.records / self.seconds


def percentile(ordered: Sequence[float], share: float) -> float:
    """The value that `share` of the values are at or below (nearest rank). `ordered` must not be empty."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def summarize_latencies(latencies_s: array[float]) -> dict[str, float]:
    """Percentiles in milliseconds under the names of `LoadResult`."""
    ordered = sorted(latencies_s)
    shares = {"p50_ms": 0.5, "p95_ms": 0.95, "p99_ms": 0.99, "max_ms": 1.0}
    return {name: round(percentile(ordered, share) * 1000, 3) for name, share in shares.items()}
