"""Who is calling, where it is asked for every event."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from clew.api import authentication
from clew.api.authentication import CALLER_AGE_S, RecentCallers
from clew.core.clock import FakeClock
from clew.core.errors import NotAllowed, NotSignedIn
from clew.core.settings import Settings
from clew.registry.registry import Registry, open_registry


class Moment:
    """A monotonic clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.s = 1_000.0

    def __call__(self) -> float:
        return self.s


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    registry = open_registry(Settings(data_dir=str(tmp_path)), FakeClock())
    yield registry
    registry.close()


@pytest.fixture
def moment() -> Moment:
    return Moment()


@pytest.fixture
def callers(registry: Registry, moment: Moment) -> RecentCallers:
    return RecentCallers(registry.keys, moment)


def key_for(registry: Registry, *scopes: str) -> tuple[str, bytes]:
    key, text = registry.keys.create("default", "sender", scopes)
    return key.id, f"Bearer {text}".encode()


def test_a_header_names_its_caller_the_first_time_and_the_second(registry: Registry, callers: RecentCallers) -> None:
    key_id, header = key_for(registry, "ingest")
    assert [callers.find(header, "ingest").key_id for _ in range(2)] == [key_id, key_id]


def test_a_remembered_caller_needs_the_scope_all_the_same(registry: Registry, callers: RecentCallers) -> None:
    _, header = key_for(registry, "ingest")
    callers.find(header, "ingest")
    with pytest.raises(NotAllowed):
        callers.find(header, "read")


def test_a_revoked_key_is_refused_when_the_memory_of_it_is_old(
    registry: Registry, callers: RecentCallers, moment: Moment
) -> None:
    key_id, header = key_for(registry, "ingest")
    callers.find(header, "ingest")
    registry.keys.archive("default", key_id)
    moment.s += CALLER_AGE_S
    with pytest.raises(NotSignedIn):
        callers.find(header, "ingest")


@pytest.mark.parametrize("header", [b"", b"Bearer", b"Bearer clew_unknown", b"Basic YTpi", b"Bearer \xff"])
def test_a_header_that_names_nobody_is_refused_each_time(callers: RecentCallers, header: bytes) -> None:
    for _ in range(2):
        with pytest.raises(NotSignedIn):
            callers.find(header, "ingest")


def test_more_callers_than_are_remembered_are_all_known(
    registry: Registry, callers: RecentCallers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(authentication, "MOST_CALLERS", 2)
    keys = [key_for(registry, "ingest") for _ in range(5)]
    for key_id, header in [*keys, *keys]:
        assert callers.find(header, "ingest").key_id == key_id
