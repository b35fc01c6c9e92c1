"""A server on a data directory that another process has, or had a moment ago."""

from __future__ import annotations

import fcntl
import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from clew.core.errors import DataDirInUse
from clew.core.settings import Settings
from clew.log.engine import DirectoryLock
from clew.operations.places import Places, find_places
from clew.operations.running_server import RunningServer, announce
from clew.operations.succession import wait_for_predecessor

PATIENCE_S = 60.0


class _Owner(BaseHTTPRequestHandler):
    """Answers who has the key, and nobody else."""

    key: ClassVar[str] = "clew_local"
    answered: ClassVar[int] = 0

    def do_GET(self) -> None:
        type(self).answered += 1
        self.send_response(200 if self.headers["authorization"] == f"Bearer {self.key}" else 401)
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def places(tmp_path: Path) -> Places:
    places = find_places(Settings(data_dir=str(tmp_path)))
    places.log.mkdir()
    return places


@contextmanager
def answering(places: Places, key: str) -> Iterator[str]:
    """Something that answers where the server of this directory left its address, and knows the key or not."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Owner)
    url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    announce(places.data_dir, RunningServer(url=url, key=key, pid=7, version="1"))
    _Owner.answered = 0
    try:
        yield url
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_where_nobody_has_the_directory_nothing_is_waited_for(places: Places, caplog: pytest.LogCaptureFixture) -> None:
    announce(places.data_dir, RunningServer(url="http://127.0.0.1:1", key="", pid=7, version="1"))
    wait_for_predecessor(places, wait_s=0)
    assert not caplog.records


@pytest.mark.parametrize("is_announced", [True, False])
def test_one_that_is_ending_is_waited_for_and_that_is_said_once(
    places: Places, caplog: pytest.LogCaptureFixture, is_announced: bool
) -> None:
    """It answers no longer, whether or not it has withdrawn what it left."""
    if is_announced:
        announce(places.data_dir, RunningServer(url="http://127.0.0.1:1", key="", pid=7, version="1"))
    lock = DirectoryLock(places.log)
    waiting = threading.Thread(target=wait_for_predecessor, args=(places, PATIENCE_S))
    waiting.start()
    deadline_s = time.monotonic() + PATIENCE_S
    while not caplog.records and time.monotonic() < deadline_s:
        time.sleep(0.01)
    assert waiting.is_alive()
    lock.release()
    waiting.join(PATIENCE_S)
    assert not waiting.is_alive()
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert str(places.log) in caplog.text


def test_one_that_does_not_end_is_an_error_that_says_so(places: Places) -> None:
    lock = DirectoryLock(places.log)
    with pytest.raises(DataDirInUse, match="does not end"):
        wait_for_predecessor(places, wait_s=0.05)
    lock.release()


def test_a_server_that_goes_on_answering_is_not_waited_for(places: Places, caplog: pytest.LogCaptureFixture) -> None:
    lock = DirectoryLock(places.log)
    with answering(places, _Owner.key) as url, pytest.raises(DataDirInUse) as refused:
        wait_for_predecessor(places, wait_s=PATIENCE_S, sure_s=0.2)
    assert url in refused.value.detail
    assert "waited for" not in caplog.text
    lock.release()


def test_one_that_answers_once_more_while_it_is_ending_is_waited_for(places: Places) -> None:
    lock = DirectoryLock(places.log)
    with answering(places, _Owner.key):
        waiting = threading.Thread(target=wait_for_predecessor, args=(places, PATIENCE_S, PATIENCE_S))
        waiting.start()
        deadline_s = time.monotonic() + PATIENCE_S
        while _Owner.answered == 0 and time.monotonic() < deadline_s:
            time.sleep(0.01)
    lock.release()
    waiting.join(PATIENCE_S)
    assert not waiting.is_alive()


def test_another_server_on_the_port_of_one_that_ended_is_not_taken_for_it(places: Places) -> None:
    lock = DirectoryLock(places.log)
    with answering(places, "of another time"), pytest.raises(DataDirInUse, match="does not end"):
        wait_for_predecessor(places, wait_s=0.05)
    lock.release()


def test_a_command_that_looks_whether_a_server_runs_keeps_nobody_out(places: Places) -> None:
    (places.log / "owner.lock").touch()
    with (places.log / "owner.lock").open("rb") as looking:
        fcntl.flock(looking, fcntl.LOCK_SH)
        wait_for_predecessor(places, wait_s=0)
