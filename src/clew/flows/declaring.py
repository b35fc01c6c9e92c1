"""Reading a node's function: what it is called, what it asks for, where it stands, and what may be wrong with it."""

from __future__ import annotations

import hashlib
import inspect
import textwrap
from collections.abc import Callable
from typing import Any

import msgspec

from clew.core.errors import SettingsError

GIVEN = ("event", "log", "errors")
"""What every node may ask for by these names."""
RESERVED = (*GIVEN, "products")
"""Names that no node may have."""


class NodeFunction(msgspec.Struct, frozen=True, kw_only=True):
    """A function that is to be a node: its name, the names of its parameters, and `file:line` of its declaration."""

    name: str
    parameters: tuple[str, ...]
    is_async: bool
    place: str


def read_function(function: Callable[..., Any]) -> NodeFunction:
    """What a function says of itself. Raises `SettingsError` for one that cannot be a node."""
    if not inspect.isfunction(function):
        raise SettingsError(f"{function!r} is no function.", hint="A node is a function: put @flow.node above its def.")
    place = place_of(function)
    name = function.__name__
    if not name.isidentifier():
        raise wrong(place, name, "it has no name that others could ask for.", "Write it with def.")
    if name in RESERVED:
        raise wrong(place, name, f"{name!r} is a name that every node knows already.", "Give it another name.")
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise wrong(place, name, "it yields; a node has one output.", "Return a list.")
    return NodeFunction(
        name=name,
        parameters=_parameters(function, name, place),
        is_async=inspect.iscoroutinefunction(function),
        place=place,
    )


def _parameters(function: Callable[..., Any], name: str, place: str) -> tuple[str, ...]:
    parameters = inspect.signature(function).parameters.values()
    for parameter in parameters:
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            raise wrong(
                place,
                name,
                f"its parameter {str(parameter)!r} has no name to be given by.",
                "Name what it needs: nodes before it, products, event, log or errors.",
            )
    return tuple(parameter.name for parameter in parameters)


def place_of(function: Callable[..., Any]) -> str:
    """`file:line` of a function, its decorators included."""
    code = inspect.unwrap(function).__code__
    return f"{code.co_filename}:{code.co_firstlineno}"


def source_of(function: Callable[..., Any]) -> str:
    """What a function does, as text that changes when it does: its source, or its bytecode where there is no file."""
    try:
        return textwrap.dedent(inspect.getsource(function))
    except OSError:
        code = inspect.unwrap(function).__code__
        return f"{code.co_code.hex()} {code.co_consts!r} {code.co_names!r}"


def short_hash(*parts: str) -> str:
    """12 hex digits that stand for these texts."""
    return hashlib.blake2b("\0".join(parts).encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()


def wrong(place: str, name: str, detail: str, hint: str) -> SettingsError:
    """What is wrong with the node of this name."""
    return SettingsError(f"{place}: the node {name!r}: {detail}", hint=hint)
