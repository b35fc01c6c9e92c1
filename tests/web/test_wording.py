"""How things are said."""

from __future__ import annotations

import pytest

from clew.core.record import ErrorInfo, HttpExchange, Record, summarize
from clew.web.logs.url import LogUrl, filters_of, read_url
from clew.web.wording import (
    say_ago,
    say_count,
    say_day,
    say_event,
    say_message,
    say_moment,
    say_offset,
    say_size,
    say_took,
)

NOON = 1_795_348_885_410  # 2026-11-22T12:01:25.410Z


def record(**fields: object) -> Record:
    return Record(id="1", time=NOON, workspace="w", kind="api_request", **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("ms", "said"),
    [
        (None, ""),
        (0, "0 ms"),
        (999, "999 ms"),
        (1_240, "1.24 s"),
        (59_996, "59.99 s"),
        (123_000, "2 min 3 s"),
        (12_000_000, "3 h 20 min"),
    ],
)
def test_how_long_it_took_is_said_in_the_unit_that_fits(ms: int | None, said: str) -> None:
    assert say_took(ms) == said


@pytest.mark.parametrize(
    ("ms", "said"),
    [(-50, "0.0 s ago"), (400, "0.4 s ago"), (12_000, "12 s ago"), (300_000, "5 min ago"), (90_000_000, "25 h ago")],
)
def test_an_age_is_said_roughly(ms: int, said: str) -> None:
    assert say_ago(ms) == said


def test_times_are_said_in_utc() -> None:
    moment = say_moment(NOON)
    assert (moment.date, moment.clock, moment.exact) == ("22 Nov", "12:01:25.410", "2026-11-22T12:01:25.410Z")


def test_the_year_is_said_where_it_is_another() -> None:
    assert say_day(NOON, NOON) == "22 Nov"
    assert say_day(NOON - 366 * 86_400_000, NOON) == "21 Nov 2025"


def test_counts_and_sizes_read_like_language() -> None:
    assert say_count(1, "failure") == "1 failure"
    assert say_count(18_204, "record", at_least=True) == "at least 18,204 records"
    assert [say_size(n) for n in (1, 312, 4_096, 1_048_576)] == ["1 byte", "312 bytes", "4.1 KB", "1.0 MB"]


def test_an_offset_has_its_sign() -> None:
    assert say_offset(502) == "+502 ms"
    assert say_offset(-3) == "\N{MINUS SIGN}3 ms"


def test_a_record_and_its_summary_are_called_the_same() -> None:
    http = HttpExchange(direction="outgoing", method="GET", url="https://x.example/orders/1?page=2")
    for given in (record(http=http), record(event="e", http=http), record(node="n"), record()):
        assert say_event(given) == say_event(summarize(given))
    assert say_event(record(http=http)) == "GET /orders/1"
    assert say_event(record()) == "API request"
    failed = record(error=ErrorInfo(message="no"))
    assert say_message(failed) == say_message(summarize(failed)) == "no"


def test_a_url_says_only_what_it_asks() -> None:
    url = read_url("/logs", [("q", " "), ("duration", "24h"), ("sort", "desc"), ("status", "failure")])
    assert url.href == "/logs?status=failure"
    assert url.without("status").href == "/logs"
    assert filters_of(url) == (("status", "failure"), ("duration", "24h"))
    assert filters_of(url.over("all")) == (("status", "failure"),)


def test_from_and_to_win_over_a_duration() -> None:
    url = read_url("/logs", [("duration", "7d"), ("from", "2026-11-21")])
    assert (url.href, url.duration) == ("/logs?from=2026-11-21", "")
    assert url.over("1h").href == "/logs?duration=1h"


def test_changing_a_filter_begins_at_the_first_page() -> None:
    url = LogUrl("/logs", (("kind", "a"), ("kind", "b"), ("cursor", "c")))
    assert url.without("kind", "a").href == "/logs?kind=b"
    assert url.having("customer", "x").href == "/logs?kind=a&kind=b&customer=x"
    assert url.at("d").href == "/logs?kind=a&kind=b&cursor=d"
