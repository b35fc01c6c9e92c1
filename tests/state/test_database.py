import os
import sqlite3
import stat
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from clew.core.errors import SettingsError, Unavailable
from clew.core.settings import Settings
from clew.state import database as database_module
from clew.state.database import Database, open_database
from clew.state.tables import products, sources
from clew.state.write_ahead_log import use_write_ahead_log

ERP = {"workspace": "w", "key": "erp", "title": "ERP", "declared": False, "created_at": 1}


def keys(database: Database) -> list[str]:
    with database.read() as connection:
        return list(connection.scalars(sa.select(products.c.key).order_by(products.c.key)))


def test_what_was_written_is_there_when_it_is_opened_again(settings: Settings) -> None:
    first = open_database(settings)
    with first.write() as connection:
        connection.execute(sa.insert(products).values(**ERP))
    first.close()
    again = open_database(settings)
    assert keys(again) == ["erp"]
    again.close()


def test_a_connection_is_durable_and_holds_foreign_keys(database: Database) -> None:
    with database.read() as connection:
        found = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert found == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 5000}
    orphan = {"workspace": "w", "key": "orders", "product": "nobody", "declared": False, "created_at": 1}
    with pytest.raises(IntegrityError), database.write() as connection:
        connection.execute(sa.insert(sources).values(**orphan))


def test_a_write_that_raises_leaves_nothing_behind(database: Database) -> None:
    def write_half() -> None:
        with database.write("products") as connection:
            connection.execute(sa.insert(products).values(**ERP))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_half()
    assert keys(database) == []
    with database.read() as connection:
        assert database.revision(connection, "products") == 0


def test_a_read_sees_one_state_while_others_write(database: Database) -> None:
    count = sa.select(sa.func.count()).select_from(products)
    with database.read() as reading:
        assert reading.scalar(count) == 0
        with database.write() as writing:
            writing.execute(sa.insert(products).values(**ERP))
        assert reading.scalar(count) == 0
    assert keys(database) == ["erp"]


def test_writers_take_turns_and_none_is_lost(database: Database) -> None:
    def add(worker: int) -> None:
        for number in range(10):
            with database.write("products") as connection:
                # Read, then write: two that did this at once would lose one of them.
                seen = connection.scalar(sa.select(sa.func.count()).select_from(products))
                connection.execute(
                    sa.insert(products).values(**{**ERP, "key": f"{seen:03}", "title": f"{worker} {number}"})
                )

    workers = [threading.Thread(target=add, args=(worker,)) for worker in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert keys(database) == [f"{number:03}" for number in range(60)]
    with database.read() as connection:
        assert database.revision(connection, "products") == 60


def test_a_writer_that_waits_too_long_is_told_to_come_again(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "BUSY_S", 0.05)
    database = open_database(settings)
    holder = sqlite3.connect(Path(settings.data_dir) / "state.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unavailable, match="locked") as refused, database.write():
        pytest.fail("two writers at once")
    assert refused.value.retry_after_s
    with pytest.raises(Unavailable):
        database.check()
    assert keys(database) == []
    holder.execute("ROLLBACK")
    database.check()
    holder.close()
    database.close()


def test_insert_new_leaves_rows_that_are_there(database: Database) -> None:
    with database.write() as connection:
        database.insert_new(connection, products, [ERP])
        database.insert_new(connection, products, [{**ERP, "title": "other"}, {**ERP, "key": "ship"}])
        database.insert_new(connection, products, [])
        rows = connection.execute(sa.select(products.c.key, products.c.title).order_by(products.c.key)).all()
    assert rows == [("erp", "ERP"), ("ship", "ERP")]


def test_upsert_changes_what_is_given_and_keeps_what_is_to_be_kept(database: Database) -> None:
    with database.write() as connection:
        database.insert_new(connection, products, [ERP])
        row = {**ERP, "title": "New", "created_at": 99, "archived_at": 7}
        database.upsert(connection, products, [row], keep=frozenset({"created_at"}))
        found = connection.execute(sa.select(products)).mappings().one()
    assert dict(found) == {**ERP, "title": "New", "base_url": "", "archived_at": 7}


def test_only_the_owner_can_read_the_files(settings: Settings, database: Database) -> None:
    with database.write() as connection:
        connection.execute(sa.insert(products).values(**ERP))
    files = list(Path(settings.data_dir).iterdir())
    assert {file.name for file in files} == {"state.db", "state.db-wal", "state.db-shm"}
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert stat.S_IMODE(Path(settings.data_dir).stat().st_mode) == 0o700


def test_processes_that_start_at_the_same_time_share_one_new_database(settings: Settings) -> None:
    code = (
        "from clew.state.database import open_database; from clew.core.settings import Settings; import sys;"
        "open_database(Settings(data_dir=sys.argv[1])).check(); print('open')"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    started = [
        subprocess.Popen(
            [sys.executable, "-W", "error", "-c", code, settings.data_dir],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )
        for _ in range(3)
    ]
    assert [process.communicate(timeout=60) for process in started] == [("open\n", "")] * 3


def test_a_start_waits_longer_for_another_that_upgrades_than_a_writer_for_a_writer(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "BUSY_S", 0.01)
    path = Path(settings.data_dir) / "state.db"
    path.parent.mkdir()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        use_write_ahead_log(other, 0)
        other.execute("BEGIN IMMEDIATE")
        opened: list[Database] = []
        opening = threading.Thread(target=lambda: opened.append(open_database(settings)))
        opening.start()
        opening.join(0.5)  # so that it most likely waits already
        other.execute("ROLLBACK")
        opening.join()
    assert keys(opened[0]) == []
    opened[0].close()


def test_a_state_url_may_name_another_file(tmp_path: Path) -> None:
    path = tmp_path / "elsewhere" / "registry.db"
    open_database(Settings(data_dir=str(tmp_path / "data"), state_url=f"sqlite:///{path}")).close()
    assert path.is_file()
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("nonsense", "no database URL"),
        ("mysql://user:hush@host/clew", "'mysql'"),
        ("sqlite://", "without a file"),
        ("sqlite:///:memory:", "without a file"),
        ("sqlite+nothing:///state.db", "not installed"),
        ("postgresql+nothing://user:hush@host/clew", "not installed"),
    ],
)
def test_a_url_that_cannot_be_used_is_named_without_its_password(tmp_path: Path, url: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said) as refused:
        open_database(Settings(data_dir=str(tmp_path), state_url=url))
    assert "CLEW_STATE_URL" in refused.value.detail
    assert "postgresql+psycopg://" in refused.value.hint
    assert "hush" not in refused.value.detail


def test_a_file_that_is_no_database_is_refused_by_name(settings: Settings) -> None:
    path = Path(settings.data_dir) / "state.db"
    path.parent.mkdir()
    path.write_bytes(b"a letter to the editor, long enough to be mistaken for a page" * 100)
    with pytest.raises(SettingsError, match="file is not a database") as refused:
        open_database(settings)
    assert str(path) in refused.value.detail


def test_a_data_directory_that_is_a_file_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    with pytest.raises(SettingsError, match=r"data/state\.db.*cannot be opened"):
        open_database(Settings(data_dir=str(tmp_path / "data")))
