"""Records that were acknowledged a moment ago, before a log that is behind."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from clew.api import recent_records
from clew.api.recent_records import RecentRecords
from clew.core.clock import FakeClock
from clew.core.errors import Unavailable
from clew.core.ids import new_id, trace_id_of
from clew.core.record import Record, encode_line
from clew.doors.event_records import Accepted
from clew.journal.journal import Receipt
from clew.log.cursor import CursorCodec
from clew.log.memory import MemoryStore
from clew.log.search import Search


class Indexing:
    """How far the log has come: as far as it is told."""

    def __init__(self) -> None:
        self.until_ms = 0

    def indexed_until_ms(self) -> int:
        return self.until_ms


@pytest.fixture
def indexing() -> Indexing:
    return Indexing()


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def recent(store: MemoryStore, indexing: Indexing, clock: FakeClock) -> Iterator[RecentRecords]:
    search = Search(store, progress=indexing, clock=clock, cursors=CursorCodec(b"secret"))
    yield RecentRecords(search, indexing, clock)
    search.close()


def event(**fields: str) -> Record:
    record_id = new_id(FakeClock().now_ms())
    given = {"id": record_id, "workspace": "w", "kind": "integration_event", "trace_id": trace_id_of(record_id)}
    return Record(time=FakeClock().now_ms(), **{**given, **fields})  # type: ignore[arg-type]


def note(recent: RecentRecords, *records: Record, ids: tuple[str, ...] = ()) -> None:
    accepted = [Accepted(record, b"") for record in records]
    recent.note(accepted, Receipt(ids or tuple(record.id for record in records)))


def keep(store: MemoryStore, *records: Record) -> None:
    store.insert(b"".join(encode_line(record) + b"\n" for record in records), records[0].id)


async def test_an_event_is_found_before_the_log_has_it(recent: RecentRecords) -> None:
    one = event(customer="acme")
    note(recent, one)
    assert await recent.find("w", one.id) == one
    assert await recent.traces_of("w", [one.id]) == {one.id: one.trace_id}


async def test_an_event_of_another_workspace_is_not_found(recent: RecentRecords, indexing: Indexing) -> None:
    one = event()
    note(recent, one)
    indexing.until_ms = FakeClock().now_ms() + 1
    assert await recent.find("other", one.id) is None


async def test_what_came_before_is_not_remembered_under_the_first_ones_id(
    recent: RecentRecords, store: MemoryStore
) -> None:
    first, repeated = event(customer="first"), event(customer="repeated")
    note(recent, repeated, ids=(first.id,))
    keep(store, first)
    assert await recent.find("w", first.id) == first
    assert await recent.traces_of("w", [first.id]) == {first.id: first.trace_id}


@pytest.mark.parametrize("field", ["payload", "parameters"])
async def test_a_large_event_is_left_to_the_log_which_is_waited_for(
    recent: RecentRecords, store: MemoryStore, indexing: Indexing, field: str
) -> None:
    large = event(**{field: "x" * (recent_records.MOST_CHARACTERS + 1)})
    note(recent, large)
    asking = asyncio.create_task(recent.find("w", large.id))
    await asyncio.sleep(0.05)
    assert not asking.done()
    keep(store, large)
    indexing.until_ms = FakeClock().now_ms() + 1
    assert await asking == large


async def test_nothing_is_denied_before_the_log_knows(recent: RecentRecords, indexing: Indexing) -> None:
    asking = asyncio.create_task(recent.find("w", new_id()))
    for until_ms in (0, FakeClock().now_ms() - 1, FakeClock().now_ms()):
        indexing.until_ms = until_ms
        await asyncio.sleep(0.03)
        assert not asking.done()
    indexing.until_ms += 1
    assert await asking is None


async def test_a_log_that_stays_behind_is_told_and_not_taken_for_a_no(
    recent: RecentRecords, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recent_records, "WAIT_S", 0.05)
    with pytest.raises(Unavailable) as behind:
        await recent.find("w", new_id())
    assert behind.value.retry_after_s == 1


async def test_only_the_latest_are_remembered(
    recent: RecentRecords, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recent_records, "MOST_EVENTS", 2)
    monkeypatch.setattr(recent_records, "MOST_TRACES", 3)
    events = [event(customer=str(n)) for n in range(5)]
    note(recent, *events)
    assert await recent.traces_of("w", [one.id for one in events]) == {one.id: one.trace_id for one in events[2:]}
    keep(store, events[2])
    assert await recent.find("w", events[2].id) == events[2]
    assert await recent.find("w", events[3].id) == events[3]
