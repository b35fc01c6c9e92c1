"""All that the doctor looks at, in the order in which one thing rests on another."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from clew.core.clock import Clock
from clew.core.errors import ClewError
from clew.core.settings import Settings
from clew.log.retention import read_ages
from clew.operations.doctor.data_directory import examine_directory
from clew.operations.doctor.finding import Finding, ok, problem
from clew.operations.doctor.log_directory import examine_log, examine_parts, examine_server
from clew.operations.doctor.machine import examine_machine, examine_versions
from clew.operations.doctor.sqlite_stores import examine_journal, examine_state
from clew.operations.places import find_places
from clew.operations.running_server import is_owned


def examine(load: Callable[[], Settings], clock: Clock) -> Iterator[Finding]:
    """Each finding as soon as it is made. Nothing is changed, and no record is read. Never raises `ClewError`."""
    yield examine_versions()
    try:
        settings = load()
        places = find_places(settings)
        read_ages(settings)
    except ClewError as error:
        yield problem("settings", error.detail, error.hint or "`clew settings` prints those in force.")
        return
    yield ok("settings", "They can be read; `clew settings` prints them.")
    yield from examine_machine(settings)
    yield from examine_directory(settings, places)
    if not places.data_dir.is_dir():
        return
    is_running = is_owned(places.log)
    yield from examine_state(places.state)
    yield from examine_journal(places.journal, clock, is_running=is_running)
    yield from examine_server(places) if is_running else examine_log(places)
    yield from examine_parts(places)
