"""The filters of a list as options of a command, in the words of the HTTP API."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any

import click

from clew.api.description import FILTERS
from clew.log.parameters import CHOICES

Command = Callable[..., None]


def filter_options(names: Iterable[str]) -> Callable[[Command], Command]:
    """Adds these filters to a command as options: `http_status` as `--http-status`. Each may be repeated.

    The command is called with `filters`: the pairs of name and value that were given.
    """
    wanted = tuple(names)

    def decorate(command: Command) -> Command:
        @functools.wraps(command)
        def call(**given: Any) -> None:
            values = {name: given.pop(_parameter(name)) for name in wanted}
            command(filters=[(name, value) for name in wanted for value in values[name]], **given)

        options: Command = call
        for name in reversed(wanted):
            options = _option(name)(options)
        return options

    return decorate


def _option(name: str) -> Callable[[Command], Command]:
    choices = CHOICES.get(name)
    return click.option(
        f"--{name.replace('_', '-')}",
        _parameter(name),
        multiple=True,
        type=click.Choice(choices) if choices else str,
        metavar=None if choices else "TEXT",
        help=FILTERS[name][0].replace("`", ""),
    )


def _parameter(name: str) -> str:
    """Its name in Python: `from` is a word of the language."""
    return f"filter_{name}"
