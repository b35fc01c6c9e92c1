"""What benchmarks measure with must itself be right: the same each time, valid, and shaped as it says."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from itertools import islice
from statistics import mean

import pytest
from benchmarks.records import FAILURE_SHARE, MILLION, RARE_PLACE, Records, json_array, ndjson
from benchmarks.vocabulary import PRODUCTS, RARE_PRODUCT, WORKSPACES

from clew.core.clock import from_rfc3339
from clew.core.ids import is_id, is_trace_id, time_of
from clew.core.record import DIRECTIONS, STATUSES, Record, encode_line

COUNT = 6_000


@pytest.fixture(scope="module")
def lines() -> list[bytes]:
    return list(Records().lines(COUNT))


@pytest.fixture(scope="module")
def records() -> list[Record]:
    return list(Records().records(COUNT))


@pytest.fixture(scope="module")
def events() -> list[dict]:
    return [json.loads(event) for event in Records(size="1 KB").events(COUNT)]


def test_the_same_seed_gives_the_same_bytes(lines: list[bytes]) -> None:
    assert list(Records().lines(COUNT)) == lines


def test_another_seed_gives_other_records(lines: list[bytes]) -> None:
    assert not set(Records(seed=1).lines(500)) & set(lines)


def test_a_line_is_what_the_journal_would_hold(lines: list[bytes], records: list[Record]) -> None:
    assert [encode_line(record) for record in records] == lines


def test_payload_and_parameters_are_json(records: list[Record]) -> None:
    for record in records:
        assert list(record.keys.values()) == [json.loads(record.payload)["number"]]
        assert set(json.loads(record.parameters)) == {"batch", "operator", "region"}


def test_ids_are_new_and_carry_the_records_time(records: list[Record]) -> None:
    assert len({record.id for record in records}) == COUNT
    assert all(is_id(record.id) and time_of(record.id) == record.time for record in records)
    assert all(is_trace_id(record.trace_id) for record in records)


def test_a_trace_has_three_to_twenty_records_each_under_the_one_before(records: list[Record]) -> None:
    traces = defaultdict(list)
    for record in records:
        traces[record.trace_id].append(record)
    for trace in traces.values():
        assert [record.parent_id for record in trace] == ["", *(record.id for record in trace[:-1])]
        assert len({(record.workspace, record.customer, record.integration) for record in trace}) == 1
    lengths = [len(trace) for trace in traces.values() if trace[-1].time < records[-2_000].time]
    assert min(lengths) == 3
    assert max(lengths) == 20


def test_records_are_as_large_as_said(lines: list[bytes]) -> None:
    assert mean(map(len, lines)) == pytest.approx(1_500, rel=0.05)
    assert mean(map(len, Records(size="1 KB").events(COUNT))) == pytest.approx(1_000, rel=0.05)


def test_workspaces_and_failures_have_their_shares(records: list[Record]) -> None:
    per_workspace = Counter(record.workspace for record in records)
    assert [name for name, _ in per_workspace.most_common()] == list(WORKSPACES)
    failures = [record for record in records if record.status == "failure"]
    assert len(failures) == pytest.approx(COUNT * FAILURE_SHARE, rel=0.2)
    assert all((record.error is not None) == (record.status == "failure") for record in records)


def test_customers_are_skewed_and_products_are_fourteen(records: list[Record]) -> None:
    customers = Counter(record.customer for record in records)
    assert sum(count for _, count in customers.most_common(len(customers) // 10)) > COUNT / 4
    assert {record.source_product for record in records} | {record.target_product for record in records} == set(
        PRODUCTS
    )
    assert len(PRODUCTS) == 14


@pytest.mark.parametrize("million", [0, 7])
def test_one_record_of_a_million_is_a_failure_of_the_rare_product(million: int) -> None:
    around = list(Records(first=million * MILLION + RARE_PLACE - 300).records(600))
    rare = [record for record in around if record.source_product == RARE_PRODUCT]
    assert [record.status for record in rare] == ["failure"]
    assert around[300] == rare[0]


def test_no_other_record_is_from_the_rare_product(records: list[Record]) -> None:
    assert RARE_PRODUCT not in {record.source_product for record in records}


def test_events_have_the_fields_of_the_http_api(events: list[dict]) -> None:
    for event in events:
        assert event["status"] in STATUSES if "status" in event else True
        assert event["direction"] in DIRECTIONS
        assert isinstance(event["payload"], dict)
        assert isinstance(event["parameters"], dict)
        assert from_rfc3339(event["time"]) >= 1_780_000_000_000
        assert is_trace_id(event["trace_id"])
        assert "id" not in event


def test_events_have_ids_of_their_sender_where_wanted() -> None:
    ids = [json.loads(event)["id"] for event in Records(sender_ids=True).events(1_000)]
    assert len(set(ids)) == len(ids)


def test_records_that_came_as_events_are_all_integration_events() -> None:
    found = list(Records(events_only=True).records(500))
    assert {record.kind for record in found} == {"integration_event"}
    assert {record.parent_id for record in found} == {""}


def test_bodies_are_ndjson_and_arrays() -> None:
    events = list(islice(Records().events(10), 10))
    assert [json.loads(line) for line in ndjson(events).splitlines()] == json.loads(json_array(events))
