"""A page of the list: its rows, where it goes on, and what was searched."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from clew.core.record import Kind, Summary
from clew.log.search import Answer, Coverage
from clew.web.links import href_of, record_href
from clew.web.logs.columns import columns_of
from clew.web.logs.filters import DURATIONS
from clew.web.logs.scanning import build_scanning, offer_scan
from clew.web.logs.url import ALL_TIME, LogUrl
from clew.web.logs.views import AnyRow, Choice, Nothing, Outcome, Row, Rows
from clew.web.names import Names
from clew.web.time_zone import zone_words
from clew.web.wording import (
    ARROWS,
    KIND_NAMES,
    Moment,
    cut,
    say_ago,
    say_day,
    say_event,
    say_message,
    say_minute,
    say_moment,
    say_other_day,
    say_took,
)

NOTHING_YET: Mapping[Kind, str] = {
    "integration_event": "An integration event is reported with POST /v1/events: it is one row here, with what it "
    "was about and how it ended.",
    "api_request": "Each request that a flow sends to a product, and each call of this server's API, is one row here.",
    "external_webhook": "Each webhook that a product sends to /webhooks/in/ is one row here, also one that was "
    "refused.",
    "external_event_pull": "Each time a source is polled for what is new, that is one row here, with the events it "
    "brought.",
    "external_event": "Each event found in a webhook or a pull is one row here, with the flows that it launched.",
    "internal_event": "Each event that your own product sends in is one row here, with the flows that it launched.",
    "flow_run": "Each run of a flow is one row here, from when it is launched.",
}
"""What a log of one kind would show, said while there is nothing of the kind at all."""

TRUNCATED = "The search ended at its limit of time or memory: there may be more."

_DIRECTIONS = {"incoming": "Incoming", "outgoing": "Outgoing"}


def build_rows(
    answer: Answer, items: tuple[AnyRow, ...], kind: Kind | None, url: LogUrl, now_ms: int, *, is_empty: bool = False
) -> Rows:
    """The rows of a page. `is_empty`: there is nothing of this kind at all, whatever is asked."""
    coverage = answer.coverage
    is_newest_first = url.get("sort") != "asc"
    scanning = build_scanning(answer, url)
    onwards = url.at(answer.next_cursor).href if answer.next_cursor and not scanning else ""
    back = url.at(answer.prev_cursor).href if answer.prev_cursor else ""
    return Rows(
        columns=columns_of(kind),
        items=items,
        nothing=None if items or scanning else build_nothing(url, coverage, now_ms, kind if is_empty else None),
        newer_href=back if is_newest_first else onwards,
        older_href=onwards if is_newest_first else back,
        coverage=say_coverage(coverage, now_ms),
        warning=TRUNCATED if coverage.truncated and not scanning else "",
        sort_href=url.having("sort", "asc" if is_newest_first else "").href,
        is_newest_first=is_newest_first,
        scanning=scanning,
        offer=offer_scan(url, len(items)) if items else None,
    )


def build_row(item: Summary, names: Names, now_ms: int, outcome: Outcome | None = None) -> Row:
    """A record as the list shows it. `outcome` is what it led to."""
    event, key = cut(say_event(item)), cut(next(iter(item.keys.values()), ""))
    return Row(
        id=item.id,
        href=href_of(item),
        status=item.status,
        state=cut(item.state) or item.status,
        moment=say_moment(item.time),
        day=say_other_day(item.time, now_ms),
        ended=_ended(item),
        kind=KIND_NAMES[item.kind],
        source_product=names.product(item.source_product),
        target_product=names.product(item.target_product),
        arrow=ARROWS[item.direction],
        event=item.source if item.kind == "external_event_pull" and item.source else event,
        type=cut(item.type),
        key="" if key in event else key,
        customer=cut(names.customer(item.customer)),
        integration=cut(names.integration(item.integration)),
        connection=cut(item.connection),
        source=cut(item.source),
        message=cut(_say_trouble(item)),
        http_status=item.http_status,
        http_direction=_DIRECTIONS.get(item.http_direction, ""),
        method=cut(item.http_method),
        url=cut(item.http_url),
        place=cut(_say_place(item.http_url)),
        payload_href=record_href(item.id, "payload") if item.payload_bytes else "",
        scan=_say_scan(item),
        outcome=outcome or _without_outcome(item),
        took=say_took(item.duration_ms),
    )


def _say_trouble(item: Summary) -> str:
    """A record's message; of one whose columns say how it went well, only what was wrong."""
    if item.kind == "api_request":
        # its status stands before it
        said = (item.error_message or item.message) if item.status != "success" else ""
        return said.removeprefix(f"answered {item.http_status} ")
    is_said = item.status == "success" and item.kind in ("external_webhook", "external_event_pull")
    return "" if is_said else say_message(item)


def _without_outcome(item: Summary) -> Outcome:
    """What an event that failed led to: nothing, and why."""
    is_broken_event = item.kind in ("external_event", "internal_event") and item.status == "failure"
    return Outcome(cut(say_message(item)), is_failure=True) if is_broken_event else Outcome()


def _say_place(url: str) -> str:
    """Where a request went, beside its path: `ship.example`, `ship.example ?page=2`."""
    rest = url.partition("://")[2] if "://" in url.partition("?")[0] else ""
    query = url.partition("?")[2]
    return f"{rest.partition('?')[0].partition('/')[0]}{f' ?{query}' if query else ''}".strip()


def _ended(item: Summary) -> Moment | None:
    return None if item.duration_ms is None else say_moment(item.time + item.duration_ms)


def _say_scan(item: Summary) -> str:
    """Whether a pull read everything. Only a pull says so."""
    if item.kind != "external_event_pull":
        return ""
    try:
        told = msgspec.json.decode(item.parameters or "{}", type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError):
        return ""
    return {True: "full", False: "latest"}.get(told.get("is_full_scan"), "")  # type: ignore[arg-type]


def say_coverage(coverage: Coverage, now_ms: int) -> str:
    """What was searched, how far back it is kept, and how far indexing has come."""
    parts = []
    if coverage.from_ms is not None:
        parts.append(f"Searched {say_minute(coverage.from_ms)} to {say_minute(coverage.to_ms)} {zone_words()}")
    if coverage.oldest_kept is not None:
        parts.append(f"kept since {say_day(coverage.oldest_kept, now_ms)}")
        if coverage.bodies_removed_until > coverage.oldest_kept:
            parts.append(f"all payloads since {say_day(coverage.bodies_removed_until, now_ms)}")
    return " · ".join([*parts, f"indexed {say_ago(now_ms - coverage.indexed_until)}"])


def build_nothing(url: LogUrl, coverage: Coverage, now_ms: int, empty_kind: Kind | None = None) -> Nothing:
    """What an empty list says. `empty_kind`: there is nothing of this kind in the log at all."""
    if (coverage.oldest_kept is None or empty_kind) and coverage.removed_until:
        return _nothing_left(coverage, now_ms)
    if coverage.oldest_kept is None and empty_kind is None:
        return Nothing("Nothing has come in yet", "Report an event with POST /v1/events, or point a webhook here.", ())
    if empty_kind is not None:
        return Nothing("Nothing has come in yet", NOTHING_YET.get(empty_kind, ""), ())
    ways = [Choice(_say_way(label), url.over(value).href, is_current=False) for value, label in _wider(url.duration)]
    if key := url.get("key"):
        words = url.without("key").having("q", key.replace("=", " "))
        ways.append(Choice("Search for it as words", words.href, is_current=False))
    if offer := offer_scan(url, 0):
        ways.insert(0, offer)
    if url.has_filters:
        ways.append(Choice("Clear the filters", url.cleared().href, is_current=False))
    # Before the oldest record there is nothing to search.
    since = say_minute(max(coverage.from_ms or 0, coverage.oldest_kept or 0))
    detail = f"There is nothing like this between {since} and {say_minute(coverage.to_ms)} {zone_words()}."
    return Nothing("No records match", f"{detail}{_say_removed(url, coverage, now_ms)}", tuple(ways))


def _nothing_left(coverage: Coverage, now_ms: int) -> Nothing:
    """Whether there was anything before, nobody knows."""
    until = say_day(coverage.removed_until, now_ms)
    return Nothing("Nothing is kept here", f"What came before {until} was removed, and nothing has come since.", ())


def _say_removed(url: LogUrl, coverage: Coverage, now_ms: int) -> str:
    """What of the time that was asked for is not there any more, and why words may not be found."""
    from_ms = coverage.from_ms or 0
    said = ""
    if coverage.removed_until > 0 and (url.duration == ALL_TIME or from_ms < coverage.removed_until):
        said = f" Records from before {say_day(coverage.removed_until, now_ms)} were removed."
    if url.get("q") and from_ms < coverage.bodies_removed_until:
        said += f" Payloads from before {say_day(coverage.bodies_removed_until, now_ms)} were removed."
    return said


def _say_way(label: str) -> str:
    return f"Search the {label.lower()}" if label.startswith("Last") else f"Search {label.lower()}"


def _wider(duration: str) -> list[tuple[str, str]]:
    """The next longer stretch and all time; nothing is longer than all time."""
    names = [value for value, _ in DURATIONS]
    if duration == ALL_TIME:
        return []
    longer = DURATIONS[names.index(duration) + 1 :] if duration in names else DURATIONS[-1:]
    return list(dict.fromkeys([longer[0], longer[-1]]))
