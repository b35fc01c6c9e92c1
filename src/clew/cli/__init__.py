"""The command `clew`.

Exit codes: 0 done, 1 it could not be done, 2 it was called wrongly. What is asked for goes to standard output, all
else to standard error.
"""

from __future__ import annotations

from importlib import import_module

import click

from clew.cli.command import Command

COMMANDS = {
    "backup": "backing_up.backup",
    "demo": "serving.demo",
    "doctor": "examining.doctor",
    "export": "exporting.export",
    "keys": "keys.keys",
    "restore": "backing_up.restore_backup",
    "search": "searching.search",
    "serve": "serving.serve",
    "settings": "serving.print_settings",
    "sign-in-link": "keys.sign_in_link",
    "tail": "tailing.tail",
}
"""Where each command is, below `clew.cli`."""


class Commands(Command):
    """The commands, each loaded when it is called: all of them need all of the server, one needs a part of it."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Their names."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of this name, None where there is none."""
        if cmd_name not in COMMANDS:
            return None
        module, name = COMMANDS[cmd_name].split(".")
        command: click.Command = getattr(import_module(f"clew.cli.{module}"), name)
        return command


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="clew")
def main() -> None:
    """Follow the thread from an order to the reason why it is not there."""
