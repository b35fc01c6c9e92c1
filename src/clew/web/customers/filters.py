"""The form of the filters above a customer's events."""

from __future__ import annotations

from collections.abc import Iterable

from clew.core.failure_class import FAILURE_CLASSES
from clew.web.customers.url import CUSTOM, STATUSES, EventsUrl
from clew.web.customers.views import Filters
from clew.web.logs.filters import build_bounds
from clew.web.logs.url import LogUrl
from clew.web.logs.views import ActiveFilter, FilterField, Option
from clew.web.names import Names

DURATIONS = (
    Option("1h", "Last 1 hour"),
    Option("24h", "Last 24 hours"),
    Option("7d", "Last 7 days"),
    Option("14d", "Last 14 days"),
    Option("30d", "Last 30 days"),
    Option(CUSTOM, "Custom"),
)
CLASS_NAMES = {"delivery": "Delivery failed", "configuration": "Configuration", "data": "Data"}
"""What the classes of failure are called."""

_CLASSES = tuple(Option(value, CLASS_NAMES[value]) for value in FAILURE_CLASSES)
_STATUSES = tuple(Option(status, status) for status in STATUSES)
_IN_THE_FORM = frozenset({"duration", "from", "to", "q", "source_product", "event", "status", "failure_class"})
_LABELS = {"correlation_id": "Correlation id", "trace_id": "Trace"}


def build_filters(
    url: EventsUrl,
    *,
    names: Names,
    products: Iterable[str],
    events: Iterable[str] = (),
    counter: str = "",
    failures: str = "",
) -> Filters:
    """The form as the URL has it. `products` are all there are, `events` those that are offered while one is typed."""
    asked = url.asked
    bounds = build_bounds(asked)
    hidden = (pair for pair in asked.pairs if pair[0] not in _IN_THE_FORM)
    return Filters(
        action=asked.path,
        duration=url.duration,
        durations=DURATIONS if url.duration in {one.value for one in DURATIONS} else (*DURATIONS, _odd(url)),
        from_text=bounds.from_text,
        to_text=bounds.to_text,
        note="Say From or To: until then these are the last 24 hours." if url.is_custom else "",
        text=asked.get("q"),
        fields=_build_fields(asked, names, products, events),
        active=tuple(_active(url, name, value, names) for name, value in asked.pairs if name not in _IN_THE_FORM),
        hidden=(*hidden, *url.carried_by_filters()),
        clear_href=url.asking(asked.cleared()).href if asked.has_filters else "",
        counter=counter,
        failures=failures,
    )


def _odd(url: EventsUrl) -> Option:
    """A duration that is none: it stays to be seen until another is chosen."""
    return Option(url.duration, url.duration[:40])


def _build_fields(
    asked: LogUrl, names: Names, products: Iterable[str], events: Iterable[str]
) -> tuple[FilterField, ...]:
    choices = tuple(Option(key, names.product(key)) for key in products)
    offered = tuple(Option(event, event) for event in sorted(set(events)))
    return (
        _field(asked, "source_product", "Source Product", choices, is_closed=bool(choices)),
        _field(asked, "event", "Event", offered),
        _field(asked, "status", "Status", _STATUSES, is_closed=True),
        _field(asked, "failure_class", "Failure", _CLASSES, is_closed=True),
    )


def _field(
    asked: LogUrl, name: str, label: str, options: tuple[Option, ...], *, is_closed: bool = False
) -> FilterField:
    value = asked.get(name)
    return FilterField(
        name=name,
        label=label,
        value=value,
        shown=next((option.label for option in options if option.value == value), value),
        remove_href=asked.without(name).href if value else "",
        placeholder="order.released" if name == "event" else "",
        options=options,
        is_closed=is_closed and (not value or any(option.value == value for option in options)),
    )


def _active(url: EventsUrl, name: str, value: str, names: Names) -> ActiveFilter:
    label = _LABELS.get(name) or name.replace("_", " ").capitalize()
    return ActiveFilter(label, names.of(name, value), url.asking(url.asked.without(name, value)).href)
