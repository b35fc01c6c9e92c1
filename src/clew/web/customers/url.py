"""The state of a customer's events is their URL: filters, a page of them, the event that is open, and those ticked."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import urlencode

import msgspec

from clew.core.errors import BadRequest, UnknownFilter
from clew.core.failure_class import FAILURE_CLASSES, FailureClass
from clew.core.ids import is_id, is_trace_id
from clew.diagnosis.application_events import Asked
from clew.diagnosis.event_steps import StepStatus
from clew.log.parameters import FilterParser, Pair
from clew.web.logs.url import LogUrl, filters_of, read_url

CUSTOM = "custom"
"""What the drop-down Duration says where From and To are given."""
MAX_TICKED = 50
"""Events in one summary: their ids still fit into a link."""

STATUSES: dict[str, StepStatus] = {"success": "success", "failure": "failure"}
OF_STEPS = ("status", "failure_class")
"""The filters that are asked of an event with its steps, and not of its record."""
_BOUNDS = ("from", "to")
_OPEN = "event that is open"
"""What `event` is called while the two that bear the name are told apart."""
_KEY = re.compile(r"[A-Za-z][\w.-]{0,63}=\S.*\Z", re.DOTALL)
"""A text that is a business key: `order=SO-1001`."""


class EventsUrl(msgspec.Struct, frozen=True, kw_only=True):
    """Where the list is and what it asks (`asked`), the page of it, the event that is open and those that are ticked.

    `is_custom`: Custom was chosen and no bound was given yet.
    """

    asked: LogUrl
    cursor: str = ""
    event: str = ""
    ticked: tuple[str, ...] = ()
    is_custom: bool = False

    @property
    def duration(self) -> str:
        """What the drop-down Duration says."""
        return CUSTOM if self.is_custom else self.asked.duration or CUSTOM

    @property
    def href(self) -> str:
        """The link."""
        return self._link(self.asked.path, (*self._paging, *self._event, *self._ticked))

    @property
    def summary_href(self) -> str:
        """The summary of the ticked events as a file."""
        return self._link(f"{self.asked.path}/summary.csv", self._ticked, with_filters=False)

    def showing(self, event_id: str) -> EventsUrl:
        """The same page with this event open."""
        return msgspec.structs.replace(self, event=event_id)

    def ticking(self, event_ids: Iterable[str]) -> EventsUrl:
        """The same page with these events ticked."""
        return msgspec.structs.replace(self, ticked=tuple(dict.fromkeys(event_ids)))

    def at(self, cursor: str) -> EventsUrl:
        """Another page of the same list; what is ticked stays ticked."""
        return msgspec.structs.replace(self, cursor=cursor, event="")

    def asking(self, asked: LogUrl) -> EventsUrl:
        """Another list, from its first page on."""
        return EventsUrl(asked=asked, ticked=self.ticked)

    def carried_by_filters(self) -> tuple[Pair, ...]:
        """What the form of the filters carries on unseen."""
        return self._ticked

    def carried_by_ticks(self, shown: Iterable[str]) -> tuple[Pair, ...]:
        """What the form of the ticks carries on: all but the ticks of the events that are shown."""
        there = frozenset(shown)
        others = tuple(pair for pair in self._ticked if pair[1] not in there)
        return (*self.asked.pairs, *self._paging, *self._event, *others)

    @property
    def _paging(self) -> tuple[Pair, ...]:
        return (("cursor", self.cursor),) if self.cursor else ()

    @property
    def _event(self) -> tuple[Pair, ...]:
        return (("event", self.event),) if self.event else ()

    @property
    def _ticked(self) -> tuple[Pair, ...]:
        return tuple(("selected", event_id) for event_id in self.ticked)

    def _link(self, path: str, more: tuple[Pair, ...], *, with_filters: bool = True) -> str:
        pairs = (*(self.asked.pairs if with_filters else ()), *more)
        return f"{path}?{urlencode(pairs, safe='=:,')}" if pairs else path


def read_events_url(path: str, pairs: Iterable[Pair]) -> EventsUrl:
    """The state as a browser asked for it.

    The form always has Duration, From and To: a duration that is chosen wins over bounds that stand there unseen.
    `event` is the event that is open where it is an id, else the filter of that name.
    """
    given = [_named(name, text) for name, value in pairs if (text := value.strip())]
    duration = next((value for name, value in given if name == "duration"), "")
    dropped = {"cursor", _OPEN, "selected"}
    dropped |= {"duration"} if duration == CUSTOM else {*_BOUNDS, "zone"} if duration else set()
    is_custom = duration == CUSTOM and not any(name in _BOUNDS for name, _ in given)
    if is_custom:
        dropped.add("zone")
    return EventsUrl(
        asked=read_url(path, [(name, value) for name, value in given if name not in dropped]),
        cursor=_last(given, "cursor"),
        event=_last(given, _OPEN).lower(),
        ticked=tuple(dict.fromkeys(value.lower() for name, value in given if name == "selected")),
        is_custom=is_custom,
    )


def _named(name: str, value: str) -> Pair:
    return (_OPEN, value) if name == "event" and is_id(value) else (name, value)


def read_asked(parser: FilterParser, url: EventsUrl, *, workspace: str, customer: str) -> Asked:
    """What the URL asks. Raises `BadRequest` for what cannot be read, `UnknownFilter` for what does not exist."""
    if len(url.ticked) > MAX_TICKED:
        raise BadRequest(f"{len(url.ticked)} events are ticked.", hint=f"A summary has {MAX_TICKED} at most.")
    pairs = [_translate(pair) for pair in filters_of(url.asked) if pair[0] not in OF_STEPS]
    if url.cursor:
        pairs.append(("cursor", url.cursor))
    status = _choose(url.asked, "status", tuple(STATUSES))
    failure_class = _choose(url.asked, "failure_class", FAILURE_CLASSES)
    return Asked(
        request=parser.parse_list(pairs, workspace=workspace, fixed={"customer": (customer,)}),
        customer=customer,
        status=STATUSES.get(status),
        failure_class=msgspec.convert(failure_class, FailureClass) if failure_class else None,
    )


def _translate(pair: Pair) -> Pair:
    """A filter of this page in the words of the log: a correlation id is a trace or a key, a text may be a key."""
    name, value = pair
    if name == "correlation_id":
        return ("trace_id", value) if is_trace_id(value) else ("key", f"correlation_id={value}")
    return ("key", value) if name == "q" and _KEY.match(value) else pair


def _choose(asked: LogUrl, name: str, allowed: tuple[str, ...]) -> str:
    """The one value of a filter, "" without one."""
    values = [value for key, value in asked.pairs if key == name]
    if len(values) > 1:
        raise BadRequest(f"{name} is given twice.", hint=f"Give {name} once.")
    for value in values:
        if value not in allowed:
            hint = f"{name} may be: {', '.join(allowed)}."
            raise UnknownFilter(f"{name}={value[:80]!r} does not exist here.", hint=hint)
    return next(iter(values), "")


def _last(given: list[Pair], name: str) -> str:
    return next((value for key, value in reversed(given) if key == name), "")
