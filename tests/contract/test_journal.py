"""The journal's contract, sentence by sentence, over both drivers; and a model that holds them together."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from clew.core.clock import HOUR_MS, FakeClock
from clew.core.errors import JournalFull, KeyReused, Unavailable
from clew.core.ids import digest
from clew.journal.journal import Append, Block, Item, Journal, KeysKnown, Once
from clew.journal.memory import MemoryJournal
from clew.journal.sqlite import SqliteJournal

DRIVERS = ["memory", "sqlite"]


class Place:
    """Where a journal is kept: it can be opened again, as after a restart."""

    def __init__(self, driver: str, directory: Path) -> None:
        self.driver = driver
        self.clock = FakeClock()
        self._path = directory / "journal.db"
        self._memory: MemoryJournal | None = None
        self._opened: list[Journal] = []

    def open(self, max_bytes: int = 0) -> Journal:
        """The journal of this place. The memory driver lives as long as the place; the file is opened afresh."""
        if self.driver == "memory":
            self._memory = self._memory or MemoryJournal(clock=self.clock, max_bytes=max_bytes)
            journal: Journal = self._memory
        else:
            journal = SqliteJournal(self._path, clock=self.clock, max_bytes=max_bytes)
        self._opened.append(journal)
        return journal

    def close(self) -> None:
        for journal in self._opened:
            journal.close()


@pytest.fixture(params=DRIVERS)
def journal_place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    place = Place(request.param, tmp_path)
    yield place
    place.close()


@pytest.fixture
def journal(journal_place: Place) -> Journal:
    return journal_place.open()


def item(name: str, key: str = "", size: int = 0) -> Item:
    return Item(name, f'{{"id":"{name}","pad":"{"x" * size}"}}'.encode(), digest(key) if key else b"")


def append_of(*names: str, once: Once | None = None) -> Append:
    return Append(tuple(item(name) for name in names), once)


def lines_of(*names: str) -> bytes:
    return b"".join(item(name).line + b"\n" for name in names)


def read_everything(journal: Journal, name: str = "log", max_records: int = 1_000) -> bytes:
    reader = journal.reader(name)
    lines = b""
    while block := reader.read(max_records):
        lines += block.lines
        reader.commit(block)
    return lines


class TestAppending:
    async def test_an_append_answers_the_ids_it_was_given(self, journal: Journal) -> None:
        receipt = await journal.append(append_of("a", "b"))
        assert (receipt.ids, receipt.duplicates, receipt.repeated) == (("a", "b"), 0, False)

    async def test_lines_come_out_byte_for_byte_and_in_order(self, journal: Journal) -> None:
        odd = Item("odd", '{"id": "odd" ,"n":12345678901234567890,"s":"\\u0000é"}'.encode())
        await journal.append(Append((odd, item("b"))))
        await journal.append(append_of("c"))
        assert read_everything(journal) == odd.line + b"\n" + lines_of("b", "c")

    async def test_a_large_append_comes_out_byte_for_byte(self, journal: Journal) -> None:
        items = tuple(item(f"r{n}", size=2_000) for n in range(1_500))
        await journal.append(Append(items))
        assert read_everything(journal) == b"".join(one.line + b"\n" for one in items)

    async def test_an_append_of_nothing_is_answered_and_adds_nothing(self, journal: Journal) -> None:
        assert (await journal.append(Append(()))).ids == ()
        assert journal.reader("log").read(10) is None
        assert journal.status().last == 0

    async def test_many_waiting_appends_are_all_written_once(self, journal: Journal) -> None:
        names = [f"r{n}" for n in range(500)]
        receipts = await asyncio.gather(*(journal.append(append_of(name)) for name in names))
        assert [receipt.ids for receipt in receipts] == [(name,) for name in names]
        assert sorted(read_everything(journal).splitlines()) == sorted(item(name).line for name in names)


class TestItemKeys:
    async def test_a_key_that_came_before_is_left_out_and_answered_with_the_first_id(self, journal: Journal) -> None:
        await journal.append(Append((item("a", key="k"),)))
        receipt = await journal.append(Append((item("b", key="k"), item("c", key="other"))))
        assert (receipt.ids, receipt.duplicates, receipt.repeated) == (("a", "c"), 1, False)
        assert read_everything(journal) == lines_of("a", "c")

    async def test_a_key_twice_in_one_append_is_written_once(self, journal: Journal) -> None:
        receipt = await journal.append(Append((item("a", key="k"), item("b"), item("c", key="k"))))
        assert (receipt.ids, receipt.duplicates) == (("a", "b", "a"), 1)
        assert read_everything(journal) == lines_of("a", "b")

    async def test_an_empty_key_never_matches(self, journal: Journal) -> None:
        await journal.append(append_of("a", "b"))
        assert (await journal.append(append_of("c"))).duplicates == 0
        assert read_everything(journal) == lines_of("a", "b", "c")

    async def test_an_append_of_duplicates_alone_adds_no_position(self, journal: Journal) -> None:
        await journal.append(Append((item("a", key="k"),)))
        await journal.append(Append((item("b", key="k"),)))
        assert journal.status().last == 1

    async def test_of_waiting_appends_with_the_same_key_one_is_written(self, journal: Journal) -> None:
        receipts = await asyncio.gather(*(journal.append(Append((item(f"r{n}", key="k"),))) for n in range(50)))
        first = receipts[0].ids
        assert {receipt.ids for receipt in receipts} == {first}
        assert sum(receipt.duplicates for receipt in receipts) == 49
        assert read_everything(journal) == lines_of(*first)

    async def test_many_keys_in_one_append_are_each_recognised(self, journal: Journal) -> None:
        items = tuple(item(f"r{n}", key=f"k{n}") for n in range(700))
        assert (await journal.append(Append(items))).duplicates == 0
        again = await journal.append(Append(tuple(item(f"s{n}", key=f"k{n}") for n in range(350, 1_050))))
        assert again.duplicates == 350
        assert again.ids == tuple(f"r{n}" if n < 700 else f"s{n}" for n in range(350, 1_050))


class TestFreshKeys:
    async def test_a_fresh_key_that_came_before_names_its_first_id_and_nothing_is_written(
        self, journal: Journal
    ) -> None:
        await journal.append(Append((item("a", key="k"),)))
        known, new = item("b", key="k"), item("c", key="other")
        with pytest.raises(KeysKnown) as caught:
            await journal.append(Append((known, new, item("d")), fresh=(known.key, new.key)))
        assert caught.value.ids == {known.key: "a"}
        assert read_everything(journal) == lines_of("a")
        assert (await journal.append(Append((new,)))).duplicates == 0

    async def test_fresh_keys_that_are_new_change_nothing(self, journal: Journal) -> None:
        parent, again = item("a", key="k"), item("b", key="k")
        receipt = await journal.append(Append((parent, again), fresh=(parent.key,)))
        assert (receipt.ids, receipt.duplicates) == (("a", "a"), 1)
        assert read_everything(journal) == lines_of("a")

    async def test_of_waiting_appends_with_the_same_fresh_key_one_is_written(self, journal: Journal) -> None:
        items = [item(f"r{n}", key="k") for n in range(20)]
        outcomes = await asyncio.gather(
            *(journal.append(Append((one,), fresh=(one.key,))) for one in items), return_exceptions=True
        )
        receipts = [outcome for outcome in outcomes if not isinstance(outcome, BaseException)]
        [receipt] = receipts
        refused = [outcome for outcome in outcomes if isinstance(outcome, KeysKnown)]
        assert [error.ids for error in refused] == [{items[0].key: receipt.ids[0]}] * 19
        assert read_everything(journal) == lines_of(*receipt.ids)

    async def test_a_repeated_append_is_answered_as_the_first_though_its_keys_are_known_now(
        self, journal: Journal
    ) -> None:
        parent = item("a", key="k")
        append = Append((parent,), Once(b"key", b"body"), fresh=(parent.key,))
        first = await journal.append(append)
        again = await journal.append(append)
        assert (again.ids, again.repeated) == (first.ids, True)


class TestOnce:
    async def test_the_same_key_and_fingerprint_repeats_the_first_receipt(self, journal: Journal) -> None:
        await journal.append(Append((item("a", key="k"),)))
        first = await journal.append(Append((item("b", key="k"), item("c")), Once(b"key", b"body")))
        again = await journal.append(append_of("d", "e", once=Once(b"key", b"body")))
        assert (first.ids, first.duplicates, first.repeated) == (("a", "c"), 1, False)
        assert (again.ids, again.duplicates, again.repeated) == (first.ids, first.duplicates, True)
        assert read_everything(journal) == lines_of("a", "c")

    async def test_another_fingerprint_is_refused_and_nothing_is_written(self, journal: Journal) -> None:
        await journal.append(append_of("a", once=Once(b"key", b"body")))
        with pytest.raises(KeyReused):
            await journal.append(Append((item("b", key="k"),), Once(b"key", b"another")))
        assert (await journal.append(Append((item("c", key="k"),)))).duplicates == 0
        assert read_everything(journal) == lines_of("a", "c")

    async def test_a_key_of_an_append_is_no_key_of_an_item(self, journal: Journal) -> None:
        shared = item("a", key="k")
        await journal.append(Append((shared,)))
        receipt = await journal.append(append_of("b", once=Once(shared.key)))
        assert (receipt.ids, receipt.repeated) == (("b",), False)

    async def test_one_refused_append_does_not_refuse_those_that_wait_with_it(self, journal: Journal) -> None:
        await journal.append(append_of("a", once=Once(b"key", b"body")))
        outcomes = await asyncio.gather(
            journal.append(append_of("b")),
            journal.append(append_of("c", once=Once(b"key", b"another"))),
            journal.append(append_of("d", once=Once(b"key", b"body"))),
            journal.append(append_of("e", once=Once(b"new", b"1"))),
            journal.append(append_of("f", once=Once(b"new", b"2"))),
            journal.append(append_of("g", once=Once(b"new", b"1"))),
            return_exceptions=True,
        )
        assert [type(outcome).__name__ for outcome in outcomes] == [
            *("Receipt", "KeyReused", "Receipt", "Receipt", "KeyReused", "Receipt")
        ]
        assert [o.ids for o in outcomes if not isinstance(o, BaseException)] == [("b",), ("a",), ("e",), ("e",)]
        assert read_everything(journal) == lines_of("a", "b", "e")


class TestReading:
    async def test_a_reader_begins_at_the_beginning(self, journal: Journal) -> None:
        await journal.append(append_of("a"))
        await journal.append(append_of("b"))
        assert read_everything(journal, "late") == lines_of("a", "b")

    async def test_nothing_new_is_none(self, journal: Journal) -> None:
        assert journal.reader("log").read(10) is None
        await journal.append(append_of("a"))
        read_everything(journal)
        assert journal.reader("log").read(10) is None

    async def test_a_block_says_its_count_and_when_its_first_was_appended(
        self, journal: Journal, journal_place: Place
    ) -> None:
        began_ms = journal_place.clock.now_ms()
        await journal.append(append_of("a", "b"))
        journal_place.clock.advance(500)
        await journal.append(append_of("c"))
        block = journal.reader("log").read(10)
        assert block is not None
        assert (block.lines, block.count, block.oldest_ms) == (lines_of("a", "b", "c"), 3, began_ms)
        assert (block.first, block.last) == (1, 2)

    async def test_a_block_holds_at_most_so_many_records(self, journal: Journal) -> None:
        for name in "abcde":
            await journal.append(append_of(name + "1", name + "2"))
        reader = journal.reader("log")
        counts = []
        while block := reader.read(5):
            counts.append(block.count)
            reader.commit(block)
        assert counts == [4, 4, 2]

    async def test_a_block_holds_one_append_however_large(self, journal: Journal) -> None:
        await journal.append(append_of("a", "b", "c"))
        await journal.append(append_of("d"))
        block = journal.reader("log").read(1)
        assert block is not None
        assert block.lines == lines_of("a", "b", "c")

    async def test_the_same_block_comes_until_it_is_committed_whatever_is_asked(self, journal: Journal) -> None:
        await journal.append(append_of("a"))
        await journal.append(append_of("b"))
        reader = journal.reader("log")
        first = reader.read(1)
        await journal.append(append_of("c"))
        assert reader.read(1_000) == first == reader.read(1)

    async def test_the_same_block_comes_after_a_restart(self, journal: Journal, journal_place: Place) -> None:
        for name in "abcd":
            await journal.append(append_of(name))
        first = journal.reader("log").read(2)
        reopened = journal_place.open()
        assert reopened.reader("log").read(1_000) == first

    async def test_a_cursor_survives_a_restart(self, journal: Journal, journal_place: Place) -> None:
        for name in "abc":
            await journal.append(append_of(name))
        reader = journal.reader("log")
        block = reader.read(2)
        assert block is not None
        reader.commit(block)
        assert read_everything(journal_place.open()) == lines_of("c")

    async def test_committing_twice_changes_nothing(self, journal: Journal) -> None:
        await journal.append(append_of("a"))
        await journal.append(append_of("b"))
        reader = journal.reader("log")
        first = reader.read(1)
        assert first is not None
        reader.commit(first)
        reader.commit(first)
        second = reader.read(1)
        assert second is not None
        assert second.lines == lines_of("b")
        reader.commit(first)
        assert reader.read(1) == second

    async def test_a_block_that_was_not_handed_out_cannot_be_committed(self, journal: Journal) -> None:
        await journal.append(append_of("a"))
        await journal.append(append_of("b"))
        reader = journal.reader("log")
        with pytest.raises(ValueError, match="not handed out"):
            reader.commit(Block(1, 2, b"", 0, 0, ""))
        assert read_everything(journal) == lines_of("a", "b")

    async def test_readers_do_not_disturb_each_other(self, journal: Journal) -> None:
        await journal.append(append_of("a"))
        assert read_everything(journal, "log") == lines_of("a")
        await journal.append(append_of("b"))
        assert read_everything(journal, "dispatch") == lines_of("a", "b")
        assert read_everything(journal, "log") == lines_of("b")

    async def test_tokens_name_their_range_for_ever(self, journal: Journal, journal_place: Place) -> None:
        for name in "abc":
            await journal.append(append_of(name))
        one, two = journal.reader("one"), journal.reader("two")
        first, whole = one.read(1), two.read(10)
        assert first is not None
        assert whole is not None
        assert first.token != whole.token
        assert journal_place.open().reader("three").read(1).token == first.token  # type: ignore[union-attr]

    async def test_two_journals_share_no_token(self, tmp_path: Path) -> None:
        tokens = set()
        for driver in DRIVERS:
            for number in range(2):
                directory = tmp_path / f"{driver}{number}"
                directory.mkdir()
                place = Place(driver, directory)
                journal = place.open()
                await journal.append(append_of("a"))
                block = journal.reader("log").read(1)
                assert block is not None
                tokens.add(block.token)
                place.close()
        assert len(tokens) == 4


class TestWaiting:
    async def test_waiting_is_true_at_once_where_there_is_something(self, journal: Journal) -> None:
        reader = journal.reader("log")
        await journal.append(append_of("a"))
        assert reader.wait(0) is True

    async def test_a_block_that_was_read_but_not_committed_is_something(self, journal: Journal) -> None:
        reader = journal.reader("log")
        await journal.append(append_of("a"))
        reader.read(1)
        assert reader.wait(0) is True

    def test_waiting_is_false_after_the_timeout(self, journal: Journal) -> None:
        reader = journal.reader("log")
        began = time.monotonic()
        assert reader.wait(0.05) is False
        assert time.monotonic() - began >= 0.05

    async def test_an_append_wakes_who_waits(self, journal: Journal) -> None:
        reader = journal.reader("log")
        waiting = asyncio.create_task(asyncio.to_thread(reader.wait, 120))
        began = time.monotonic()
        await journal.append(append_of("a"))
        assert await waiting is True
        assert time.monotonic() - began < 60

    async def test_closing_wakes_who_waits(self, journal: Journal) -> None:
        reader = journal.reader("log")
        caught: list[Exception] = []

        def wait() -> None:
            try:
                reader.wait(120)
            except Unavailable as error:
                caught.append(error)

        thread = threading.Thread(target=wait)
        thread.start()
        journal.close()
        thread.join(60)
        assert not thread.is_alive()
        assert len(caught) == 1


class TestTrimming:
    async def test_what_every_reader_has_done_is_forgotten(self, journal: Journal) -> None:
        for name in "abc":
            await journal.append(append_of(name, name + "2"))
        slow, fast = journal.reader("slow"), journal.reader("fast")
        read_everything(journal, "fast")
        block = slow.read(2)
        assert block is not None
        slow.commit(block)
        assert journal.trim() == 2
        assert journal.trim() == 0
        assert read_everything(journal, "slow") == lines_of("b", "b2", "c", "c2")
        assert fast.read(1) is None

    async def test_a_block_handed_out_but_not_committed_is_kept(self, journal: Journal) -> None:
        await journal.append(append_of("a"))
        block = journal.reader("log").read(1)
        assert journal.trim() == 0
        assert journal.reader("log").read(1) == block

    async def test_a_reader_that_is_forgotten_is_not_waited_for(self, journal: Journal) -> None:
        journal.reader("gone")
        await journal.append(append_of("a"))
        read_everything(journal, "here")
        assert journal.trim() == 0
        journal.forget_reader("gone")
        journal.forget_reader("nobody")
        assert journal.trim() == 1
        assert [status.name for status in journal.status().readers] == ["here"]
        await journal.append(append_of("b"))
        assert read_everything(journal, "gone") == lines_of("b")

    async def test_without_readers_nothing_is_forgotten(self, journal: Journal) -> None:
        await journal.append(append_of("a"))
        assert journal.trim() == 0
        assert read_everything(journal) == lines_of("a")

    async def test_positions_go_on_after_everything_was_trimmed(self, journal: Journal, journal_place: Place) -> None:
        await journal.append(append_of("a"))
        read_everything(journal)
        assert journal.trim() == 1
        reopened = journal_place.open()
        await reopened.append(append_of("b"))
        block = reopened.reader("log").read(1)
        assert block is not None
        assert (block.first, block.last, reopened.status().last) == (2, 2, 2)

    async def test_a_reader_that_comes_later_begins_behind_what_was_trimmed(self, journal: Journal) -> None:
        await journal.append(append_of("a"))
        read_everything(journal)
        journal.trim()
        await journal.append(append_of("b"))
        assert read_everything(journal, "late") == lines_of("b")

    async def test_keys_outlive_the_records_they_belong_to(self, journal: Journal) -> None:
        await journal.append(Append((item("a", key="k"),), Once(b"key")))
        read_everything(journal)
        journal.trim()
        assert (await journal.append(Append((item("b", key="k"),)))).ids == ("a",)
        assert (await journal.append(append_of("c", once=Once(b"key")))).repeated

    async def test_keys_older_than_their_time_are_forgotten(self, journal: Journal, journal_place: Place) -> None:
        await journal.append(Append((item("a", key="old"),), Once(b"old")))
        journal_place.clock.advance(HOUR_MS)
        await journal.append(Append((item("b", key="young"),), Once(b"young")))
        journal_place.clock.advance(47 * HOUR_MS)
        journal.trim()
        assert (await journal.append(Append((item("c", key="old"),), Once(b"old")))).repeated
        journal_place.clock.advance(1)
        journal.trim()
        receipt = await journal.append(Append((item("c", key="old"), item("d", key="young"))))
        assert receipt.ids == ("c", "b")
        assert not (await journal.append(append_of("e", once=Once(b"old")))).repeated
        assert (await journal.append(append_of("f", once=Once(b"young")))).repeated


class TestStatus:
    async def test_it_says_where_each_reader_stands(self, journal: Journal, journal_place: Place) -> None:
        journal.reader("slow")
        await journal.append(append_of("a", "b"))
        journal_place.clock.advance(1_000)
        await journal.append(append_of("c"))
        read_everything(journal, "fast")
        journal_place.clock.advance(500)
        status = journal.status()
        assert (status.last, status.waiting) == (2, 0)
        assert status.size > 0
        assert [(r.name, r.position, r.lag, r.lag_ms) for r in status.readers] == [
            ("fast", 2, 0, 0),
            ("slow", 0, 3, 1_500),
        ]

    async def test_a_lag_counts_what_is_left_after_trimming(self, journal: Journal) -> None:
        for name in "abcd":
            await journal.append(append_of(name))
        reader = journal.reader("log")
        block = reader.read(3)
        assert block is not None
        reader.commit(block)
        journal.trim()
        assert journal.status().readers[0].lag == 1


class TestFull:
    async def test_a_full_journal_refuses_goes_on_reading_and_recovers_when_trimmed(self, journal_place: Place) -> None:
        journal = journal_place.open(max_bytes=1_000_000)
        reader = journal.reader("log")
        written = await self._fill(journal)
        more = Append((Item("more", noise(-1), key=b"more"),), Once(b"more"))
        with pytest.raises(JournalFull) as caught:
            await journal.append(more)
        assert caught.value.retry_after_s
        assert journal.status().trouble == caught.value.detail
        read: list[bytes] = []
        while block := reader.read(1):
            read += block.lines.splitlines()
            reader.commit(block)
        assert read == written
        assert journal.status().trouble
        assert journal.trim() == len(written)
        assert journal.status().trouble == ""
        assert (await journal.append(more)).duplicates == 0
        assert (await journal.append(more)).repeated
        assert (await self._fill(journal))[0]

    async def test_a_trouble_ends_with_the_next_append_that_is_written(self, journal_place: Place) -> None:
        journal = journal_place.open(max_bytes=1_000_000)
        assert journal.status().trouble == ""
        with pytest.raises(JournalFull) as caught:
            await journal.append(Append((Item("large", b"".join(noise(n) for n in range(100))),)))
        assert journal.status().trouble == caught.value.detail
        await journal.append(append_of("small"))
        assert journal.status().trouble == ""

    async def _fill(self, journal: Journal) -> list[bytes]:
        written: list[bytes] = []
        for number in range(10_000):
            one = Item(f"r{number}", noise(number))
            try:
                await journal.append(Append((one,)))
            except JournalFull:
                return written
            written.append(one.line)
        raise AssertionError("it never was full")


def noise(seed: int) -> bytes:
    """A line of 20 KB that no compression makes much smaller."""
    return b"".join(digest(str(seed), str(part)).hex().encode() for part in range(640))


class TestClosing:
    async def test_what_waits_is_written_before_it_closes(self, journal: Journal, journal_place: Place) -> None:
        waiting = [asyncio.create_task(journal.append(append_of(f"r{n}"))) for n in range(100)]
        await asyncio.sleep(0)
        journal.close()
        receipts = await asyncio.gather(*waiting)
        assert [receipt.ids for receipt in receipts] == [(f"r{n}",) for n in range(100)]
        if journal_place.driver == "sqlite":
            assert read_everything(journal_place.open()) == lines_of(*(f"r{n}" for n in range(100)))

    async def test_everything_after_it_is_unavailable(self, journal: Journal) -> None:
        await journal.append(append_of("a"))
        reader = journal.reader("log")
        block = reader.read(1)
        assert block is not None
        journal.close()
        with pytest.raises(Unavailable):
            await journal.append(append_of("b"))
        calls: list[Callable[[], object]] = [
            lambda: reader.read(1),
            lambda: reader.commit(block),
            lambda: reader.wait(0),
            lambda: journal.reader("another"),
            journal.trim,
            journal.status,
        ]
        for call in calls:
            with pytest.raises(Unavailable):
                call()

    def test_closing_twice_changes_nothing(self, journal: Journal) -> None:
        journal.close()
        journal.close()


KEYS = st.sampled_from(["", "", "k1", "k2", "k3", "k4"])


class BothJournals(RuleBasedStateMachine):
    """Whatever is done, the SQLite driver answers as the memory does."""

    @initialize()
    def begin(self) -> None:
        self.directory = Path(tempfile.mkdtemp())
        self.places = [Place(driver, self.directory) for driver in DRIVERS]
        for place in self.places:
            place.clock = FakeClock()
        self.journals = [place.open() for place in self.places]
        self.runner = asyncio.Runner()
        self.number = 0

    def teardown(self) -> None:
        for place in self.places:
            place.close()
        self.runner.close()
        shutil.rmtree(self.directory)

    @rule(
        keys=st.lists(KEYS, max_size=5),
        once=st.none() | st.tuples(st.sampled_from([b"o1", b"o2"]), st.sampled_from([b"", b"f1"])),
        size=st.sampled_from([0, 10, 5_000]),
        is_fresh=st.booleans(),
    )
    def append(self, keys: list[str], once: tuple[bytes, bytes] | None, size: int, is_fresh: bool) -> None:
        items = []
        for key in keys:
            self.number += 1
            items.append(item(f"r{self.number}", key, size))
        fresh = tuple(one.key for one in items if one.key) if is_fresh else ()
        append = Append(tuple(items), Once(*once) if once else None, fresh)
        self.same(lambda journal: self.runner.run(journal.append(append)))

    @rule(name=st.sampled_from(["log", "dispatch"]), max_records=st.integers(1, 8))
    def read(self, name: str, max_records: int) -> None:
        self.same(lambda journal: without_token(journal.reader(name).read(max_records)))

    @rule(name=st.sampled_from(["log", "dispatch"]), max_records=st.integers(1, 8))
    def read_and_commit(self, name: str, max_records: int) -> None:
        def step(journal: Journal) -> object:
            reader = journal.reader(name)
            block = reader.read(max_records)
            if block:
                reader.commit(block)
            return without_token(block)

        self.same(step)

    @rule(name=st.sampled_from(["log", "dispatch"]))
    def wait(self, name: str) -> None:
        self.same(lambda journal: journal.reader(name).wait(0))

    @rule()
    def trim(self) -> None:
        self.same(lambda journal: journal.trim())

    @rule(hours=st.integers(1, 40))
    def let_time_pass(self, hours: int) -> None:
        for place in self.places:
            place.clock.advance(hours * HOUR_MS)

    @rule(is_clean=st.booleans())
    def restart(self, is_clean: bool) -> None:
        if is_clean:
            self.journals[1].close()
        self.journals = [place.open() for place in self.places]

    @invariant()
    def they_stand_alike(self) -> None:
        if hasattr(self, "journals"):
            self.same(lambda journal: (journal.status().last, journal.status().readers))

    def same(self, step: Callable[[Journal], object]) -> None:
        memory, sqlite = (outcome_of(step, journal) for journal in self.journals)
        assert sqlite == memory


def outcome_of(step: Callable[[Journal], object], journal: Journal) -> object:
    try:
        return step(journal)
    except KeyReused as error:
        return error.detail
    except KeysKnown as error:
        return error.ids


def without_token(block: Block | None) -> object:
    return block and (block.first, block.last, block.lines, block.count, block.oldest_ms)


BothJournals.TestCase.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
TestBothJournals = BothJournals.TestCase
