"""Both drivers of the log, and a workspace that no other test has."""

from __future__ import annotations

import uuid

import pytest

from clew.log.memory import MemoryStore
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
