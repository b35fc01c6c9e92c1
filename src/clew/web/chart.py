"""Records over time, as <event-chart> draws them and as the table inside it says them."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from clew.core.clock import SECOND_MS, to_rfc3339
from clew.core.record import Status
from clew.log.search import HistogramAnswer
from clew.log.store import Bar
from clew.web.logs.url import DEFAULT_DURATION, LogUrl
from clew.web.time_zone import local_moment, zone_key, zone_words
from clew.web.wording import Moment, say_minute, say_moment, say_took

DRAWN: tuple[Status, ...] = ("failure", "success", "info")
"""From the ground up, as the bars are stacked, and in this order in legend and table."""


class Part(msgspec.Struct, frozen=True):
    """How many records of one status, as a link to them; "" where there are none."""

    status: Status
    count: int
    href: str


class ChartBar(msgspec.Struct, frozen=True):
    """One step of time."""

    moment: Moment
    label: str
    parts: tuple[Part, ...]


class Chart(msgspec.Struct, frozen=True, kw_only=True):
    """What the chart and its table show. Times are in milliseconds since the epoch.

    `href` leads to a stretch of time: in it stand `{from}` and `{to}`. `total` and `legend` count all that was found;
    where the search ended at a bound (`is_truncated`) there are at least as many. `offset_ms` is how far `zone`, the
    time zone of who looks, is ahead of UTC where the chart begins.
    """

    href: str
    from_ms: int
    to_ms: int
    step_ms: int
    zone: str
    offset_ms: int
    label: str
    caption: str
    total: int
    legend: tuple[Part, ...]
    bars: tuple[ChartBar, ...]
    is_truncated: bool


def build_chart(answer: HistogramAnswer, url: LogUrl) -> Chart:
    """The chart of a list. `url` is the list's address: a stretch of time is the same list between two moments."""
    histogram, coverage = answer.histogram, answer.coverage
    from_ms = coverage.to_ms if coverage.from_ms is None else coverage.from_ms
    to_ms = max(coverage.to_ms, from_ms + 1)
    over = url.over(DEFAULT_DURATION)
    open_end = f"{over.href}{'&' if over.pairs else '?'}from={{from}}&to={{to}}"
    step = say_took(histogram.step_ms)
    return Chart(
        href=open_end,
        from_ms=from_ms,
        to_ms=to_ms,
        step_ms=histogram.step_ms,
        zone=zone_key(),
        offset_ms=_offset_ms(from_ms),
        label="Records over time. The arrow keys choose a bar, with Shift several, Enter opens their records.",
        caption=f"Records from {say_minute(from_ms)} to {say_minute(to_ms)} {zone_words()}, {step} a bar",
        total=sum(part.count for part in _parts(histogram.bars, url)),
        legend=_parts(histogram.bars, url),
        bars=tuple(_bar(bar, histogram.step_ms, from_ms, url) for bar in histogram.bars),
        is_truncated=histogram.truncated,
    )


def between(url: LogUrl, from_ms: int, to_ms: int) -> LogUrl:
    """The same list between two moments, the second exclusive."""
    over = url.over(DEFAULT_DURATION)
    return over.having("from", to_rfc3339(from_ms)).having("to", to_rfc3339(to_ms))


def _bar(bar: Bar, step_ms: int, from_ms: int, url: LogUrl) -> ChartBar:
    moment = say_moment(bar.time)
    clock = moment.clock[: 8 if step_ms % (60 * SECOND_MS) else 5]
    # The first bar begins at a round time, the list where it was asked to.
    here = between(url, max(bar.time, from_ms), bar.time + step_ms)
    return ChartBar(moment, f"{moment.date} {clock}", _parts((bar,), here))


def _parts(bars: Sequence[Bar], url: LogUrl) -> tuple[Part, ...]:
    counts = {status: sum(getattr(bar, status) for bar in bars) for status in DRAWN}
    return tuple(
        Part(status, count, url.having("status", status).href if count else "") for status, count in counts.items()
    )


def _offset_ms(time_ms: int) -> int:
    offset = local_moment(time_ms).utcoffset()
    return int(offset.total_seconds()) * SECOND_MS if offset else 0
