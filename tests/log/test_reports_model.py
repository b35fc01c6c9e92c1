"""List, count, histogram and facets tell the same, whatever is added, counted, added late, removed or emptied."""

import itertools
import uuid

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clew.core.clock import DAY_MS, HOUR_MS
from clew.core.ids import new_id
from clew.core.record import STATUSES, ErrorInfo, HttpExchange, Record, encode_line
from clew.log.memory import MemoryStore
from clew.log.query import EXACT_FILTERS, FACET_NAMES, Filter, HttpStatusFilter, KeyFilter, Query
from clew.log.store import Kept

pytestmark = pytest.mark.usefixtures("small_log")

WEEKS = itertools.count(60_000, 10)
"""Days of their own for each example, far after all that other tests put into the shared log."""
DAYS = 3
WORKSPACES = ("one", "two")
FEW = st.sampled_from(["a", "b"])
KINDS = ["step", "flow_run", "external_event", "integration_event"]
TRACES = [f"{number:032x}" for number in (1, 2)]

RECORDS = st.fixed_dictionaries(
    {
        "workspace": st.sampled_from(WORKSPACES),
        "at_ms": st.integers(0, DAYS * DAY_MS - 1) | st.integers(0, DAYS * 24 - 1).map(lambda hour: hour * HOUR_MS),
        "kind": st.sampled_from(KINDS),
        "status": st.sampled_from(STATUSES),
    },
    optional={
        **dict.fromkeys(
            (
                "type",
                "event",
                "state",
                "customer",
                "integration",
                "connection",
                "source_product",
                "target_product",
                "flow",
                "node",
                "source",
            ),
            FEW,
        ),
        "direction": st.sampled_from(["one-way", "two-way"]),
        "trace_id": st.sampled_from(TRACES),
        "keys": st.dictionaries(FEW, FEW, max_size=2),
        "message": st.sampled_from(["alpha beta", "beta, alpha", "gamma"]),
        "payload": st.sampled_from(["alpha", "delta-beta gamma", "x" * 50]),
        "duration_ms": st.integers(0, 9),
        "error": st.builds(ErrorInfo, type=st.sampled_from(["timeout", "data"])),
        "http": st.builds(
            HttpExchange,
            direction=st.sampled_from(["incoming", "outgoing"]),
            method=st.just("GET"),
            url=st.just("/x"),
            status_code=st.sampled_from([200, 422, 503]),
        ),
    },
)


def some(*values):
    return st.lists(st.sampled_from(values), min_size=1, max_size=2, unique=True).map(tuple)


EDGES = st.integers(0, DAYS).map(lambda day: day * DAY_MS) | st.integers(-HOUR_MS, DAYS * DAY_MS + HOUR_MS)
FILTERS = st.fixed_dictionaries(
    {"workspace": st.sampled_from(WORKSPACES), "from_ms": st.none() | EDGES, "to_ms": st.none() | EDGES},
    optional={
        **{name: some("a", "b") for name in (*EXACT_FILTERS, "product")},
        "kind": some(*KINDS),
        "status": some(*STATUSES),
        "direction": some("one-way", "two-way"),
        "trace_id": some(*TRACES),
        "keys": st.lists(st.builds(KeyFilter, FEW, st.none() | FEW), min_size=1, max_size=2).map(tuple),
        "words": some("alpha", "beta", "delta"),
        "phrases": st.just((("alpha", "beta"),)),
        "without_words": some("gamma"),
        "without_phrases": st.just((("beta", "alpha"),)),
        "contains": st.sampled_from(["lph", "a b", "ta"]),
        "min_duration_ms": st.integers(0, 9),
        "http_status": st.just((HttpStatusFilter(400, 499),)),
        "http_direction": some("incoming", "outgoing"),
        "error_type": some("timeout", "data"),
        "failure_class": some("delivery", "data"),
        "role": st.just(("event",)),
    },
)
DAY = st.integers(0, DAYS - 1)
KEPT_TRACES = st.sets(st.tuples(st.sampled_from(WORKSPACES), st.sampled_from(TRACES)), max_size=2)
STEPS = st.one_of(
    st.tuples(st.just("insert"), st.lists(RECORDS, min_size=1, max_size=12)),
    st.tuples(st.just("count"), DAY),
    st.tuples(st.just("forget"), DAY, st.just(()) | some(*KINDS), KEPT_TRACES),
    st.tuples(st.just("empty"), DAY, some(*STATUSES), KEPT_TRACES),
)


def test_every_filter_is_drawn_here():
    drawn = {"workspace", "from_ms", "to_ms", "product", *EXACT_FILTERS}
    drawn |= {"keys", "words", "phrases", "without_words", "without_phrases", "contains", "min_duration_ms"}
    drawn |= {"http_status", "http_direction", "error_type", "failure_class", "role"}
    assert drawn == set(Filter.__struct_fields__)


@settings(max_examples=5, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(
    st.lists(RECORDS, min_size=1, max_size=15),
    st.lists(STEPS, min_size=1, max_size=6),
    st.lists(st.tuples(FILTERS, st.sampled_from([7_000, HOUR_MS, 6 * HOUR_MS, DAY_MS])), min_size=1, max_size=4),
)
def test_all_that_is_told_of_a_filter_agrees_and_is_what_the_reference_tells(clickhouse_store, first, steps, asked):
    place = Stage(clickhouse_store)
    place.do("insert", first)
    for step in (("count", 0), *steps):
        place.do(*step)
        for fields, step_ms in asked:
            place.check(fields, step_ms)


class Stage:
    """Both stores, and days and workspaces of this example alone."""

    def __init__(self, clickhouse):
        self.first = next(WEEKS)
        self.name = uuid.uuid4().hex
        self.clickhouse, self.memory = clickhouse, MemoryStore()

    def do(self, what, *how):
        getattr(self, f"_{what}")(*how)

    def _insert(self, records):
        lines = b"".join(encode_line(self._record(**fields)) + b"\n" for fields in records)
        for store in (self.clickhouse, self.memory):
            store.insert(lines, token := uuid.uuid4().hex)
            store.insert(lines, token)

    def _record(self, workspace, at_ms, **fields):
        time = self.first * DAY_MS + at_ms
        return Record(id=new_id(time), time=time, workspace=f"{workspace}-{self.name}", **fields)

    def _count(self, day):
        self.clickhouse.sums.count_day(self.first + day)

    def _forget(self, day, kinds, traces):
        went = [store.forget(self.first + day, kinds, self._kept(traces)) for store in (self.clickhouse, self.memory)]
        assert went[0] == went[1]

    def _empty(self, day, statuses, traces):
        kept = self._kept(traces)
        went = [store.empty(self.first + day, statuses, kept, "2026-11-22") for store in (self.clickhouse, self.memory)]
        assert went[0] == went[1]

    def _kept(self, traces):
        return Kept(traces=frozenset((f"{workspace}-{self.name}", trace) for workspace, trace in traces))

    def check(self, fields, step_ms):
        edges = {
            name: None if fields[name] is None else self.first * DAY_MS + fields[name] for name in ("from_ms", "to_ms")
        }
        filter = Filter(**(fields | edges | {"workspace": f"{fields['workspace']}-{self.name}"}))
        page = self.clickhouse.page(Query(filter=filter, limit=1_000))
        assert page == self.memory.page(Query(filter=filter, limit=1_000))
        total = len(page.items)
        assert self.clickhouse.count(filter).count == total
        bars = self.clickhouse.histogram(filter, step_ms)
        assert bars == self.memory.histogram(filter, step_ms)
        assert sum(bar.info + bar.success + bar.failure for bar in bars.bars) == total
        facets = self.clickhouse.facets(filter, FACET_NAMES, 50)
        assert facets == self.memory.facets(filter, FACET_NAMES, 50)
        for name in ("kind", "status"):
            assert sum(value.count for value in facets.values[name]) == total


@pytest.mark.parametrize("kept", [(), ((WORKSPACES[0], TRACES[0]),)])
def test_counts_of_a_day_are_of_what_is_there_after_it_was_removed_and_came_again(clickhouse_store, kept):
    """As many come late as went: what was counted before would add up, and be wrong."""
    place = Stage(clickhouse_store)
    fields = {"workspace": WORKSPACES[0], "status": "success", "trace_id": TRACES[0]}
    place.do("insert", [{**fields, "at_ms": number, "kind": "step", "event": "a"} for number in range(10)])
    place.do("insert", [{**fields, "at_ms": number, "kind": "flow_run", "trace_id": TRACES[1]} for number in range(5)])
    place.do("count", 0)
    place.do("forget", 0, ("flow_run",) if kept else (), kept)
    gone = 5 if kept else 15
    place.do("insert", [{**fields, "at_ms": number, "kind": "external_event"} for number in range(gone)])
    for asked in ({}, {"kind": ("step",)}, {"kind": ("external_event",)}, {"event": ("a",)}, {"customer": ("a",)}):
        place.check({"workspace": WORKSPACES[0], "from_ms": 0, "to_ms": DAY_MS, **asked}, HOUR_MS)
