"""A page of the list: its rows, where it goes on, and what was searched."""

from __future__ import annotations

from clew.core.clock import DAY_MS
from clew.core.record import Summary
from clew.log.search import Answer, Coverage
from clew.web.layout import ALL_RECORDS
from clew.web.links import href_of
from clew.web.logs.filters import DURATIONS
from clew.web.logs.url import ALL_TIME, LogUrl
from clew.web.logs.views import Choice, Nothing, Row, Rows, RunRow
from clew.web.names import Names
from clew.web.wording import (
    ARROWS,
    KIND_NAMES,
    cut,
    say_ago,
    say_day,
    say_event,
    say_message,
    say_minute,
    say_moment,
    say_took,
)


def build_rows(answer: Answer, url: LogUrl, names: Names, now_ms: int, runs: tuple[RunRow, ...] | None = None) -> Rows:
    """The rows of a page. `has_kind` of a list of one kind is False: they are all of it.

    `runs` are shown instead of the answer's records where the list is of flow runs.
    """
    items, coverage = answer.page.items, answer.coverage
    is_newest_first = url.get("sort") != "asc"
    onwards = url.at(answer.next_cursor).href if answer.next_cursor else ""
    back = url.at(answer.prev_cursor).href if answer.prev_cursor else ""
    return Rows(
        items=tuple(build_row(item, names, now_ms) for item in items) if runs is None else (),
        runs=runs or (),
        is_runs=runs is not None,
        nothing=None if items or runs else build_nothing(url, coverage, now_ms),
        newer_href=back if is_newest_first else onwards,
        older_href=onwards if is_newest_first else back,
        coverage=say_coverage(coverage, now_ms),
        warning="The search ended at its limit of time or memory: there may be more." if coverage.truncated else "",
        has_kind=url.path == ALL_RECORDS.path,
        sort_href=url.having("sort", "asc" if is_newest_first else "").href,
        is_newest_first=is_newest_first,
    )


def build_row(item: Summary, names: Names, now_ms: int) -> Row:
    """A record in the list."""
    event, key = cut(say_event(item)), cut(next(iter(item.keys.values()), ""))
    return Row(
        href=href_of(item),
        status=item.status,
        state=cut(item.state),
        moment=say_moment(item.time),
        day="" if item.time // DAY_MS == now_ms // DAY_MS else say_day(item.time, now_ms),
        kind=KIND_NAMES[item.kind],
        source_product=names.product(item.source_product),
        target_product=names.product(item.target_product),
        arrow=ARROWS[item.direction],
        event=event,
        key="" if key in event else key,
        customer=names.customer(item.customer),
        message=cut(say_message(item)),
        http_status=item.http_status,
        took=say_took(item.duration_ms),
    )


def say_coverage(coverage: Coverage, now_ms: int) -> str:
    """What was searched, how far back it is kept, and how far indexing has come."""
    parts = []
    if coverage.from_ms is not None:
        parts.append(f"Searched {say_minute(coverage.from_ms)} to {say_minute(coverage.to_ms)} UTC")
    if coverage.oldest_kept is not None:
        parts.append(f"kept since {say_day(coverage.oldest_kept, now_ms)}")
    return " · ".join([*parts, f"indexed {say_ago(now_ms - coverage.indexed_until)}"])


def build_nothing(url: LogUrl, coverage: Coverage, now_ms: int) -> Nothing:
    """What an empty list says."""
    if coverage.oldest_kept is None:
        return Nothing("Nothing has come in yet", "Report an event with POST /v1/events, or point a webhook here.", ())
    ways = [Choice(_say_way(label), url.over(value).href, is_current=False) for value, label in _wider(url.duration)]
    if key := url.get("key"):
        words = url.without("key").having("q", key.replace("=", " "))
        ways.append(Choice("Search for it as words", words.href, is_current=False))
    if url.has_filters:
        ways.append(Choice("Clear the filters", url.cleared().href, is_current=False))
    # Before the oldest record there is nothing to search.
    since = say_minute(max(coverage.from_ms or 0, coverage.oldest_kept))
    detail = f"There is nothing like this between {since} and {say_minute(coverage.to_ms)} UTC."
    return Nothing("No records match", detail, tuple(ways))


def _say_way(label: str) -> str:
    return f"Search the {label.lower()}" if label.startswith("Last") else f"Search {label.lower()}"


def _wider(duration: str) -> list[tuple[str, str]]:
    """The next longer stretch and all time; nothing is longer than all time."""
    names = [value for value, _ in DURATIONS]
    if duration == ALL_TIME:
        return []
    longer = DURATIONS[names.index(duration) + 1 :] if duration in names else DURATIONS[-1:]
    return list(dict.fromkeys([longer[0], longer[-1]]))
