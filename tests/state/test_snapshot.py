from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from clew.core.clock import FakeClock
from clew.core.errors import Unavailable
from clew.core.settings import Settings
from clew.state.database import Database, open_database
from clew.state.snapshot import MAX_AGE_MS, Snapshot
from clew.state.tables import products


class Loader:
    """Reads the keys of all products and counts how often."""

    def __init__(self) -> None:
        self.loads = 0

    def __call__(self, connection: sa.Connection) -> list[str]:
        self.loads += 1
        return list(connection.scalars(sa.select(products.c.key).order_by(products.c.key)))


@pytest.fixture
def other(settings: Settings, database: Database) -> Iterator[Database]:
    """The same file, as another process has it open."""
    opened = open_database(settings)
    yield opened
    opened.close()


def add(database: Database, key: str, *topics: str) -> None:
    with database.write(*topics) as connection:
        connection.execute(sa.insert(products).values(workspace="w", key=key, declared=False, created_at=1))


def test_what_another_process_changes_is_seen_within_the_age(database: Database, other: Database) -> None:
    clock, load = FakeClock(), Loader()
    snapshot = Snapshot(database, clock, "products", load)
    add(other, "erp", "products")
    clock.advance(MAX_AGE_MS - 1)
    assert snapshot.value() == []
    clock.advance(1)
    assert snapshot.value() == ["erp"]


def test_it_reads_anew_only_when_its_topic_moved(database: Database, other: Database) -> None:
    clock, load = FakeClock(), Loader()
    snapshot = Snapshot(database, clock, "products", load)
    add(other, "erp", "customers")
    add(other, "ship")
    clock.advance(MAX_AGE_MS)
    assert snapshot.value() == []
    assert load.loads == 1


def test_who_needs_a_fresher_answer_may_ask_for_it(database: Database, other: Database) -> None:
    clock = FakeClock()
    snapshot = Snapshot(database, clock, "products", Loader())
    add(other, "erp", "products")
    clock.advance(100)
    assert snapshot.value(101) == []
    assert snapshot.value(100) == ["erp"]
    add(other, "ship", "products")
    assert snapshot.refresh() == ["erp", "ship"]


def test_a_clock_that_is_set_back_makes_no_answer_old(database: Database, other: Database) -> None:
    clock = FakeClock()
    snapshot = Snapshot(database, clock, "products", Loader())
    add(other, "erp", "products")
    clock.advance(-86_400_000)
    assert snapshot.value() == ["erp"]


def test_an_old_answer_is_not_given_for_a_new_one(settings: Settings, database: Database, other: Database) -> None:
    clock = FakeClock()
    snapshot = Snapshot(database, clock, "products", Loader())
    with other.write() as connection:
        connection.execute(sa.text("ALTER TABLE revisions RENAME TO elsewhere"))
    assert snapshot.value() == []
    clock.advance(MAX_AGE_MS)
    with pytest.raises(Unavailable):
        snapshot.value()
