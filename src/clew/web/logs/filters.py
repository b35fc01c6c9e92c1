"""The filters of a list as a page shows them: segments, chips that open, and those that only the URL has."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from clew.core.clock import from_rfc3339
from clew.core.record import KINDS, Kind
from clew.web.logs.runs import STATES
from clew.web.logs.url import ALL_TIME, LogUrl
from clew.web.logs.views import ActiveFilter, Bounds, Choice, FilterField, Option
from clew.web.time_zone import UTC_NAME, write_local, zone_key
from clew.web.wording import KIND_NAMES, say_minute

SEGMENTS = (("", "List All"), ("info", "Info"), ("success", "Success"), ("failure", "Failure"))
DURATIONS = (
    ("1h", "Last 1 hour"),
    ("24h", "Last 24 hours"),
    ("7d", "Last 7 days"),
    ("14d", "Last 14 days"),
    ("30d", "Last 30 days"),
    (ALL_TIME, "All time"),
)
_NO_CHIP = frozenset({"status", "duration", "from", "to", "sort", "cursor", "limit"})
_LABELS = {
    "q": "Text",
    "trace_id": "Trace",
    "http_status": "HTTP status",
    "min_duration_ms": "Took at least (ms)",
    "event_type": "Event type",
}


class Suggestions(msgspec.Struct, frozen=True):
    """What may be chosen for products, customers and flows."""

    products: tuple[Option, ...] = ()
    customers: tuple[Option, ...] = ()
    flows: tuple[Option, ...] = ()


def build_segments(url: LogUrl) -> tuple[Choice, ...]:
    """List All, Info, Success, Failure."""
    status = url.get("status")
    return tuple(Choice(label, url.having("status", value).href, value == status) for value, label in SEGMENTS)


def build_bounds(url: LogUrl) -> Bounds:
    """The durations to choose from, and From and To."""
    chosen = url.duration
    choices = tuple(Choice(label, url.over(value).href, value == chosen) for value, label in DURATIONS)
    label = next((choice.label for choice in choices if choice.is_current), chosen)
    from_text, to_text = url.get("from"), url.get("to")
    return Bounds(label or _say_bounds(from_text, to_text), choices, _for_input(from_text), _for_input(to_text))


def _say_bounds(from_text: str, to_text: str) -> str:
    if from_text and to_text:
        return f"{_say_bound(from_text)} to {_say_bound(to_text)}"
    return f"From {_say_bound(from_text)}" if from_text else f"Until {_say_bound(to_text)}"


def _say_bound(text: str) -> str:
    try:
        return say_minute(from_rfc3339(text))
    except ValueError:
        return text


def _for_input(text: str) -> str:
    """What stands in the field: the time in the zone of who looks, or what was typed where it is none."""
    if zone_key() == UTC_NAME or not text:
        return text.removesuffix("Z")
    try:
        return write_local(from_rfc3339(text))
    except ValueError:
        return text


def build_fields(url: LogUrl, suggestions: Suggestions, kind: Kind | None) -> tuple[FilterField, ...]:
    """The filters that the form of a list has, each as a chip that opens. `kind` is all that the list is of."""
    kinds = tuple(Option(kind, KIND_NAMES[kind]) for kind in KIND_NAMES)
    assert len(kinds) == len(KINDS)
    products, customers = suggestions.products, suggestions.customers
    fields = [
        _field(url, "customer", "Customer", customers, hint="The key that records carry"),
        _field(url, "product", "Product", products, is_closed=bool(products), hint="Source or target"),
        *_fields_of(url, suggestions, kind),
        _key_field(url),
        _field(url, "q", "Text", placeholder="postal_code", hint="Words in the message, parameters or payload"),
    ]
    if kind is None:
        fields.insert(0, _field(url, "kind", "Kind", kinds, is_closed=True))
    return tuple(fields)


def _fields_of(url: LogUrl, suggestions: Suggestions, kind: Kind | None) -> list[FilterField]:
    if kind != "flow_run":
        return [_field(url, "event", "Event", placeholder="order.released")]
    states = tuple(Option(state, state) for state in STATES)
    return [
        _field(url, "flow", "Flow", suggestions.flows, placeholder="order-to-ship"),
        _field(url, "state", "State", states, is_closed=True),
    ]


def _field(
    url: LogUrl,
    name: str,
    label: str,
    options: tuple[Option, ...] = (),
    *,
    placeholder: str = "",
    hint: str = "",
    is_closed: bool = False,
) -> FilterField:
    value = url.get(name)
    return FilterField(
        name=name,
        label=label,
        value=value,
        shown=next((option.label for option in options if option.value == value), value),
        remove_href=url.without(name, value).href if value else "",
        placeholder=placeholder,
        hint=hint,
        options=options,
        is_closed=is_closed and (not value or any(option.value == value for option in options)),
    )


def _key_field(url: LogUrl) -> FilterField:
    name, _, value = url.get("key").partition("=")
    field = _field(url, "key", "Key", placeholder="order=SO-1001", hint="A business key; order=* for any order")
    return msgspec.structs.replace(field, label=name, shown="any value" if value == "*" else value) if name else field


def build_active(
    url: LogUrl, fields: Sequence[FilterField], names: Callable[[str, str], str]
) -> tuple[ActiveFilter, ...]:
    """The filters that are no field of the form, or a second value of one. `names` says what a value is called."""
    return tuple(
        ActiveFilter(_label(name), names(name, value), url.without(name, value).href)
        for name, value in _beside(url, fields)
        if name not in _NO_CHIP
    )


def build_hidden(url: LogUrl, fields: Sequence[FilterField]) -> tuple[tuple[str, str], ...]:
    """What the form carries on unseen."""
    typed = ("from", "to", "cursor")
    return tuple((name, value) for name, value in _beside(url, fields) if name not in typed)


def _beside(url: LogUrl, fields: Sequence[FilterField]) -> list[tuple[str, str]]:
    shown = {(field.name, field.value) for field in fields}
    return [pair for pair in url.pairs if pair not in shown]


def _label(name: str) -> str:
    return _LABELS.get(name) or name.replace("_", " ").capitalize()
