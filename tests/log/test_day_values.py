"""What is known of the values of days: never less than there is, and nothing of what is not known for sure."""

import itertools
import uuid

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from clew.core.clock import DAY_MS
from clew.core.ids import new_id
from clew.core.record import STATUSES, ErrorInfo, HttpExchange, Record, encode_line
from clew.log import day_values
from clew.log.engine import READER_SETTINGS, ask, open_client
from clew.log.memory import MemoryStore
from clew.log.query import Filter

WEEKS = itertools.count(40_000, 10)
"""Far after all that other tests put into the shared log."""
LATEST = 900_000
"""After the days of all other tests."""
DAYS = 3
NAMES = ("type", "event", "customer", "source_product", "target_product", "integration", "connection", "flow", "state")

FEW = st.sampled_from(["", "a", "b"])
FIELDS = st.fixed_dictionaries(
    {
        "day": st.integers(0, DAYS - 1),
        "kind": st.sampled_from(["step", "flow_run", "external_event", "api_request"]),
        "status": st.sampled_from(STATUSES),
    },
    optional={
        **dict.fromkeys((*NAMES, "node", "source", "action", "parent_id"), FEW),
        "direction": st.sampled_from(["", "one-way", "two-way"]),
        "error": st.builds(ErrorInfo, type=st.sampled_from(["timeout", "data"])),
        "http": st.builds(HttpExchange, direction=st.sampled_from(["incoming", "outgoing"])),
    },
)
SOME = st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=2, unique=True).map(tuple)
ASKED = st.fixed_dictionaries(
    {},
    optional={
        "kind": st.sampled_from([("step",), ("step", "flow_run"), ("external_event",)]),
        "status": st.sampled_from([("failure",), ("info", "success")]),
        **dict.fromkeys((*NAMES, "node", "source", "product"), SOME),
        "direction": st.just(("one-way",)),
        "error_type": st.just(("timeout",)),
        "http_direction": st.just(("incoming",)),
        "failure_class": st.sampled_from([("delivery",), ("data",)]),
        "role": st.just(("event",)),
        "words": st.just(("nothing",)),
        "min_duration_ms": st.just(1),
    },
)


def lines_of(workspace, first, fields):
    records = []
    for one in fields:
        time = (first + one["day"]) * DAY_MS
        rest = {name: value for name, value in one.items() if name != "day"}
        records.append(Record(id=new_id(time), time=time, workspace=workspace, **rest))
    return b"".join(encode_line(record) + b"\n" for record in records)


@settings(max_examples=15)
@given(st.lists(FIELDS, min_size=1, max_size=12), st.lists(ASKED, min_size=1, max_size=12))
def test_no_day_has_more_such_records_than_is_said(clickhouse_store, fields, questions):
    first, workspace, memory = next(WEEKS), f"values-{uuid.uuid4().hex}", MemoryStore()
    lines = lines_of(workspace, first, fields)
    for store in (memory, clickhouse_store):
        store.insert(lines, workspace)
    days = sorted({first + one["day"] for one in fields})
    for day in days:
        clickhouse_store.sums.count_day(day)
    for asked in questions:
        most = clickhouse_store.sums.most(Filter(workspace=workspace, **asked))
        for day in days:
            filter = Filter(workspace=workspace, from_ms=day * DAY_MS, to_ms=(day + 1) * DAY_MS, **asked)
            count = memory.count(filter).count
            assert count <= most[day]
            if len(asked) <= 1 and day_values.is_told(filter) and "product" not in asked:
                assert count == most[day]
        assert clickhouse_store.sums.most(Filter(workspace="nobody's", **asked)).get(days[0]) == 0


def test_of_a_day_that_got_a_late_record_nothing_is_said_and_the_record_is_found(clickhouse_store):
    first, workspace = next(WEEKS), f"values-{uuid.uuid4().hex}"
    one = {"day": 0, "kind": "step", "status": "success", "flow": "often"}
    clickhouse_store.insert(lines_of(workspace, first, [one] * 3), f"{workspace}-1")
    clickhouse_store.sums.count_day(first)
    rare = Filter(workspace=workspace, flow=("rare",))
    assert clickhouse_store.sums.most(rare)[first] == 0
    clickhouse_store.insert(lines_of(workspace, first, [one | {"flow": "rare"}]), f"{workspace}-2")
    assert first not in clickhouse_store.sums.most(rare)
    assert clickhouse_store.count(rare).count == 1
    clickhouse_store.sums.count_day(first)
    assert clickhouse_store.sums.most(rare)[first] == 1
    clickhouse_store.sums.forget_day(first)
    assert first not in clickhouse_store.sums.most(rare)


def test_a_column_with_too_many_values_tells_nothing_of_its_day(clickhouse_store, monkeypatch):
    monkeypatch.setattr(day_values, "MAX_VALUES", 3)
    first, workspace = next(WEEKS), f"values-{uuid.uuid4().hex}"
    fields = [{"day": 0, "kind": "step", "status": "success", "flow": f"f{number}"} for number in range(5)]
    clickhouse_store.insert(lines_of(workspace, first, fields), workspace)
    clickhouse_store.sums.count_day(first)
    assert clickhouse_store.sums.most(Filter(workspace=workspace, flow=("other",)))[first] == 5
    assert clickhouse_store.sums.most(Filter(workspace=workspace, kind=("flow_run",)))[first] == 0


def test_the_latest_days_are_remembered_as_far_as_there_is_room(clickhouse_store, clickhouse_directory, monkeypatch):
    first, workspace = LATEST, f"values-{uuid.uuid4().hex}"
    fields = [{"day": day, "kind": "step", "status": "success"} for day in range(DAYS)]
    clickhouse_store.insert(lines_of(workspace, first, fields), workspace)
    for day in range(DAYS):
        clickhouse_store.sums.count_day(first + day)
    client = open_client(clickhouse_directory, READER_SETTINGS)
    try:
        values = clickhouse_store.sums._values._days[first][workspace].values()
        monkeypatch.setattr(day_values, "MAX_REMEMBERED", 2 * sum(map(len, values)))
        again = day_values.DayValues(lambda question: ask(client, question), client.command)
        days = range(first, first + DAYS)
        assert sorted(again.most(Filter(workspace=workspace), days)) == [first + 1, first + 2]
    finally:
        client.close()


def test_of_a_customers_records_as_many_are_events_as_of_all_others(clickhouse_store):
    first, workspace = next(WEEKS), f"values-{uuid.uuid4().hex}"
    kinds = ["external_event"] * 4 + ["step"] * 6
    fields = [
        {"day": 0, "kind": kind, "status": "info", "customer": "a" if number % 2 else "b"}
        for number, kind in enumerate(kinds)
    ]
    clickhouse_store.insert(lines_of(workspace, first, fields), workspace)
    clickhouse_store.sums.count_day(first)
    events = Filter(workspace=workspace, role=("event",))
    assert clickhouse_store.sums.part_of_role(events) == 1.0  # they are counted themselves
    assert clickhouse_store.sums.part_of_role(replace(events, customer=("nobody",))) == 0.4
    assert clickhouse_store.sums.part_of_role(Filter(workspace=workspace, customer=("a",))) == 1.0
