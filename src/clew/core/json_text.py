"""JSON as text: find places in it without reading it into values.

A payload is kept byte for byte as it came, so what is done to it is done to its text. The scanner takes what is no
JSON as far as it goes: it never raises, and it is linear in the text's length whatever the text is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator

import msgspec

# A string is taken to its end or, where it has none, to the end of the text: an open string must not be tried again
# from each quote inside it. A string before a colon is a member's name, group 1; a mark is group 2.
_TOKEN = re.compile(r'(?:("(?:[^"\\]++|\\.)*+"?)\s*+:)|"(?:[^"\\]++|\\.)*+"?|([{}\[\],])', re.DOTALL)
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_SCALAR = re.compile(r'[^\s,\[\]{}"]*+')
_STRING_VALUE = re.compile(r'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_SPACE = re.compile(r"\s*+")
_SAME_BRACKETS = bytes.maketrans(b"{}", b"[]")
_NO_BRACKETS = bytes(byte for byte in range(256) if byte not in b"{}[]")

# Beyond this the place of what is too deep is not looked for: the answer would cost more than the request.
_MAX_LOOKED_THROUGH = 1_000_000

Path = list[str | int]
"""Where a value is: names of members and places in arrays, from the outside."""


class Span(msgspec.Struct, frozen=True):
    """A value in a text: `text[start:end]`, and its JSON Pointer."""

    start: int
    end: int
    pointer: str


def pointer_of(path: Path) -> str:
    """The JSON Pointer (RFC 6901) of a path: `/items/0/a~1b`."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)


def find_values(
    text: str, is_wanted_name: Callable[[str], bool], is_wanted_path: Callable[[Path], bool] | None = None
) -> list[Span]:
    """The values whose name or path is wanted, in order, outermost only: inside a wanted value nothing is looked at.

    `is_wanted_path` sees each member's and each element's path; it must not keep or change the list.
    """
    found: list[Span] = []
    path: Path = []
    behind = 0  # what begins before it lies inside a value that was found
    for token in _TOKEN.finditer(text):
        if token.lastindex is None or token.start() < behind:
            continue
        name = _step(path, token)
        if name is None:
            continue
        if (isinstance(name, str) and is_wanted_name(name)) or (is_wanted_path and is_wanted_path(path)):
            start, end = _value_at(text, token.end())
            if end > start:
                found.append(Span(start, end, pointer_of(path)))
                behind = end
    return found


def _step(path: Path, token: re.Match[str]) -> str | int | None:
    """Move the path on by one token. The name or place of the value that may begin behind it, or None."""
    quoted, mark = token.groups()
    if quoted:
        name = quoted[1:-1] if "\\" not in quoted else _unescaped(quoted)
        path[-1:] = [name]  # no object around it: no JSON, but its secrets leave all the same
        return name
    if mark == ",":
        if path and isinstance(path[-1], int):
            path[-1] += 1
            return path[-1]
    elif mark == "{":
        path.append("")
    elif mark == "[":
        path.append(0)
        return 0
    elif path:
        path.pop()
    return None


def _unescaped(quoted: str) -> str:
    try:
        return str(json.loads(quoted, strict=False))
    except ValueError:
        return quoted[1:-1]


def _value_at(text: str, position: int) -> tuple[int, int]:
    start = _SPACE.match(text, position).end()  # type: ignore[union-attr]  # it matches anything, if only nothing
    mark = text[start : start + 1]
    if mark and mark in "{[":
        return start, _end_of_container(text, start)
    pattern = _STRING_VALUE if mark == '"' else _SCALAR
    return start, pattern.match(text, start).end()  # type: ignore[union-attr]  # as above


def _end_of_container(text: str, start: int) -> int:
    depth = 0
    for token in _TOKEN.finditer(text, start):
        mark = token.group(2)
        if mark in ("{", "["):
            depth += 1
        elif mark in ("}", "]"):
            depth -= 1
            if depth == 0:
                return token.end()
    return len(text)


def is_deeper(body: bytes, max_depth: int) -> bool:
    """Whether valid JSON is nested deeper than `max_depth`. A scalar has depth 0, `[]` depth 1.

    A body with few brackets is answered by counting them. Else each pass takes the innermost pair of each nest away,
    which is done in C: a hundred times faster than walking.
    """
    if body.count(b"[") + body.count(b"{") <= max_depth:
        return False
    brackets = _STRING.sub(b"", body).translate(_SAME_BRACKETS, _NO_BRACKETS)
    for _ in range(max_depth):
        if not brackets:
            return False
        brackets = brackets.replace(b"[]", b"")
    return bool(brackets)


def first_deeper(body: bytes, max_depth: int) -> str:
    """The JSON Pointer of the first value nested deeper than `max_depth`, or "" where it was not found soon."""
    for path in _containers(body[:_MAX_LOOKED_THROUGH].decode("utf-8", "replace")):
        if len(path) > max_depth:
            return pointer_of(path[:-1])
    return ""


def _containers(text: str) -> Iterator[Path]:
    path: Path = []
    for token in _TOKEN.finditer(text):
        if token.lastindex is None:
            continue
        _step(path, token)
        if token.group(2) in ("{", "["):
            yield path
