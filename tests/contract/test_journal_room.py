"""The journal's contract, over both drivers: what is forgotten, how full it is, and how it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from clew.core.clock import HOUR_MS
from clew.core.errors import JournalFull, Unavailable
from clew.core.ids import digest
from clew.journal.journal import Append, Item, Journal, Once
from harness.journal_place import Place, append_of, item, lines_of, read_everything


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
