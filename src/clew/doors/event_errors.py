"""What is wrong with a request's events or steps, in words: from the decoder's messages to places in the body.

Only a request that is refused comes here, so it may be read again, one by one, to name more than the first fault.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from clew.core.errors import BadRequest, ClewError, FieldError, Invalid
from clew.core.json_text import first_deeper, pointer_of

Form = Literal["object", "array", "lines"]

MAX_REPORTED = 20
"""No more places than this are named in one answer."""

_AT = re.compile(r"(?P<what>.*?)(?: - at `(?P<key>key in )?\$(?P<path>.*)`)?\Z", re.DOTALL)
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]|\[\.\.\.\]")
_FIELD = re.compile(r"Object (?:missing required|contains unknown) field `(?P<name>.*)`\Z", re.DOTALL)
_BYTE = re.compile(r" \(byte (\d+)\)\Z")
# Every escape is taken in turn, whole pairs as one, so that what is left over is half a pair.
_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)", re.DOTALL
)
_WORDS = {"str": "string", "int": "integer", "float": "number", "bool": "boolean", "datetime": "string (RFC 3339)"}
_HINTS = {
    "status": "It is info, success or failure.",
    "direction": "It is one-way or two-way.",
    "time": "Write it as RFC 3339 in UTC: 2026-11-22T06:41:25.410Z.",
    "keys": 'Keys are names with a string or an integer: {"order": "SO-1001"}.',
    "duration_ms": "It is a whole number of milliseconds, 0 or more.",
}


class Sort(msgspec.Struct, frozen=True, kw_only=True):
    """What a request's objects are called, with their article, and the names of their fields."""

    noun: str
    article: str
    fields: tuple[str, ...]


class Sent(msgspec.Struct, frozen=True, gc=False):
    """A request's body, the form that it came in, and what its objects are called."""

    body: bytes
    form: Form
    sort: Sort


class Part(msgspec.Struct, frozen=True):
    """One object's text in a request. `line` is where it stands in a body of lines, else 0."""

    text: bytes
    pointer: str
    line: int = 0

    def says(self, detail: str) -> str:
        """A detail, with the line it is about."""
        return f"line {self.line}: {detail}" if self.line else detail


def split(body: bytes, form: Form) -> list[Part]:
    """The objects' texts. Raises `msgspec.DecodeError` or `RecursionError` for an array that cannot be read."""
    if form == "object":
        return [Part(body, "")]
    if form == "array":
        raws: list[msgspec.Raw] = msgspec.json.decode(body, type=list[msgspec.Raw])
        return [Part(bytes(raw), f"/{place}") for place, raw in enumerate(raws)]
    lines = [(number, line) for number, line in enumerate(body.split(b"\n"), 1) if line.strip()]
    return [Part(line, f"/{place}", number) for place, (number, line) in enumerate(lines)]


def explain(sent: Sent, decoder: msgspec.json.Decoder[Any], error: Exception, max_depth: int) -> ClewError:
    """What made the decoder give up: `BadRequest` where anything in the body is no JSON, else `Invalid`."""
    try:
        parts = split(sent.body, sent.form)
    except msgspec.DecodeError as malformed:
        return _malformed(sent.body, malformed)
    except RecursionError:
        return _too_deep(Part(sent.body, ""), max_depth)
    wrong: list[tuple[int, FieldError]] = []
    for place, part in enumerate(parts):
        try:
            decoder.decode(part.text)
        except msgspec.ValidationError as invalid:
            wrong.append((place, _exact(problem_at("", invalid), part.text)))
        except msgspec.DecodeError as malformed:
            return _malformed(part.text, malformed, part)
        except RecursionError:
            return _too_deep(part, max_depth)
    if not wrong:  # it is read differently apart: several objects on a line, or one over several lines
        return BadRequest(f"The body cannot be read: {_plain(str(error))}.", hint="Write one JSON object a line.")
    return refuse(sent, wrong, len(parts))


def refuse(sent: Sent, wrong: Sequence[tuple[int, FieldError]], count: int) -> Invalid:
    """The answer to objects that are wrong. Each error comes with its object's place and a pointer inside that."""
    parts = split(sent.body, sent.form)
    errors = []
    for place, error in wrong[:MAX_REPORTED]:
        part = parts[place] if place < len(parts) else Part(b"", f"/{place}")
        errors.append(FieldError(part.pointer + error.pointer, part.says(error.detail)))
    first = errors[0]
    places = len({place for place, _ in wrong})
    detail = f"{first.pointer or f'The {sent.sort.noun}'}: {first.detail}"
    if count > 1:
        are = "is" if places == 1 else "are"
        detail = f"{places} of {count} {sent.sort.noun}s {are} wrong, nothing was stored. {detail}"
    return Invalid(detail, hint=_hint_for(wrong[0][1], sent.sort), errors=tuple(errors))


def problem_at(prefix: str, error: msgspec.DecodeError) -> FieldError:
    """The decoder's message as a place in the event and words."""
    match = _AT.match(str(error))
    assert match is not None  # it matches anything
    what, path = match["what"], match["path"] or ""
    steps = [name or place for name, place in _STEP.findall(path) if name or place]
    field = _FIELD.match(what)
    if field:
        steps.append(field["name"])
    pointer = prefix + "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in steps)
    return FieldError(pointer, _plain(what) + ".")


def _exact(error: FieldError, text: bytes) -> FieldError:
    """The decoder does not say which of the keys is wrong: the first that is neither a string nor an integer."""
    if error.pointer != "/keys":
        return error
    try:
        keys = msgspec.json.decode(text, type=_KeysAlone).keys
    except msgspec.DecodeError:
        return error
    for name, raw in keys.items():
        try:
            msgspec.json.decode(raw, type=str | int)
        except msgspec.DecodeError:
            return FieldError(pointer_of(["keys", name]), error.detail)
    return error


class _KeysAlone(msgspec.Struct):
    keys: dict[str, msgspec.Raw]


def place_of(body: bytes, position: int) -> str:
    """A byte's place for a person: `line 3, byte 17 (byte 230 of the body)`."""
    before = body[:position]
    return f"line {before.count(10) + 1}, byte {position - before.rfind(10) - 1} (byte {position} of the body)"


def _malformed(text: bytes, error: msgspec.DecodeError, part: Part | None = None) -> BadRequest:
    said = str(error)
    match = _BYTE.search(said)
    position = int(match.group(1)) if match else len(text)
    what = _BYTE.sub("", said).removeprefix("JSON is malformed: ")
    lone = next((escape for escape in _ESCAPE.finditer(text) if escape.group(1)), None)
    if lone and ("surrogate" in what or "truncated" in what):
        position, what = lone.start(), f"{lone.group().decode()} is half of a surrogate pair and no character"
    elif "truncated" in what:
        what = "it ends too early"
    where = f"line {part.line}, byte {position}" if part and part.line else place_of(text, position)
    return BadRequest(
        f"The body is no JSON: {what} at {where}.",
        hint="Correct the JSON at this place.",
        errors=(FieldError(part.pointer if part else "", f"{what}, {where}"),),
    )


def _too_deep(part: Part, max_depth: int) -> Invalid:
    where = first_deeper(part.text, max_depth + 1)
    return Invalid(
        f"The body is nested deeper than {max_depth}.",
        hint="Send flatter data, or raise CLEW_MAX_DEPTH.",
        errors=(FieldError(part.pointer + outermost(where), part.says(too_deep(max_depth, where))),),
    )


def too_deep(max_depth: int, where: str) -> str:
    """What is said of data that is nested too deep. `where` is a pointer to the place, as far as it is known."""
    return f"It is nested deeper than {max_depth}" + (f", at {where[:200]}." if where else ".")


def outermost(pointer: str) -> str:
    """The first step of a pointer."""
    return "/".join(pointer.split("/")[:2])


def _plain(what: str) -> str:
    """The decoder's words without Python's names for types."""

    def name(match: re.Match[str]) -> str:
        words = [word.strip() for word in match.group(1).split("|")]
        return " or ".join(_WORDS.get(word, word) for word in words if word != "null" or len(words) == 1)

    if _FIELD.match(what):
        return what.replace("Object missing required field", "It lacks the field").replace(
            "Object contains unknown field", "There is no such field:"
        )
    return re.sub(r"`([^`]*)`", name, what)


def _hint_for(error: FieldError, sort: Sort) -> str:
    name = error.pointer.split("/")[1] if error.pointer else ""
    if "no such field" in error.detail:
        from_error = "error" in error.pointer.split("/")[:-1]
        return f"Fields are {_ERROR_FIELDS if from_error else ', '.join(sort.fields)}."
    return _HINTS.get(name, "")


_ERROR_FIELDS = "type, key, message, data, stack, caused_by"
