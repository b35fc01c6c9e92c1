"""What the doctor finds where something was made to be wrong."""

from __future__ import annotations

import asyncio
import json
import resource
import sqlite3
from contextlib import closing

import msgspec
import pytest

from clew.core.errors import SettingsError
from clew.core.ids import new_id
from clew.core.settings import MIB, Settings
from clew.journal.journal import Append, Item
from clew.journal.sqlite import SqliteJournal
from clew.log.engine import DirectoryLock
from clew.operations.doctor.data_directory import examine_directory, examine_disk
from clew.operations.doctor.examination import examine
from clew.operations.doctor.finding import say_bytes, say_time
from clew.operations.doctor.log_directory import Days, Times, examine_log, examine_server, judge_log, judge_parts
from clew.operations.doctor.machine import examine_memory, examine_open_files
from clew.operations.doctor.sqlite_stores import Reader, examine_journal, examine_state, judge_clock, judge_reader
from clew.operations.running_server import RunningServer, announce

GB = 1000 * 1000 * 1000


def levels(findings):
    return {finding.part: finding.level for finding in findings}


def test_settings_that_cannot_be_read_are_the_problem_and_nothing_else_is_looked_at(clock):
    def load():
        raise SettingsError("CLEW_PORT is no number.")

    found = list(examine(load, clock))
    assert [(finding.part, finding.level) for finding in found] == [("versions", "ok"), ("settings", "problem")]
    assert "CLEW_PORT" in found[1].found


def test_a_directory_that_was_never_used_is_no_problem(clock, tmp_path):
    found = levels(examine(lambda: Settings(data_dir=str(tmp_path / "none")), clock))
    assert found["data directory"] == "warning"
    assert [part for part, level in found.items() if level == "problem" and part != "open files"] == []
    assert not (tmp_path / "none").exists()


def test_every_finding_that_is_not_ok_says_what_to_do(clock, places, settings):
    places.data_dir.chmod(0o755)
    places.secret.chmod(0o644)
    found = [finding for finding in examine_directory(settings, places) if finding.level != "ok"]
    assert [(finding.part, finding.level) for finding in found[:2]] == [
        ("data directory", "warning"),
        ("secret", "problem"),
    ]
    assert [finding.todo for finding in found[:2]] == [f"chmod 700 {places.data_dir}", f"chmod 600 {places.secret}"]


@pytest.mark.parametrize(
    ("free", "log", "budget", "level"),
    [
        (50 * GB, 1 * GB, 0, "ok"),
        (50 * GB, 1 * GB, 40 * GB, "ok"),
        (10 * GB, 1 * GB, 40 * GB, "warning"),
        (500 * MIB, 1 * GB, 0, "warning"),
        (50 * MIB, 1 * GB, 0, "problem"),
    ],
)
def test_the_disk_has_room_for_the_journal_and_for_the_log_that_it_is_to_hold(free, log, budget, level):
    assert examine_disk(free, log, budget).level == level


@pytest.mark.parametrize(
    ("hard", "level"), [(resource.RLIM_INFINITY, "ok"), (65_536, "ok"), (4_096, "warning"), (1_024, "problem")]
)
def test_the_files_that_may_be_open_are_enough(hard, level):
    assert examine_open_files(hard).level == level


@pytest.mark.parametrize(("free_kb", "level"), [(4_000_000, "ok"), (1_000_000, "warning")])
def test_an_idle_server_and_one_question_fit_into_memory(free_kb, level):
    meminfo = f"MemTotal:       8000000 kB\nMemAvailable:   {free_kb} kB\nHugePages_Total:       0\n"
    assert examine_memory(meminfo, 1_000_000_000).level == level


def test_state_and_journal_that_are_well_are_ok(places, clock):
    assert set(levels(examine_state(places.state)).values()) == {"ok"}
    assert set(levels(examine_journal(places.journal, clock, is_running=True)).values()) == {"ok"}


def test_a_state_that_a_newer_version_wrote_is_a_problem_and_an_older_one_is_upgraded(places):
    for revision, level in (("9999", "problem"), ("0001", "ok")):
        with closing(sqlite3.connect(places.state)) as file:
            file.execute("UPDATE alembic_version SET version_num = ?", (revision,))
            file.commit()
        found = next(iter(examine_state(places.state)))
        assert (found.level, revision in found.found) == (level, True)


@pytest.mark.parametrize("name", ["state", "journal"])
def test_a_file_that_is_no_database_or_another_one_is_a_problem(places, clock, name):
    path = places.state if name == "state" else places.journal
    examine_it = (
        (lambda: examine_state(path)) if name == "state" else (lambda: examine_journal(path, clock, is_running=False))
    )
    path.unlink()
    with closing(sqlite3.connect(path)) as file:
        file.execute("CREATE TABLE another (one INTEGER)")
    assert "problem" in levels(examine_it()).values()
    path.write_bytes(b"no database" * 1000)
    assert levels(examine_it()) == {name: "problem"}
    path.unlink()
    assert levels(examine_it()) == {name: "warning"}


def test_damaged_pages_are_found(places, clock):
    with closing(sqlite3.connect(places.journal)) as file:
        file.executemany("INSERT INTO item_key VALUES (?, '', 1)", [(n.to_bytes(32),) for n in range(5_000)])
        file.commit()
        file.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        page_size = file.execute("PRAGMA page_size").fetchone()[0]
    content = bytearray(places.journal.read_bytes())
    for page in range(20, 40):
        content[page * page_size : page * page_size + 100] = b"\x5a" * 100
    places.journal.write_bytes(content)
    damaged = levels(examine_journal(places.journal, clock, is_running=False))
    assert damaged["journal pages"] == "problem"


def test_a_file_that_is_too_large_to_be_read_in_time_is_read_as_far_as_that_goes(places, clock, monkeypatch):
    monkeypatch.setattr("clew.operations.doctor.sqlite_stores.CHECK_S", 0.0)
    monkeypatch.setattr("clew.operations.doctor.sqlite_stores._STEPS", 1)
    found = {finding.part: finding for finding in examine_journal(places.journal, clock, is_running=False)}
    assert found["journal pages"].level == "ok"
    assert "0 s" in found["journal pages"].found


def test_what_waits_for_a_reader_is_told_with_its_age(places, clock):
    journal = SqliteJournal(places.journal, clock=clock)
    items = tuple(Item(new_id(clock.now_ms()), b"{}") for _ in range(7))
    asyncio.run(journal.append(Append(items)))
    journal.close()
    clock.advance(5 * 60_000)
    found = {finding.part: finding for finding in examine_journal(places.journal, clock, is_running=True)}
    assert found["reader log"].level == "warning"
    assert found["reader log"].found.startswith("7 records wait for it, the oldest for 5 min")


@pytest.mark.parametrize(
    ("waiting", "waiting_ms", "is_running", "level"),
    [(0, 0, True, "ok"), (9, 500, True, "ok"), (9, 90_000, True, "warning"), (9, 90_000, False, "ok")],
)
def test_a_reader_may_be_behind_for_a_while_and_while_the_server_is_stopped(waiting, waiting_ms, is_running, level):
    assert judge_reader(Reader("log", waiting, waiting_ms), is_running=is_running).level == level


def test_a_clock_that_was_put_back_is_found(clock):
    now_ms = clock.now_ms()
    assert judge_clock(None, now_ms).level == "ok"
    assert judge_clock(now_ms + 1_000, now_ms).level == "ok"
    assert judge_clock(now_ms + 3_600_000, now_ms).level == "problem"


def test_parts_of_a_server_that_do_not_work_are_problems_with_their_reasons():
    found = list(
        judge_parts({"state": {"ok": True}, "pump": {"ok": False, "error": "no room"}, "x": {"ok": True, "n": 1}})
    )
    assert [finding.level for finding in found] == ["ok", "problem", "ok"]
    assert (found[1].found, found[2].found) == ("no room", "It works: n 1.")


def test_a_server_that_does_not_answer_is_a_problem_and_one_that_is_not_announced_is_looked_at_again(places):
    assert levels(examine_server(places)) == {"server": "warning"}
    announce(places.data_dir, RunningServer(url="http://127.0.0.1:1", key="k", pid=7, version="0"))
    found = list(examine_server(places))
    assert [finding.level for finding in found] == ["warning", "problem"]
    assert "version 0" in found[0].found
    assert "process 7" in found[1].found


def test_a_log_that_a_process_has_open_is_never_opened(places, clock, settings):
    lock = DirectoryLock(places.log)
    try:
        parts = levels(examine(lambda: settings, clock))
        assert "server" in parts
        assert "log" not in parts
        assert levels(examine_log(places)) == {"log": "problem"}
    finally:
        lock.release()


def test_a_day_of_very_many_parts_is_told():
    times = Times(oldest=1_780_000_000_000, newest=1_780_000_100_000)
    assert judge_log(Days(2, 40, 30, 1_000), times, 3).level == "ok"
    assert judge_log(Days(2, 700, 600, 1_000), times, 3).level == "warning"
    assert "no record yet" in judge_log(Days(0, 0, 0, 0), Times(0, 0), 3).found


def test_sizes_and_times_are_said_in_units_that_people_read():
    assert [say_bytes(size) for size in (12, 1_500, 2_000_000, 3e9, 4e12)] == [
        "12 B",
        "1.5 kB",
        "2.0 MB",
        "3.0 GB",
        "4.0 TB",
    ]
    assert [say_time(ms) for ms in (12, 2_500, 150_000, 8e6, 3e8)] == ["12 ms", "2 s", "2 min", "2 h", "3 d"]


def test_findings_are_json(places, settings, clock):
    text = msgspec.json.encode(list(examine(lambda: settings, clock)))
    assert {"part", "level", "found", "todo"} == set(json.loads(text)[0])
