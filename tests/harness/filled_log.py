"""A log that the engine fills itself: senders would need minutes for it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

_FILL = """
import json
import sys
from pathlib import Path
from clew.core.clock import DAY_MS, SystemClock
from clew.log.clickhouse import ClickHouseStore
from clew.log.engine import WRITER_SETTINGS, open_client

directory = Path(sys.argv[1])
directory.mkdir(parents=True)
ClickHouseStore(directory).close()
client = open_client(directory, WRITER_SETTINGS)
end_ms = SystemClock().now_ms() // DAY_MS * DAY_MS
for ago, (rows, message) in enumerate(json.loads(sys.argv[2]), start=1):
    client.command(
        "INSERT INTO log (id, time, workspace, kind, event, customer, message, parameters, trace_id) "
        f"WITH {end_ms - ago * DAY_MS} + intDiv(number * {DAY_MS}, {rows}) AS ms, lower(hex(ms)) AS digits "
        "SELECT concat(substring(digits, 1, 8), '-', substring(digits, 9, 4), '-7000-8000-', "
        "leftPad(lower(hex(number)), 12, '0')), ms, 'default', 'step', 'order.released', "
        f"concat('c', toString(number % 100)), {message}, "
        "concat('{\\"n\\": \\"', repeat(hex(sipHash64(number, 1)), 8), '\\"}'), lower(hex(sipHash128(number))) "
        f"FROM numbers({rows})"
    )
client.close()
"""
MESSAGE = "repeat(hex(sipHash64(number)), 8)"
"""128 characters, of each record its own."""


def fill_log(data: Path, days: Sequence[tuple[int, str]]) -> None:
    """Steps of customers `c0` to `c99` in the log of a data directory: of each day, from yesterday back, how many and
    their message as SQL."""
    filled = subprocess.run(
        [sys.executable, "-c", _FILL, str(data / "log"), json.dumps(days)], capture_output=True, text=True, check=False
    )
    assert filled.returncode == 0, filled.stderr
