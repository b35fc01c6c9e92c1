"""Where in our code an error arose: the last place of a Python stack that is in the user's own module."""

from __future__ import annotations

import re

import msgspec

MAX_STACK = 50_000
"""Characters from the stack's end that are read: the place is among the last."""

_FRAME = re.compile(
    r'^[ \t]*File "(?P<file>[^"\n]{1,500})", line (?P<line>\d{1,9})(?:, in (?P<function>[^\n]*))?\n?'
    r"(?:[ \t]++(?!File )(?P<code>[^\n]*))?",
    re.MULTILINE,
)
_LIBRARY = re.compile(r"site-packages|dist-packages|[/\\]lib[/\\]python|[/\\]clew[/\\](?:flows|core|triggers)[/\\]|^<")


class Place(msgspec.Struct, frozen=True):
    """A line of code. `file` is its name without folders, `code` the line's text, "" where it is not known."""

    file: str
    line: int
    code: str = ""

    def say(self) -> str:
        """`orders.py line 41`."""
        return f"{self.file} line {self.line}"


def find_place(stack: str) -> Place | None:
    """The place nearest to the error that is not in a library; the nearest at all where every place is."""
    frames = list(_FRAME.finditer(stack[-MAX_STACK:]))
    own = [frame for frame in frames if not _LIBRARY.search(frame["file"])]
    if not frames:
        return None
    frame = (own or frames)[-1]
    return Place(re.split(r"[/\\]", frame["file"])[-1], int(frame["line"]), (frame["code"] or "").strip())
