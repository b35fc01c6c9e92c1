"""Samples of a view made from its types: everything there, everything away, and each thing away that may be."""

from __future__ import annotations

import itertools
import types
import typing
from collections.abc import Iterator
from typing import Any, Literal, TypeVar, Union

import msgspec

from clew.web.layout import Layout
from clew.web.rendering import View

DEEPEST = 7
"""How far structs are filled that hold themselves, as a tree of JSON does."""

_ADDRESSES = ("href", "path", "src", "action", "actions", "url")
_Made = TypeVar("_Made", bound=View)


class Maker:
    """Makes samples whose every text is `text`, in the layout `layout`."""

    def __init__(self, text: str, layout: Layout) -> None:
        self._text = text
        self._layout = layout
        self._numbers = itertools.count(1)

    def samples(self, view: type[_Made]) -> Iterator[_Made]:
        """All of a view's samples."""
        full = self._struct(view, 0)
        yield full
        # Where there is trouble the rest may be away; without it all of it is there.
        if "trouble" in view.__struct_fields__:
            yield msgspec.structs.replace(full, trouble=None)
        hints = typing.get_type_hints(view)
        for name in view.__struct_fields__:
            if _is_optional(hints[name]) and name != "trouble":
                yield msgspec.structs.replace(full, **{name: None})
        away = {name: _nothing(hints[name]) for name in view.__struct_fields__ if name not in ("layout", "trouble")}
        yield msgspec.structs.replace(full, **{name: value for name, value in away.items() if value is not _KEEP})

    def _struct(self, struct: type[Any], depth: int) -> Any:
        hints = typing.get_type_hints(struct)
        values = {name: self._value(hints[name], name, depth + 1) for name in struct.__struct_fields__}
        return struct(**values)

    def _value(self, hint: Any, name: str, depth: int) -> Any:
        if hint is Layout:
            return self._layout
        origin, arguments = typing.get_origin(hint), typing.get_args(hint)
        if origin is Literal:
            return arguments[0]
        if origin is tuple:
            return self._tuple(arguments, name, depth)
        if origin in (Union, types.UnionType):
            if depth > DEEPEST and type(None) in arguments:
                return None
            return self._value(next(one for one in arguments if one is not type(None)), name, depth)
        if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
            return self._struct(hint, depth)
        return self._plain(hint, name)

    def _tuple(self, arguments: tuple[Any, ...], name: str, depth: int) -> tuple[Any, ...]:
        if len(arguments) == 2 and arguments[1] is Ellipsis:
            return () if depth > DEEPEST else (self._value(arguments[0], name, depth),)
        return tuple(self._value(one, name, depth) for one in arguments)

    def _plain(self, hint: Any, name: str) -> Any:
        if hint is str:
            number = next(self._numbers)
            return f"/{number}" if name.rpartition("_")[2] in _ADDRESSES else f"{self._text}{number}"
        if hint is bool:
            return True
        if hint is int:
            return 3
        if hint is float:
            return 0.5
        raise TypeError(f"{name}: there is no sample of {hint}")


_KEEP = object()


def _is_optional(hint: Any) -> bool:
    return typing.get_origin(hint) in (Union, types.UnionType) and type(None) in typing.get_args(hint)


def _nothing(hint: Any) -> Any:
    """What stands where there is nothing; `_KEEP` where there always is something."""
    if _is_optional(hint):
        return None
    if typing.get_origin(hint) is tuple and typing.get_args(hint)[-1] is Ellipsis:
        return ()
    return {str: "", bool: False, int: 0}.get(hint, _KEEP) if isinstance(hint, type) else _KEEP
