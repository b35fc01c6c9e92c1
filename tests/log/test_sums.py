"""Counts of whole days are used where they are right and nowhere else."""

import itertools
import uuid

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clew.core.clock import DAY_MS, HOUR_MS
from clew.core.ids import new_id
from clew.core.record import STATUSES, ErrorInfo, Record, encode_line
from clew.log.engine import READER_SETTINGS, open_client
from clew.log.memory import MemoryStore
from clew.log.query import FACET_NAMES, Filter
from clew.log.store import Count
from clew.log.sums import TABLES
from clew.log.windows import Window

FIRST_DAY = 30_000
"""Far after all that other tests put into the shared log."""
WEEKS = itertools.count(FIRST_DAY, 10)
DAYS = 4

FEW = ["", "a", "b"]
FIELDS = st.fixed_dictionaries(
    {
        "at_ms": st.one_of(
            st.integers(0, DAYS * DAY_MS - 1),
            st.builds(lambda hour, by: hour * HOUR_MS + by, st.integers(1, DAYS * 24 - 1), st.sampled_from([-1, 0, 1])),
        ),
        "kind": st.sampled_from(["step", "flow_run", "external_event"]),
        "status": st.sampled_from(STATUSES),
    },
    optional={
        **dict.fromkeys(
            ("type", "event", "customer", "source_product", "target_product", "integration", "flow", "state"),
            st.sampled_from(FEW),
        ),
        "error": st.builds(ErrorInfo, type=st.sampled_from(["timeout", "data"])),
    },
)
BLOCKS = st.lists(st.lists(FIELDS, min_size=1, max_size=10), min_size=1, max_size=3)
SOME = st.lists(st.sampled_from(["a", "b"]), min_size=1, max_size=2, unique=True).map(tuple)
EDGES = st.one_of(
    st.none(),
    st.integers(0, DAYS).map(lambda day: day * DAY_MS),
    st.integers(-HOUR_MS, DAYS * DAY_MS + HOUR_MS),
)
ASKED = st.fixed_dictionaries(
    {"from_ms": EDGES, "to_ms": EDGES},
    optional={
        "kind": st.sampled_from([("step",), ("step", "flow_run")]),
        "status": st.sampled_from([("failure",), ("info", "success")]),
        **dict.fromkeys(("type", "event", "customer", "product", "integration", "flow", "state"), SOME),
        "error_type": st.just(("timeout",)),
        "failure_class": st.just(("delivery",)),
        "role": st.just(("event",)),
    },
)
STEPS = st.sampled_from([7_000, HOUR_MS // 2, HOUR_MS, 6 * HOUR_MS, 5 * HOUR_MS, DAY_MS, 3 * DAY_MS])


@settings(max_examples=12)
@given(
    BLOCKS,
    st.lists(st.sets(st.integers(0, DAYS - 1), max_size=DAYS), min_size=3, max_size=3),
    st.lists(st.tuples(ASKED, STEPS), min_size=1, max_size=5),
)
def test_counts_of_days_and_rows_together_tell_what_the_rows_alone_tell(clickhouse_store, blocks, counted, questions):
    first, workspace, memory = next(WEEKS), f"sums-{uuid.uuid4().hex}", MemoryStore()
    for number, fields in enumerate(blocks):
        lines = b"".join(encode_line(_record(workspace, first, one)) + b"\n" for one in fields)
        for store in (memory, clickhouse_store, clickhouse_store):  # the same block again adds nothing
            store.insert(lines, f"{workspace}-{number}")
        for day in counted[number]:
            clickhouse_store.sums.count_day(first + day)
    for asked, step_ms in questions:
        edges = {name: None if asked[name] is None else first * DAY_MS + asked[name] for name in ("from_ms", "to_ms")}
        filter = Filter(workspace=workspace, **(asked | edges))
        assert clickhouse_store.count(filter) == memory.count(filter)
        assert clickhouse_store.histogram(filter, step_ms) == memory.histogram(filter, step_ms)
        assert clickhouse_store.facets(filter, FACET_NAMES, 3) == memory.facets(filter, FACET_NAMES, 3)


def _record(workspace, first_day, fields):
    time = first_day * DAY_MS + fields["at_ms"]
    rest = {name: value for name, value in fields.items() if name != "at_ms"}
    return Record(id=new_id(time), time=time, workspace=workspace, **rest)


def put(store, workspace, *times, **fields):
    records = [Record(id=new_id(t), time=t, workspace=workspace, kind="step", **fields) for t in times]
    store.insert(b"".join(encode_line(record) + b"\n" for record in records), uuid.uuid4().hex)


@pytest.fixture
def place(clickhouse_store):
    """A workspace of its own, in days of its own, with three records a day."""
    first, workspace = next(WEEKS), f"sums-{uuid.uuid4().hex}"
    times = [(first + day) * DAY_MS + hour * HOUR_MS for day in range(DAYS) for hour in (0, 7, 23)]
    put(clickhouse_store, workspace, *times, customer="c")
    return first, workspace


def covered(store, first, *columns, step_ms=None, from_ms=0, to_ms=DAYS * DAY_MS):
    window = Window(first * DAY_MS + from_ms, first * DAY_MS + to_ms)
    cover = store.sums.cover(columns, window, step_ms)
    return (cover.table.name, [day - first for day in cover.days]) if cover else None


def test_only_whole_days_that_were_counted_are_read_from_counts(clickhouse_store, place):
    first, workspace = place
    assert covered(clickhouse_store, first, "kind") is None
    for day in (0, 1, 3):
        clickhouse_store.sums.count_day(first + day)
    assert covered(clickhouse_store, first, "kind") == ("sums_hours", [0, 1, 3])
    assert covered(clickhouse_store, first, "kind", from_ms=1) == ("sums_hours", [1, 3])
    assert covered(clickhouse_store, first, "kind", to_ms=DAYS * DAY_MS - 1) == ("sums_hours", [0, 1])
    assert clickhouse_store.count(Filter(workspace=workspace)) == Count(3 * DAYS)


def test_each_question_reads_the_smallest_table_that_can_answer_it(clickhouse_store, place):
    first, _ = place
    clickhouse_store.sums.count_day(first)
    assert covered(clickhouse_store, first, step_ms=HOUR_MS) == ("sums_hours", [0])
    assert covered(clickhouse_store, first, "customer", "kind") == ("sums_customers", [0])
    assert covered(clickhouse_store, first, "customer", step_ms=2 * DAY_MS) == ("sums_customers", [0])
    assert covered(clickhouse_store, first, "event", "error_type") == ("sums_days", [0])
    assert covered(clickhouse_store, first, "customer", "event") is None
    assert covered(clickhouse_store, first, "customer", step_ms=HOUR_MS) is None
    assert covered(clickhouse_store, first, "kind", step_ms=HOUR_MS // 2) is None
    assert covered(clickhouse_store, first, "words") is None


def test_a_day_that_gets_a_late_record_is_read_from_its_rows_until_it_is_counted_again(clickhouse_store, place):
    first, workspace = place
    sums = clickhouse_store.sums
    for day in range(DAYS):
        sums.count_day(first + day)
    put(clickhouse_store, workspace, (first + 1) * DAY_MS + 5)
    assert covered(clickhouse_store, first, "kind") == ("sums_hours", [0, 2, 3])
    assert clickhouse_store.count(Filter(workspace=workspace)) == Count(3 * DAYS + 1)
    sums.count_day(first + 1)
    assert covered(clickhouse_store, first, "kind") == ("sums_hours", [0, 1, 2, 3])
    assert clickhouse_store.count(Filter(workspace=workspace)) == Count(3 * DAYS + 1)


def test_counts_that_do_not_add_up_are_not_believed(clickhouse_store, clickhouse_directory, place):
    first, workspace = place
    clickhouse_store.sums.count_day(first)
    client = open_client(clickhouse_directory, READER_SETTINGS)
    # as after a crash in the middle, or whatever else: nothing of the day, and more than the day
    client.command(f"ALTER TABLE {TABLES[0].name} DROP PARTITION {first}")
    for table in TABLES[1:]:
        client.command(f"INSERT INTO {table.name} (time, workspace, records) SELECT {first * DAY_MS}, 'x', 1")
    client.close()
    sums = type(clickhouse_store.sums)(clickhouse_store._clients[-1], clickhouse_store._days, clickhouse_store._clock)
    assert covered_by(sums, first, "kind") is covered_by(sums, first, "event") is None
    sums.count_day(first)
    assert covered_by(sums, first, "kind") == [first]
    assert clickhouse_store.count(Filter(workspace=workspace)) == Count(3 * DAYS)


def covered_by(sums, first, *columns):
    cover = sums.cover(columns, Window(first * DAY_MS, (first + DAYS) * DAY_MS))
    return list(cover.days) if cover else None


def test_a_question_during_which_a_day_is_counted_again_is_asked_again_of_the_rows(clickhouse_store, place):
    first, _ = place
    sums = clickhouse_store.sums
    sums.count_day(first)
    asked = []

    def ask(cover):
        asked.append(cover)
        if cover:
            sums.count_day(first)
        return b"half" if cover else b"right"

    window = Window(first * DAY_MS, (first + 1) * DAY_MS)
    assert sums.ask(ask, lambda: sums.cover(["kind"], window)) == b"right"
    assert [bool(cover) for cover in asked] == [True, False]
    assert sums.ask(lambda cover: b"once", lambda: None) == b"once"
