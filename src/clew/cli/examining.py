"""`clew doctor`: is it well, and if not, what to do."""

from __future__ import annotations

import sys

import click
import msgspec

from clew.cli.command import out
from clew.core.clock import SystemClock
from clew.core.settings import load
from clew.operations.doctor.examination import examine
from clew.operations.doctor.finding import Finding

_MARKS = {"ok": "[green]ok     [/green]", "warning": "[yellow]warning[/yellow]", "problem": "[red]problem[/red]"}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def doctor(as_json: bool) -> None:
    """Look at settings, disk, stores, server and machine, and say what to do. It changes nothing.

    Exits with 1 where something does not work.
    """
    found = []
    for finding in examine(load, SystemClock()):
        found.append(finding)
        if not as_json:
            _print(finding)
    has_problem = any(finding.level == "problem" for finding in found)
    if as_json:
        click.echo(msgspec.json.encode({"ok": not has_problem, "findings": found}).decode())
    sys.exit(1 if has_problem else 0)


def _print(finding: Finding) -> None:
    out.print(_MARKS[finding.level], end="  ")
    out.print(f"{finding.part}: {finding.found}", markup=False)
    if finding.todo:
        out.print(f"         {finding.todo}", markup=False)
