"""What `clew.log.store.LogStore` promises of counts, held against each store. The one in memory is the oracle."""

from __future__ import annotations

from collections import Counter

import pytest

from clew.core.clock import DAY_MS, HOUR_MS
from clew.core.record import STATUSES, ErrorInfo
from clew.log.query import FACET_NAMES, Filter
from clew.log.store import Bar, Facets, FacetValue, Histogram
from harness.log_samples import ALONE, NOW, STRANGE, far_apart, make, put, spread


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


@pytest.mark.parametrize("asked", [{}, *ALONE], ids=str)
def test_histogram_and_facets_of_each_filter_are_the_same_in_both_stores(spread_out, asked):
    workspace, memory, clickhouse = spread_out
    filter = Filter(workspace=workspace, **asked)
    assert clickhouse.histogram(filter, 3000) == memory.histogram(filter, 3000)
    assert clickhouse.facets(filter, FACET_NAMES, 3) == memory.facets(filter, FACET_NAMES, 3)
