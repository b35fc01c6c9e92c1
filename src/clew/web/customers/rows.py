"""The list of a customer's application events: a row each, what fired it, and what an empty list says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from clew.core.clock import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS
from clew.diagnosis.application_events import FoundEvents
from clew.diagnosis.event_steps import EventSteps, StepStatus
from clew.diagnosis.thread import Entry
from clew.log.search import Coverage
from clew.registry.sources import Source
from clew.web.customers.filters import DURATIONS
from clew.web.customers.url import CUSTOM, EventsUrl
from clew.web.customers.views import EventRow, Pages, StepWord
from clew.web.dots import Dot
from clew.web.logs.rows import say_coverage
from clew.web.logs.views import Choice, Nothing, Option
from clew.web.names import Names
from clew.web.time_zone import zone_words
from clew.web.wording import cut, say_event, say_minute, say_moment

WORDS: dict[StepStatus, StepWord] = {
    "success": "success",
    "failure": "failure",
    "pending": "no processing result yet",
}
DOTS: dict[StepStatus, Dot] = {"success": "success", "failure": "failure", "pending": "running"}

SourceOf = Callable[[str], Source | None]
"""The source of a key, where it is known."""


def build_event_row(steps: EventSteps, url: EventsUrl, names: Names, source_of: SourceOf, open_id: str) -> EventRow:
    """An event in the list. `open_id` is the event whose details are shown."""
    event = steps.event
    return EventRow(
        id=event.id,
        href=url.showing(event.id).href,
        is_open=event.id == open_id,
        is_ticked=event.id in url.ticked,
        dot=DOTS[steps.status],
        word=WORDS[steps.status],
        source_product=names.product(event.source_product),
        event=cut(say_event(event)),
        key=cut(key_of(event)),
        moment=say_moment(event.time),
        fired_by=say_fired_by(event, names, source_of),
    )


def key_of(event: Entry) -> str:
    """The business key by which people know it: not the one that only correlates."""
    return next((value for name, value in event.keys.items() if name != "correlation_id"), "")


def say_fired_by(event: Entry, names: Names, source_of: SourceOf) -> str:
    """What fired an event: `webhook from ERP`, `pull from Ship, every 5 min`, `reported by ERP`, `within Ship`."""
    product = names.product(event.source_product)
    if event.kind == "internal_event":
        return f"sent by {product}" if product else "sent by our own product"
    if event.kind == "external_event":
        return _say_source(event, product, source_of(event.source) if event.source else None)
    if product and event.source_product == event.target_product:
        return f"within {product}"
    return f"reported by {product}" if product else "reported"


def _say_source(event: Entry, product: str, source: Source | None) -> str:
    name = product or event.source
    origin = f" from {name}" if name else ""
    kind: str = source.kind if source else "event"
    every = _say_every(source.definition) if source and kind != "webhook" else ""
    return f"{kind}{origin}{every}"


def _say_every(definition: dict[str, Any]) -> str:
    """How often a source is asked, as its declaration has it."""
    every_s = definition.get("every_s", definition.get("every"))
    if not isinstance(every_s, int | float) or every_s <= 0:
        return ""
    every_ms = int(every_s * SECOND_MS)
    units = ((DAY_MS, "days"), (HOUR_MS, "h"), (MINUTE_MS, "min"), (SECOND_MS, "s"))
    unit_ms, unit = next(one for one in units if every_ms % one[0] == 0 or one[0] == SECOND_MS)
    return f", every {every_ms // unit_ms} {unit}"


def build_pages(found: FoundEvents, url: EventsUrl, now_ms: int) -> Pages:
    """The foot of the list."""
    warnings = []
    if found.coverage.truncated:
        warnings.append("The search ended at its limit of time or memory: there may be more.")
    if found.is_cut:
        warnings.append("Only the latest failures of this time were looked at: choose a shorter duration to see more.")
    return Pages(
        coverage=say_coverage(found.coverage, now_ms),
        newer_href=url.at(found.prev_cursor).href if found.prev_cursor else "",
        older_href=url.at(found.next_cursor).href if found.next_cursor else "",
        warning=" ".join(warnings),
    )


def build_nothing(url: EventsUrl, coverage: Coverage, older_href: str) -> Nothing:
    """What an empty list says: what was searched, and where to look next."""
    if coverage.oldest_kept is None:
        return Nothing("Nothing has come in yet", "Report an event with POST /v1/events, or point a webhook here.", ())
    ways = [Choice("Look further back", older_href, is_current=False)] if older_href else []
    ways += [
        Choice(f"Search the {one.label.lower()}", url.asking(url.asked.over(one.value)).href, is_current=False)
        for one in _wider(url.duration)
    ]
    if url.asked.has_filters:
        ways.append(Choice("Clear the filters", url.asking(url.asked.cleared()).href, is_current=False))
    since = say_minute(max(coverage.from_ms or 0, coverage.oldest_kept))
    until = f"{say_minute(coverage.to_ms)} {zone_words()}"
    return Nothing("No events match", f"There is no such event between {since} and {until}.", tuple(ways))


def _wider(duration: str) -> list[Option]:
    """The next longer duration and the longest."""
    lengths = [one for one in DURATIONS if one.value != CUSTOM]
    place = next((place for place, one in enumerate(lengths) if one.value == duration), len(lengths) - 2)
    return list(dict.fromkeys(lengths[place + 1 : place + 2] + lengths[place + 1 :][-1:]))
