"""What `clew.log.store.LogStore` promises of filters, held against each store. The one in memory is the oracle."""

from __future__ import annotations

from itertools import product

import pytest

from clew.core.failure_class import CLASS_OF_STATUS, CLASS_OF_TYPE, FAILURE_CLASSES, failure_class_of
from clew.core.record import ErrorInfo, HttpExchange
from clew.log.memory import MemoryStore
from clew.log.query import Filter, HttpStatusFilter, KeyFilter, Query
from clew.log.store import Count
from harness.log_samples import ALONE, FILTERS, NOW, TOGETHER, found, full_record, ids_of, make, put, spread


def test_every_filter_is_asked_here():
    assert set(FILTERS) == set(Filter.__struct_fields__) - {"workspace"}


@pytest.mark.parametrize("asked", ALONE, ids=str)
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
    for asked in TOGETHER:
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


def test_more_words_than_one_call_takes_are_all_required(store, workspace):
    words = tuple(f"w{i}" for i in range(200))
    (record, _) = put(store, make(workspace, payload=" ".join(words)), make(workspace, payload=" ".join(words[:-1])))
    assert found(store, workspace, words=words) == {record.id}
