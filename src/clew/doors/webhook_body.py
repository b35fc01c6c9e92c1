"""What a webhook's body holds: JSON, a form, a query, or something else. The sender decides, so nothing is refused.

What it is given has no secrets any more.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from clew.core.json_text import is_deeper, pointer_of
from clew.doors.source_paths import SourcePaths

_BOM = b"\xef\xbb\xbf"
FORM = "application/x-www-form-urlencoded"


class Element(msgspec.Struct, frozen=True):
    """One event: its data, its text as it came, and its JSON Pointer in the body."""

    data: Any
    text: str
    pointer: str = ""


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """A body that was read. `problem` says why it is no JSON; `parameters` are those of a form or a query."""

    elements: list[Element]
    whole: Any = None
    parameters: dict[str, Any] = {}
    is_json: bool = False
    problem: str = ""


def is_form(body: bytes, content_type: str) -> bool:
    """Whether a body is to be read as a form: it says so, and is no JSON by its first character, as curl sends it."""
    return content_type.partition(";")[0].strip().lower() == FORM and not body.lstrip().startswith((b"{", b"["))


def read_document(text: str | None, content_type: str, url: str, paths: SourcePaths, max_depth: int) -> Document:
    """Read a body. `text` is None where it is no UTF-8. A request without a body is its query."""
    query = _fields(url.partition("?")[2].partition("#")[0])
    if text is None:
        return Document(elements=[Element(None, "")], parameters=query, problem="the body is no UTF-8")
    if not text.strip():
        return Document(elements=[Element(query, "")], whole=query, parameters=query)
    if is_form(text.encode(), content_type):
        return _read_form(text, query, paths, max_depth)
    return _read_json(text, query, paths, max_depth)


def _read_form(text: str, query: dict[str, Any], paths: SourcePaths, max_depth: int) -> Document:
    fields = _fields(text)
    payload = fields.get("payload")
    # GitHub and Slack can send their JSON as the one field of a form.
    if len(fields) == 1 and isinstance(payload, str) and payload.lstrip().startswith(("{", "[")):
        inner = _read_json(payload, query, paths, max_depth, ["payload"])
        if inner.is_json:
            return inner
    return Document(elements=[Element(fields, text)], whole=fields, parameters={**query, **fields})


def _read_json(
    text: str, query: dict[str, Any], paths: SourcePaths, max_depth: int, outer: Sequence[str | int] = ()
) -> Document:
    body = text.encode()
    try:
        whole = _loads(text.removeprefix("\ufeff"))
        problem = f"it is nested deeper than {max_depth}" if is_deeper(body, max_depth) else ""
    except RecursionError:
        problem = f"it is nested deeper than {max_depth}"
    except json.JSONDecodeError as error:
        problem = f"{error.msg} at line {error.lineno}, column {error.colno}"
    except ValueError as error:
        problem = str(error)
    if problem:
        return Document(elements=[Element(None, text)], parameters=query, problem=f"the body is no JSON: {problem}")
    texts = _Texts(body)
    elements = [
        Element(data, texts.at(parts, data) if parts else text, pointer_of([*outer, *parts]))
        for parts, data in paths.events_in(whole)
    ]
    return Document(elements=elements, whole=whole, parameters=query, is_json=True)


def _loads(text: str) -> Any:
    def no_constant(name: str) -> None:
        raise ValueError(f"{name} is no JSON")

    try:
        return json.loads(text, parse_float=Decimal, parse_constant=no_constant)
    except json.JSONDecodeError:
        raise
    except ValueError:  # an integer with more digits than Python converts at once
        return json.loads(text, parse_float=Decimal, parse_int=Decimal, parse_constant=no_constant)


def _fields(encoded: str) -> dict[str, Any]:
    """Fields by name; the values of a name that comes more than once are a list."""
    fields: dict[str, Any] = {}
    for name, value in parse_qsl(encoded, keep_blank_values=True):
        if name not in fields:
            fields[name] = value
        elif isinstance(fields[name], list):
            fields[name].append(value)
        else:
            fields[name] = [fields[name], value]
    return fields


class _Texts:
    """The texts of values inside a body, byte for byte as they came. Each container on the way is split once."""

    def __init__(self, body: bytes) -> None:
        self._body = msgspec.Raw(body.removeprefix(_BOM))
        self._split: dict[tuple[str | int, ...], Any] = {}

    def at(self, parts: tuple[str | int, ...], data: Any) -> str:
        """The text at this path. A body that msgspec does not read (half of a surrogate pair) is written anew."""
        try:
            return str(self._raw(parts), "utf-8")
        except msgspec.DecodeError:
            return json.dumps(data, default=float)

    def _raw(self, parts: tuple[str | int, ...]) -> msgspec.Raw:
        if not parts:
            return self._body
        outer = parts[:-1]
        if outer not in self._split:
            raw = self._raw(outer)
            kind: Any = list[msgspec.Raw] if bytes(raw).lstrip()[:1] == b"[" else dict[str, msgspec.Raw]
            self._split[outer] = msgspec.json.decode(raw, type=kind)
        found: msgspec.Raw = self._split[outer][parts[-1]]
        return found
