"""The values that a filter sees, made ready for the engine.

The engine copies what it is given, and its own values are slow to make: a payload of 10 KB takes milliseconds. So it
gets only the fields that the filter names.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

import msgspec

from clew.core.cutting import TOO_DEEP
from clew.triggers.cel_engine import new_context
from clew.triggers.clauses import Path

if TYPE_CHECKING:
    from cel.cel import Context, Program

MAX_DEPTH = 200
"""Containers inside each other. The engine goes into them by recursion: some thousands end the process."""
_LARGEST_DOUBLE = 2**1023


class Reading(msgspec.Struct):
    """What a filter reads of a value: all of it, or its size, or only what is inside at some steps."""

    is_whole: bool = False
    is_measured: bool = False
    inside: dict[str | int, Reading] = {}


def plan_reading(paths: Iterable[Path]) -> Reading:
    """What these paths read of the values that a filter's names stand for."""
    root = Reading()
    for path in paths:
        reading = root
        for step in path.steps:
            reading = reading.inside.setdefault(step, Reading())
        if path.is_measured or path.is_probed:
            reading.is_measured = True
        else:
            reading.is_whole = True
    return root


def _pick(value: Any, reading: Reading) -> Any:
    """The value with nothing inside but what is read. What is only counted is null."""
    if reading.is_whole:
        return value
    if isinstance(value, dict):
        picked: Any = dict.fromkeys(value) if reading.is_measured else {}
    elif isinstance(value, list | tuple):
        picked = [None] * len(value)
    else:
        return value
    for step, inside in reading.inside.items():
        if has_step(value, step):
            picked[step] = _pick(value[step], inside)
    return picked


class Values:
    """What a filter's names stand for, and what it reads of that. Reading it never raises."""

    def __init__(self, values: Mapping[str, Any], reading: Reading) -> None:
        self._values = values if isinstance(values, dict) else dict(values)
        self._reading = reading

    @cached_property
    def context(self) -> Context:
        """The values as the engine keeps them. What it cannot keep is made what comes nearest: see `_nearest`."""
        picked = _pick(self._values, self._reading)
        if not _is_deeper(picked, MAX_DEPTH):
            try:
                return new_context(picked)
            except (ValueError, TypeError, OverflowError):
                pass  # a value that JSON cannot have made, or a number beyond all doubles
        return new_context({name: _nearest(value, MAX_DEPTH) for name, value in picked.items()})

    def read(self, program: Program) -> Any:
        """What the program makes of them, None where it fails."""
        try:
            return program.execute(self.context)
        except Exception:  # the engine's errors have many types
            return None

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
    return isinstance(step, int) and isinstance(value, list | tuple) and step < len(value)


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
    """A value that the engine can keep. A number beyond doubles is infinite, what is strange or too deep is text."""
    if isinstance(value, dict):
        return {_text(str(key)): _nearest(inside, depth - 1) for key, inside in value.items()} if depth else TOO_DEEP
    if isinstance(value, list | tuple):
        return [_nearest(inside, depth - 1) for inside in value] if depth else TOO_DEEP
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= _LARGEST_DOUBLE:
        return math.inf if value > 0 else -math.inf
    if value is None or isinstance(value, bool | int | float | bytes | datetime | timedelta):
        return value
    return _text(value if isinstance(value, str) else repr(value))


def _text(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()
