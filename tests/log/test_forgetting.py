"""Forgetting and merging in a real log of its own: what a crash leaves, what the counts say, when days are merged."""

from __future__ import annotations

import textwrap

import pytest

from harness.log_process import run_log

BEGIN = """
import os, sys, threading, time
from pathlib import Path
from clew.core.clock import DAY_MS, HOUR_MS, MINUTE_MS, FakeClock
from clew.core.ids import new_id
from clew.core.record import Record, encode_line
from clew.core.removal import remove_bodies
from clew.log.clickhouse import ClickHouseStore
from clew.log.merging import QUIET_MS
from clew.log.query import Filter
from clew.log.store import Kept

TODAY = 20_600
CLOCK = FakeClock(TODAY * DAY_MS + 60_000)
PINNED = "a" * 32

def block(day, count, first=0, **fields):
    lines = []
    for i in range(first, first + count):
        ms = day * DAY_MS + i
        head = f"{ms:012x}"
        record_id = f"{head[:8]}-{head[8:]}-7000-8000-{i:012x}"
        given = {"kind": "step", "trace_id": PINNED if i % 1000 == 7 else f"{i:032x}", "payload": "body " * 20} | fields
        lines.append(encode_line(Record(id=record_id, time=ms, workspace="w", **given)) + b"\\n")
    return b"".join(lines)

def open_store():
    return ClickHouseStore(Path(sys.argv[1]), clock=CLOCK)
"""
KEPT = 'Kept(traces=frozenset({("w", PINNED)}))'


def run(directory, script, code=0):
    return run_log(directory, script, begin=BEGIN, code=code)


@pytest.mark.parametrize("after_ms", [1, 30, 150])
@pytest.mark.parametrize(
    ("change", "left"),
    [
        (f"s.forget(TODAY - 20, (), {KEPT})", "20 20 40020"),
        (f"s.empty(TODAY - 20, ('info',), {KEPT}, '2026-05-27')", "20000 20 60000"),
    ],
    ids=["forget", "empty"],
)
def test_what_a_crash_cut_short_is_done_by_asking_again_and_nothing_else_went(tmp_path, change, left, after_ms):
    run(
        tmp_path,
        f"""
        s = open_store()
        for number in range(4):
            s.insert(block(TODAY - 20, 5_000, number * 5_000), f"old {{number}}")
        s.insert(block(TODAY - 19, 40_000), "young")
        threading.Thread(target=lambda: {change}, daemon=True).start()
        time.sleep({after_ms} / 1000)
        os._exit(9)
        """,
        code=9,
    )
    counted = run(
        tmp_path,
        f"""
        s = open_store()
        pinned = s.trace("w", PINNED)
        old = Filter(workspace="w", to_ms=(TODAY - 19) * DAY_MS)
        assert sum(record.payload != "" for record in pinned) == 60, "what is kept lost something"
        {change}
        assert {change} == 0
        bodies = [record for record in s.trace("w", PINNED) if record.time < (TODAY - 19) * DAY_MS and record.payload]
        print(s.count(old).count, len(bodies), s.count(Filter(workspace="w")).count)
        if "empty" in {change!r}:
            gone = s.trace("w", f"{{8:032x}}")[0]
            assert gone.payload == "" and gone.redacted == ("/payload (retention, 2026-05-27)",)
        s.close()
        """,
    )
    assert counted == left


def test_counts_of_a_day_are_right_when_as_many_records_come_as_went(tmp_path):
    run(
        tmp_path,
        """
        s = open_store()
        day = TODAY - 3
        s.insert(block(day, 100), "one")
        s.insert(block(day, 50, 100, kind="decision"), "two")
        s.sums.count_day(day)
        whole = Filter(workspace="w", from_ms=day * DAY_MS, to_ms=(day + 1) * DAY_MS)
        decisions = Filter(workspace="w", from_ms=whole.from_ms, to_ms=whole.to_ms, kind=("decision",))
        assert (s.count(whole).count, s.count(decisions).count) == (150, 50)
        assert s.forget(day, ("decision",), Kept()) == 50
        s.insert(block(day, 50, 150), "three")
        assert (s.count(whole).count, s.count(decisions).count) == (150, 0)
        s.close()
        """,
    )


def test_thousands_of_kept_traces_are_kept(tmp_path):
    run(
        tmp_path,
        """
        s = open_store()
        s.insert(block(TODAY - 20, 20_000), "one")
        kept = Kept(traces=frozenset(("w", f"{i:032x}") for i in range(0, 20_000, 2)))
        assert s.forget(TODAY - 20, (), kept) == 10_000
        assert s.trace("w", f"{4:032x}") and not s.trace("w", f"{5:032x}")
        s.close()
        """,
    )


WITHOUT_MERGES_OF_ITS_OWN = """
def without_merges_of_its_own(store):
    # small parts are merged by the engine, too, and no test could tell by whom
    store._clients[0].command("ALTER TABLE log MODIFY SETTING max_bytes_to_merge_at_max_space_in_pool = 1")
    return store

def parts(store):
    time.sleep(1.01)  # the engine's word on parts is believed for a second
    return [store._days.known()[TODAY - ago].parts for ago in (2, 1, 0)]

s = without_merges_of_its_own(open_store())
for day in (TODAY - 2, TODAY - 1, TODAY):
    for number in range(3):
        s.insert(block(day, 10, number * 10), f"{day} {number}")

def look(after_ms):
    CLOCK.advance(after_ms)
    assert s.merging.tidy() is False
    return parts(s)
"""


def test_days_that_are_over_and_quiet_are_merged_once_each_the_oldest_first(tmp_path):
    run(
        tmp_path,
        WITHOUT_MERGES_OF_ITS_OWN
        + textwrap.dedent(
            """
            assert look(0) == [3, 3, 3]
            assert look(QUIET_MS - 1) == [3, 3, 3]
            assert look(1) == [1, 3, 3]
            merged = s._days.known()[TODAY - 2]
            assert look(MINUTE_MS) == [1, 1, 3]
            assert look(QUIET_MS) == [1, 1, 3]  # today is not over
            assert s._days.known()[TODAY - 2] == merged
            s.insert(block(TODAY - 1, 10, 90), "late")
            assert look(MINUTE_MS) == [1, 2, 3]
            assert look(QUIET_MS - MINUTE_MS) == [1, 2, 3]
            assert look(MINUTE_MS) == [1, 1, 3]
            assert s.count(Filter(workspace="w")).count == 100
            s.close()
            """
        ),
    )


def test_nothing_is_merged_while_much_comes_in_or_where_there_is_no_room(tmp_path):
    run(
        tmp_path,
        WITHOUT_MERGES_OF_ITS_OWN
        + textwrap.dedent(
            """
            look(0)
            CLOCK.advance(QUIET_MS)
            import shutil
            real = shutil.disk_usage
            shutil.disk_usage = lambda path: real(path)._replace(free=0)
            assert look(0) == [3, 3, 3]
            shutil.disk_usage = real
            s.insert(block(TODAY, 2_000, 100), "much")
            assert look(1_000) == [3, 3, 4]
            assert look(1_000) == [1, 3, 4]
            s.close()
            """
        ),
    )
