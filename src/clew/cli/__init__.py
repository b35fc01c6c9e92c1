"""The command `clew`.

Exit codes: 0 done, 1 it could not be done, 2 it was called wrongly. What is asked for goes to standard output, all
else to standard error.
"""

from __future__ import annotations

import click

from clew.cli.backing_up import backup, restore_backup
from clew.cli.command import Command
from clew.cli.examining import doctor
from clew.cli.exporting import export
from clew.cli.keys import keys, sign_in_link
from clew.cli.searching import search
from clew.cli.serving import demo, print_settings, serve
from clew.cli.tailing import tail


@click.group(cls=Command, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="clew")
def main() -> None:
    """Follow the thread from an order to the reason why it is not there."""


for command in (serve, demo, print_settings, keys, sign_in_link, backup, restore_backup, search, tail, doctor, export):
    main.add_command(command)
