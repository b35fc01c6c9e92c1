"""What the SQLite driver promises beyond the contract: its file, its queue, its disk, and others who share the file."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Protocol

import pytest

from clew.core.clock import SystemClock
from clew.core.errors import JournalBusy, JournalFull, SettingsError
from clew.core.ids import digest
from clew.journal import sqlite_reader
from clew.journal.journal import Append, Item, Receipt
from clew.journal.sqlite import SqliteJournal
from clew.journal.sqlite_file import connect
from clew.journal.sqlite_reader import SqliteReader


class OpenJournal(Protocol):
    def __call__(
        self, *, max_bytes: int = 0, queue_bytes: int = 2**26, reserve_bytes: int = 2**25
    ) -> SqliteJournal: ...


@pytest.fixture
def journal_path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


@pytest.fixture
def open_journal(journal_path: Path) -> Iterator[OpenJournal]:
    opened: list[SqliteJournal] = []

    def open_one(*, max_bytes: int = 0, queue_bytes: int = 2**26, reserve_bytes: int = 2**25) -> SqliteJournal:
        journal = SqliteJournal(
            journal_path,
            clock=SystemClock(),
            max_bytes=max_bytes,
            queue_bytes=queue_bytes,
            reserve_bytes=reserve_bytes,
        )
        opened.append(journal)
        return journal

    yield open_one
    for journal in opened:
        journal.close()


@contextmanager
def held_writer(path: Path) -> Iterator[None]:
    """While it lasts, whoever wants to write to the file waits."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")


def one(record_id: str, size: int = 0, key: bytes = b"") -> Append:
    return Append((Item(record_id, f'"{record_id}{"x" * size}"'.encode(), key),))


def noise(seed: int) -> Append:
    """About 64 KB that compression makes only half as small."""
    text = b"".join(digest(str(seed), str(part)).hex().encode() for part in range(2_000))
    return Append((Item(str(seed), text),))


def lines_in(journal: SqliteJournal, name: str = "log") -> list[bytes]:
    reader = journal.reader(name)
    lines: list[bytes] = []
    while block := reader.read(10_000):
        lines += block.lines.splitlines()
        reader.commit(block)
    return lines


class TestFile:
    def test_it_is_synced_at_every_commit_and_has_a_write_ahead_log(
        self, open_journal: OpenJournal, journal_path: Path
    ) -> None:
        open_journal()
        with closing(connect(journal_path)) as connection:
            assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
            assert connection.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL

    @pytest.mark.parametrize("version", [0, 2, 99])
    def test_another_format_is_refused_and_named(
        self, open_journal: OpenJournal, journal_path: Path, version: int
    ) -> None:
        open_journal().close()
        with closing(sqlite3.connect(journal_path)) as connection:
            connection.execute(f"PRAGMA user_version = {version}")
        with pytest.raises(SettingsError, match=f"has format {version}; this version reads format 1") as caught:
            open_journal()
        assert "another data directory" in caught.value.hint

    def test_a_database_of_someone_else_is_refused_and_left_alone(
        self, open_journal: OpenJournal, journal_path: Path
    ) -> None:
        with closing(sqlite3.connect(journal_path)) as connection:
            connection.execute("CREATE TABLE theirs (x)")
        before = journal_path.read_bytes()
        with pytest.raises(SettingsError, match="no journal of Clew"):
            open_journal()
        assert journal_path.read_bytes() == before

    def test_a_file_that_is_no_database_is_refused_and_left_alone(
        self, open_journal: OpenJournal, journal_path: Path
    ) -> None:
        journal_path.write_bytes(b"not a database" * 100)
        with pytest.raises(SettingsError, match="cannot be opened"):
            open_journal()
        assert journal_path.read_bytes() == b"not a database" * 100

    def test_a_directory_that_does_not_exist_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(SettingsError, match="cannot be opened"):
            SqliteJournal(tmp_path / "missing" / "journal.db", clock=SystemClock())

    async def test_trimmed_pages_are_used_again(self, open_journal: OpenJournal, journal_path: Path) -> None:
        journal = open_journal()
        sizes = []
        for turn in range(6):
            for number in range(20):
                await journal.append(noise(turn * 100 + number))
            lines_in(journal)
            assert journal.trim() == 20
            with closing(sqlite3.connect(journal_path)) as connection:
                sizes.append(connection.execute("PRAGMA page_count").fetchone()[0])
        assert sizes[-1] <= sizes[1]


class TestQueue:
    async def test_too_much_that_waits_is_refused_at_once(self, open_journal: OpenJournal, journal_path: Path) -> None:
        journal = open_journal(queue_bytes=3_000)
        with held_writer(journal_path):
            waiting = [asyncio.create_task(journal.append(one(f"r{n}", size=500))) for n in range(4)]
            await asyncio.sleep(0)
            with pytest.raises(JournalBusy) as caught:
                await journal.append(one("late", size=500))
            assert not any(task.done() for task in waiting)
            assert journal.status().waiting > 2_000
        await asyncio.gather(*waiting)
        assert caught.value.retry_after_s == 1
        assert journal.status().waiting == 0
        assert (await journal.append(one("later", size=500))).ids == ("later",)
        assert len(lines_in(journal)) == 5

    async def test_one_append_alone_may_be_larger_than_the_queue(self, open_journal: OpenJournal) -> None:
        journal = open_journal(queue_bytes=100)
        assert (await journal.append(one("large", size=10_000))).ids == ("large",)

    async def test_what_waits_together_becomes_one_entry(self, open_journal: OpenJournal, journal_path: Path) -> None:
        journal = open_journal()
        with held_writer(journal_path):
            waiting = [asyncio.create_task(journal.append(one(f"r{n}"))) for n in range(300)]
            await asyncio.sleep(0)
        await asyncio.gather(*waiting)
        # The writer may have taken the first of them before the others came.
        assert journal.status().last <= 2
        assert lines_in(journal) == [f'"r{n}"'.encode() for n in range(300)]

    async def test_a_cancelled_append_disturbs_nobody(self, open_journal: OpenJournal, journal_path: Path) -> None:
        journal = open_journal()
        with held_writer(journal_path):
            waiting = [asyncio.create_task(journal.append(one(f"r{n}"))) for n in range(5)]
            await asyncio.sleep(0)
            waiting[2].cancel()
        outcomes = await asyncio.gather(*waiting, return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [Receipt, Receipt, asyncio.CancelledError, Receipt, Receipt]
        assert (await journal.append(one("after"))).ids == ("after",)
        assert len(lines_in(journal)) == 6

    def test_several_event_loops_may_append_at_once(self, open_journal: OpenJournal) -> None:
        journal = open_journal()
        answered: list[str] = []

        async def append_some(loop_name: str) -> None:
            receipts = await asyncio.gather(*(journal.append(one(f"{loop_name}-{n}")) for n in range(200)))
            answered.extend(receipt.ids[0] for receipt in receipts)

        threads = [threading.Thread(target=lambda n=n: asyncio.run(append_some(f"loop{n}"))) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(answered) == sorted(f"loop{loop}-{n}" for loop in range(4) for n in range(200))
        assert sorted(lines_in(journal)) == sorted(f'"{record_id}"'.encode() for record_id in answered)

    def test_a_loop_that_is_gone_disturbs_nobody(self, open_journal: OpenJournal, journal_path: Path) -> None:
        journal = open_journal()

        async def leave() -> None:
            asyncio.create_task(journal.append(one("left")))  # noqa: RUF006  # nobody is to wait for it
            await asyncio.sleep(0)

        with held_writer(journal_path):
            asyncio.run(leave())
        assert asyncio.run(journal.append(one("after"))).ids == ("after",)
        assert lines_in(journal) == [b'"left"', b'"after"']

    async def test_an_append_that_cannot_be_stored_fails_alone(
        self, open_journal: OpenJournal, journal_path: Path
    ) -> None:
        journal = open_journal()
        no_text = Append((Item("\udc80", b"{}", b"key"),))
        with held_writer(journal_path):
            waiting = [
                asyncio.create_task(journal.append(append)) for append in (one("a"), no_text, one("b"), one("c"))
            ]
            await asyncio.sleep(0)
        outcomes = await asyncio.gather(*waiting, return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [Receipt, UnicodeEncodeError, Receipt, Receipt]
        assert lines_in(journal) == [b'"a"', b'"b"', b'"c"']


class TestManyAtOnce:
    async def test_writers_readers_and_trimming_work_side_by_side(self, open_journal: OpenJournal) -> None:
        journal = open_journal()
        journal.reader("slow")
        is_done = threading.Event()
        seen: dict[str, list[bytes]] = {"log": [], "dispatch": []}

        def read(name: str) -> None:
            reader = journal.reader(name)
            while reader.wait(0.02) or not is_done.is_set():
                if block := reader.read(200):
                    seen[name] += block.lines.splitlines()
                    reader.commit(block)

        async def write(writer: int) -> None:
            for number in range(50):
                key = digest(f"{number % 10}" if writer % 2 else f"{writer}-{number}")
                await journal.append(one(f"{writer}-{number}", key=key))

        def trim() -> None:
            while not is_done.is_set():
                journal.trim()

        work = [asyncio.to_thread(read, "log"), asyncio.to_thread(read, "dispatch"), asyncio.to_thread(trim)]
        background = [asyncio.create_task(one_work) for one_work in work]
        await asyncio.gather(*(write(writer) for writer in range(40)))
        is_done.set()
        await asyncio.gather(*background)
        assert len(seen["log"]) == 20 * 50 + 10
        assert len(set(seen["log"])) == len(seen["log"])
        assert seen["dispatch"] == seen["log"] == lines_in(journal, "slow")
        assert journal.trim() == len(seen["log"])


class TestSharedFile:
    async def test_two_writers_append_each_key_once(self, open_journal: OpenJournal) -> None:
        journals = [open_journal(), open_journal()]

        async def append_all(journal: SqliteJournal, name: str) -> list[Receipt]:
            return [await journal.append(one(f"{name}-{n}", key=digest(str(n)))) for n in range(100)]

        first, second = await asyncio.gather(append_all(journals[0], "one"), append_all(journals[1], "two"))
        assert [receipt.ids for receipt in first] == [receipt.ids for receipt in second]
        assert all(a.duplicates + b.duplicates == 1 for a, b in zip(first, second, strict=True))
        assert len(lines_in(journals[0])) == 100

    async def test_a_reader_sees_what_another_process_appends(self, open_journal: OpenJournal) -> None:
        writing, reading = open_journal(), open_journal()
        reader = reading.reader("log")
        took_s = await self._waited_s(reader, writing)
        assert took_s < 30
        assert lines_in(reading) == [b'"a"']

    async def test_an_append_of_the_same_process_needs_no_looking(
        self, open_journal: OpenJournal, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sqlite_reader, "LOOK_EVERY_S", 60.0)
        journal = open_journal()
        assert await self._waited_s(journal.reader("log"), journal) < 30

    async def _waited_s(self, reader: SqliteReader, writing: SqliteJournal) -> float:
        waiting = asyncio.create_task(asyncio.to_thread(reader.wait, 60))
        await asyncio.sleep(0.05)  # so that it most likely waits already; it is to be woken in either case
        began = time.monotonic()
        await writing.append(one("a"))
        assert await waiting is True
        return time.monotonic() - began

    async def test_two_that_make_the_file_at_once_make_one_journal(self, journal_path: Path) -> None:
        def open_one() -> SqliteJournal:
            return SqliteJournal(journal_path, clock=SystemClock())

        journals = await asyncio.gather(*(asyncio.to_thread(open_one) for _ in range(8)))
        await journals[0].append(one("a"))
        tokens = set()
        for number, journal in enumerate(journals):
            block = journal.reader(f"reader{number}").read(1)
            assert block is not None
            tokens.add(block.token)
            journal.close()
        assert len(tokens) == 1


class TestFullDisk:
    @pytest.mark.parametrize("at_once", [1, 6, 7, 15, 80])
    async def test_the_file_and_its_write_ahead_log_stay_within_their_size(
        self, open_journal: OpenJournal, journal_path: Path, at_once: int
    ) -> None:
        """However many appends share a transaction, and after one that was alone."""
        journal = open_journal(max_bytes=4_000_000)
        outcomes: list[Receipt | BaseException] = [await journal.append(noise(0))]
        sizes = []
        for start in range(1, 81, at_once):
            with held_writer(journal_path):
                waiting = [asyncio.create_task(journal.append(noise(start + n))) for n in range(at_once)]
                await asyncio.sleep(0)
            outcomes += await asyncio.gather(*waiting, return_exceptions=True)
            sizes.append(journal.status().size)
        assert {type(outcome) for outcome in outcomes} == {Receipt, JournalFull}
        assert 2_500_000 < max(sizes) <= 4_000_000

    async def test_everything_that_waits_is_refused_and_none_of_it_is_written(
        self, open_journal: OpenJournal, journal_path: Path
    ) -> None:
        journal = open_journal(max_bytes=500_000)
        await journal.append(one("before"))
        with held_writer(journal_path):
            waiting = [asyncio.create_task(journal.append(noise(n))) for n in range(40)]
            await asyncio.sleep(0)
        outcomes = await asyncio.gather(*waiting, return_exceptions=True)
        refused = [outcome for outcome in outcomes if isinstance(outcome, JournalFull)]
        written = [outcome for outcome in outcomes if isinstance(outcome, Receipt)]
        assert refused
        assert len(refused) + len(written) == 40
        assert len(lines_in(journal)) == 1 + len(written)

    async def test_appends_leave_a_reserve_on_the_disk_that_readers_may_use(self, open_journal: OpenJournal) -> None:
        await open_journal().append(one("a"))
        journal = open_journal(reserve_bytes=2**62)
        with pytest.raises(JournalFull) as caught:
            await journal.append(one("b"))
        assert caught.value.retry_after_s == 30
        assert lines_in(journal) == [b'"a"']
        assert journal.trim() == 1
        assert journal.status().trouble == caught.value.detail

    def test_a_disk_without_room_is_a_trouble_before_the_first_append(self, open_journal: OpenJournal) -> None:
        assert open_journal().status().trouble == ""
        assert "no room" in open_journal(reserve_bytes=2**62).status().trouble

    @pytest.mark.parametrize("scenario", ["refuse-and-go-on", "hand-nothing-out"])
    def test_a_failing_disk_refuses_hands_nothing_out_and_is_used_again_when_it_works(
        self, journal_path: Path, scenario: str
    ) -> None:
        script = Path(__file__).with_name("failing_disk.py")
        done = subprocess.run(
            [sys.executable, str(script), scenario, str(journal_path)],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
