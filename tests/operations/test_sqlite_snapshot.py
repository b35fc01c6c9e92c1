import sqlite3
import threading
from contextlib import closing

import pytest

from clew.core.errors import Unavailable
from clew.operations.sqlite_snapshot import open_file, snapshot, writes_held


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "one.db"
    with closing(sqlite3.connect(path)) as file:
        file.execute("PRAGMA journal_mode = WAL")
        file.execute("CREATE TABLE n (n INTEGER)")
        file.executemany("INSERT INTO n VALUES (?)", [(n,) for n in range(10_000)])
        file.commit()
    return path


def count(path):
    with closing(sqlite3.connect(path)) as file:
        assert file.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return file.execute("SELECT count(*) FROM n").fetchone()[0]


def insert(path, number=1):
    with closing(sqlite3.connect(path, timeout=60)) as file:
        file.executemany("INSERT INTO n VALUES (?)", [(n,) for n in range(number)])
        file.commit()


def test_a_copy_is_of_the_moment_whatever_is_written_before_and_while_it_is_made(path, tmp_path):
    told = []

    def write_on(size):
        told.append(size)
        insert(path, 5_000)

    with snapshot(path) as taken:
        insert(path, 100_000)
        taken.copy_to(tmp_path / "copy.db", write_on)
        size = taken.size
    assert told[-1] == size == (tmp_path / "copy.db").stat().st_size
    assert count(tmp_path / "copy.db") == 10_000
    assert count(path) >= 115_000


def test_a_writer_waits_while_writes_are_held_and_readers_do_not(path):
    done = threading.Event()
    with writes_held(path):
        writer = threading.Thread(target=lambda: (insert(path), done.set()))
        writer.start()
        with snapshot(path) as taken:
            assert taken.read("SELECT count(*) FROM n") == [(10_000,)]
        assert not done.wait(0.05)
    assert done.wait(60)
    writer.join()


def test_a_file_that_is_not_there_is_not_made(tmp_path):
    with pytest.raises(Unavailable, match=r"none\.db"), snapshot(tmp_path / "none.db"):
        pass
    assert not (tmp_path / "none.db").exists()


def test_a_file_is_opened_to_be_read_alone(path):
    with closing(open_file(path)) as file, pytest.raises(sqlite3.OperationalError, match="readonly"):
        file.execute("DELETE FROM n")
