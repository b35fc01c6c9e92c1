"""How things are said on a page: kinds, times in the zone of who looks, durations, numbers."""

from __future__ import annotations

from urllib.parse import urlsplit

import msgspec

from clew.core.clock import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, to_rfc3339
from clew.core.record import Direction, Kind, Record, Summary
from clew.web.time_zone import is_same_day, local_moment

KIND_NAMES: dict[Kind, str] = {
    "integration_event": "Integration event",
    "step": "Step",
    "api_request": "API request",
    "external_webhook": "External webhook",
    "external_event_pull": "External event pull",
    "external_event": "External event",
    "internal_event": "Internal event",
    "flow_run": "Flow run",
    "node_run": "Node run",
    "decision": "Decision",
    "notification": "Notification",
}


MAX_ROW_TEXT = 300
"""Characters: more than a row of the widest window has room for."""

LAUNCHERS = {
    "external-event": "external event",
    "data-source-trigger": "external event",
    "app-event-trigger": "internal event",
    "schedule-trigger": "schedule",
    "api-trigger": "API call",
}
"""What `launched_by.type` is called."""

ARROWS: dict[Direction, str] = {"": "→", "one-way": "→", "two-way": "↔"}


class Moment(msgspec.Struct, frozen=True):
    """A time as it is shown: `22 Nov`, `06:41:25.410`, and whole for machines and for the pointer.

    `date` and `clock` are in the zone of who looks (`time_zone`), `exact` is UTC.
    """

    date: str
    clock: str
    exact: str


def say_moment(time_ms: int) -> Moment:
    """A time in milliseconds since the epoch."""
    clock = local_moment(time_ms).time().isoformat(timespec="milliseconds")
    return Moment(date=_say_date(time_ms), clock=clock, exact=to_rfc3339(time_ms))


def say_minute(time_ms: int) -> str:
    """A time to the minute: `22 Nov 06:41`."""
    return f"{_say_date(time_ms)} {local_moment(time_ms):%H:%M}"


def _say_date(time_ms: int) -> str:
    moment = local_moment(time_ms)
    return f"{moment.day} {moment:%b}"


def say_day(time_ms: int, now_ms: int) -> str:
    """A day, with its year where that is not this year's: `8 Nov`, `8 Nov 2024`."""
    year, this_year = (local_moment(ms).year for ms in (time_ms, now_ms))
    return _say_date(time_ms) if year == this_year else f"{_say_date(time_ms)} {year}"


def say_other_day(time_ms: int, now_ms: int) -> str:
    """The day beside a time of day, "" where it is today."""
    return "" if is_same_day(time_ms, now_ms) else say_day(time_ms, now_ms)


def say_took(duration_ms: int | None) -> str:
    """How long something took: `71 ms`, `1.24 s`, `2 min 3 s`, `3 h 20 min`. Empty where it is not known."""
    if duration_ms is None:
        return ""
    if duration_ms < SECOND_MS:
        return f"{duration_ms} ms"
    if duration_ms < MINUTE_MS:
        return f"{duration_ms // 10 / 100:.2f} s"  # cut, not rounded: 59,996 ms are not 60 s
    if duration_ms < HOUR_MS:
        return f"{duration_ms // MINUTE_MS} min {duration_ms % MINUTE_MS // SECOND_MS} s"
    return f"{duration_ms // HOUR_MS:,} h {duration_ms % HOUR_MS // MINUTE_MS} min"


def say_ago(age_ms: int) -> str:
    """How long ago: `0.4 s ago`, `12 s ago`, `5 min ago`, `3 h ago`, `2 days ago`."""
    if age_ms < 10 * SECOND_MS:
        return f"{max(age_ms, 0) / SECOND_MS:.1f} s ago"
    if age_ms < MINUTE_MS:
        return f"{age_ms // SECOND_MS} s ago"
    if age_ms < HOUR_MS:
        return f"{age_ms // MINUTE_MS} min ago"
    if age_ms < 2 * DAY_MS:
        return f"{age_ms // HOUR_MS} h ago"
    return f"{age_ms // DAY_MS} days ago"


def say_offset(offset_ms: int) -> str:
    """How long after the start of its chain: `+502 ms`."""
    return f"+{say_took(offset_ms)}" if offset_ms >= 0 else f"\N{MINUS SIGN}{say_took(-offset_ms)}"


def say_size(size_bytes: int) -> str:
    """`312 bytes`, `4.1 KB`, `1.0 MB`, `2.4 GB`."""
    if size_bytes < 1_000:
        return say_count(size_bytes, "byte")
    if size_bytes < 1_000_000:
        return f"{size_bytes / 1_000:.1f} KB"
    if size_bytes < 1_000_000_000:
        return f"{size_bytes / 1_000_000:.1f} MB"
    return f"{size_bytes / 1_000_000_000:.1f} GB"


def say_count(count: int, noun: str, *, at_least: bool = False) -> str:
    """`1 record`, `18,204 records`, `at least 5,000 records`."""
    return f"{'at least ' if at_least else ''}{count:,} {noun}{'' if count == 1 else 's'}"


def say_event(record: Record | Summary) -> str:
    """What a record is called: its event, else what it did, else its kind. A decision is called by its flow."""
    if record.kind == "decision" and record.flow:
        return record.flow
    if record.event:
        return record.event
    method, url = _exchange_of(record)
    if method:
        return f"{method} {urlsplit(url).path or '/'}"
    return record.node or record.flow or record.action or record.type or KIND_NAMES[record.kind]


def say_message(record: Record | Summary) -> str:
    """The one line that says most: its message, else its error's."""
    if record.message:
        return record.message
    if isinstance(record, Summary):
        return record.error_message
    return record.error.message if record.error else ""


def cut(text: str) -> str:
    """A text as a row shows it: a list stays small whatever a sender wrote. The whole is on the record's page."""
    return text if len(text) <= MAX_ROW_TEXT else f"{text[:MAX_ROW_TEXT]}…"


def http_status_of(record: Record | Summary) -> int:
    """The status that its HTTP exchange ended with, 0 where there is none."""
    if isinstance(record, Summary):
        return record.http_status
    return record.http.status_code if record.http else 0


def _exchange_of(record: Record | Summary) -> tuple[str, str]:
    if isinstance(record, Summary):
        return record.http_method, record.http_url
    return (record.http.method, record.http.url) if record.http else ("", "")
