"""A data directory with a real journal and state, and a log of which only the files matter here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest

from clew.core.clock import FakeClock
from clew.core.settings import Settings
from clew.journal.sqlite import SqliteJournal
from clew.log.freezing import FrozenLog, FrozenTable
from clew.operations.backup import Source
from clew.operations.places import Places, find_places
from clew.state.database import open_database


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=str(tmp_path / "data"))


@pytest.fixture
def places(settings: Settings, clock: FakeClock) -> Places:
    places = find_places(settings)
    places.data_dir.mkdir(mode=0o700)
    open_database(settings).close()
    journal = SqliteJournal(places.journal, clock=clock)
    journal.reader("log")
    journal.close()
    assert places.secret is not None
    places.secret.write_text("a secret of the server")
    part = places.log / "parts" / "20601_1_1_0"
    part.mkdir(parents=True)
    (part / "count.txt").write_text("3")
    (part / "data.bin").write_bytes(bytes(range(256)) * 1000)
    return places


@pytest.fixture
def source(places: Places) -> Source:
    @contextmanager
    def freeze(name: str) -> Iterator[FrozenLog]:
        tables = (
            FrozenTable("log", "CREATE TABLE log", 3, places.log / "parts"),
            FrozenTable("sums", "CREATE", 0, None),
        )
        yield FrozenLog(tables=tables, schema=1, engine="26.9")

    assert places.state is not None
    return Source(journal=places.journal, state=places.state, secret=places.secret, pause=nullcontext, freeze=freeze)
