from collections.abc import Iterator
from pathlib import Path

import pytest

from clew.core.settings import Settings
from clew.state.database import Database, open_database


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=str(tmp_path / "data"))


@pytest.fixture
def database(settings: Settings) -> Iterator[Database]:
    opened = open_database(settings)
    yield opened
    opened.close()
