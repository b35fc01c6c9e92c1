"""The page about the API names what the code reads."""

from __future__ import annotations

import re
from pathlib import Path

from clew.api.request_records import MOST_WAITING
from clew.core.failure_class import FAILURE_CLASSES
from clew.core.settings import Settings
from clew.doors.json_events import Event
from clew.doors.steps import ACTIONS, Step
from clew.log.parameters import FILTER_NAMES

PAGE = (Path(__file__).resolve().parents[2] / "docs/api.md").read_text()


def section(title: str) -> str:
    """A section's text, up to the next."""
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert found, title
    return found[1]


def missing(names: tuple[str, ...] | list[str], text: str) -> list[str]:
    return [name for name in names if f"`{name}`" not in text]


def test_it_names_every_field_of_an_event_and_of_a_step() -> None:
    assert missing(Event.__struct_fields__, section("Report events (`ingest`)")) == []
    steps = section("Report what became of an event (`ingest`)")
    assert missing(Step.__struct_fields__, steps) == []
    assert [action for action in ACTIONS if action not in steps] == []
    assert missing(FAILURE_CLASSES, steps) == []


def test_it_names_every_filter() -> None:
    assert missing(FILTER_NAMES, section("Search (`read`)")) == []


def test_the_numbers_that_it_gives_are_those_of_the_code() -> None:
    assert f"{Settings().keep_keys_hours} hours" in section("Send it again")
    assert f"{MOST_WAITING:,}" in section("Why was it refused?")
