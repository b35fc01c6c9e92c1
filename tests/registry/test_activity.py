import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from clew.core.clock import FakeClock
from clew.core.settings import Settings
from clew.registry.registry import Registry
from clew.state import database as database_module


def active_at(registry: Registry) -> dict[str, int | None]:
    customers = {one.key: one.last_active_at for one in registry.customers.list("w")}
    return customers | {one.key: one.last_active_at for one in registry.connections.list("w")}


def see(registry: Registry) -> None:
    registry.customers.see("w", ["acme", "brick"], 5)
    registry.connections.see("w", [("c1", "acme", ""), ("c2", "brick", "")], 5)


def test_who_was_named_last_is_on_disk_when_it_closes(
    registry: Registry, clock: FakeClock, open_another: Callable[[], Registry]
) -> None:
    see(registry)
    registry.activity.note("w", {"acme", ""}, {("c1", "acme", "")})
    clock.advance(1_000)
    registry.activity.note("w", {"acme"}, set())
    registry.activity.note("v", {"brick"}, set())
    registry.activity.close()
    registry.activity.close()
    now_ms = clock.now_ms()
    expected = {"acme": now_ms, "brick": None, "c1": now_ms - 1_000, "c2": None}
    assert active_at(registry) == expected
    assert active_at(open_another()) == expected


def test_it_is_written_once_a_minute_and_not_for_each_record(registry: Registry, clock: FakeClock) -> None:
    see(registry)
    registry.activity.note("w", {"acme"}, set())
    clock.advance(59_999)
    registry.activity.note("w", {"acme"}, set())
    registry.activity._writer.submit(lambda: None).result(timeout=10)
    assert active_at(registry)["acme"] is None
    clock.advance(1)
    registry.activity.note("w", {"brick"}, set())
    registry.activity._writer.submit(lambda: None).result(timeout=10)
    assert active_at(registry)["acme"] == clock.now_ms() - 1
    assert active_at(registry)["brick"] == clock.now_ms()


def test_a_later_time_of_another_process_is_kept(registry: Registry, other: Registry, clock: FakeClock) -> None:
    see(registry)
    registry.activity.note("w", {"acme"}, set())
    clock.advance(1_000)
    other.activity.note("w", {"acme"}, set())
    other.activity.close()
    registry.activity.close()
    assert active_at(registry)["acme"] == clock.now_ms()


def test_a_database_that_does_not_answer_refuses_nobody(
    settings: Settings,
    clock: FakeClock,
    monkeypatch: pytest.MonkeyPatch,
    open_another: Callable[[], Registry],
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(database_module, "BUSY_S", 0.05)
    registry = open_another()
    see(registry)
    holder = sqlite3.connect(Path(settings.data_dir) / "state.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    registry.activity.note("w", {"acme"}, set())
    registry.activity.close()
    holder.execute("ROLLBACK")
    holder.close()
    assert "was not written down" in caplog.text
    registry.activity.note("w", {"acme"}, set())
    clock.advance(60_000)
    registry.activity.note("w", {"acme"}, set())  # after `close`: nothing is taken any more, and nobody is refused
