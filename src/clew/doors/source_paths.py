"""Where a source finds its values: JSONPaths and headers, compiled once, and what they find, as text."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import jsonpath
import msgspec

from clew.core.errors import SettingsError
from clew.registry.declare import Source

MAX_VALUE = 200
MAX_KEY_VALUE = 500
# Control characters, and halves of surrogate pairs, which are no text.
_UNFIT = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_HEADER = "header:"


class Found(msgspec.Struct, kw_only=True):
    """What was found for one event. `notes` say what was there and could not be taken."""

    event: str = ""
    customer: str = ""
    connection: str = ""
    delivery_id: str = ""
    keys: dict[str, str] = {}
    notes: list[str] = []


class SourcePaths:
    """A source's expressions, compiled. Made once for each source.

    Raises `SettingsError`, with the place of the declaration, for a JSONPath that is none.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        self._event = self._compiled(source.event)
        self._customer = self._compiled(source.customer)
        self._connection = self._compiled(source.connection)
        self._delivery_id = self._compiled(source.delivery_id)
        self._keys = {name: self._compiled(expression) for name, expression in source.keys.items()}
        self._each = self._path(source.each) if source.each else None

    @property
    def needs_json(self) -> bool:
        """Whether an event's name can only be found in JSON."""
        return isinstance(self._event, jsonpath.JSONPath | jsonpath.CompoundJSONPath)

    def find(self, data: Any, whole: Any, headers: Mapping[str, str]) -> Found:
        """The values of one event: `data` is its own JSON, `whole` the body's, `headers` in lower case."""
        notes: list[str] = []
        places = (data,) if data is whole else (data, whole)

        def take(what: str, expression: _Expression, most: int = MAX_VALUE) -> str:
            text, note = _text(_value(expression, places, headers), most)
            if note:
                notes.append(f"The {what} was not taken: {note}.")
            return text

        keys = {name: take(f"key {name!r}", expression, MAX_KEY_VALUE) for name, expression in self._keys.items()}
        return Found(
            event=take("event's name", self._event),
            customer=take("customer", self._customer),
            connection=take("connection", self._connection),
            delivery_id=take("delivery's id", self._delivery_id),
            keys={name: value for name, value in keys.items() if value},
            notes=notes,
        )

    def events_in(self, whole: Any) -> list[tuple[tuple[str | int, ...], Any]]:
        """Each event of a body and where it is: by `each`, else an array's elements, else the body itself."""
        if self._each is not None:
            return [(match.parts, match.obj) for match in self._each.finditer(whole)]
        if isinstance(whole, list):
            return [((place,), element) for place, element in enumerate(whole)]
        return [((), whole)]

    def _compiled(self, expression: str) -> _Expression:
        return self._path(expression) if expression.startswith("$") else expression

    def _path(self, expression: str) -> jsonpath.JSONPath | jsonpath.CompoundJSONPath:
        try:
            return jsonpath.compile(expression)
        except jsonpath.JSONPathError as error:
            what = str(error).partition("\n")[0]
            raise SettingsError(
                f"{self.source.declared_at}: {expression!r} of the source {self.source.key!r} is no JSONPath: {what}.",
                hint='Write it as RFC 9535 has it: "$.data.number".',
            ) from error


_Expression = jsonpath.JSONPath | jsonpath.CompoundJSONPath | str


def _value(expression: _Expression, places: tuple[Any, ...], headers: Mapping[str, str]) -> Any:
    if isinstance(expression, str):
        is_header = expression.startswith(_HEADER)
        return headers.get(expression.removeprefix(_HEADER).lower()) if is_header else expression
    for data in places:
        match = expression.match(data) if isinstance(data, dict | list) else None
        if match is not None and match.obj is not None:
            return match.obj
    return None


def _text(value: Any, most: int) -> tuple[str, str]:
    """A value as text, and why it could not be taken."""
    if value is None:
        return "", ""
    if isinstance(value, dict | list):
        return "", f"it is {'an array' if isinstance(value, list) else 'an object'}, and a text is needed"
    if isinstance(value, int) and value.bit_length() > 3 * most:
        return "", f"it has more than {most} digits"
    text = json.dumps(value) if isinstance(value, bool) else str(value)
    refused = _refused(text, most)
    return ("", refused) if refused else (text, "")


def _refused(text: str, most: int) -> str:
    found = _UNFIT.search(text)
    if found:
        return f"it has the character U+{ord(found.group()):04X}"
    return f"it is longer than {most} characters" if len(text) > most else ""
