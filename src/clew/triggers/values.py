"""The values that filters see, made ready for the engine once."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from clew.core.cutting import TOO_DEEP
from clew.triggers.cel_engine import new_context

if TYPE_CHECKING:
    from cel.cel import Context, Program

    from clew.triggers.clauses import Path

MAX_DEPTH = 200
"""Containers inside each other. The engine goes into them by recursion: some thousands end the process."""
_LARGEST_DOUBLE = 2**1023


class Values:
    """What a filter's names stand for. Reading it never raises."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = dict(values)

    @cached_property
    def context(self) -> Context:
        """The values as the engine keeps them. What it cannot keep is made what comes nearest: see `_nearest`."""
        if not _is_deeper(self._values, MAX_DEPTH):
            try:
                return new_context(self._values)
            except (ValueError, TypeError, OverflowError):
                pass  # a value that JSON cannot have made, or a number beyond all doubles
        return new_context({name: _nearest(value, MAX_DEPTH) for name, value in self._values.items()})

    def read(self, program: Program) -> Any:
        """What the program makes of them, None where it fails."""
        try:
            return program.execute(self.context)
        except Exception:  # the engine's errors have many types
            return None

    def find(self, path: Path) -> Iterator[Any]:
        """The value at the path: one or none."""
        value: Any = self._values
        for step in path.steps:
            if not has_step(value, step):
                return
            value = value[step]
        yield value

    def walk(self, path: Path) -> tuple[int, Any]:
        """How many steps of the path can be taken, and the value after the last of them."""
        value: Any = self._values
        for taken, step in enumerate(path.steps):
            if not has_step(value, step):
                return taken, value
            value = value[step]
        return len(path.steps), value


def has_step(value: Any, step: str | int) -> bool:
    """Whether the value is a map with this key or a list with this place."""
    if isinstance(value, dict):
        return step in value
    return isinstance(value, list | tuple) and isinstance(step, int) and step < len(value)


def _is_deeper(value: Any, depth: int) -> bool:
    level: list[Any] = [value]
    for _ in range(depth + 1):
        inside: list[Any] = []
        for container in level:
            values = container.values() if isinstance(container, dict) else container
            inside += [item for item in values if isinstance(item, dict | list | tuple)]
        if not inside:
            return False
        level = inside
    return True


def _nearest(value: Any, depth: int) -> Any:
    """A value that the engine can keep: numbers beyond all doubles are infinite, what is strange or too deep is text."""
    if isinstance(value, dict | list | tuple) and depth == 0:
        return TOO_DEEP
    if isinstance(value, dict):
        return {_text(str(key)): _nearest(inside, depth - 1) for key, inside in value.items()}
    if isinstance(value, list | tuple):
        return [_nearest(inside, depth - 1) for inside in value]
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= _LARGEST_DOUBLE:
        return math.copysign(math.inf, value)
    if value is None or isinstance(value, bool | int | float | bytes | datetime | timedelta):
        return value
    return _text(repr(value))


def _text(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()
