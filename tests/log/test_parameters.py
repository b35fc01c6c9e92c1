from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clew.core.clock import DAY_MS, FakeClock, to_rfc3339
from clew.core.errors import BadRequest, UnknownFilter
from clew.core.ids import new_id
from clew.core.record import DIRECTIONS, KINDS, STATUSES
from clew.log.cursor import Cursor, CursorCodec
from clew.log.parameters import CONTAINS_PAUSE_MS, DURATIONS_MS, FILTER_NAMES, PAGING_NAMES, FilterParser
from clew.log.query import Filter, HttpStatusFilter, KeyFilter, Place, Query
from clew.log.words import words_of

NOW = 1_780_000_000_000
CODEC = CursorCodec(b"secret")
PARSER = FilterParser(clock=FakeClock(NOW), cursors=CODEC)


def parse(query="", **fixed):
    return PARSER.parse_list(parse_qsl(query, keep_blank_values=True), workspace="w", fixed=fixed)


def refusal(query, **fixed):
    with pytest.raises(BadRequest) as refused:
        parse(query, **fixed)
    assert refused.value.hint
    return refused.value


def test_without_parameters_it_is_the_newest_fifty_of_the_workspace():
    assert parse().query == Query(filter=Filter(workspace="w"), limit=50, sort="desc")


def test_every_name_reaches_its_filter():
    trace_id = "ab" * 16
    request = parse(
        "kind=step&kind=decision&type=t&event=e&event_type=f&status=failure&state=s&customer=c&integration=i&connection=n"
        "&product=p&source_product=sp&target_product=tp&direction=one-way&flow=f&node=d&source=o"
        f"&trace_id={trace_id}&key=order=SO-1&key=line=*&key=a=b=c&q=Postal+code+%22a+B%22+-x+-y-z&contains=Al+%25&from=2026-01-01&to=2026-01-02T00:00:00.5Z"
        "&min_duration_ms=7&http_status=422&http_status=5xx&http_direction=incoming&error_type=odd"
        "&failure_class=data&failure_class=delivery&role=event&limit=7&sort=asc&logs=1"
    )
    assert request.query == Query(
        filter=Filter(
            workspace="w",
            kind=("step", "decision"),
            type=("t",),
            event=("e", "f"),
            status=("failure",),
            state=("s",),
            customer=("c",),
            integration=("i",),
            connection=("n",),
            product=("p",),
            source_product=("sp",),
            target_product=("tp",),
            direction=("one-way",),
            flow=("f",),
            node=("d",),
            source=("o",),
            trace_id=(trace_id,),
            keys=(KeyFilter("order", "SO-1"), KeyFilter("line", None), KeyFilter("a", "b=c")),
            words=("postal", "code"),
            phrases=(("a", "b"),),
            without_words=("x",),
            without_phrases=(("y", "z"),),
            contains="al %",
            from_ms=1767225600000,
            to_ms=1767312000500,
            min_duration_ms=7,
            http_status=(HttpStatusFilter(422, 422), HttpStatusFilter(500, 599)),
            http_direction=("incoming",),
            error_type=("odd",),
            failure_class=("data", "delivery"),
            role=("event",),
        ),
        limit=7,
        sort="asc",
        pause_ms=CONTAINS_PAUSE_MS,
    )


@pytest.mark.parametrize(("text", "ms"), DURATIONS_MS.items())
def test_a_duration_reaches_back_from_now(text, ms):
    assert parse(f"duration={text}").query.filter == Filter(workspace="w", from_ms=NOW - ms)


@pytest.mark.parametrize("query", ["statsu=failure", "Kind=step", "offset=5", "=x", "page=2"])
def test_an_unknown_name_is_refused_with_those_that_exist(query):
    error = refusal(query)
    assert isinstance(error, UnknownFilter)
    assert all(name in error.hint for name in FILTER_NAMES + PAGING_NAMES)


@pytest.mark.parametrize(
    ("name", "allowed"),
    {
        "kind": KINDS,
        "status": STATUSES,
        "direction": DIRECTIONS,
        "http_direction": ("incoming", "outgoing"),
        "failure_class": ("delivery", "configuration", "data"),
        "role": ("event",),
        "duration": tuple(DURATIONS_MS),
        "sort": ("desc", "asc"),
    }.items(),
)
def test_an_unknown_value_is_refused_with_those_that_exist(name, allowed):
    error = refusal(f"{name}=nonsense")
    assert isinstance(error, UnknownFilter)
    assert all(value in error.hint for value in allowed)
    for value in allowed:
        parse(f"{name}={value}")


@pytest.mark.parametrize(
    "query",
    [
        "from=2026-01-02&to=2026-01-01",
        "duration=1h&from=2026-01-01",
        "duration=1h&to=2026-01-01",
        "from=yesterday",
        "to=2026-13-01",
        "from=0001-01-01T00:00:00%2B10:00",
        "to=9999-12-31T23:59:59-10:00",
        "from=2026-01-01T00:00:00+01:00",
        "limit=0",
        "limit=1001",
        "limit=-1",
        "limit=x",
        "limit=1.5",
        "limit=%D9%A1",
        "limit=1&limit=2",
        "trace_id=abc",
        f"trace_id={'AB' * 16}",
        f"trace_id={'0' * 32}",
        "key=order",
        "key==x",
        f"q={'x' * 1001}",
        "q=...",
        'q=a+"b',
        'q=a+-"!"',
        f"contains={'x' * 1001}",
        "contains=",
        "contains=a&contains=b",
        "q=a&q=b",
        "min_duration_ms=-1",
        "min_duration_ms=1e3",
        "min_duration_ms=9999999999999999",
        "http_status=99",
        "http_status=600",
        "http_status=4x",
        "http_status=0xx",
        "customer=",
        "customer=a%00b",
        "q=a%00b",
        "key=a%00=b",
        "from=2026-01-01&from=2026-01-02",
        "cursor=nonsense",
    ],
)
def test_what_cannot_be_read_is_refused_with_a_hint(query):
    assert refusal(query).status == 400


def test_half_of_a_character_is_refused():
    with pytest.raises(BadRequest):
        PARSER.parse_list([("q", "a\ud800")], workspace="w")


def test_an_empty_range_is_allowed():
    filter = parse("from=2026-01-01&to=2026-01-01").query.filter
    assert filter.from_ms == filter.to_ms


def test_a_fixed_filter_holds_and_may_be_narrowed_and_not_left():
    both = ("c1", "c2")
    assert parse("", customer=both).query.filter.customer == both
    assert parse("customer=c2", customer=both).query.filter.customer == ("c2",)
    error = refusal("customer=c3", customer=both)
    assert isinstance(error, UnknownFilter)
    assert "c1, c2" in error.hint


@pytest.mark.parametrize("name", PAGING_NAMES)
def test_a_count_takes_no_paging(name):
    with pytest.raises(UnknownFilter) as refused:
        PARSER.parse_filter([(name, "1")], workspace="w")
    assert "kind" in refused.value.hint


def test_a_count_takes_the_filters():
    assert PARSER.parse_filter([("kind", "step"), ("logs", "1")], workspace="w") == Filter(
        workspace="w", kind=("step",)
    )


def cursor_for(query, **fixed):
    return CODEC.encode(Cursor(Place(NOW, new_id(NOW)), backward=True), parse(query, **fixed).binding)


def test_a_cursor_leads_to_its_place():
    query = "kind=step&duration=24h"
    request = parse(f"{query}&cursor={cursor_for(query)}")
    assert request.query.backward
    assert request.query.place.time == NOW


def test_a_cursor_stays_valid_in_another_order_of_parameters_with_another_limit_and_later():
    cursor = cursor_for("kind=step&kind=decision&duration=1h&limit=10")
    later = FilterParser(clock=FakeClock(NOW + DAY_MS), cursors=CODEC)
    pairs = [
        ("duration", "1h"),
        ("kind", "decision"),
        ("cursor", cursor),
        ("kind", "step"),
        ("limit", "20"),
        ("logs", "1"),
    ]
    assert later.parse_list(pairs, workspace="w").query.place.time == NOW


@pytest.mark.parametrize(
    ("made_for", "used_with"),
    [("kind=step", "kind=decision"), ("", "kind=step"), ("", "sort=asc"), ("key=a=b", "key=ab="), ("flow=a", "node=a")],
)
def test_a_cursor_of_other_filters_is_refused(made_for, used_with):
    assert "other filters" in refusal(f"{used_with}&cursor={cursor_for(made_for)}").detail


def test_a_cursor_of_another_workspace_or_of_other_fixed_filters_is_refused():
    cursor = cursor_for("", customer=("c1",))
    refusal(f"cursor={cursor}", customer=("c2",))
    with pytest.raises(BadRequest):
        PARSER.parse_list([("cursor", cursor)], workspace="other", fixed={"customer": ("c1",)})


def test_what_was_given_is_kept_without_the_cursor_for_links():
    query = "kind=step&kind=decision&q=x&limit=7"
    request = parse(f"{query}&logs=1&cursor={cursor_for(query)}")
    assert urlencode(request.given) == query


VALUES = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=30)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "kind": st.lists(st.sampled_from(KINDS), min_size=1, unique=True),
            "customer": st.lists(VALUES, min_size=1, max_size=3),
            "event": st.lists(VALUES, min_size=1, max_size=3),
            "q": st.lists(VALUES.filter(lambda text: words_of(text) and '"' not in text), min_size=1, max_size=1),
            "contains": st.lists(VALUES, min_size=1, max_size=1),
            "from": st.lists(st.integers(0, NOW).map(to_rfc3339), min_size=1, max_size=1),
            "to": st.lists(st.integers(NOW, 2 * NOW).map(to_rfc3339), min_size=1, max_size=1),
            "limit": st.lists(st.integers(1, 1000).map(str), min_size=1, max_size=1),
            "sort": st.lists(st.sampled_from(["asc", "desc"]), min_size=1, max_size=1),
        },
    )
)
def test_what_was_given_means_the_same_when_it_comes_back_through_a_url(asked):
    pairs = [(name, value) for name, values in asked.items() for value in values]
    request = PARSER.parse_list(pairs, workspace="w")
    again = PARSER.parse_list(parse_qsl(urlencode(request.given), strict_parsing=bool(pairs)), workspace="w")
    assert again == request
