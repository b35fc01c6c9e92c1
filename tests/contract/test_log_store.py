"""What `clew.log.store.LogStore` promises of inserts, held against each store. The one in memory is the oracle."""

from __future__ import annotations

import threading
import uuid

import pytest

from clew.core.clock import DAY_MS
from clew.core.ids import new_id
from clew.core.record import ErrorInfo, HttpExchange, summarize
from clew.log.query import Filter, KeyFilter, Page, Query
from clew.log.store import Count
from clew.log.words import words_of
from harness.log_samples import NOW, STRANGE, found, full_record, ids_of, make, put


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
