"""Every driver of each contract: the log and a workspace that no other test has, the journal, the runner."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from clew.journal.journal import Journal
from clew.log.memory import MemoryStore
from harness.flow_place import FlowPlace
from harness.journal_place import DRIVERS, Place
from harness.log_samples import put, spread


@pytest.fixture(params=["memory", "clickhouse"])
def store(request):
    return MemoryStore() if request.param == "memory" else request.getfixturevalue("clickhouse_store")


@pytest.fixture
def workspace():
    return f"w-{uuid.uuid4().hex[:12]}"


@pytest.fixture(scope="module")
def spread_out(clickhouse_store):
    """The same records in both stores, once for all filter tests."""
    workspace = f"spread-{uuid.uuid4().hex[:8]}"
    memory, records = MemoryStore(), spread(workspace)
    put(memory, *records)
    put(clickhouse_store, *records)
    return workspace, memory, clickhouse_store


@pytest.fixture(params=["embedded"])
async def place(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[FlowPlace]:
    opened = FlowPlace(tmp_path, request.param)
    yield opened
    await opened.close()


@pytest.fixture(params=DRIVERS)
def journal_place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    place = Place(request.param, tmp_path)
    yield place
    place.close()


@pytest.fixture
def journal(journal_place: Place) -> Journal:
    return journal_place.open()
