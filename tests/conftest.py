"""What holds for every test."""

from __future__ import annotations

import hypothesis
import pytest

from clew.core.clock import FakeClock
from clew.log.clickhouse import ClickHouseStore

# No deadline for one example: the tests share two cores with each other and with the servers they start, and how long
# an example takes then says nothing about the code.
hypothesis.settings.register_profile("clew", deadline=None, print_blob=True)
hypothesis.settings.load_profile("clew")


@pytest.fixture(scope="session")
def clickhouse_directory(tmp_path_factory):
    """Where the log of this process lies."""
    return tmp_path_factory.mktemp("clickhouse")


@pytest.fixture(scope="session")
def clickhouse_store(clickhouse_directory):
    """A real log in a directory. A process can open one alone, so tests share it: take a workspace of your own."""
    store = ClickHouseStore(clickhouse_directory, clock=FakeClock())
    yield store
    store.close()
