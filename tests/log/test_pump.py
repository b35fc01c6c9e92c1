import asyncio
import threading
import time
import uuid

import pytest

from clew.core.clock import FakeClock
from clew.core.errors import Unavailable
from clew.core.ids import new_id
from clew.core.record import Record, encode_line
from clew.journal.journal import Append, Item
from clew.journal.memory import MemoryJournal
from clew.log.memory import MemoryStore
from clew.log.pump import Pump
from clew.log.query import Filter
from clew.log.store import Count

NOW = 1_780_000_000_000
PATIENCE_S = 60


class Faulty(MemoryStore):
    """A store that can be told to fail, before or after it has taken a block."""

    def __init__(self):
        super().__init__()
        self.is_full = False
        self.fails_after = 0
        self.attempts = 0
        self.blocks = []
        self.gate = threading.Event()
        self.gate.set()

    def insert(self, lines, token):
        self.attempts += 1
        self.gate.wait(PATIENCE_S)
        if self.is_full:
            raise Unavailable("no room")
        super().insert(lines, token)
        self.blocks.append((token, lines.count(b"\n")))
        if self.fails_after:
            self.fails_after -= 1
            raise OSError("cut off")


@pytest.fixture
def clock():
    return FakeClock(NOW)


@pytest.fixture
def journal(clock):
    journal = MemoryJournal(clock=clock)
    yield journal
    journal.close()


@pytest.fixture
def store():
    return Faulty()


@pytest.fixture
def pump(journal, store, clock):
    pump = Pump(journal.reader("log"), store, clock)
    yield pump
    store.gate.set()
    pump.stop()


def append(journal, count=1):
    records = [Record(id=new_id(NOW), time=NOW, workspace="w", kind="step") for _ in range(count)]
    items = tuple(Item(record.id, encode_line(record)) for record in records)
    asyncio.run(journal.append(Append(items)))


def held(store):
    return store.count(Filter(workspace="w"))


def until(condition):
    deadline_s = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline_s, "it did not come to pass"
        time.sleep(0.002)


def test_what_was_appended_before_the_start_is_indexed(journal, store, pump):
    append(journal, 3)
    pump.start()
    assert pump.drain(PATIENCE_S)
    assert held(store) == Count(3)


def test_what_is_appended_later_is_indexed(journal, store, pump):
    pump.start()
    for _ in range(5):
        append(journal)
        assert pump.drain(PATIENCE_S)
    assert held(store) == Count(5)
    assert pump.status().inserted_records == 5


def test_small_appends_are_gathered_into_few_blocks(journal, store, pump):
    store.gate.clear()
    pump.start()
    append(journal)
    until(lambda: store.attempts == 1)
    for _ in range(50):
        append(journal)
    store.gate.set()
    assert pump.drain(PATIENCE_S)
    assert [count for _, count in store.blocks] == [1, 50]


def test_a_failing_insert_is_tried_again_until_it_works(journal, store, pump):
    store.is_full = True
    append(journal)
    pump.start()
    until(lambda: store.attempts >= 2)
    assert pump.status().last_error == "Unavailable: no room"
    assert pump.status().failing_since_ms == NOW
    assert held(store) == Count(0)
    store.is_full = False
    assert pump.drain(PATIENCE_S)
    assert held(store) == Count(1)
    assert (pump.status().last_error, pump.status().failing_since_ms) == ("", None)


def test_a_block_cut_off_after_the_store_had_it_is_there_once(journal, store, pump):
    store.fails_after = 1
    append(journal, 4)
    pump.start()
    assert pump.drain(PATIENCE_S)
    assert held(store) == Count(4)
    assert len({token for token, _ in store.blocks}) == 1
    assert store.attempts == 2


def test_no_block_is_passed_over_while_the_first_one_fails(journal, store, pump):
    store.is_full = True
    append(journal)
    pump.start()
    until(lambda: store.attempts >= 1)
    append(journal)
    assert not pump.drain(0.05)
    assert held(store) == Count(0)
    store.is_full = False
    assert pump.drain(PATIENCE_S)
    assert held(store) == Count(2)


def test_a_crash_between_insert_and_commit_doubles_nothing(journal, store, pump):
    append(journal, 3)
    reader = journal.reader("log")
    block = reader.read(20_000)
    store.insert(block.lines, block.token)  # and no commit: the process ends here
    append(journal, 2)
    pump.start()
    assert pump.drain(PATIENCE_S)
    assert held(store) == Count(5)


def test_stop_ends_after_the_current_block_and_leaves_the_rest_in_the_journal(journal, store, pump):
    store.gate.clear()
    pump.start()
    append(journal)
    until(lambda: store.attempts == 1)
    append(journal)
    stopping = threading.Thread(target=pump.stop)
    stopping.start()
    until(pump._stopping.is_set)
    assert pump.status().is_running
    store.gate.set()
    stopping.join()
    assert not pump.status().is_running
    assert held(store) == Count(1)
    second = Pump(journal.reader("log"), store, FakeClock(NOW))
    second.start()
    assert second.drain(PATIENCE_S)
    second.stop()
    assert held(store) == Count(2)


def test_a_pump_that_was_not_started_can_be_stopped(pump):
    pump.stop()
    assert not pump.status().is_running


def test_indexed_until_is_now_while_nothing_waits(pump, clock):
    pump.start()
    assert pump.drain(PATIENCE_S)
    assert pump.indexed_until_ms() == NOW
    clock.advance(7)
    until(lambda: pump.indexed_until_ms() == NOW + 7)


def test_indexed_until_stands_still_at_the_oldest_that_waits(journal, store, pump, clock):
    pump.start()
    assert pump.drain(PATIENCE_S)
    store.gate.clear()
    clock.advance(10)
    append(journal)
    until(lambda: store.attempts == 1)
    clock.advance(10)
    append(journal)
    assert pump.indexed_until_ms() == NOW + 10
    store.gate.set()
    assert pump.drain(PATIENCE_S)
    assert pump.indexed_until_ms() == NOW + 20


def test_the_pump_feeds_the_real_log_each_record_once(journal, clickhouse_store, clock):
    workspace = f"pump-{uuid.uuid4().hex[:8]}"
    records = [Record(id=new_id(NOW + i), time=NOW + i, workspace=workspace, kind="step") for i in range(500)]
    pump = Pump(journal.reader("log"), clickhouse_store, clock)
    pump.start()
    for start in range(0, 500, 100):
        items = tuple(Item(record.id, encode_line(record)) for record in records[start : start + 100])
        asyncio.run(journal.append(Append(items)))
    assert pump.drain(PATIENCE_S)
    pump.stop()
    assert clickhouse_store.count(Filter(workspace=workspace)) == Count(500)
    assert pump.status().inserted_records == 500


def test_while_the_pump_is_paused_the_log_has_what_the_cursor_says_and_the_rest_comes_after(journal, store, pump):
    pump.start()
    with pump.paused(PATIENCE_S):
        append(journal, 3)
        assert not pump.drain(0.2)
        assert store.attempts == 0
    assert pump.drain(PATIENCE_S)
    assert store.attempts == 1


def test_a_pause_waits_for_the_block_that_is_under_way_and_says_so_where_that_does_not_end(journal, store, pump):
    store.gate.clear()
    append(journal, 3)
    pump.start()
    until(lambda: store.attempts)
    with pytest.raises(Unavailable, match="not in the log"), pump.paused(0.01):
        pass
    store.gate.set()
    with pump.paused(PATIENCE_S):
        assert len(store.blocks) == 1
