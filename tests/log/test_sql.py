import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clew.core.clock import DAY_MS
from clew.core.ids import new_id
from clew.core.record import Record, encode_line
from clew.log import report_sql, sql
from clew.log.engine import READER_SETTINGS, open_client
from clew.log.query import EXACT_FILTERS, Filter, KeyFilter
from clew.log.sums import TABLES, Cover
from clew.log.widening import Look
from clew.log.windows import Window

NOW = 1_780_000_000_000


def _count(filter):
    cover = Cover(TABLES[-1], (3, 4))
    return [report_sql.count(filter, Window(), known, budget_s=1).text for known in (None, cover)]


@given(st.text(min_size=1), st.text(min_size=1))
def test_no_value_ever_becomes_part_of_the_text(first, second):
    exact = dict.fromkeys(EXACT_FILTERS, (first, second))
    filter = Filter(workspace=first, product=(second,), keys=(KeyFilter(first, second),), words=(first,), **exact)
    plain = Filter(
        workspace="a",
        product=("b",),
        keys=(KeyFilter("a", "b"),),
        words=("a",),
        **dict.fromkeys(EXACT_FILTERS, ("a", "b")),
    )
    assert _count(filter) == _count(plain)


@pytest.fixture(scope="module")
def explain(clickhouse_store, clickhouse_directory):
    """Which indexes the engine uses for a filter."""
    workspace = f"sql-{uuid.uuid4().hex[:8]}"
    records = [
        Record(id=new_id(NOW - i), time=NOW - i, workspace=workspace, kind="step", message=f"w{i}", customer=f"c{i}")
        for i in range(100)
    ]
    clickhouse_store.insert(b"".join(encode_line(record) + b"\n" for record in records), workspace)
    client = open_client(clickhouse_directory, READER_SETTINGS)

    def explain(window=None, **asked):
        question = sql.summaries(
            Filter(workspace=workspace, **asked), Look(window or Window()), None, later=False, limit=51, budget_s=10
        )
        return client.raw_query("EXPLAIN indexes = 1 " + question.text, question.values, fmt="TSVRaw").decode()

    yield explain
    client.close()


@pytest.mark.parametrize(
    ("index", "asked"),
    [
        ("words", {"words": ("w7",)}),
        ("by_trace", {"trace_id": ("ab" * 16,)}),
        ("by_key_value", {"keys": (KeyFilter("order", "SO-1"),)}),
        ("by_key_name", {"keys": (KeyFilter("order", None),)}),
        ("by_customer", {"customer": ("c1", "c2")}),
        ("by_failure", {"source_product": ("erp",), "status": ("failure",)}),
    ],
)
def test_a_filter_uses_its_index(explain, index, asked):
    assert f"Name: {index}\n" in explain(**asked)


def test_a_window_opens_only_its_days(explain):
    plan = explain(window=Window(NOW + 5000 * DAY_MS, NOW + 5001 * DAY_MS))  # others have days after it
    assert "intDiv(time, 86400000)" in plan
    assert "Parts: 0/" in plan


def test_a_list_is_read_in_the_order_of_the_table(explain):
    assert "Read type: InReverseOrder" in explain()
