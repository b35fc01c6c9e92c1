from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from clew.core.clock import FakeClock
from clew.core.settings import Settings
from clew.flows.flow_settings import FlowSettings
from clew.registry.audit import Audit
from clew.state.database import Database, open_database


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = open_database(Settings(data_dir=str(tmp_path)))
    yield opened
    opened.close()


def test_a_flow_is_as_its_code_says_until_someone_decides(database: Database) -> None:
    clock = FakeClock()
    settings = FlowSettings(database, clock)
    assert settings.is_enabled("w", "a")
    assert not settings.is_enabled("w", "a", declared=False)
    saved = settings.save("w", "a", enabled=False, changed_by="ann")
    assert (saved.changed_by, saved.changed_at) == ("ann", clock.now_ms())
    assert settings.find("w", "a") == saved
    assert not settings.is_enabled("w", "a")
    assert settings.is_enabled("v", "a")
    settings.save("w", "a", enabled=True, changed_by="bob")
    assert settings.is_enabled("w", "a", declared=False)


def test_another_process_sees_it_within_a_second(database: Database) -> None:
    clock = FakeClock()
    here, there = FlowSettings(database, clock), FlowSettings(database, clock)
    here.save("w", "a", enabled=False, changed_by="ann")
    clock.advance(1_000)
    assert not there.is_enabled("w", "a")


def test_it_keeps_how_far_each_schedule_came(database: Database) -> None:
    settings = FlowSettings(database, FakeClock())
    settings.pass_over("w", "a", 5)
    settings.pass_over("w", "a", 7)
    settings.pass_over("v", "b", 9)
    assert settings.due_at("w") == {"a": 7}


def test_who_switched_it_is_written_down(database: Database) -> None:
    clock = FakeClock()
    settings = FlowSettings(database, clock)
    settings.save("w", "a", enabled=False, changed_by="ann")
    settings.save("w", "a", enabled=False, changed_by="cid")
    settings.save("w", "a", enabled=True, changed_by="bob")
    entries = Audit(database, clock).list("w")
    assert [(one.actor, one.action, one.subject_kind, one.subject, one.before, one.after) for one in entries] == [
        ("bob", "enabled", "flow", "a", {"enabled": False}, {"enabled": True}),
        ("ann", "disabled", "flow", "a", {}, {"enabled": False}),
    ]
