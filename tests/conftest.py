"""What holds for every test."""

from __future__ import annotations

from pathlib import Path

import hypothesis
import pytest

from clew.core.clock import FakeClock
from clew.log.clickhouse import ClickHouseStore
from clew.log.store import Kept

# No deadline for one example: the tests share two cores with each other and with the servers they start, and how long
# an example takes then says nothing about the code.
hypothesis.settings.register_profile("clew", deadline=None, print_blob=True)
hypothesis.settings.load_profile("clew")


TESTS = Path(__file__).parent
LONGEST = (
    "crash",
    "browser/test_every_page.py",
    "story/test_operations.py",
    "browser",
    "contract/test_log_retention.py",
    "log/test_reports_model.py",
    "story",
    "test_cli.py",
    "log",
    "contract",
)
"""What takes longest, in this order: see `pytest_collection_modifyitems`."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest: several processes take them one after another, and none should be alone
    with a long one at the end."""

    def place(item: pytest.Item) -> int:
        path = item.path.relative_to(TESTS)
        return next((at for at, name in enumerate(LONGEST) if path.is_relative_to(name)), len(LONGEST))

    items.sort(key=place)


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


@pytest.fixture(scope="module")
def small_log(clickhouse_store):
    """The shared log without what the files before put there: a removal writes every part anew, also of other days."""
    for use in clickhouse_store.days():
        clickhouse_store.forget(use.day, (), Kept())
    return clickhouse_store
