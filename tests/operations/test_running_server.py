import fcntl
import stat
import threading

import pytest

from clew.core.errors import DataDirInUse
from clew.log import engine
from clew.log.engine import DirectoryLock
from clew.operations.running_server import RunningServer, announce, find_server, is_owned, withdraw

SERVER = RunningServer(url="http://127.0.0.1:8420", key="clew_local", pid=7, version="1")


def test_a_server_that_is_announced_is_found_until_it_is_withdrawn(tmp_path):
    assert find_server(tmp_path) is None
    announce(tmp_path, SERVER)
    assert find_server(tmp_path) == SERVER
    withdraw(tmp_path)
    withdraw(tmp_path)
    assert find_server(tmp_path) is None


def test_only_the_owner_can_read_the_key_of_a_running_server(tmp_path):
    announce(tmp_path, SERVER)
    announce(tmp_path, SERVER)
    assert stat.S_IMODE((tmp_path / "server.json").stat().st_mode) == 0o600


def test_an_announcement_that_cannot_be_read_names_no_server(tmp_path):
    (tmp_path / "server.json").write_text('{"url": "http://')
    assert find_server(tmp_path) is None


def test_a_directory_is_owned_as_long_as_its_lock_is_held(tmp_path):
    assert not is_owned(tmp_path)
    lock = DirectoryLock(tmp_path)
    assert is_owned(tmp_path)
    with pytest.raises(DataDirInUse):
        DirectoryLock(tmp_path)
    lock.release()
    assert not is_owned(tmp_path)


def test_a_server_starts_though_somebody_looks_at_that_moment_whether_one_runs(tmp_path, monkeypatch):
    monkeypatch.setattr(engine, "LOCK_TRIES", 1_000)
    (tmp_path / "owner.lock").touch()
    with (tmp_path / "owner.lock").open("rb") as looking:
        fcntl.flock(looking, fcntl.LOCK_SH)
        timer = threading.Timer(0.02, looking.close)
        timer.start()
        lock = DirectoryLock(tmp_path)
        timer.join()
        lock.release()
