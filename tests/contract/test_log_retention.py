"""What `LogStore` promises about forgetting: by day, by kind, bodies alone, and never what is kept."""

from __future__ import annotations

import itertools
import uuid

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clew.core.clock import DAY_MS
from clew.core.ids import new_id
from clew.core.record import STATUSES, Body, ErrorInfo, HttpExchange, LogLine, Record, encode_line, summarize
from clew.core.removal import find_removals, remove_bodies
from clew.log.memory import MemoryStore
from clew.log.query import Filter, Query
from clew.log.store import Count, Kept
from clew.log.words import words_of

pytestmark = pytest.mark.usefixtures("small_log")

DATE = "2026-11-22"
NOTHING = Kept()
ALL = STATUSES
_DAYS = itertools.count(45_000, 10)
"""Days of its own for each test: forgetting asks not whose records they are."""


@pytest.fixture(params=["memory", "clickhouse"])
def store(request):
    return MemoryStore() if request.param == "memory" else request.getfixturevalue("clickhouse_store")


@pytest.fixture
def workspace():
    return f"forget-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def day():
    return next(_DAYS)


def make(workspace, day, at_ms=0, **fields):
    time = day * DAY_MS + at_ms
    return Record(**({"id": new_id(time), "time": time, "workspace": workspace, "kind": "step"} | fields))


def put(store, *records):
    store.insert(b"".join(encode_line(record) + b"\n" for record in records), uuid.uuid4().hex)
    return records


def listed(store, workspace):
    return {item.id for item in store.page(Query(filter=Filter(workspace=workspace), limit=1000)).items}


def days_of(store, first):
    """The days from `first` on that are this test's."""
    return [use.day for use in store.days() if first <= use.day < first + 10]


def with_bodies(workspace, day, **fields):
    exchange = HttpExchange(
        direction="outgoing",
        method="POST",
        url='https://ship.example/a?x="é"\\',
        status_code=422,
        request_headers={"content-type": "text/plain", 'x-"odd"': "a\\b\n\x01/ü\u2028"},
        request_body=Body(text='{"request": "/\\u0000"}', size=4_000, cut=True),
        response_headers={},
        response_body=Body(text="/w==", size=1, encoding="base64"),
    )
    given = {
        "kind": "api_request",
        "message": "kept words",
        "parameters": '{"n":  1.0}',
        "payload": '{"secretive": true}',
        "content_type": "application/json",
        "error": ErrorInfo(type="HTTPError", message="no", stack="line"),
        "http": exchange,
        "logs": (LogLine(time=day * DAY_MS, msg="a line"),),
        "redacted": ("/http/request_headers/authorization",),
        "duration_ms": 4,
        "keys": {"order": "SO-1"},
    }
    return make(workspace, day, 5, **(given | fields))


# -- forget


def test_a_day_is_forgotten_and_the_days_beside_it_stay(store, workspace, day):
    before, last_before, first, last, after = put(
        store,
        make(workspace, day - 1),
        make(workspace, day - 1, DAY_MS - 1),
        make(workspace, day),
        make(workspace, day, DAY_MS - 1),
        make(workspace, day + 1),
    )
    assert store.forget(day, (), NOTHING) == 2
    assert listed(store, workspace) == {before.id, last_before.id, after.id}
    assert store.find(workspace, first.id) is store.find(workspace, last.id) is None
    assert store.count(Filter(workspace=workspace)) == Count(3)
    assert store.oldest_ms(workspace) == before.time
    assert days_of(store, day) == [day + 1]


def test_what_was_the_oldest_is_no_more_after_its_day_is_forgotten(store, workspace, day):
    put(store, make(workspace, day), make(workspace, day + 2, 7))
    store.forget(day, (), NOTHING)
    assert store.oldest_ms(workspace) == (day + 2) * DAY_MS + 7
    store.forget(day + 2, (), NOTHING)
    assert store.oldest_ms(workspace) is None


def test_forgetting_again_forgets_nothing_and_then_what_came_since(store, workspace, day):
    put(store, make(workspace, day))
    assert [store.forget(day, (), NOTHING) for _ in range(2)] == [1, 0]
    put(store, make(workspace, day), make(workspace, day))
    assert store.forget(day, (), NOTHING) == 2
    assert store.forget(day + 5, (), NOTHING) == 0


def test_only_the_kinds_that_are_named_go(store, workspace, day):
    gone, too, stays, next_day = put(
        store,
        make(workspace, day, kind="api_request"),
        make(workspace, day, kind="node_run"),
        make(workspace, day, kind="flow_run"),
        make(workspace, day + 1, kind="api_request"),
    )
    assert store.forget(day, ("api_request", "node_run"), NOTHING) == 2
    assert listed(store, workspace) == {stays.id, next_day.id}
    assert store.count(Filter(workspace=workspace, kind=("api_request",))) == Count(1)
    assert store.find(workspace, gone.id) is store.find(workspace, too.id) is None


@pytest.mark.parametrize("kinds", [(), ("step",)])
def test_what_is_kept_stays_with_its_trace_and_is_found_as_before(store, workspace, day, kinds):
    trace = uuid.uuid4().hex
    one, other, foreign, alone, gone = put(
        store,
        make(workspace, day, trace_id=trace),
        make(workspace, day, 9, trace_id=trace),
        make(f"{workspace}-other", day, trace_id=trace),
        make(workspace, day, 10, trace_id=uuid.uuid4().hex),
        make(workspace, day, 11),
    )
    kept = Kept(records=frozenset({alone.id}), traces=frozenset({(workspace, trace), (workspace, "")}))
    assert store.forget(day, kinds, Kept(kept.records, frozenset({(workspace, trace)}))) == 2
    assert listed(store, workspace) == {one.id, other.id, alone.id}
    assert store.trace(workspace, trace) == [one, other]
    assert store.find(workspace, alone.id) == alone
    assert store.find(foreign.workspace, foreign.id) is store.find(workspace, gone.id) is None
    assert store.forget(day, kinds, kept) == 0
    assert store.forget(day, kinds, NOTHING) == 3
    assert days_of(store, day) == []


def test_records_are_taken_in_after_their_day_was_forgotten(store, workspace, day):
    (record,) = put(store, make(workspace, day))
    store.forget(day, (), NOTHING)
    put(store, record)
    assert store.find(workspace, record.id) == record


# -- empty


def test_bodies_go_and_everything_else_stays(store, workspace, day):
    (record,) = put(store, with_bodies(workspace, day))
    assert store.empty(day, ALL, NOTHING, DATE) == 1
    left = store.find(workspace, record.id)
    assert left == remove_bodies(record, DATE)
    assert (left.payload, left.logs) == ("", ())
    assert left.http.request_body == Body(text="", size=4_000, cut=True)
    assert left.http.request_headers == record.http.request_headers
    assert (left.message, left.parameters, left.error, left.keys) == (
        record.message,
        record.parameters,
        record.error,
        record.keys,
    )
    assert find_removals(left) == dict.fromkeys(
        ["/payload", "/logs", "/http/request_body", "/http/response_body"], DATE
    )
    assert store.page(Query(filter=Filter(workspace=workspace))).items == (summarize(left),)


@pytest.mark.parametrize(
    ("fields", "places"),
    [
        ({"http": None, "logs": ()}, ["/payload"]),
        ({"http": None, "payload": ""}, ["/logs"]),
        ({"payload": "", "logs": (), "http": HttpExchange(direction="incoming", method="GET", url="/")}, []),
        (
            {
                "payload": "",
                "logs": (),
                "http": HttpExchange(
                    direction="incoming",
                    method="GET",
                    url="/",
                    request_body=Body(text="", size=0),
                    response_body=Body(text="x", size=1),
                ),
            },
            ["/http/response_body"],
        ),
    ],
)
def test_a_record_says_which_of_its_bodies_went(store, workspace, day, fields, places):
    (record,) = put(store, with_bodies(workspace, day, **fields))
    assert store.empty(day, ALL, NOTHING, DATE) == bool(places)
    left = store.find(workspace, record.id)
    assert left == remove_bodies(record, DATE)
    assert list(find_removals(left)) == places


def test_bodies_of_other_statuses_and_days_and_of_what_is_kept_stay(store, workspace, day):
    trace = uuid.uuid4().hex
    success, info, failure, pinned, in_trace, next_day = put(
        store,
        with_bodies(workspace, day, status="success"),
        with_bodies(workspace, day, status="info"),
        with_bodies(workspace, day, status="failure"),
        with_bodies(workspace, day, status="success"),
        with_bodies(workspace, day, status="success", trace_id=trace),
        with_bodies(workspace, day + 1, status="success"),
    )
    kept = Kept(frozenset({pinned.id}), frozenset({(workspace, trace)}))
    assert store.empty(day, ("success", "info"), kept, DATE) == 2
    for record in (failure, pinned, in_trace, next_day):
        assert store.find(workspace, record.id) == record
    for record in (success, info):
        assert store.find(workspace, record.id) == remove_bodies(record, DATE)
    assert store.empty(day, ("success", "info"), kept, DATE) == 0
    assert store.empty(day, ("failure",), kept, DATE) == 1


def test_a_word_of_a_removed_payload_is_found_no_more_and_a_word_of_the_message_is(store, workspace, day):
    put(store, with_bodies(workspace, day))
    assert store.count(Filter(workspace=workspace, words=words_of("secretive"))) == Count(1)
    store.empty(day, ALL, NOTHING, DATE)
    assert store.count(Filter(workspace=workspace, words=words_of("secretive"))) == Count(0)
    assert store.count(Filter(workspace=workspace, words=words_of("kept words"))) == Count(1)


def test_what_was_emptied_can_be_forgotten(store, workspace, day):
    put(store, with_bodies(workspace, day))
    store.empty(day, ALL, NOTHING, DATE)
    assert store.forget(day, ("api_request",), NOTHING) == 1
    assert listed(store, workspace) == set()


# -- what there is


def _noise():
    """A payload that no compression makes small."""
    return " ".join(uuid.uuid4().hex for _ in range(600))


def test_the_days_tell_their_records_and_what_they_take(store, workspace, day):
    put(store, *(make(workspace, day, payload=_noise()) for _ in range(3)), make(workspace, day + 3))
    uses = {use.day: use for use in store.days()}
    assert days_of(store, day) == [day, day + 3]
    assert (uses[day].records, uses[day + 3].records) == (3, 1)
    assert uses[day].bytes > uses[day + 3].bytes > 0
    store.empty(day, ALL, NOTHING, DATE)
    assert next(use.bytes for use in store.days() if use.day == day) < uses[day].bytes


def test_the_kinds_of_a_workspace_tell_their_records_the_oldest_and_their_share(store, workspace, day):
    put(
        store,
        make(workspace, day, 8, kind="flow_run"),
        make(workspace, day, 3, kind="flow_run", payload="x" * 50_000),
        make(workspace, day, 1),
        make(f"{workspace}-other", day, kind="decision"),
    )
    flow_run, step = store.kinds(workspace)
    assert (flow_run.kind, flow_run.records, flow_run.oldest_ms) == ("flow_run", 2, day * DAY_MS + 3)
    assert (step.kind, step.records, step.oldest_ms) == ("step", 1, day * DAY_MS + 1)
    assert flow_run.bytes > step.bytes >= 0
    assert store.kinds(f"{workspace}-nobody") == ()


# -- both alike

SOME_KINDS = ["step", "api_request", "flow_run"]
TRACES = ["a" * 32, "b" * 32, ""]
RECORDS = st.lists(
    st.fixed_dictionaries(
        {
            "on": st.integers(0, 2),
            "at_ms": st.sampled_from([0, 1, DAY_MS - 1]),
            "kind": st.sampled_from(SOME_KINDS),
            "status": st.sampled_from(STATUSES),
            "trace_id": st.sampled_from(TRACES),
        },
        optional={
            "payload": st.text(max_size=8),
            "logs": st.just((LogLine(time=1, msg="x"),)),
            "http": st.builds(
                HttpExchange,
                direction=st.sampled_from(["incoming", "outgoing"]),
                method=st.just("GET"),
                url=st.text(max_size=5),
                request_headers=st.dictionaries(st.text(max_size=4), st.text(max_size=4), max_size=2),
                request_body=st.none() | st.builds(Body, text=st.text(max_size=5), size=st.integers(0, 9)),
            ),
        },
    ),
    min_size=1,
    max_size=8,
)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("forget"), st.integers(0, 2), st.lists(st.sampled_from(SOME_KINDS), max_size=2, unique=True)),
        st.tuples(
            st.just("empty"),
            st.integers(0, 2),
            st.lists(st.sampled_from(STATUSES), min_size=1, max_size=2, unique=True),
        ),
    ),
    min_size=1,
    max_size=3,
)


@settings(max_examples=6, suppress_health_check=[HealthCheck.too_slow])
@given(RECORDS, STEPS, st.sets(st.integers(0, 7), max_size=2), st.booleans())
def test_both_stores_forget_the_same(clickhouse_store, given_records, steps, kept_places, keeps_trace):
    first, workspace, memory = next(_DAYS), f"forget-{uuid.uuid4().hex}", MemoryStore()
    records = [
        make(workspace, first + one["on"], one["at_ms"], **{k: v for k, v in one.items() if k not in ("on", "at_ms")})
        for one in given_records
    ]
    for store in (memory, clickhouse_store):
        put(store, *records)
    kept = Kept(
        frozenset(records[place].id for place in kept_places if place < len(records)),
        frozenset({(workspace, TRACES[0])} if keeps_trace else ()),
    )
    for what, on, named in steps:
        if what == "forget":
            assert clickhouse_store.forget(first + on, named, kept) == memory.forget(first + on, named, kept)
        else:
            assert clickhouse_store.empty(first + on, named, kept, DATE) == memory.empty(first + on, named, kept, DATE)
        for record in records:
            assert clickhouse_store.find(workspace, record.id) == memory.find(workspace, record.id)
        assert clickhouse_store.count(Filter(workspace=workspace)) == memory.count(Filter(workspace=workspace))
        assert days_of(clickhouse_store, first) == days_of(memory, first)
