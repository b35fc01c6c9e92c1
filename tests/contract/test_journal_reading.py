"""The journal's contract, over both drivers: blocks, cursors, and who waits for what comes."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path

import pytest

from clew.core.errors import Unavailable
from clew.journal.journal import Block, Journal
from harness.journal_place import DRIVERS, Place, append_of, lines_of, read_everything


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
