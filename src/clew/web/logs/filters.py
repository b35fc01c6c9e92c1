"""The filters of a list as a page shows them: segments, chips that open, and those that only the URL has."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec

from clew.core.clock import from_rfc3339
from clew.core.failure_class import FAILURE_CLASSES
from clew.core.record import Kind
from clew.log.query import FACET_NAMES
from clew.web.legend import REFERRAL_TYPES
from clew.web.logs.runs import STATES
from clew.web.logs.url import ALL_TIME, LIVE, LogUrl
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
_NO_CHIP = frozenset({"status", "duration", "from", "to", "sort", "cursor", "limit", LIVE})
_LABELS = {"q": "Text", "trace_id": "Trace", "event_type": "Event type"}


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """One filter of the form: what it is called, what may be typed, and what it means."""

    name: str
    label: str
    placeholder: str = ""
    hint: str = ""
    notes: tuple[str, ...] = ()
    options: tuple[Option, ...] = ()
    is_closed: bool = False


def _same(*values: str) -> tuple[Option, ...]:
    return tuple(Option(value, value) for value in values)


_HTTP_STATUSES = _same("2xx", "3xx", "4xx", "5xx", "401", "403", "404", "422", "429", "500", "503")
_PULL_STATES = ("queued", "running", "success", "error")
_FILTERS = (
    Asked(
        name="kind",
        label="Kind",
        options=tuple(Option(kind, name) for kind, name in KIND_NAMES.items()),
        is_closed=True,
    ),
    Asked(name="type", label="Type", options=_same(*REFERRAL_TYPES), placeholder="Conversion"),
    Asked(
        name="http_direction",
        label="Direction",
        options=(Option("outgoing", "Outgoing: to a product"), Option("incoming", "Incoming: to this API")),
        is_closed=True,
    ),
    Asked(name="http_status", label="HTTP status", options=_HTTP_STATUSES, placeholder="4xx"),
    Asked(name="event", label="Event", placeholder="order.released"),
    Asked(name="source", label="Subscription", placeholder="orders", hint="The source that it came from"),
    Asked(name="flow", label="Flow", placeholder="order-to-ship"),
    Asked(name="state", label="State", options=_same(*STATES), is_closed=True),
    Asked(name="customer", label="Customer", hint="The key that records carry"),
    Asked(name="integration", label="Integration"),
    Asked(name="connection", label="Connection"),
    Asked(name="key", label="Key", placeholder="order=SO-1001", hint="A business key; order=* for any order"),
    Asked(
        name="q",
        label="Text",
        placeholder="postal_code",
        hint="Words in the message, error, keys, parameters or payload",
        notes=(
            "postal code: both words, anywhere",
            '"postal code" or SO-1001: one after the other',
            "-refund: without this word",
            '-"test order": without this phrase',
        ),
    ),
    Asked(name="contains", label="Contains", placeholder="ostal_co", hint="Any text, also inside words; slower"),
    Asked(name="product", label="Product", hint="Source or target"),
    Asked(name="failure_class", label="Failed by", options=_same(*FAILURE_CLASSES), is_closed=True),
    Asked(name="error_type", label="Error type", placeholder="bad_request"),
    Asked(name="min_duration_ms", label="Took at least (ms)", placeholder="1000"),
)
_BY_NAME = {asked.name: asked for asked in _FILTERS}
_ONE_OF_FEW = frozenset({"product", "integration"})
"""The names of which all values are known, once there are any."""

_WHOSE = ("customer", "integration", "connection", "key")
_SHOWN: Mapping[Kind | None, tuple[str, ...]] = {
    # the search above every page is the text of all records
    None: ("kind", *_WHOSE),
    # what a shop reports of its referrals and invoices seldom has a connection
    "integration_event": ("type", "customer", "integration", "key", "q"),
    "api_request": ("http_direction", "http_status", *_WHOSE, "q"),
    "external_webhook": ("source", *_WHOSE, "q"),
    "external_event_pull": ("source", "state", *_WHOSE, "q"),
    "external_event": ("event", "source", *_WHOSE, "q"),
    "internal_event": ("event", "source", *_WHOSE, "q"),
    "flow_run": ("flow", "state", *_WHOSE, "q"),
}
"""The filters that each list has as chips, whether they are set or not."""
_SELDOM = (
    "q",
    "contains",
    "connection",
    "product",
    "event",
    "type",
    "http_status",
    "failure_class",
    "error_type",
    "min_duration_ms",
)
_EVENT_LOGS = ("external_event", "internal_event")

Suggestions = Mapping[str, tuple[Option, ...]]
"""What may be chosen for a filter, by its name."""


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
    """The filters that the form of a list has, each as a chip that opens. `kind` is all that the list is of.

    Those that fewer people look for are among them where they are set.
    """
    seldom = tuple(name for name in _seldom(kind) if url.get(name))
    return tuple(_build(url, name, suggestions, kind) for name in (*_SHOWN[kind], *seldom))


def build_extra(url: LogUrl, suggestions: Suggestions, kind: Kind | None) -> tuple[FilterField, ...]:
    """The filters that may be added: those that fewer people look for and that are not set."""
    return tuple(_build(url, name, suggestions, kind) for name in _seldom(kind) if not url.get(name))


def _seldom(kind: Kind | None) -> tuple[str, ...]:
    return tuple(name for name in _SELDOM if name not in _SHOWN[kind])


def _build(url: LogUrl, name: str, suggestions: Suggestions, kind: Kind | None) -> FilterField:
    asked = _asked(name, suggestions, kind)
    value = url.get(name)
    field = FilterField(
        name=name,
        label=asked.label,
        value=value,
        shown=next((option.label for option in asked.options if option.value == value), value),
        remove_href=url.without(name, value).href if value else "",
        placeholder=asked.placeholder,
        hint=asked.hint,
        notes=asked.notes,
        options=asked.options,
        # A value that is none of the options came by a link: it must not be lost when something else is chosen.
        is_closed=asked.is_closed and (not value or any(option.value == value for option in asked.options)),
        facets_href=url.facets(name).href if name in FACET_NAMES and not url.get("contains") else "",
    )
    return _named_key(field) if name == "key" and value else field


def _asked(name: str, suggestions: Suggestions, kind: Kind | None) -> Asked:
    asked = _BY_NAME[name]
    if found := suggestions.get(name, ()):
        asked = msgspec.structs.replace(asked, options=found, is_closed=asked.is_closed or name in _ONE_OF_FEW)
    if name == "event" and kind in _EVENT_LOGS:
        return msgspec.structs.replace(asked, label="Event type")
    if name == "state" and kind == "external_event_pull":
        return msgspec.structs.replace(asked, options=_same(*_PULL_STATES))
    return asked


def _named_key(field: FilterField) -> FilterField:
    """A business key is called by its own name."""
    name, _, value = field.value.partition("=")
    shown = "any value" if value == "*" else value
    return msgspec.structs.replace(field, label=name, shown=shown) if name else field


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
    known = _BY_NAME.get(name)
    return _LABELS.get(name) or (known.label if known else name.replace("_", " ").capitalize())
