"""Every command is there under its name."""

import click
import pytest

from clew.cli import COMMANDS, main


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_found_by_its_name(name):
    command = main.get_command(click.Context(main), name)
    assert command is not None
    assert command.name == name
    assert command.get_short_help_str()


def test_what_is_no_command_is_not_found():
    assert main.get_command(click.Context(main), "nonsense") is None
