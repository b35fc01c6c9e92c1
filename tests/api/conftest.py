"""The API over a registry of its own, without a log: what is connected, who changed it, switches and saved views."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from litestar import Litestar, Router
from litestar.di import Provide
from litestar.testing import TestClient

from clew.api.audit import build_audit
from clew.api.authentication import provide_principal
from clew.api.connected import build_connected
from clew.api.connections import build_connections
from clew.api.problems import HANDLERS
from clew.api.switches import build_switches
from clew.api.views import build_views
from clew.core.clock import FakeClock
from clew.core.settings import Settings
from clew.registry.registry import Registry
from clew.state.database import open_database
from harness.registry_api import ADMIN_KEY, Client, KeyWith, W


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def registry(tmp_path: Path, clock: FakeClock) -> Iterator[Registry]:
    opened = Registry(open_database(Settings(data_dir=str(tmp_path))), clock, admin_key=ADMIN_KEY)
    yield opened
    opened.close()


@pytest.fixture
def app(registry: Registry) -> Litestar:
    routers = [*build_connected(registry), *build_connections(registry), *build_switches(registry)]
    return Litestar(
        [Router("/", route_handlers=[*routers, *build_views(registry), build_audit(registry)])],
        dependencies={"principal": Provide(provide_principal, sync_to_thread=False)},
        exception_handlers=HANDLERS,
        openapi_config=None,
    )


@pytest.fixture
def client(app: Litestar) -> Iterator[Client]:
    with TestClient(app) as client:
        client.headers["authorization"] = f"Bearer {ADMIN_KEY}"
        yield client


@pytest.fixture
def key_with(registry: Registry) -> KeyWith:
    """The headers of a key that has these scopes alone."""

    def key_with(*scopes: str, customer: str = "") -> dict[str, str]:
        return {"authorization": f"Bearer {registry.keys.create(W, 'tried', scopes, customer)[1]}"}

    return key_with
