"""The CEL engine: the compiled part of `common-expression-language`, without its command line.

`import cel` also imports a command line for people, which takes a third of a second and brings nine packages (typer,
pydantic, prompt-toolkit) that nothing here calls. The extension module is whole without it and loads in 10 ms.
"""

from __future__ import annotations

import sys
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cel.cel import Context, Program

_NAME = "cel.cel"


def _load() -> Any:
    loaded = sys.modules.get(_NAME)
    if loaded is not None:
        return loaded
    package = PathFinder.find_spec("cel")
    spec = PathFinder.find_spec(_NAME, package.submodule_search_locations) if package else None
    if spec is None or spec.loader is None:
        raise ModuleNotFoundError("Filters need common-expression-language: install it beside Clew.", name="cel")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    sys.modules[_NAME] = module  # an extension is loaded once in a process, also where someone imports cel itself
    return module


_engine = _load()


def compile_program(text: str) -> Program:
    """The expression, ready to be evaluated many times. Raises `ValueError` with the engine's own words."""
    program: Program = _engine.compile(text)
    return program


def new_context(values: dict[str, Any]) -> Context:
    """The values as the engine keeps them. Raises `ValueError` for one it cannot keep."""
    context: Context = _engine.Context(values)
    return context
