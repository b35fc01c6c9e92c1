from contextlib import contextmanager

import msgspec
import pytest

from clew.core.errors import Conflict, Invalid, NotFound, Unavailable
from clew.operations.backup import make_backup
from clew.operations.backups import Backups
from clew.operations.manifest import read_manifest
from clew.operations.restore import restore


def ignore(done, total):
    """Nobody looks."""


@pytest.fixture
def backup(source, tmp_path, clock):
    return make_backup(source, tmp_path / "backups", clock, ignore).path


def change_manifest(backup, **fields):
    path = backup / "manifest.json"
    path.write_bytes(msgspec.json.encode(msgspec.json.decode(path.read_bytes()) | fields))


def test_a_backup_is_named_for_its_time_and_says_what_is_in_it(source, tmp_path, clock):
    told = []
    made = make_backup(source, tmp_path / "backups", clock, lambda done, total: told.append((done, total)))
    assert made.path == tmp_path / "backups" / "clew-20260528T202640000Z"
    manifest = read_manifest(made.path)
    assert manifest == made.manifest
    assert manifest.records == 3
    assert [file.path for file in manifest.files] == [
        "journal.db",
        "state.db",
        "log/log/20601_1_1_0/count.txt",
        "log/log/20601_1_1_0/data.bin",
        "secret.key",
    ]
    assert told[-1] == (manifest.size, manifest.size)
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert made.path.stat().st_mode & 0o077 == 0


def test_a_backup_that_is_ended_in_the_middle_leaves_nothing(source, tmp_path, clock):
    def stop(done, total):
        if done > 200_000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_backup(source, tmp_path / "backups", clock, stop)
    assert list((tmp_path / "backups").iterdir()) == []


def test_where_no_backup_can_be_written_the_reason_is_told(source, tmp_path, clock):
    (tmp_path / "backups").write_text("a file")
    with pytest.raises(Unavailable, match="could not be written"):
        make_backup(source, tmp_path / "backups", clock, ignore)


def test_the_state_does_not_change_between_its_snapshot_and_that_of_the_journal(source, places, tmp_path, clock):
    order = []

    @contextmanager
    def pause():
        order.append("paused")
        yield
        order.append("goes on")

    @contextmanager
    def freeze(name):
        order.append("frozen")
        with source.freeze(name) as log:
            yield log

    make_backup(msgspec.structs.replace(source, pause=pause, freeze=freeze), tmp_path, clock, ignore)
    assert order == ["paused", "frozen", "goes on"]


@pytest.mark.parametrize("name", ["journal.db", "log/log/20601_1_1_0/data.bin", "secret.key"])
def test_a_backup_that_was_cut_short_is_refused_before_anything_is_written(backup, tmp_path, name):
    file = backup / name
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(Invalid, match=f"{name} has"):
        restore(backup, tmp_path / "new", ignore)
    file.unlink()
    with pytest.raises(Invalid, match=f"{name} is missing"):
        restore(backup, tmp_path / "new", ignore)
    assert not (tmp_path / "new").exists()


def test_a_backup_without_its_manifest_is_none(backup, tmp_path):
    (backup / "manifest.json").unlink()
    with pytest.raises(Invalid, match=r"no manifest\.json"):
        restore(backup, tmp_path / "new", ignore)


def test_a_manifest_that_was_cut_short_is_refused(backup, tmp_path):
    content = (backup / "manifest.json").read_bytes()
    (backup / "manifest.json").write_bytes(content[: len(content) // 2])
    with pytest.raises(Invalid, match="cannot be read"):
        restore(backup, tmp_path / "new", ignore)


def test_a_changed_byte_is_found_and_nothing_is_left_of_the_restore(backup, tmp_path):
    file = backup / "log/log/20601_1_1_0/data.bin"
    file.write_bytes(b"\xff" + file.read_bytes()[1:])
    (tmp_path / "new").mkdir()
    with pytest.raises(Invalid, match="digest"):
        restore(backup, tmp_path / "new", ignore)
    assert list((tmp_path / "new").iterdir()) == []
    with pytest.raises(Invalid, match="digest"):
        restore(backup, tmp_path / "newer", ignore)
    assert not (tmp_path / "newer").exists()


def test_nothing_is_written_over(backup, tmp_path):
    (tmp_path / "new").mkdir()
    (tmp_path / "new/journal.db").write_text("another")
    with pytest.raises(Conflict, match=r"not empty: journal\.db"):
        restore(backup, tmp_path / "new", ignore)
    assert (tmp_path / "new/journal.db").read_text() == "another"


def test_a_backup_of_a_newer_version_is_refused(backup, tmp_path):
    change_manifest(backup, log_schema=999)
    with pytest.raises(Invalid, match="schema 999"):
        restore(backup, tmp_path / "new", ignore)
    change_manifest(backup, format=2)
    with pytest.raises(Invalid, match="format 2"):
        restore(backup, tmp_path / "new", ignore)


def test_a_manifest_that_names_files_elsewhere_is_refused(backup, tmp_path):
    for path in ("../outside", "/etc/passwd"):
        change_manifest(backup, files=[{"path": path, "size": 1, "sha256": ""}])
        with pytest.raises(Invalid, match="outside"):
            restore(backup, tmp_path / "new", ignore)


@pytest.fixture
def backups(source, tmp_path, clock):
    backups = Backups(lambda: source, tmp_path / "backups", clock)
    yield backups
    backups.close()


def wait_for(backups, backup_id):
    backups._thread.join(60)
    return backups.find(backup_id)


def test_a_servers_backup_tells_where_it_is_when_it_is_done(backups, tmp_path):
    done = wait_for(backups, backups.start().id)
    assert done.state == "done"
    assert read_manifest(tmp_path / "backups" / done.path).records == done.records == 3
    assert done.done_bytes == done.total_bytes > 0
    assert backups.list() == (done,)


def test_a_servers_backup_that_fails_says_why(source, tmp_path, clock, backups):
    (tmp_path / "backups").write_text("a file")
    failed = wait_for(backups, backups.start().id)
    assert failed.state == "failed"
    assert "could not be written" in failed.error
    with pytest.raises(NotFound):
        backups.find("another")


def test_of_two_backups_at_one_time_the_second_is_refused_and_a_server_that_stops_ends_the_first(
    source, tmp_path, clock
):
    import threading

    go_on, begun = threading.Event(), threading.Event()

    @contextmanager
    def pause():
        begun.set()
        go_on.wait(60)
        yield

    backups = Backups(lambda: msgspec.structs.replace(source, pause=pause), tmp_path / "backups", clock)
    first = backups.start()
    assert begun.wait(60)
    with pytest.raises(Conflict):
        backups.start()
    closing = threading.Thread(target=backups.close)
    closing.start()
    while not backups._stopping:
        pass
    go_on.set()
    closing.join(60)
    assert (backups.find(first.id).state, backups.find(first.id).error) == ("failed", "The server was stopped.")
    assert list((tmp_path / "backups").iterdir()) == []
    with pytest.raises(Unavailable):
        backups.start()
