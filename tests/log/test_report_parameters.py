from urllib.parse import parse_qsl

import pytest

from clew.core.clock import FakeClock
from clew.core.errors import BadRequest, UnknownFilter
from clew.log.cursor import CursorCodec
from clew.log.parameters import FILTER_NAMES, FilterParser
from clew.log.query import FACET_NAMES, Filter
from clew.log.report_parameters import (
    DEFAULT_FACETS,
    ExportRequest,
    FacetsRequest,
    HistogramRequest,
    parse_export,
    parse_facets,
    parse_histogram,
)

PARSER = FilterParser(clock=FakeClock(), cursors=CursorCodec(b"secret"))
ALL = Filter(workspace="w")


def parse(read, query="", **fixed):
    return read(PARSER, parse_qsl(query, keep_blank_values=True), workspace="w", fixed=fixed)


def test_without_parameters_each_has_its_defaults():
    assert parse(parse_histogram) == HistogramRequest(ALL, 60, None)
    assert parse(parse_facets) == FacetsRequest(ALL, DEFAULT_FACETS, 8)
    assert parse(parse_export) == ExportRequest(ALL, "csv", "desc")


def test_options_and_filters_are_read_together():
    failures = Filter(workspace="w", status=("failure",), customer=("c",))
    query = "status=failure&customer=c&logs=1"
    assert parse(parse_histogram, f"{query}&bars=7") == HistogramRequest(failures, 7, None)
    assert parse(parse_histogram, f"{query}&step=1h").step_ms == 3_600_000
    assert parse(parse_facets, f"{query}&names=customer,kind,customer&limit=100") == FacetsRequest(
        failures, ("customer", "kind"), 100
    )
    assert parse(parse_export, f"{query}&format=parquet&sort=asc") == ExportRequest(failures, "parquet", "asc")


def test_a_fixed_filter_holds():
    for read in (parse_histogram, parse_facets, parse_export):
        assert parse(read, "", customer=("c1",)).filter.customer == ("c1",)
        with pytest.raises(UnknownFilter):
            parse(read, "customer=c2", customer=("c1",))


@pytest.mark.parametrize(
    ("read", "query", "said"),
    [
        (parse_histogram, "bars=0", "from 1 to 1000"),
        (parse_histogram, "bars=1001", "from 1 to 1000"),
        (parse_histogram, "bars=1.5", "from 1 to 1000"),
        (parse_histogram, "bars=", "Give it a value"),
        (parse_histogram, "bars=5&bars=6", "Give bars once"),
        (parse_histogram, "bars=5&step=1h", "one or the other"),
        (parse_facets, "limit=0", "from 1 to 100"),
        (parse_facets, "limit=101", "from 1 to 100"),
        (parse_facets, "names=kind&names=event", "Give names once"),
    ],
)
def test_an_option_that_cannot_be_read_is_refused_with_what_it_may_be(read, query, said):
    with pytest.raises(BadRequest) as refused:
        parse(read, query)
    assert said in refused.value.hint


@pytest.mark.parametrize(
    ("read", "query", "allowed"),
    [
        (parse_histogram, "step=1w", ("1s", "30m", "1d")),
        (parse_histogram, "limit=5", (*FILTER_NAMES, "bars", "step")),
        (parse_facets, "names=message", FACET_NAMES),
        (parse_facets, "names=kind,,event", FACET_NAMES),
        (parse_facets, "cursor=x", (*FILTER_NAMES, "names", "limit")),
        (parse_export, "format=xlsx", ("csv", "ndjson", "parquet")),
        (parse_export, "sort=up", ("desc", "asc")),
        (parse_export, "limit=5", (*FILTER_NAMES, "format", "sort")),
    ],
)
def test_an_unknown_option_or_value_is_refused_with_those_that_exist(read, query, allowed):
    with pytest.raises(UnknownFilter) as refused:
        parse(read, query)
    assert all(value in refused.value.hint for value in allowed)
