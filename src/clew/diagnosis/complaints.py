"""What a refusing body complains of: the fields and messages in the forms in which APIs put them.

Only the usual places are looked at, none deep, so whatever comes back costs little and never fails.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

import msgspec

MAX_COMPLAINTS = 20
"""More are counted by nobody who reads them."""
MAX_TEXT = 300
"""Characters of one message that are said."""

_LISTS = ("errors", "invalid-params", "invalid_params", "violations", "fieldErrors", "details", "detail", "issues")
_MAPS = ("errors", "fieldErrors", "validation_errors", "violations")
_MESSAGES = (
    *("message", "Message", "detail", "msg", "reason", "defaultMessage", "description", "error_description", "title"),
    "value",
)
_WHOLE_FIELDS = ("field", "pointer", "param", "parameter", "property", "attribute")
# Of one error in a list. Of a whole body `path` is the request's and `name` the error's.
_FIELDS = (*_WHOLE_FIELDS, "path", "loc", "propertyPath", "name")
_INNER = ("error", "Error", "fault", "Fault")
_MARKUP = re.compile(r"<(script|style)\b.*?</\1\s*>|<[^>]*>", re.DOTALL | re.IGNORECASE)


class Complaint(msgspec.Struct, frozen=True):
    """One thing that was refused. `field` is "" where it is about the whole."""

    field: str
    message: str

    def say(self) -> str:
        """It in one line: `postal_code: must not be blank`."""
        return f"{self.field}: {self.message}" if self.field else self.message


def find_complaints(body: Any) -> tuple[Complaint, ...]:
    """What a body says is wrong, the most exact first; empty where it says nothing.

    `body` is a JSON value or text. Known are lists of errors (objects or texts) and maps from field to messages under
    `errors` and its like, problem documents (RFC 9457), `message`, `error`, `error.message`, and OAuth, JSON:API,
    GraphQL and OData forms.
    """
    return tuple(dict.fromkeys(islice(_find(body), MAX_COMPLAINTS)))


def _find(body: Any, depth: int = 0) -> Iterator[Complaint]:
    if isinstance(body, str):
        yield from _whole(body)
    elif isinstance(body, list):
        for item in body[:MAX_COMPLAINTS]:
            yield from _of_item(item)
    elif isinstance(body, dict):
        yield from _of_object(body, depth)


def _of_object(body: dict[Any, Any], depth: int) -> Iterator[Complaint]:
    for look in (_in_lists, _in_maps, _inside, _at_top, _as_map):
        found = list(islice(look(body, depth), MAX_COMPLAINTS))
        if found:
            yield from found
            return


def _in_lists(body: dict[Any, Any], _depth: int) -> Iterator[Complaint]:
    for name in _LISTS:
        value = body.get(name)
        for item in value[:MAX_COMPLAINTS] if isinstance(value, list) else ():
            yield from _of_item(item)


def _in_maps(body: dict[Any, Any], _depth: int) -> Iterator[Complaint]:
    for name in _MAPS:
        value = body.get(name)
        if isinstance(value, dict):
            yield from _of_map(value)


def _inside(body: dict[Any, Any], depth: int) -> Iterator[Complaint]:
    for name in _INNER:
        if isinstance(body.get(name), dict | list) and depth < 2:
            yield from _find(body[name], depth + 1)


def _at_top(body: dict[Any, Any], _depth: int) -> Iterator[Complaint]:
    message = _message_of(body)
    if message:
        yield Complaint(_field_of(body, _WHOLE_FIELDS), message)
        return
    for name in _INNER:
        if isinstance(body.get(name), str):
            yield from _whole(body[name])


def _as_map(body: dict[Any, Any], _depth: int) -> Iterator[Complaint]:
    """Django REST: the whole body maps fields to lists of messages."""
    if body and all(isinstance(value, list) and value and isinstance(value[0], str) for value in body.values()):
        yield from _of_map(body)


def _of_map(fields: dict[Any, Any]) -> Iterator[Complaint]:
    for field, messages in islice(fields.items(), MAX_COMPLAINTS):
        for message in messages[:MAX_COMPLAINTS] if isinstance(messages, list) else [messages]:
            text = _message_of(message) if isinstance(message, dict) else message
            if isinstance(text, str) and (clean := _clip(text)):
                yield Complaint(_name_of(field), clean)


def _of_item(item: Any) -> Iterator[Complaint]:
    if isinstance(item, str):
        yield from _whole(item)
    elif isinstance(item, dict):
        message = _message_of(item)
        if message:
            yield Complaint(_field_of(item), message)


def _message_of(item: dict[Any, Any]) -> str:
    for name in _MESSAGES:
        value = item.get(name)
        if isinstance(value, dict):  # OData: {"message": {"lang": "en", "value": "..."}}
            value = value.get("value")
        if isinstance(value, str) and (clean := _clip(value)):
            return clean
    return ""


def _field_of(item: dict[Any, Any], names: tuple[str, ...] = _FIELDS) -> str:
    source = item.get("source")
    places = [item.get(name) for name in names]
    if isinstance(source, dict):  # JSON:API: {"source": {"pointer": "/data/attributes/title"}}
        places += [source.get("pointer"), source.get("parameter")]
    if isinstance(item.get("fields"), list):  # Salesforce: {"fields": ["PostalCode"]}
        places += item["fields"][:1]
    return next((name for place in places if (name := _name_of(place))), "")


def _name_of(place: Any) -> str:
    """A field as people write it: `lines[0].quantity` for `/lines/0/quantity`, `#/lines/0/quantity` and a path."""
    if isinstance(place, str):
        pointer = place.strip().removeprefix("#")
        if not pointer.startswith("/"):
            return _clip(pointer)
        place = [step.replace("~1", "/").replace("~0", "~") for step in pointer[1:].split("/")]
    if not isinstance(place, list):
        return ""
    steps = [str(step) for step in place[:MAX_COMPLAINTS] if isinstance(step, str | int)]
    if len(steps) > 1 and steps[0] in ("body", "query", "header"):  # FastAPI says where, then what
        steps = steps[1:]
    text = "".join(f"[{step}]" if step.isdecimal() else f".{step}" for step in steps)
    return _clip(text.removeprefix("."))


def _whole(text: str) -> Iterator[Complaint]:
    clean = _clip(text)
    if clean:
        yield Complaint("", clean)


def _clip(text: str) -> str:
    """One line without markup, of bounded length."""
    line = " ".join(_MARKUP.sub(" ", text[: 20 * MAX_TEXT]).split())
    return line if len(line) <= MAX_TEXT else line[: MAX_TEXT - 1].rstrip() + "\N{HORIZONTAL ELLIPSIS}"


def say_complaints(complaints: tuple[Complaint, ...]) -> str:
    """The first of them, and how many more there are."""
    if not complaints:
        return ""
    more = len(complaints) - 1
    return complaints[0].say() + (f" (and {more} more)" if more else "")
