"""Values made short enough to be read in a list: what is left out is marked where it was."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """How much of a value is kept, on each of its levels. `depth` counts the containers around a value."""

    items: int
    keys: int
    characters: int
    depth: int


LOG_LIMITS = Limits(items=500, keys=500, characters=500, depth=15)
"""What a log line keeps of its data."""
GLANCE_LIMITS = Limits(items=20, keys=20, characters=200, depth=3)
"""What a sentence about a value can show of it."""

TOO_DEEP = "<max depth reached>"


def cut(value: Any, limits: Limits = LOG_LIMITS) -> Any:
    """The value as JSON values, cut: `...moreItems`, `...moreKeys`, `...` at a text's end, `<max depth reached>`.

    Bytes become `<Blob: 12 bytes>`, anything that is no JSON value its text, so that it never raises for what it meets.
    """
    return _cut(value, limits, limits.depth)


def whole_characters(cut_off: bytes) -> bytes:
    """The beginning of a UTF-8 text without the part of a character at its end; of anything else, all of it."""
    try:
        cut_off.decode()
    except UnicodeDecodeError as error:
        if error.reason == "unexpected end of data":
            return cut_off[: error.start]
    return cut_off


def _cut(value: Any, limits: Limits, depth: int) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _cut_text(value, limits)
    if isinstance(value, dict | list | tuple | set | frozenset):
        if depth == 0:
            return TOO_DEEP
        if isinstance(value, dict):
            return _cut_dict(value, limits, depth)
        return _cut_items(value, limits, depth)
    return _cut_other(value, limits)


def _cut_text(text: str, limits: Limits) -> str:
    text = text if len(text) <= limits.characters else text[: limits.characters] + "..."
    # A lone surrogate cannot be written: it is shown as what Python would write for it.
    return text.encode("utf-8", "backslashreplace").decode()


def _cut_dict(value: dict[Any, Any], limits: Limits, depth: int) -> dict[str, Any]:
    pairs = list(zip(range(limits.keys), value.items(), strict=False))
    kept = {_cut_text(str(key), limits): _cut(inside, limits, depth - 1) for _, (key, inside) in pairs}
    if len(value) > limits.keys:
        kept["...moreKeys"] = len(value) - limits.keys
    return kept


def _cut_items(value: Any, limits: Limits, depth: int) -> list[Any]:
    pairs = list(zip(range(limits.items), value, strict=False))
    kept = [_cut(inside, limits, depth - 1) for _, inside in pairs]
    if len(value) > limits.items:
        kept.append("...moreItems")
    return kept


def _cut_other(value: Any, limits: Limits) -> Any:
    if isinstance(value, int):
        return int(value) if abs(value) < 10**100 else _cut_text(_said(value), limits)
    if isinstance(value, float):
        return float(value) if value - value == 0 else str(value)  # NaN and infinity are no JSON
    if isinstance(value, bytes | bytearray | memoryview):
        return f"<Blob: {len(value)} bytes>"
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, msgspec.Struct):
        return _said(value)
    return _cut_text(_said(value), limits)


def _said(value: object) -> str:
    try:
        return str(value)
    except Exception:  # whatever an object of the user's raises where it is shown
        return f"<{type(value).__name__}>"
