"""Retention over a log in memory, at a time of its own."""

from __future__ import annotations

import pytest

from clew.core.clock import FakeClock
from clew.core.settings import Settings
from clew.log.memory import MemoryStore
from clew.log.removals import Removals
from clew.state.database import open_database
from harness.retention import NOW, build, forget_removals


@pytest.fixture(scope="session")
def database(tmp_path_factory):
    database = open_database(Settings(data_dir=str(tmp_path_factory.mktemp("state"))))
    yield database
    database.close()


@pytest.fixture
def removals(database, clock):
    forget_removals(database)
    return Removals(database, clock)


@pytest.fixture
def clock():
    return FakeClock(NOW)


@pytest.fixture
def store():
    return MemoryStore()


@pytest.fixture
def retain(store, removals, clock):
    """Runs retention with some settings, and gives how it stands."""

    def retain(store=store, **settings):
        return build(store, removals, clock, **settings).run()

    return retain
