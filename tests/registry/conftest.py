from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from clew.core.clock import FakeClock
from clew.core.settings import Settings
from clew.registry.registry import Registry
from harness.state import open_state

# As weak as it may be: what is tested is who gets in, not how long it takes.
FAST = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
ADMIN_KEY = "clew_admin-key-of-the-settings"

Open = Callable[..., Registry]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=str(tmp_path / "data"), admin_key=ADMIN_KEY, workspace="w")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def open_another(settings: Settings, clock: FakeClock) -> Iterator[Open]:
    """Opens the one database again, as another process or a later start would."""
    opened = []

    def open_another(hasher: PasswordHasher = FAST) -> Registry:
        registry = Registry(
            open_state(settings), clock, admin_key=settings.admin_key, workspace=settings.workspace, hasher=hasher
        )
        opened.append(registry)
        return registry

    yield open_another
    for registry in opened:
        registry.close()


@pytest.fixture
def registry(open_another: Open) -> Registry:
    return open_another()


@pytest.fixture
def other(registry: Registry, open_another: Open) -> Registry:
    """The same database, as another process has it open."""
    return open_another()
