"""A JSON text as a tree for the eye, made of its own pieces: numbers, escapes and doubled names stay as they came.

A parser would round 12345678901234567890.10 and forget how "\\u00e9" was written, and a page must show what was sent.
So the text is cut into its tokens and nothing is converted. The tree is bounded: a page must stay fast whatever
a sender sends, and the whole is in the raw text and the download.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

import msgspec

MAX_NODES = 2_000
"""What a browser lays out without a pause; more is read in the raw text."""
MAX_DEPTH = 64
"""As deep as intake takes JSON. Text from a webhook may be deeper; it is shown raw."""
MAX_TEXT = 2_000
"""Characters of one value; the rest is read in the raw text."""

Shape = Literal["object", "array", "string", "number", "word"]

_SPACE = re.compile(r"[ \t\n\r]*")
# Possessive quantifiers (*+): a string that never ends is refused in one pass.
_TOKEN = re.compile(
    r'(?P<string>"[^"\\\x00-\x1f]*+(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\x00-\x1f]*+)*+")'
    r"|(?P<number>-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)"
    r"|(?P<word>true|false|null)"
    r"|(?P<mark>[\[\]{}:,])"
)
_CLOSES = {"{": "}", "[": "]"}


class JsonNode(msgspec.Struct, frozen=True, eq=False):
    """One value. `name` is the token before the colon, quotes included, empty in an array and at the root.

    `text` is a scalar's token as it came. `is_cut`: the text or the children go on beyond what is here.
    """

    shape: Shape
    name: str = ""
    text: str = ""
    children: tuple[JsonNode, ...] = ()
    is_cut: bool = False

    def tokens(self) -> Iterator[str]:
        """The pieces of the text, spaces left out. Joined they are the JSON that came, where nothing is cut."""
        if self.name:
            yield self.name
            yield ":"
        if self.shape not in ("object", "array"):
            yield self.text
            return
        yield "{" if self.shape == "object" else "["
        for place, child in enumerate(self.children):
            if place:
                yield ","
            yield from child.tokens()
        yield "}" if self.shape == "object" else "]"


class JsonTree(msgspec.Struct, frozen=True, eq=False):
    """The tree and how many values it has. `is_cut`: there are more than these in the text."""

    root: JsonNode
    count: int
    is_cut: bool


class _NotJson(Exception):
    """The text is no JSON, or deeper than is shown."""


class _Open:
    """A container that is being read."""

    __slots__ = ("children", "mark", "name")

    def __init__(self, name: str, mark: str) -> None:
        self.name = name
        self.mark = mark
        self.children: list[JsonNode] = []

    def closed(self, is_cut: bool = False) -> JsonNode:
        shape: Shape = "object" if self.mark == "{" else "array"
        return JsonNode(shape=shape, name=self.name, children=tuple(self.children), is_cut=is_cut)


def build_json_tree(text: str, max_nodes: int = MAX_NODES) -> JsonTree | None:
    """The tree of a JSON text, or None where it is no JSON. Nothing behind the `max_nodes`th value is looked at."""
    try:
        return _Reader(text, max_nodes).read()
    except _NotJson:
        return None


class _Reader:
    """Reads values one after another, without recursion: a text may nest deeper than the stack."""

    def __init__(self, text: str, max_nodes: int) -> None:
        self._text = text
        self._place = 0
        self._left = max_nodes
        self._max_nodes = max_nodes
        self._open: list[_Open] = []

    def read(self) -> JsonTree:
        while True:
            node = self._value()
            while node is not None:  # a value may end the container around it, and that the next
                if not self._open:
                    return self._end(node)
                self._open[-1].children.append(node)
                node = self._after_value()
            if self._left == 0:
                return self._cut()

    def _value(self) -> JsonNode | None:
        """A scalar or an empty container; None after a container was opened."""
        name = self._name() if self._open and self._open[-1].mark == "{" else ""
        kind, token = self._token()
        self._left -= 1
        if kind != "mark":
            shape: Shape = "string" if kind == "string" else "number" if kind == "number" else "word"
            return JsonNode(shape=shape, name=name, text=token[:MAX_TEXT], is_cut=len(token) > MAX_TEXT)
        if token not in _CLOSES or len(self._open) == MAX_DEPTH:
            raise _NotJson
        container = _Open(name, token)
        if self._next_is(_CLOSES[token]):
            return container.closed()
        self._open.append(container)
        return None

    def _after_value(self) -> JsonNode | None:
        """The container that ends here, or None where another value follows."""
        container = self._open[-1]
        if self._next_is(","):
            return None
        if self._next_is(_CLOSES[container.mark]):
            return self._open.pop().closed()
        raise _NotJson

    def _name(self) -> str:
        kind, token = self._token()
        if kind != "string" or not self._next_is(":"):
            raise _NotJson
        return token

    def _token(self) -> tuple[str, str]:
        self._skip_space()
        match = _TOKEN.match(self._text, self._place)
        if match is None:
            raise _NotJson
        self._place = match.end()
        return str(match.lastgroup), match.group()

    def _next_is(self, mark: str) -> bool:
        self._skip_space()
        if not self._text.startswith(mark, self._place):
            return False
        self._place += 1
        return True

    def _skip_space(self) -> None:
        match = _SPACE.match(self._text, self._place)
        assert match is not None
        self._place = match.end()

    def _end(self, root: JsonNode) -> JsonTree:
        self._skip_space()
        if self._place != len(self._text):
            raise _NotJson
        return JsonTree(root=root, count=self._max_nodes - self._left, is_cut=False)

    def _cut(self) -> JsonTree:
        """Close what is still open: each of these goes on in the text."""
        while len(self._open) > 1:
            node = self._open.pop().closed(is_cut=True)
            self._open[-1].children.append(node)
        return JsonTree(root=self._open.pop().closed(is_cut=True), count=self._max_nodes, is_cut=True)
