"""What `clew.log.store.LogStore` promises, held against each store. The one in memory is the oracle."""

from __future__ import annotations

import csv
import io
import json
import threading
import uuid
from collections import Counter
from itertools import product

import pytest
from msgspec import structs

from clew.core.clock import DAY_MS, HOUR_MS
from clew.core.failure_class import CLASS_OF_STATUS, CLASS_OF_TYPE, FAILURE_CLASSES, failure_class_of
from clew.core.ids import new_id, new_trace_id
from clew.core.record import STATUSES, Body, ErrorInfo, HttpExchange, LogLine, Record, Summary, encode_line, summarize
from clew.log.memory import MemoryStore
from clew.log.query import FACET_NAMES, NO_ID, Filter, HttpStatusFilter, KeyFilter, Page, Place, Query
from clew.log.store import Bar, Count, Facets, FacetValue, Histogram, Traces
from clew.log.words import words_of

NOW = 1_780_000_000_000


@pytest.fixture(params=["memory", "clickhouse"])
def store(request):
    return MemoryStore() if request.param == "memory" else request.getfixturevalue("clickhouse_store")


@pytest.fixture
def workspace():
    return f"w-{uuid.uuid4().hex[:12]}"


def make(workspace, time=NOW, **fields):
    return Record(**({"id": new_id(time), "time": time, "workspace": workspace, "kind": "step"} | fields))


def block_of(records):
    return b"".join(encode_line(record) + b"\n" for record in records)


def put(store, *records, token=None):
    store.insert(block_of(records), token or uuid.uuid4().hex)
    return records


def ids_of(page_or_records):
    records = page_or_records.items if isinstance(page_or_records, Page) else page_or_records
    return [record.id for record in records]


def found(store, workspace, **asked):
    return set(ids_of(store.page(Query(filter=Filter(workspace=workspace, **asked), limit=1000))))


def full_record(workspace):
    return make(
        workspace,
        kind="api_request",
        type="order",
        event="order.released",
        source_product="erp",
        target_product="ship",
        direction="two-way",
        action="create",
        status="failure",
        state="REJECTED",
        message="422 from ship",
        error=ErrorInfo(
            type="HTTPError",
            key="postal_code",
            message="no postal code",
            data={"big": 123456789012345678901234567890, "list": [1, None, "x"]},
            stack="line 1\nline 2",
            caused_by=ErrorInfo(type="KeyError", message="'zip'"),
        ),
        customer="c-1",
        integration="orders",
        connection="conn-1",
        source="erp-orders",
        flow="order-to-ship",
        flow_version="3",
        node="create_shipment",
        trace_id=new_trace_id(),
        parent_id=new_id(NOW),
        sender_id="evt/1",
        duplicate_of=new_id(NOW),
        keys={"order": "SO-1001", "shipment": "SH-1"},
        parameters='{"site": "NL",  "n": 1.0}',
        payload='{"a": 1e400,\r\n "b":"\\u0000"}',
        content_type="application/json",
        http=HttpExchange(
            direction="outgoing",
            method="POST",
            url="https://ship.example/api/shipments?x=1&y=é",
            status_code=422,
            request_headers={"content-type": "application/json"},
            request_body=Body(text='{"x": "\\\\"}', size=9),
            response_headers={"x-id": "1"},
            response_body=Body(text="/w==", size=1, encoding="base64", cut=True),
        ),
        duration_ms=17,
        logs=(LogLine(time=NOW, msg="begin"), LogLine(time=NOW + 1, msg="sent", type="api-request", data={"n": 1})),
        redacted=("/http/request_headers/authorization", "/payload/token"),
    )


# -- insert and find


def test_a_record_with_every_field_comes_back_as_it_was(store, workspace):
    record = full_record(workspace)
    assert all(getattr(record, f) not in ("", None, (), {}) for f in record.__struct_fields__)
    put(store, record)
    assert store.find(workspace, record.id) == record


def test_a_record_of_required_fields_alone_comes_back_with_the_defaults(store, workspace):
    (record,) = put(store, make(workspace))
    assert store.find(workspace, record.id) == record


def test_a_list_shows_the_summary_of_a_record(store, workspace):
    full, bare = put(store, full_record(workspace), make(workspace, NOW - 1))
    assert store.page(Query(filter=Filter(workspace=workspace))).items == (summarize(full), summarize(bare))


def test_an_id_is_found_whatever_its_case(store, workspace):
    (record,) = put(store, make(workspace))
    assert store.find(workspace, record.id.upper()) == record


def test_an_unknown_id_is_none(store, workspace):
    put(store, make(workspace))
    assert store.find(workspace, new_id(NOW)) is None
    assert store.find(workspace, str(uuid.uuid4())) is None


def test_nothing_is_seen_from_another_workspace(store, workspace):
    (record,) = put(store, make(workspace, trace_id="ab" * 16))
    other = workspace + "-other"
    assert store.find(other, record.id) is None
    assert store.trace(other, record.trace_id) == []
    assert store.page(Query(filter=Filter(workspace=other))) == Page((), has_next=False, has_prev=False)
    assert store.count(Filter(workspace=other)) == Count(0)
    assert store.oldest_ms(other) is None


STRANGE = [
    "a\0b",
    "back\\slash \\n \\0 \\",
    "line\nend\r\n\ttab",
    "quotes ' \" ` ''",
    "'); DROP TABLE log; --",
    "{p0:String} {{x}} %s %(a)s $1 ?",
    "日本語 ünïcödé 🧵 \u2028 \u200d",
    "\x01\x1f\x7f\x80",
    "</script><script>alert(1)</script>",
    " leading and trailing ",
]


@pytest.mark.parametrize("text", STRANGE)
def test_strange_text_is_kept_and_found_by_every_filter(store, workspace, text):
    record = make(
        workspace,
        customer=text,
        event=text,
        state=text,
        message=text,
        payload=text,
        parameters=text,
        keys={text: text},
        http=HttpExchange(direction="incoming", method="GET", url=text),
        error=ErrorInfo(message=text, data=text),
        redacted=(text,),
    )
    put(store, record, make(workspace))
    assert store.find(workspace, record.id) == record
    assert store.page(Query(filter=Filter(workspace=workspace, customer=(text,)))).items == (summarize(record),)
    for asked in (
        {"event": (text, "another")},
        {"state": (text,)},
        {"keys": (KeyFilter(text, text),)},
        {"keys": (KeyFilter(text, None),)},
        {"words": words_of(text)},
    ):
        if asked != {"words": ()}:
            assert found(store, workspace, **asked) == {record.id}, asked


def test_strange_workspaces_are_workspaces_like_others(store, workspace):
    strange = f"{workspace} \\'\n\0日"
    (record,) = put(store, make(strange))
    assert found(store, strange) == {record.id}
    assert store.oldest_ms(strange) == NOW


@pytest.mark.parametrize("size", [0, 1, 100_000, 5_000_000])
def test_a_payload_of_any_size_is_kept_byte_for_byte(store, workspace, size):
    payload = ('{"n": 12345678901234567890123,  "e":"\\u0000\\ud83d" }' * (size // 50 + 1))[:size]
    (record,) = put(store, make(workspace, payload=payload))
    assert store.find(workspace, record.id).payload_bytes() == payload.encode()
    assert store.page(Query(filter=Filter(workspace=workspace))).items[0].payload_bytes == size


def test_a_payload_that_is_no_text_is_kept_byte_for_byte(store, workspace):
    (record,) = put(store, make(workspace, payload="/wD+", payload_encoding="base64"))
    assert store.find(workspace, record.id).payload_bytes() == b"\xff\x00\xfe"


def test_the_same_token_again_adds_nothing(store, workspace):
    records = [make(workspace, NOW + i) for i in range(3)]
    for _ in range(3):
        put(store, *records, token=f"{workspace}:1")
    assert store.count(Filter(workspace=workspace)) == Count(3)


def test_a_hundred_tokens_are_remembered(store, workspace):
    records = [make(workspace, NOW - i * DAY_MS) for i in range(100)]
    for _ in range(2):
        for place, record in enumerate(records):
            put(store, record, token=f"{workspace}:{place}")
    assert store.count(Filter(workspace=workspace)) == Count(100)


def test_the_same_lines_under_another_token_are_added(store, workspace):
    record = make(workspace)
    put(store, record)
    put(store, record)
    assert store.count(Filter(workspace=workspace)) == Count(2)


def test_one_block_may_hold_more_than_a_hundred_days(store, workspace):
    records = [make(workspace, NOW - i * DAY_MS) for i in range(130)]
    put(store, *records, token=workspace)
    put(store, *records, token=workspace)
    assert store.count(Filter(workspace=workspace)) == Count(130)
    assert store.oldest_ms(workspace) == NOW - 129 * DAY_MS


def test_a_block_of_several_workspaces_goes_to_each(store, workspace):
    names = [f"{workspace}-{i}" for i in range(3)]
    records = [make(name) for name in names]
    put(store, *records)
    assert [found(store, name) for name in names] == [{record.id} for record in records]


# -- filters


def spread(workspace):
    """Records that differ in everything that a filter asks."""
    return [
        make(
            workspace,
            NOW + i * 1000,
            kind=("step", "flow_run", "decision")[i % 3],
            type=f"t{i % 2}",
            event=f"e{i % 3}",
            status=("info", "success", "failure")[i % 3],
            state=f"s{i % 4}",
            customer=f"c{i % 4}",
            integration=f"i{i % 2}",
            connection=f"n{i % 3}",
            source_product=f"p{i % 3}",
            target_product=f"p{i % 4}",
            direction=("", "one-way", "two-way")[i % 3],
            flow=f"f{i % 2}",
            node=f"d{i % 5}",
            source=f"o{i % 2}",
            trace_id=f"{i % 4 + 1:032x}",
            keys={"order": f"SO-{i % 3}"} | ({"line": ""} if i % 2 else {}),
            message=f"word{i % 3} Mixed",
            parameters=f'{{"site": "site{i % 4}"}}',
            payload=f"<pay>load{i % 5}</pay> ünï",
            duration_ms=None if i % 4 == 0 else i * 10,
            http=HttpExchange(
                direction=("incoming", "outgoing")[i % 2],
                method="GET",
                url="/",
                status_code=(200, 404, 422, 500, 0)[i % 5],
            )
            if i % 6
            else None,
            error=ErrorInfo(type=("timeout", "data", "odd", "")[i % 4]) if i % 3 == 2 else None,
        )
        for i in range(24)
    ] + [
        make(workspace, NOW + i, kind=kind, action=action, parent_id=parent_id, status="info", message="role")
        for i, (kind, action, parent_id) in enumerate(ROLES_OF_RECORDS)
    ]


ROLES_OF_RECORDS = [
    (kind, action, parent_id)
    for kind in ("integration_event", "external_event", "internal_event", "external_webhook")
    for action in ("", "Published", "Delivered", "Ignored")
    for parent_id in ("", "019e6bde-6400-7000-8000-000000000001")
]


FILTERS = {
    "kind": [("step",), ("flow_run", "decision"), ("notification",)],
    "type": [("t0",), ("t0", "t1")],
    "event": [("e1",), ("e1", "e2"), ("none",)],
    "status": [("failure",), ("info", "success")],
    "state": [("s3",)],
    "customer": [("c1",), ("c1", "c3", "c9")],
    "integration": [("i1",)],
    "connection": [("n2",)],
    "product": [("p1",), ("p0", "p3")],
    "source_product": [("p1",)],
    "target_product": [("p3",)],
    "direction": [("one-way",), ("one-way", "two-way")],
    "flow": [("f1",)],
    "node": [("d4",)],
    "source": [("o0",)],
    "trace_id": [(f"{2:032x}",)],
    "keys": [
        (KeyFilter("order", "SO-1"),),
        (KeyFilter("order", "SO-1"), KeyFilter("order", "SO-2")),
        (KeyFilter("line", None),),
        (KeyFilter("line", ""),),
        (KeyFilter("line", "SO-1"),),
        (KeyFilter("nothing", None), KeyFilter("order", "SO-0")),
    ],
    "words": [("word1",), ("word1", "mixed"), ("load3", "site3"), ("ünï",), ("pay",), ("word",), ("mixed", "absent")],
    "phrases": [
        (("word1", "mixed"),),
        (("word1", "mixed"), ("pay", "load3")),
        (("load3", "pay", "ünï"),),
        (("mixed", "site"),),
    ],
    "without_words": [("word1",), ("load3", "site3"), ("absent",), ("mixed",)],
    "without_phrases": [(("word1", "mixed"),), (("pay", "load3"), ("word2", "mixed"))],
    "contains": ["ord1", "d1 mix", '"site": "s', "ünï", ">load3<", "e2", "absent"],
    "from_ms": [NOW + 5000, NOW + 5001],
    "to_ms": [NOW + 5000, NOW + 5001],
    "min_duration_ms": [0, 50, 130, 100_000],
    "http_status": [
        (HttpStatusFilter(422, 422),),
        (HttpStatusFilter(400, 499),),
        (HttpStatusFilter(200, 299), HttpStatusFilter(500, 599)),
    ],
    "http_direction": [("incoming",), ("incoming", "outgoing")],
    "error_type": [("timeout",), ("timeout", "odd")],
    "failure_class": [("delivery",), ("configuration",), ("data",), ("delivery", "data")],
    "role": [("event",)],
}


def test_every_filter_is_asked_here():
    assert set(FILTERS) == set(Filter.__struct_fields__) - {"workspace"}


@pytest.fixture(scope="module")
def spread_out(clickhouse_store):
    """The same records in both stores, once for all filter tests."""
    workspace = f"spread-{uuid.uuid4().hex[:8]}"
    memory, records = MemoryStore(), spread(workspace)
    put(memory, *records)
    put(clickhouse_store, *records)
    return workspace, memory, clickhouse_store


def asked_pairs():
    singles = [{name: value} for name, values in FILTERS.items() for value in values]
    names = list(FILTERS)
    pairs = [
        {names[i]: FILTERS[names[i]][0], names[j]: FILTERS[names[j]][-1]}
        for i in range(len(names))
        for j in range(i + 1, min(i + 4, len(names)))  # neighbours; any other mixture is the model test's
    ]
    return singles, pairs


@pytest.mark.parametrize("asked", asked_pairs()[0], ids=str)
def test_each_filter_alone_finds_the_same_in_both_stores(spread_out, asked):
    workspace, memory, clickhouse = spread_out
    query = Query(filter=Filter(workspace=workspace, **asked), limit=1000)
    expected = memory.page(query)
    assert clickhouse.page(query) == expected
    assert clickhouse.count(query.filter) == memory.count(query.filter) == Count(len(expected.items))


def test_the_filters_of_the_reference_are_right_where_a_reader_can_see_it():
    workspace = "w"
    store, records = MemoryStore(), spread("w")
    put(store, *records)
    records, events = records[:24], records[24:]
    assert len(events) == 32
    assert found(store, workspace, customer=("c1",)) == {r.id for r in records[1::4]}
    assert found(store, workspace, product=("p3",)) == {r.id for r in records[3::4]}
    assert found(store, workspace, keys=(KeyFilter("line", None),)) == {r.id for r in records[1::2]}
    assert found(store, workspace, words=("word1", "mixed")) == {r.id for r in records[1::3]}
    assert found(store, workspace, words=("word",)) == set()
    assert found(store, workspace, from_ms=NOW + 5000, to_ms=NOW + 7000) == {r.id for r in records[5:7]}
    assert found(store, workspace, min_duration_ms=230) == {records[23].id}
    assert found(store, workspace, http_status=(HttpStatusFilter(400, 499),)) == {
        r.id for r in records if r.http and 400 <= r.http.status_code <= 499
    }
    assert found(store, workspace, error_type=("timeout",)) == {records[i].id for i in (8, 20)}
    assert found(store, workspace, http_direction=("outgoing",)) == {r.id for r in records[1::2]}
    assert found(store, workspace, failure_class=("data",)) == {records[i].id for i in (5, 17, 2)}
    roles = [(r.kind, r.action, bool(r.parent_id)) for r in events if r.id in found(store, workspace, role=("event",))]
    assert len(roles) == 8 + 6 + 8
    assert ("integration_event", "Delivered", True) not in roles


def classed(workspace):
    """Every type that has a class, some that have none, with every status that has one, and those beside them."""
    statuses = sorted({0, 200, 399, 418, 499, 500, 503, 599, 600} | set(CLASS_OF_STATUS))
    return [
        make(
            workspace,
            NOW + i,
            status=status,
            error=ErrorInfo(type=type_) if type_ is not None else None,
            http=HttpExchange(direction="outgoing", method="GET", url="/", status_code=code),
        )
        for i, (type_, code, status) in enumerate(
            product((None, "", "Timeout", "odd", *CLASS_OF_TYPE), statuses, ("failure", "success"))
        )
    ]


def test_the_class_of_a_failure_is_the_same_in_a_search_as_in_the_function(store, workspace):
    records = put(store, *classed(workspace))
    for class_ in FAILURE_CLASSES:
        expected = {
            r.id
            for r in records
            if r.status == "failure" and failure_class_of(r.error.type if r.error else "", r.http.status_code) == class_
        }
        assert expected
        assert found(store, workspace, failure_class=(class_,)) == expected
        assert store.count(Filter(workspace=workspace, failure_class=(class_,))) == Count(len(expected))


def test_filters_combined_find_the_same_in_both_stores(spread_out):
    workspace, memory, clickhouse = spread_out
    for asked in asked_pairs()[1]:
        filter = Filter(workspace=workspace, **asked)
        assert clickhouse.page(Query(filter=filter)) == memory.page(Query(filter=filter)), asked


def test_all_filters_at_once_find_the_one_record_that_has_it_all(store, workspace):
    record = full_record(workspace)
    put(store, record, make(workspace))
    filter = Filter(
        workspace=workspace,
        kind=(record.kind,),
        type=(record.type,),
        event=(record.event,),
        status=(record.status,),
        state=(record.state,),
        customer=(record.customer,),
        integration=(record.integration,),
        connection=(record.connection,),
        product=("ship",),
        source_product=(record.source_product,),
        target_product=(record.target_product,),
        direction=(record.direction,),
        flow=(record.flow,),
        node=(record.node,),
        source=(record.source,),
        trace_id=(record.trace_id,),
        keys=(KeyFilter("order", "SO-1001"),),
        words=("422", "nl", "a"),
        from_ms=NOW,
        to_ms=NOW + 1,
        min_duration_ms=17,
        http_status=(HttpStatusFilter(422, 422),),
        http_direction=("outgoing",),
        error_type=("HTTPError",),
        failure_class=("data",),
    )
    assert ids_of(store.page(Query(filter=filter))) == [record.id]
    assert store.count(filter) == Count(1)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("Straße_Ünï", "straße"),
        ("Straße_Ünï", "Ünï"),
        ("東京-SO1001", "東京"),
        ("東京-SO1001", "so1001"),
        ("x\0y", "x"),
        ("🧵thread", "🧵thread"),
        ("a" * 300 + " b", "a" * 300),
        ('{"k":"v\\nw"}', "nw"),
    ],
)
@pytest.mark.parametrize("field", ["message", "parameters", "payload"])
def test_a_word_is_a_run_of_letters_digits_and_whatever_is_not_ascii(store, workspace, field, text, word):
    (record,) = put(store, make(workspace, **{field: text}))
    assert found(store, workspace, words=(word,)) == {record.id}
    assert found(store, workspace, words=(word[:-1],)) == set() or len(word) == 1


def test_words_do_not_grow_together_across_fields(store, workspace):
    put(store, make(workspace, message="one", parameters="two", payload="three"))
    assert found(store, workspace, words=("onetwo",)) == set()
    assert len(found(store, workspace, words=("one", "two", "three"))) == 1


@pytest.mark.feature("A17")
@pytest.mark.parametrize(
    ("asked", "texts"),
    [
        ({"phrases": (("postal", "code"),)}, "postal, dashed"),
        ({"phrases": (("code", "postal"),)}, "turned"),
        ({"phrases": (("postal", "code"), ("of", "1001"))}, "postal"),
        ({"phrases": (("osta", "code"),)}, ""),
        ({"without_words": ("postal",)}, "across, other"),
        ({"without_words": ("postal", "absent")}, "across, other"),
        ({"without_words": ("other", "across")}, "postal, dashed, turned"),
        ({"without_phrases": (("postal", "code"),)}, "turned, across, other"),
        ({"words": ("code",), "without_phrases": (("code", "postal"),)}, "postal, dashed, across"),
        ({"contains": "ostal c"}, "postal"),
        ({"contains": 'l":"c'}, "dashed"),
        ({"contains": "東"}, "other"),
        ({"contains": "\U0001f600"}, "other"),
        ({"contains": "a\\b"}, "other"),
        ({"contains": "%"}, "other"),
        ({"contains": "code\n"}, ""),
        ({"contains": "ross"}, "across"),
        ({"contains": "ross", "without_words": ("across",)}, ""),
        ({"contains": "so-10", "words": ("1001",)}, "postal"),
    ],
)
def test_phrases_exclusions_and_texts_find_what_they_say(store, workspace, asked, texts):
    records = {
        "postal": make(workspace, message="No Postal  Code of 1001: SO-1001, code", payload="Postal code"),
        "dashed": make(workspace, payload='{"Postal":"code"}'),
        "turned": make(workspace, parameters='{"code":"postal"}'),
        "across": make(workspace, message="across post", parameters="al", payload="code"),
        "other": make(workspace, message="other 東京 \U0001f600 100% a\\b"),
    }
    put(store, *records.values())
    names = {record.id: name for name, record in records.items()}
    assert sorted(names[i] for i in found(store, workspace, **asked)) == sorted(filter(None, texts.split(", ")))


def test_a_phrase_does_not_begin_in_one_field_and_end_in_another(store, workspace):
    put(store, make(workspace, message="in one", parameters="two in", payload="three"))
    assert found(store, workspace, phrases=(("one", "two"),)) == set()
    assert found(store, workspace, phrases=(("in", "three"),)) == set()
    assert len(found(store, workspace, phrases=(("two", "in"),))) == 1


@pytest.mark.parametrize("sort", ["desc", "asc"])
@pytest.mark.parametrize("backward", [False, True])
def test_a_page_that_pauses_is_gone_on_with_from_where_it_came_to(store, workspace, sort, backward):
    records = put(store, *[make(workspace, NOW - i * 7 * HOUR_MS, message=f"n{i}") for i in range(30)])
    filter = Filter(workspace=workspace, contains="n")
    query = Query(filter=filter, limit=4, sort=sort, backward=backward, pause_ms=0)
    seen, pages = [], 0
    while query is not None:
        page = store.page(query)
        pages += 1
        assert len(page.items) <= 4
        seen += ids_of(page)[::-1] if backward else ids_of(page)
        has_more = page.has_prev if backward else page.has_next
        if page.truncated:
            assert has_more
            place = Place(page.reached_ms, NO_ID)
        elif has_more:
            end = page.items[0 if backward else -1]
            place = Place(end.time, end.id)
        query = structs.replace(query, place=place) if has_more else None
    assert seen == ids_of(records if (sort == "desc") != backward else records[::-1])
    assert pages >= 8


def test_more_words_than_one_call_takes_are_all_required(store, workspace):
    words = tuple(f"w{i}" for i in range(200))
    (record, _) = put(store, make(workspace, payload=" ".join(words)), make(workspace, payload=" ".join(words[:-1])))
    assert found(store, workspace, words=words) == {record.id}


# -- histogram and facets


@pytest.mark.parametrize("step_ms", [1, 1000, 7_000, HOUR_MS, DAY_MS, 9 * DAY_MS])
def test_a_histogram_counts_each_record_once_in_the_bar_of_its_time(store, workspace, step_ms):
    records = put(store, *spread(workspace), *far_apart(workspace))
    histogram = store.histogram(Filter(workspace=workspace), step_ms)
    expected = Counter((record.time // step_ms * step_ms, record.status) for record in records)
    assert {
        (bar.time, status): count for bar in histogram.bars for status in STATUSES if (count := getattr(bar, status))
    } == expected
    assert [bar.time for bar in histogram.bars] == sorted({time for time, _ in expected})
    assert (histogram.step_ms, histogram.truncated, histogram.reached_ms) == (step_ms, False, None)


def test_a_histogram_of_a_range_cuts_its_first_and_last_bar(store, workspace):
    put(store, *[make(workspace, NOW + i, status="failure") for i in range(40)])
    histogram = store.histogram(Filter(workspace=workspace, from_ms=NOW + 3, to_ms=NOW + 35), 10)
    assert histogram.bars == (
        Bar(NOW, failure=7),
        Bar(NOW + 10, failure=10),
        Bar(NOW + 20, failure=10),
        Bar(NOW + 30, failure=5),
    )


def test_a_histogram_of_nothing_has_no_bars(store, workspace):
    assert store.histogram(Filter(workspace=workspace), 1000) == Histogram((), 1000)


def test_facets_are_the_most_frequent_values_with_their_failures(store, workspace):
    for customer, count, failed in (("b", 3, 1), ("a", 3, 0), ("c", 4, 4), ("d", 1, 0), ("", 9, 2)):
        put(
            store,
            *[
                make(workspace, NOW + i, customer=customer, status="failure" if i < failed else "info")
                for i in range(count)
            ],
        )
    facets = store.facets(Filter(workspace=workspace), ("customer", "flow"), 3)
    assert facets == Facets(
        {"customer": (FacetValue("c", 4, 4), FacetValue("a", 3, 0), FacetValue("b", 3, 1)), "flow": ()}
    )
    failures = store.facets(Filter(workspace=workspace, status=("failure",)), ("customer",), 3)
    assert failures.values["customer"] == (FacetValue("c", 4, 4), FacetValue("b", 1, 1))


def test_the_facet_of_products_counts_a_record_for_its_source_and_for_its_target_and_once_where_they_are_one(
    store, workspace
):
    pairs = [("erp", "ship"), ("erp", "erp"), ("", "ship"), ("crm", ""), ("", "")]
    put(store, *[make(workspace, source_product=source, target_product=target) for source, target in pairs])
    assert store.facets(Filter(workspace=workspace), ("product",), 9).values == {
        "product": (FacetValue("erp", 2, 0), FacetValue("ship", 2, 0), FacetValue("crm", 1, 0))
    }


@pytest.mark.parametrize("text", STRANGE)
def test_a_facet_has_strange_values_as_they_are(store, workspace, text):
    put(store, make(workspace, customer=text, error=ErrorInfo(type=text)))
    value = (FacetValue(text, 1, 0),)
    assert store.facets(Filter(workspace=workspace), ("customer", "error_type"), 2).values == {
        "customer": value,
        "error_type": value,
    }


@pytest.mark.parametrize("asked", [{}, *asked_pairs()[0]], ids=str)
def test_histogram_and_facets_of_each_filter_are_the_same_in_both_stores(spread_out, asked):
    workspace, memory, clickhouse = spread_out
    filter = Filter(workspace=workspace, **asked)
    assert clickhouse.histogram(filter, 3000) == memory.histogram(filter, 3000)
    assert clickhouse.facets(filter, FACET_NAMES, 3) == memory.facets(filter, FACET_NAMES, 3)


# -- export


def exported(store, filter, format="csv", sort="desc"):
    return b"".join(store.export(filter, format, sort))


def cells_of(store, filter, sort="desc"):
    """The rows of a CSV by their headings."""
    return list(csv.DictReader(io.StringIO(exported(store, filter, "csv", sort).decode(), newline="")))


def lines_of(store, filter, sort="desc"):
    return [json.loads(line) for line in exported(store, filter, "ndjson", sort).splitlines()]


@pytest.mark.parametrize("sort", ["desc", "asc"])
def test_an_export_has_every_record_of_the_filter_in_the_order_of_the_list(store, workspace, sort):
    put(store, *far_apart(workspace), *spread(workspace))
    filter = Filter(workspace=workspace, from_ms=NOW - 2 * DAY_MS, to_ms=NOW + DAY_MS)
    expected = ids_of(store.page(Query(filter=filter, sort=sort, limit=1000)))
    assert len(expected) > 50
    assert [row["id"] for row in cells_of(store, filter, sort)] == expected
    assert [line["id"] for line in lines_of(store, filter, sort)] == expected


def test_an_export_of_nothing_is_a_heading_or_nothing(store, workspace):
    put(store, make(workspace))
    nothing = Filter(workspace=workspace, customer=("nobody",))
    assert exported(store, nothing).count(b"\n") == 1
    assert exported(store, nothing).startswith(b'"id","time","kind",')
    assert exported(store, nothing, "ndjson") == b""


def test_a_line_of_an_export_has_what_a_list_shows(store, workspace):
    record, bare = put(store, full_record(workspace), make(workspace, NOW - 1))
    full_line, bare_line = lines_of(store, Filter(workspace=workspace))
    assert full_line["time"] == "2026-05-28T20:26:40.000Z"
    assert full_line["keys"] == {"order": "SO-1001", "shipment": "SH-1"}
    assert full_line["parameters"] == {"site": "NL", "n": 1.0}
    assert (full_line["http_status"], full_line["error_type"], full_line["duration_ms"]) == (422, "HTTPError", 17)
    summary = summarize(record)
    for name in ("customer", "http_url", "error_message", "trace_id", "payload_bytes", "http_direction"):
        assert full_line[name] == getattr(summary, name)
    assert set(full_line) == set(Summary.__struct_fields__) - {"workspace"}
    assert {name for name, value in bare_line.items() if value is not None} == {
        "id", "time", "kind", "status", "keys", "payload_bytes"
    }  # fmt: skip
    assert bare_line["id"] == bare.id


def test_a_row_of_an_export_has_what_a_list_shows(store, workspace):
    record, _ = put(store, full_record(workspace), make(workspace, NOW - 1))
    full_row, bare_row = cells_of(store, Filter(workspace=workspace))
    assert full_row["keys"] == "order=SO-1001; shipment=SH-1"
    assert full_row["parameters"] == record.parameters
    assert (full_row["http_status"], full_row["duration_ms"], full_row["payload_bytes"]) == ("422", "17", "28")
    assert {name for name, cell in bare_row.items() if cell} == {"id", "time", "kind", "status", "payload_bytes"}
    assert bare_row["payload_bytes"] == "0"


@pytest.mark.feature("B04", "B13")
def test_integration_events_are_exported_with_the_columns_of_their_log(store, workspace):
    failed, passed = put(
        store,
        make(
            workspace,
            kind="integration_event",
            type="Conversion",
            status="failure",
            error=ErrorInfo(message="no e-mail"),
            parameters='{"name": "Ada"}',
        ),
        make(workspace, NOW - 1, kind="integration_event", status="success", message="converted"),
    )
    text = exported(store, Filter(workspace=workspace, kind=("integration_event",)))
    rows = list(csv.reader(io.StringIO(text.decode(), newline="")))
    assert rows[0][:6] == ["Created Date", "Type", "Status", "Message", "Details", "id"]
    assert rows[1][:6] == [
        "2026-05-28T20:26:40.000Z", "Conversion", "Failure", "no e-mail", '{"name": "Ada"}', failed.id
    ]  # fmt: skip
    assert rows[2][1:6] == ["", "Success", "converted", "", passed.id]


FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", "＋1", "－1", "＠1"]  # noqa: RUF001


@pytest.mark.parametrize("text", FORMULAS)
def test_a_cell_that_a_spreadsheet_would_run_is_a_text(store, workspace, text):
    put(store, make(workspace, message=text, customer=text, keys={text: "1"}))
    (row,) = cells_of(store, Filter(workspace=workspace))
    assert (row["message"], row["customer"], row["keys"]) == (f"'{text}", f"'{text}", f"'{text}=1")
    (line,) = lines_of(store, Filter(workspace=workspace))
    assert (line["message"], line["keys"]) == (text, {text: "1"})


@pytest.mark.parametrize("text", [*STRANGE, "'", "\\'", "a,b;c", "''"])
def test_strange_text_is_exported_as_it_is(store, workspace, text):
    put(store, make(workspace, message=text, customer=text, parameters=text, keys={text: text}))
    (line,) = lines_of(store, Filter(workspace=workspace))
    assert (line["message"], line["customer"], line["parameters"], line["keys"]) == (text, text, text, {text: text})
    (row,) = cells_of(store, Filter(workspace=workspace))
    assert (row["message"], row["customer"], row["parameters"]) == (text, text, text)


def test_parameters_over_several_lines_are_one_line_of_an_export(store, workspace):
    put(store, make(workspace, parameters='{\r\n\t"a": "x\\ny",\n "b": ["\\\\", "\'"]}'))
    (line,) = lines_of(store, Filter(workspace=workspace))
    assert line["parameters"] == {"a": "x\ny", "b": ["\\", "'"]}


@pytest.mark.parametrize("asked", [{}, *asked_pairs()[0]], ids=str)
def test_the_files_of_each_filter_are_the_same_in_both_stores(spread_out, asked):
    workspace, memory, clickhouse = spread_out
    filter = Filter(workspace=workspace, **asked)
    assert exported(clickhouse, filter) == exported(memory, filter)
    assert lines_of(clickhouse, filter, "asc") == lines_of(memory, filter, "asc")


@pytest.mark.parametrize("format", ["csv", "ndjson"])
def test_an_export_that_is_closed_early_lets_the_next_one_run(store, workspace, format):
    put(store, *[make(workspace, NOW + i) for i in range(100)])
    for _ in range(5):
        pieces = store.export(Filter(workspace=workspace), format, "desc")
        next(pieces)
        pieces.close()
    assert len(lines_of(store, Filter(workspace=workspace))) == 100


# -- order and pages


def test_a_list_is_in_the_order_of_time_and_then_of_the_text_of_the_id(store, workspace):
    records = [make(workspace, NOW + i // 5) for i in range(40)]
    put(store, *records)
    in_order = sorted(records, key=lambda r: (r.time, r.id))
    assert ids_of(store.page(Query(filter=Filter(workspace=workspace), sort="asc"))) == ids_of(in_order)
    assert ids_of(store.page(Query(filter=Filter(workspace=workspace)))) == ids_of(in_order)[::-1]


def far_apart(workspace):
    """Times from equal to years apart, some of them ahead of the clock."""
    times = [NOW] * 7 + [NOW + i for i in range(5)]
    times += [NOW - step for step in (HOUR_MS, HOUR_MS + 1, DAY_MS, 2 * DAY_MS, 8 * DAY_MS, 31 * DAY_MS, 400 * DAY_MS)]
    return [make(workspace, time) for time in [*times, NOW + DAY_MS, NOW + DAY_MS]]


@pytest.mark.parametrize("sort", ["desc", "asc"])
@pytest.mark.parametrize("limit", [1, 3, 7, 50])
def test_pages_in_either_direction_visit_each_record_once(store, workspace, sort, limit):
    records = put(store, *far_apart(workspace))
    expected = ids_of(sorted(records, key=lambda r: (r.time, r.id), reverse=sort == "desc"))
    query = Query(filter=Filter(workspace=workspace), sort=sort, limit=limit)
    forward, page = [], store.page(query)
    assert not page.has_prev
    while True:
        forward.append(page)
        if not page.has_next:
            break
        last = page.items[-1]
        page = store.page(Query(filter=query.filter, sort=sort, limit=limit, place=Place(last.time, last.id)))
        assert page.has_prev
    assert [i for page in forward for i in ids_of(page)] == expected

    backward = [page]
    while page.has_prev:
        first = page.items[0]
        page = store.page(
            Query(filter=query.filter, sort=sort, limit=limit, place=Place(first.time, first.id), backward=True)
        )
        assert page.has_next
        if page.items:
            backward.append(page)
    assert [i for page in reversed(backward) for i in ids_of(page)] == expected


def test_the_last_page_is_reached_backward_without_a_place(store, workspace):
    records = put(store, *far_apart(workspace))
    expected = ids_of(sorted(records, key=lambda r: (r.time, r.id)))
    page = store.page(Query(filter=Filter(workspace=workspace), limit=4, backward=True))
    assert ids_of(page) == expected[:4][::-1]
    assert (page.has_prev, page.has_next) == (True, False)


@pytest.mark.parametrize(("stored", "limit", "has_next"), [(3, 3, False), (4, 3, True), (0, 3, False)])
def test_there_is_a_next_page_only_where_there_is_more(store, workspace, stored, limit, has_next):
    for i in range(stored):
        put(store, make(workspace, NOW - i * 40 * DAY_MS))
    page = store.page(Query(filter=Filter(workspace=workspace), limit=limit))
    assert (len(page.items), page.has_next, page.has_prev) == (min(stored, limit), has_next, False)


def test_a_record_that_comes_in_between_moves_no_page(store, workspace):
    records = put(store, *[make(workspace, NOW + i) for i in range(6)])
    first = store.page(Query(filter=Filter(workspace=workspace), limit=3))
    put(store, make(workspace, NOW + 100))
    last = first.items[-1]
    second = store.page(Query(filter=Filter(workspace=workspace), limit=3, place=Place(last.time, last.id)))
    assert ids_of(first) + ids_of(second) == ids_of(records)[::-1]


def test_from_is_inclusive_and_to_exclusive(store, workspace):
    records = put(store, *[make(workspace, NOW + i) for i in range(4)])
    page = store.page(Query(filter=Filter(workspace=workspace, from_ms=NOW + 1, to_ms=NOW + 3), sort="asc"))
    assert ids_of(page) == ids_of(records[1:3])


def test_an_empty_range_of_time_is_empty(store, workspace):
    put(store, make(workspace))
    for from_ms, to_ms in ((NOW, NOW), (NOW + 1, NOW - 1)):
        assert found(store, workspace, from_ms=from_ms, to_ms=to_ms) == set()
        assert store.count(Filter(workspace=workspace, from_ms=from_ms, to_ms=to_ms)) == Count(0)


def test_records_of_the_first_days_of_the_epoch_have_their_place(store, workspace):
    records = put(store, *[make(workspace, time) for time in (0, 1, DAY_MS)])
    assert ids_of(store.page(Query(filter=Filter(workspace=workspace), sort="asc"))) == ids_of(records)
    assert store.oldest_ms(workspace) == 0


# -- trace


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


def test_a_trace_is_looked_for_near_its_time_first(store, workspace):
    trace_id = new_trace_id()
    near, edge, far = put(store, *[make(workspace, NOW - days * DAY_MS, trace_id=trace_id) for days in (0, 2, 30)])
    assert store.trace(workspace, trace_id, near_ms=NOW) == [edge, near]
    assert store.trace(workspace, trace_id, near_ms=NOW + 90 * DAY_MS) == [far, edge, near]
    assert store.trace(workspace, trace_id) == [far, edge, near]
    assert store.trace(workspace, new_trace_id(), near_ms=NOW) == []


# -- traces and records, several at once


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


@pytest.mark.parametrize("asked", [{}, *asked_pairs()[0]], ids=str)
def test_the_traces_of_each_filter_are_the_same_in_both_stores(spread_out, asked):
    workspace, memory, clickhouse = spread_out
    filter = Filter(workspace=workspace, **asked)
    assert clickhouse.traces(filter, 20) == memory.traces(filter, 20)


# -- the rest


def test_the_oldest_record_is_known(store, workspace):
    assert store.oldest_ms(workspace) is None
    put(store, make(workspace, NOW), make(workspace, NOW - 90 * DAY_MS), make(workspace, NOW - DAY_MS))
    assert store.oldest_ms(workspace) == NOW - 90 * DAY_MS


def test_a_store_that_works_passes_its_check(store):
    store.check()


def test_many_threads_ask_while_one_inserts(store, workspace):
    failures, stop = [], threading.Event()

    def ask():
        try:
            while not stop.is_set():
                page = store.page(Query(filter=Filter(workspace=workspace), limit=10))
                assert ids_of(page) == sorted(ids_of(page), reverse=True)
                store.count(Filter(workspace=workspace))
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for i in range(10):
        put(store, *[make(workspace, NOW + i * 20 + j) for j in range(20)])
    stop.set()
    for thread in threads:
        thread.join()
    assert failures == []
    assert store.count(Filter(workspace=workspace)) == Count(200)
