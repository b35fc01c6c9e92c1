"""What every command has: where it writes, and how it tells that it could not do what it was asked."""

from __future__ import annotations

import sys
from typing import Any

import click
from rich.console import Console
from rich.markup import escape

from clew.core.errors import BadRequest, ClewError

out = Console(soft_wrap=True, highlight=False)
err = Console(stderr=True, soft_wrap=True, highlight=False)


class Command(click.Group):
    """A group that tells our errors in two lines and exits with 1, or with 2 where it was called wrongly."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except ClewError as error:
            err.print(f"[red]clew:[/red] {escape(error.detail)}", markup=True)
            if error.hint:
                err.print(error.hint, markup=False)
            sys.exit(2 if isinstance(error, BadRequest) else 1)
