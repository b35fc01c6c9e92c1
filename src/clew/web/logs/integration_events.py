"""The rows of the Integration Events Log: who or what an event was about, and what its status means."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from clew.core.record import Summary
from clew.web.legend import STATUS_WORDS, meaning_of
from clew.web.links import record_href
from clew.web.logs.views import EventRow
from clew.web.names import Names
from clew.web.wording import cut, say_event, say_message, say_moment

MAX_MORE = 4
"""What identifies an event beside its name and e-mail: a row has room for no more. All of it is on its page."""
MAX_VALUE = 60
"""Characters of one of them."""

_FULL_NAMES = ("fullname", "name")
_FIRST_NAMES, _LAST_NAMES = ("firstname",), ("lastname", "surname")
_EMAILS = ("email", "referralkeyemail", "emailaddress")
_WHO = frozenset({*_FULL_NAMES, *_FIRST_NAMES, *_LAST_NAMES, *_EMAILS})
_NOT_IN_NAMES = re.compile(r"[^a-z0-9]")


def build_event_row(item: Summary, names: Names) -> EventRow:
    """An integration event as its log shows it."""
    who, more = _identify(item, names)
    meaning = meaning_of(item.type, item.status)
    return EventRow(
        id=item.id,
        href=record_href(item.id),
        status=item.status,
        word=STATUS_WORDS[item.status],
        meaning=meaning,
        moment=say_moment(item.time),
        type=cut(item.type),
        message=cut(say_message(item) or ("" if item.status == "success" else meaning)),
        details=cut(who),
        more=more,
    )


def _identify(item: Summary, names: Names) -> tuple[str, tuple[str, ...]]:
    """Name or e-mail of who it is about, or what happened; and what else tells it from others."""
    given = _read(item.parameters)
    name = _first(given, _FULL_NAMES) or " ".join(
        part for part in (_first(given, _FIRST_NAMES), _first(given, _LAST_NAMES)) if part
    )
    email = _first(given, _EMAILS)
    event = say_event(item)
    who = name or email or event
    keys = [f"{key} {value}" for key, value in item.keys.items() if value not in (email, name)]
    others = [f"{key} {value}" for key, value in given.items() if _plain(key) not in _WHO and value]
    parts = [email, event, *keys, *others, names.customer(item.customer)]
    more = [_shorten(part) for part in dict.fromkeys(parts) if part and part != who]
    return who, tuple(more[:MAX_MORE])


def _read(parameters: str) -> dict[str, str]:
    """The parameters that are one value, as text."""
    try:
        given = msgspec.json.decode(parameters, type=dict[str, Any]) if parameters else {}
    except (msgspec.DecodeError, RecursionError):
        return {}
    return {name: str(value).strip() for name, value in given.items() if isinstance(value, str | int | float)}


def _first(given: dict[str, str], wanted: tuple[str, ...]) -> str:
    return next((value for name, value in given.items() if _plain(name) in wanted and value), "")


def _plain(name: str) -> str:
    """A parameter's name without case and marks: `First Name`, `first_name` and `firstName` are one."""
    return _NOT_IN_NAMES.sub("", name.lower())


def _shorten(text: str) -> str:
    return text if len(text) <= MAX_VALUE else f"{text[:MAX_VALUE]}…"
