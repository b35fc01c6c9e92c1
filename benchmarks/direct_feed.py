"""chDB alone: the lines of the same records into the product's own schema, with nothing before it.

`python -m benchmarks.direct_feed DIRECTORY RECORDS SIZE BLOCK` prints a `limits.DirectFeed`.
"""

from __future__ import annotations

import sys
import time
from itertools import islice
from pathlib import Path

import msgspec

from benchmarks.limits import DirectFeed
from benchmarks.load_client import MIDDLE_OF_LOAD_PER_S
from benchmarks.records import Records, Size, ndjson
from clew.log.clickhouse import ClickHouseStore


def feed(directory: Path, records: int, size: Size, block: int) -> DirectFeed:
    """Insert `records` in blocks of `block`. The first block, which pays for the start, is not counted."""
    now_ms = time.time_ns() // 1_000_000
    stream = Records(size=size, begin_ms=now_ms, step_ms=1000 / MIDDLE_OF_LOAD_PER_S, events_only=True)
    lines = stream.lines(records + block)
    blocks = [ndjson(islice(lines, block)) for _ in range(records // block + 1)]
    store = ClickHouseStore(directory)
    store.insert(blocks[0], "first")
    cpu_s, begun_s = time.process_time(), time.perf_counter()
    for place, lines_of_block in enumerate(blocks[1:]):
        store.insert(lines_of_block, f"block-{place}")
    took_s, cpu_s = time.perf_counter() - begun_s, time.process_time() - cpu_s
    count = (len(blocks) - 1) * block
    disk_bytes = store_bytes(directory)
    store.close()
    return DirectFeed(
        records=count,
        per_s=count / took_s,
        cpu_us_per_record=cpu_s / count * 1e6,
        line_bytes=sum(map(len, blocks)) / (count + block),
        disk_bytes=disk_bytes / (count + block),
    )


def store_bytes(directory: Path) -> int:
    """Bytes of all files of a store."""
    return sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())


def main() -> None:
    directory, records, size, block = sys.argv[1:]
    result = feed(Path(directory), int(records), msgspec.convert(size, Size), int(block))
    print(msgspec.json.encode(result).decode())


if __name__ == "__main__":
    main()
