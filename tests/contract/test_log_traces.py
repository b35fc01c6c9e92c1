"""What `clew.log.store.LogStore` promises of traces, held against each store. The one in memory is the oracle."""

from __future__ import annotations

import pytest

from clew.core.clock import DAY_MS
from clew.core.ids import new_id, new_trace_id
from clew.log.query import Filter
from clew.log.store import Traces
from harness.log_samples import ALONE, NOW, full_record, ids_of, make, put


def test_a_trace_is_in_the_order_of_time(store, workspace):
    trace_id = new_trace_id()
    records = put(store, *[make(workspace, NOW + i % 3, trace_id=trace_id) for i in range(9)], make(workspace))
    assert ids_of(store.trace(workspace, trace_id)) == ids_of(sorted(records[:9], key=lambda r: (r.time, r.id)))


def test_a_trace_gives_whole_records_and_at_most_the_limit_of_them(store, workspace):
    record = full_record(workspace)
    later = make(workspace, NOW + 1, trace_id=record.trace_id)
    put(store, later, record)
    assert store.trace(workspace, record.trace_id) == [record, later]
    assert store.trace(workspace, record.trace_id, limit=1) == [record]


def test_a_trace_is_whole_also_where_it_goes_over_weeks(store, workspace):
    trace_id = new_trace_id()
    days = (0, 2, 30)
    replayed, repeated, first = put(store, *[make(workspace, NOW - n * DAY_MS, trace_id=trace_id) for n in days])
    assert store.trace(workspace, trace_id) == [first, repeated, replayed]
    assert store.trace(workspace, new_trace_id()) == []


def test_records_are_found_by_their_ids_whole_and_together(store, workspace):
    records = put(store, full_record(workspace), *[make(workspace, NOW - n * DAY_MS) for n in range(5)])
    put(store, make(workspace))
    wanted = [records[0].id.upper(), records[3].id, records[3].id, new_id(NOW), new_id(NOW - 3 * DAY_MS)]
    assert store.find_all(workspace, wanted) == {records[0].id: records[0], records[3].id: records[3]}
    assert store.find_all(workspace, []) == {}
    assert store.find_all(f"{workspace}-2", wanted) == {}


def test_the_traces_of_a_filter_come_with_that_of_the_latest_record_first(store, workspace):
    old, new, both = (new_trace_id() for _ in range(3))
    put(
        store,
        make(workspace, NOW - 20 * DAY_MS, trace_id=old, status="failure"),
        make(workspace, NOW - 19 * DAY_MS, trace_id=both, status="failure"),
        make(workspace, NOW - DAY_MS // 2, trace_id=new, status="failure"),
        make(workspace, NOW - 1, trace_id=both, status="failure"),
        make(workspace, NOW, trace_id=old),
        make(workspace, NOW, status="failure"),
    )
    failures = Filter(workspace=workspace, status=("failure",))
    assert store.traces(failures, 9) == Traces((both, new, old), reached_ms=NOW - 20 * DAY_MS)
    assert store.traces(failures, 3) == Traces((both, new, old), reached_ms=NOW - 20 * DAY_MS)
    assert store.traces(failures, 2) == Traces((both, new), truncated=True, reached_ms=NOW - DAY_MS // 2)
    assert store.traces(Filter(workspace=workspace), 1) == Traces((old,), truncated=True, reached_ms=NOW)
    assert store.traces(Filter(workspace=workspace, status=("success",)), 9) == Traces(())


def test_traces_of_one_time_are_in_the_order_of_their_text(store, workspace):
    traces = [new_trace_id() for _ in range(9)]
    put(store, *[make(workspace, NOW, trace_id=trace_id) for trace_id in traces])
    assert store.traces(Filter(workspace=workspace), 9).ids == tuple(sorted(traces))


@pytest.mark.parametrize("asked", [{}, *ALONE], ids=str)
def test_the_traces_of_each_filter_are_the_same_in_both_stores(spread_out, asked):
    workspace, memory, clickhouse = spread_out
    filter = Filter(workspace=workspace, **asked)
    assert clickhouse.traces(filter, 20) == memory.traces(filter, 20)
