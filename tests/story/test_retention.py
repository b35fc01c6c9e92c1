"""A server whose clock runs ahead: what is old goes, what is pinned stays, and both are so after a restart."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import asyncio
import sys
from clew.app import open_clew
from clew.core.clock import DAY_MS, FakeClock
from clew.core.ids import new_id, trace_id_of
from clew.core.record import Record, encode_line
from clew.core.settings import Settings
from clew.journal.journal import Append, Item

clock = FakeClock()
settings = Settings(data_dir=sys.argv[1], keep_days_by_kind=("api_request=2",))

def make(kind):
    record_id = new_id(clock.now_ms())
    fields = {"trace_id": trace_id_of(record_id), "payload": "{}"}
    return Record(id=record_id, time=clock.now_ms(), workspace="default", kind=kind, **fields)

def found(clew, *records):
    return [clew.store.find("default", record.id) == record for record in records]

old, pinned, request = make("step"), make("step"), make("api_request")
clew = open_clew(settings, clock=clock)
clew.pump.start()
items = tuple(Item(record.id, encode_line(record)) for record in (old, pinned, request))
asyncio.run(clew.journal.append(Append(items)))
assert clew.pump.drain(60)
clew.registry.pins.pin("default", pinned.id, trace_id=pinned.trace_id)
assert clew.retention.run().trouble == ""
assert found(clew, old, pinned, request) == [True, True, True]
clock.advance(3 * DAY_MS)
clew.retention.run()
assert found(clew, old, pinned, request) == [True, True, False]
clock.advance(12 * DAY_MS)
while clew._keeper._store.tidy():  # as its thread does, once in a while
    pass
assert found(clew, old, pinned, request) == [False, True, False]
until_ms = clew.retention.removals.removed_until_ms()
assert until_ms > old.time
clew.close()

clew = open_clew(settings, clock=clock)
assert found(clew, old, pinned, request) == [False, True, False]
assert clew.retention.removals.removed_until_ms() == until_ms
clew.registry.pins.unpin("default", pinned.id)
clew.retention.run()
assert found(clew, pinned) == [False]
assert clew.store.days() == ()
clew.close()
"""


@pytest.mark.feature("C91", "N11")
def test_what_is_of_the_fifteenth_day_is_gone_and_what_is_pinned_stays(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
