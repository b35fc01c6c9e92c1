"""The doctor at the bed of a real server that something was done to: what it says, and that it exits with 1."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import stat
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from harness.command import run_clew
from harness.server import ServerProcess, eventually

RECORDS = 3_000


def examine(directory: Path, **env: str) -> tuple[dict[str, tuple[str, str, str]], int]:
    """What the doctor finds by part: level, what, and what to do; and its exit code. Limits of the machine apart."""
    ran = run_clew("doctor", "--json", CLEW_DATA_DIR=str(directory), **env)
    found = json.loads(ran.stdout)["findings"]
    parts = {one["part"]: (one["level"], one["found"], one["todo"]) for one in found}
    machine = {part: parts.pop(part, None) for part in ("open files", "memory", "disk")}
    is_problem = any(level == "problem" for level, _, _ in [*parts.values(), *filter(None, machine.values())])
    assert ran.returncode == int(is_problem), ran.stdout
    return parts, ran.returncode


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data directory of a server that was stopped, with some thousand records."""
    directory = tmp_path_factory.mktemp("doctor") / "data"
    server = ServerProcess(directory).start()
    try:
        with server.client() as api:
            events = [{"event": "order.released", "message": f"order {number}"} for number in range(1_000)]
            for _ in range(RECORDS // 1_000):
                assert api.post("/v1/events", json=events).status_code == 201
            eventually(lambda: api.get("/readyz").json()["parts"]["pump"].get("waiting") == 0, timeout_s=60)
    finally:
        server.close()
    return directory


@pytest.fixture
def directory(whole: Path, tmp_path: Path) -> Iterator[Path]:
    copy = tmp_path / "data"
    shutil.copytree(whole, copy, symlinks=True)
    yield copy
    shutil.rmtree(copy, ignore_errors=True)


def change(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path)) as file:
        file.execute(statement)
        file.commit()


def parts_of(directory: Path) -> list[Path]:
    return sorted(path.parent for path in (directory / "log/data/default/log/").glob("*/count.txt"))


def break_part(directory: Path) -> None:
    """As a disk does that loses the end of a file."""
    part = parts_of(directory)[0]
    largest = max(part.glob("*.bin"), key=lambda path: path.stat().st_size)
    os.truncate(largest, largest.stat().st_size // 2)


BROKEN: list[tuple[str, Callable[[Path], object], str, str]] = [
    ("data directory", lambda d: d.chmod(0o755), "Other users can look", "chmod 700"),
    ("secret", lambda d: (d / "secret.key").chmod(0o644), "Other users can read", "chmod 600"),
    ("state", lambda d: (d / "state.db").write_text("nonsense" * 1000), "not a database", "restore a backup"),
    (
        "state",
        lambda d: change(d / "state.db", "UPDATE alembic_version SET version_num = '9999'"),
        "A newer Clew wrote it",
        "Start that version",
    ),
    ("journal", lambda d: (d / "journal.db").write_text("nonsense" * 1000), "not a database", "restore a backup"),
    ("journal", lambda d: change(d / "journal.db", "PRAGMA user_version = 99"), "format 99", "the version that wrote"),
    (
        "clock",
        lambda d: change(d / "journal.db", "UPDATE entry SET time = time + 7200000"),
        "behind the latest record",
        "Set the clock",
    ),
    (
        "log",
        lambda d: (d / "log/metadata/default/log.sql").unlink(),
        "table of the records is gone",
        "Restore a backup",
    ),
    ("log parts", break_part, "records that are in no answer", "Restore a backup"),
]


@pytest.mark.parametrize(
    ("part", "do", "found", "todo"), BROKEN, ids=lambda value: value if isinstance(value, str) else ""
)
def test_what_is_wrong_is_named_with_what_to_do(
    directory: Path, part: str, do: Callable[[Path], object], found: str, todo: str
) -> None:
    before, code = examine(directory)
    assert {level for level, _, _ in before.values()} == {"ok"}, before
    do(directory)
    after, code = examine(directory)
    level, said, advice = after[part]
    assert level == ("warning" if part == "data directory" else "problem")
    assert found in said
    assert todo in advice
    assert code == (level == "problem")


@pytest.mark.parametrize(
    ("env", "said"),
    [
        ({"CLEW_PORT": "many"}, "CLEW_PORT"),
        ({"CLEW_COLOUR": "red"}, "is no setting"),
        ({"CLEW_LOG_URL": "postgres://db"}, "postgres://"),
        ({"CLEW_KEEP_DAYS_BY_KIND": "orders=3"}, "orders=3"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_settings_with_which_no_server_starts_are_a_problem(whole: Path, env: dict[str, str], said: str) -> None:
    parts, code = examine(whole, **env)
    assert code == 1
    assert (parts["settings"][0], said in parts["settings"][1]) == ("problem", True)
    assert parts["settings"][2]


def test_a_server_that_was_killed_and_one_that_hangs_are_told_apart(directory: Path) -> None:
    server = ServerProcess(directory).start()
    try:
        parts, code = examine(directory)
        assert (code, parts["server"][0]) == (0, "ok")
        assert "It answers. The oldest record" in parts["log"][1]
        os.kill(server.pid, signal.SIGSTOP)  # it has the log and says nothing
        parts, code = examine(directory)
        assert (code, parts["server"][0]) == (1, "problem")
        assert "does not answer" in parts["server"][1]
        os.kill(server.pid, signal.SIGCONT)
        server.kill()
        parts, code = examine(directory)
        assert code == 0
        assert f"{RECORDS:,} records" in parts["log"][1]
    finally:
        server.close()


def test_a_server_that_starts_with_a_damaged_part_says_so_and_so_does_the_doctor_beside_it(directory: Path) -> None:
    break_part(directory)
    server = ServerProcess(directory).start()
    try:
        assert [line for line in server.lines if "records that are in no answer" in line], server.lines
        parts, code = examine(directory)
        assert (code, parts["log parts"][0], parts["server"][0]) == (1, "problem", "ok")
    finally:
        server.close()


def test_what_is_restored_is_its_owners_alone(whole: Path, tmp_path: Path) -> None:
    made = run_clew("backup", tmp_path / "backups", CLEW_DATA_DIR=str(whole))
    assert made.returncode == 0, made.stderr
    target = tmp_path / "new" / "data"
    assert run_clew("restore", made.stdout.strip(), "--data-dir", target).returncode == 0
    assert stat.S_IMODE(target.stat().st_mode) == 0o700
    parts, _ = examine(target)
    assert {level for level, _, _ in parts.values()} == {"ok"}, parts
    assert f"{RECORDS:,} records" in parts["log"][1]
