"""The real log and the reference, held together: any records, any question, the same answer."""

import uuid

from hypothesis import given, settings
from hypothesis import strategies as st

from clew.core.clock import DAY_MS, HOUR_MS
from clew.core.failure_class import FAILURE_CLASSES
from clew.core.ids import new_id
from clew.core.record import DIRECTIONS, KINDS, STATUSES, ErrorInfo, HttpExchange, Record, encode_line
from clew.log.memory import MemoryStore
from clew.log.query import (
    ACTIONS_OF_STEPS,
    FACET_NAMES,
    HTTP_DIRECTIONS,
    ROLES,
    Filter,
    HttpStatusFilter,
    KeyFilter,
    Place,
    Query,
)
from clew.log.words import lower_ascii, sequence_of, words_of

NOW = 1_780_000_000_000
MODEL_KINDS = [*KINDS[:3], "external_event"]
FEW = ["", "a", "b", "a\\b", "ü'\n", "x\0"]
ERRORS = ["timeout", "access", "data", "odd"]
TRACES = [f"{n:032x}" for n in (1, 2)]
TEXTS = st.one_of(
    st.sampled_from(
        ["Alpha beta", "beta-GAMMA 7", "", "über alpha", "alpha, alpha BETA", "注文 beta", "gamma\U0001f600 7"]
    ),
    st.sampled_from(
        ["'; DROP TABLE log; --", '{"a\\\\b": "alpha\\nbeta"}', "size() > 0 && event.a == 'b'", "%_\\%", "a\0b"]
    ),
    st.text(max_size=20),
)
TIMES = st.one_of(
    st.sampled_from([NOW, NOW - 1, NOW - HOUR_MS, NOW - DAY_MS, NOW - 31 * DAY_MS, NOW + HOUR_MS]),
    st.integers(NOW - 40 * DAY_MS, NOW + DAY_MS),
)
FIELDS = st.fixed_dictionaries(
    {"time": TIMES, "kind": st.sampled_from(MODEL_KINDS)},
    optional={
        "status": st.sampled_from(STATUSES),
        "direction": st.sampled_from(["", *DIRECTIONS]),
        **{
            name: st.sampled_from(FEW)
            for name in ("type", "event", "state", "customer", "source_product", "target_product", "flow", "node")
        },
        "action": st.sampled_from(["", "Published", *ACTIONS_OF_STEPS[:2]]),
        "parent_id": st.sampled_from(["", new_id(NOW)]),
        "trace_id": st.sampled_from(TRACES),
        "keys": st.dictionaries(st.sampled_from(FEW), st.sampled_from(FEW), max_size=3),
        **dict.fromkeys(("message", "parameters", "payload"), TEXTS),
        "duration_ms": st.integers(0, 20),
        "http": st.builds(
            HttpExchange,
            direction=st.sampled_from(["incoming", "outgoing"]),
            method=st.just("GET"),
            url=TEXTS,
            status_code=st.sampled_from([0, 200, 404, 422, 500]),
        ),
        "error": st.builds(
            ErrorInfo,
            type=st.one_of(st.sampled_from(ERRORS), TEXTS),
            message=TEXTS,
            data=st.one_of(st.none(), st.lists(TEXTS, max_size=2)),
        ),
    },
)


def some(values):
    """A few alternatives, or the filter left out."""
    return st.one_of(st.just(()), st.lists(st.sampled_from(values), min_size=1, max_size=2, unique=True).map(tuple))


KEYS = st.builds(KeyFilter, st.sampled_from(FEW), st.one_of(st.none(), st.sampled_from(FEW)))
PHRASES = TEXTS.map(sequence_of).filter(lambda words: len(words) > 1)
ASKED = st.fixed_dictionaries(
    {},
    optional={
        "kind": some(MODEL_KINDS),
        "status": some(STATUSES),
        "direction": some(DIRECTIONS),
        **{
            name: some(FEW)
            for name in ("type", "event", "state", "customer", "product", "source_product", "flow", "node")
        },
        "trace_id": some(TRACES),
        "keys": st.lists(KEYS, max_size=2).map(tuple),
        **dict.fromkeys(("words", "without_words"), TEXTS.map(words_of)),
        **dict.fromkeys(("phrases", "without_phrases"), st.lists(PHRASES, max_size=2).map(tuple)),
        "contains": st.one_of(TEXTS, st.sampled_from(["pha b", "lph", "a, a", "-g", " "])).filter(len).map(lower_ascii),
        "from_ms": TIMES,
        "to_ms": TIMES,
        "min_duration_ms": st.integers(0, 20),
        "http_status": st.lists(
            st.sampled_from([HttpStatusFilter(422, 422), HttpStatusFilter(400, 499), HttpStatusFilter(500, 599)]),
            max_size=2,
        ).map(tuple),
        "http_direction": some(HTTP_DIRECTIONS),
        "error_type": some(ERRORS),
        "failure_class": some(FAILURE_CLASSES),
        "role": some(ROLES),
    },
)


@st.composite
def questions(draw):
    """Records of one workspace, and pages to ask of them, some from the place of a record."""
    records = [
        Record(id=new_id(fields["time"]), workspace="", **fields)
        for fields in draw(st.lists(FIELDS, min_size=1, max_size=12))
    ]
    asked = draw(
        st.lists(st.tuples(ASKED, st.integers(1, 5), st.sampled_from(["asc", "desc"]), st.booleans()), max_size=4)
    )
    places = [Place(record.time, record.id) for record in records]
    wanted = [(*parts, draw(st.one_of(st.none(), st.sampled_from(places)))) for parts in asked]
    return records, wanted


@settings(max_examples=25)
@given(questions())
def test_the_log_answers_as_the_reference_does(clickhouse_store, drawn):
    records, wanted = drawn
    workspace = f"model-{uuid.uuid4().hex}"
    lines = b"".join(
        encode_line(record).replace(b'"workspace":""', f'"workspace":"{workspace}"'.encode()) + b"\n"
        for record in records
    )
    memory = MemoryStore()
    for store in (memory, clickhouse_store):
        store.insert(lines, workspace)

    for asked, limit, sort, backward, place in wanted:
        filter = Filter(workspace=workspace, **asked)
        query = Query(filter=filter, limit=limit, sort=sort, backward=backward, place=place)
        assert clickhouse_store.page(query) == memory.page(query)
        assert clickhouse_store.count(filter) == memory.count(filter)
        step_ms = (1, 7_000, HOUR_MS, 2 * HOUR_MS, DAY_MS)[limit - 1]
        assert clickhouse_store.histogram(filter, step_ms) == memory.histogram(filter, step_ms)
        assert clickhouse_store.facets(filter, FACET_NAMES, limit) == memory.facets(filter, FACET_NAMES, limit)
    for record in records[:2]:
        assert clickhouse_store.find(workspace, record.id) == memory.find(workspace, record.id)
    for trace_id in TRACES:
        assert clickhouse_store.trace(workspace, trace_id) == memory.trace(workspace, trace_id)
    assert clickhouse_store.oldest_ms(workspace) == memory.oldest_ms(workspace)
