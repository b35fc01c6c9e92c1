"""Our own code went wrong: a value was not where a node looked for it, or was not what it took it for."""

from __future__ import annotations

import re
from collections.abc import Iterator

from clew.core.record import ErrorInfo
from clew.diagnosis.facts import Facts
from clew.diagnosis.rule import Explanation, explain_as
from clew.diagnosis.stack import Place, find_place

_MISSING = frozenset({"KeyError", "IndexError", "LookupError", "TypeError", "AttributeError"})
_DECODING = frozenset({"JSONDecodeError", "DecodeError", "UnicodeDecodeError"})
_WRONG = frozenset({"ValueError", "ArithmeticError", "ZeroDivisionError", "OverflowError"})
_MAPPING_ERRORS = _MISSING | _DECODING | _WRONG
_QUOTED = re.compile(r"['\"`]([^'\"`]{1,200})['\"`]")
_MISSING_FIELD = re.compile(r"missing required field [`'\"]([^`'\"]+)|reading '([^']+)'", re.IGNORECASE)
_NOTHING = re.compile(r"'?NoneType'?|of (?:undefined|null)")


def is_mapping_error(error: ErrorInfo | None) -> bool:
    """Whether the reason is an exception of code that handles data, no answer and no silence of another system."""
    if error is None:
        return False
    reason = error.innermost()
    name = _class_of(reason)
    # Without a stack a sender's ValidationError is what the other side said of the data.
    return name in _MAPPING_ERRORS or (name == "ValidationError" and bool(reason.stack))


def explain_mapping(facts: Facts) -> Explanation | None:
    """A node did not find a field, or found it to be something else than it took it for."""
    error = facts.record.error
    if facts.status_code or error is None or not is_mapping_error(error):
        return None
    reason = error.innermost()
    place = find_place(facts.stack)
    found = _say_missing(reason, facts, place) or _say_wrong(reason)
    return explain_as(
        "mapping_error",
        f"{_subject(facts)} {found}{_in(place)}",
        "Correct the data where it comes from, or let the node do without it; then run it again.",
    )


def explain_crash(facts: Facts) -> Explanation | None:
    """Code failed in a way that nothing is known of, but its place is."""
    place = find_place(facts.stack)
    if facts.status_code or place is None:
        return None
    what = facts.reason or facts.errors[0].type or "it did not say why"
    return explain_as("code_error", f"{_subject(facts)} failed: {what}{_in(place)}")


def _subject(facts: Facts) -> str:
    return f"Our {'node' if facts.record.kind == 'node_run' else 'step'} {facts.name}"


def _class_of(error: ErrorInfo) -> str:
    """The exception's name without its module."""
    return error.type.rpartition(".")[2]


def _say_missing(reason: ErrorInfo, facts: Facts, place: Place | None) -> str:
    """What was not there, and in what; "" where nothing was missing."""
    name = _class_of(reason)
    message = reason.message.strip()
    where = _say_where(facts, place)
    if name == "KeyError":
        quoted = _QUOTED.fullmatch(message)
        return f"could not find {_quote(quoted[1] if quoted else message)}{where}"
    if field := _MISSING_FIELD.search(message):
        return f"could not find {_quote(field[1] or field[2])}{where}"
    if name == "IndexError":
        return f"asked for an item that is not in its list{where}: {message}"
    if name in ("TypeError", "AttributeError") and _NOTHING.search(message):
        return f"found nothing{where} where it needs a value: {message}"
    return ""


def _say_wrong(reason: ErrorInfo) -> str:
    """What was done that cannot be done."""
    name = _class_of(reason)
    what = reason.message.strip() or name
    if name in _DECODING or name == "ValidationError":
        return f"could not read what it got: {what}"
    return f"got a value that it cannot work with: {what}"


def _say_where(facts: Facts, place: Place | None) -> str:
    """In what it was looked for: ` in lookup's output`, ` in the event`; "" where that is not known."""
    used = [name for name in _inputs(facts) if place is not None and re.search(rf"\b{re.escape(name)}\b", place.code)]
    names = used or list(_inputs(facts))
    if len(names) != 1:
        return ""
    return " in the event" if names[0] == "event" else f" in {names[0]}'s output"


def _inputs(facts: Facts) -> Iterator[str]:
    """The parameters that hold data: the event and the outputs of the nodes before it."""
    given, upstream = facts.parameters.get("input"), facts.parameters.get("upstream")
    names = {*(given if isinstance(given, dict) else ()), *(upstream if isinstance(upstream, dict) else ())}
    yield from sorted(name for name in names if name not in ("log", "errors"))


def _quote(name: str) -> str:
    return f"'{name}'" if name else "a field"


def _in(place: Place | None) -> str:
    return f" ({place.say()})" if place else ""
