"""State and journal: whether they open, whole, in the version that this Clew reads, and how far readers are behind.

They are opened to be read alone, beside a server that has them open.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec

from clew.core.clock import MINUTE_MS, Clock
from clew.journal.sqlite_file import APPLICATION_ID, FORMAT, size_on_disk
from clew.operations.doctor.finding import Finding, ok, problem, say_bytes, say_time, warning
from clew.operations.sqlite_snapshot import open_file
from clew.state.tables import REVISION

CHECK_S = 5.0
"""How long a file is read for damage. A larger one is read as far as that goes."""
LATE_MS = MINUTE_MS
"""A reader of a running server that is further behind is in trouble or under heavy load."""
_STEPS = 100_000
"""Steps of SQLite's machine between two looks at the clock: a few milliseconds."""


class Reader(msgspec.Struct, frozen=True):
    """A reader of the journal: how many records wait for it, and for how long the oldest has."""

    name: str
    waiting: int
    waiting_ms: int


def examine_state(path: Path | None) -> Iterator[Finding]:
    """The state store."""
    if path is None:
        yield ok("state", "It is in a database server, which is not looked at here.")
        return
    if not path.exists():
        yield warning("state", f"{path} is not there yet.", "The first start makes it.")
        return
    try:
        with closing(open_file(path)) as file:
            revision = str(file.execute("SELECT version_num FROM alembic_version").fetchone()[0])
            yield _judge_revision(path, revision)
            yield _examine_pages("state", file)
    except (sqlite3.Error, TypeError) as error:
        yield problem("state", f"{path} cannot be read: {error}.", "Look at its rights, or restore a backup.")


def _judge_revision(path: Path, revision: str) -> Finding:
    size = say_bytes(size_on_disk(path))
    if revision > REVISION:
        found = f"A newer Clew wrote it (revision {revision}, known is {REVISION})."
        return problem("state", found, "Start that version, or restore a backup made before it.")
    if revision < REVISION:
        return ok("state", f"It opens, {size}; the next start upgrades it from revision {revision} to {REVISION}.")
    return ok("state", f"It opens, {size}, revision {revision}.")


def examine_journal(path: Path, clock: Clock, *, is_running: bool) -> Iterator[Finding]:
    """The journal, its readers, and the clock that it was written by."""
    if not path.exists():
        yield warning("journal", f"{path} is not there yet.", "The first start makes it.")
        return
    try:
        with closing(open_file(path)) as file:
            yield _judge_format(path, file)
            now_ms = clock.now_ms()
            for reader in _read_readers(file, now_ms):
                yield judge_reader(reader, is_running=is_running)
            newest = file.execute("SELECT time FROM entry ORDER BY id DESC LIMIT 1").fetchone()
            yield judge_clock(newest[0] if newest else None, now_ms)
            yield _examine_pages("journal", file)
    except (sqlite3.Error, TypeError) as error:
        yield problem("journal", f"{path} cannot be read: {error}.", "Look at its rights, or restore a backup.")


def _judge_format(path: Path, file: sqlite3.Connection) -> Finding:
    found = [file.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")]
    if found[0] != APPLICATION_ID:
        return problem("journal", f"{path} is a database, but no journal of Clew.", "Set CLEW_DATA_DIR to another.")
    if found[1] != FORMAT:
        said = f"It has format {found[1]}; this version reads format {FORMAT}."
        return problem("journal", said, "Start the version that wrote it.")
    return ok("journal", f"It opens, {say_bytes(size_on_disk(path))}.")


def _read_readers(file: sqlite3.Connection, now_ms: int) -> Iterator[Reader]:
    newest = file.execute("SELECT total FROM entry ORDER BY id DESC LIMIT 1").fetchone()
    for name, position in file.execute("SELECT name, position FROM reader ORDER BY name").fetchall():
        oldest = file.execute(
            "SELECT total - count, time FROM entry WHERE id > ? ORDER BY id LIMIT 1", (position,)
        ).fetchone()
        yield Reader(name, newest[0] - oldest[0], max(0, now_ms - oldest[1])) if oldest else Reader(name, 0, 0)


def judge_reader(reader: Reader, *, is_running: bool) -> Finding:
    """How far a reader is behind, and whether that is as it should be."""
    part = f"reader {reader.name}"
    if not reader.waiting:
        return ok(part, "Nothing waits for it.")
    found = f"{reader.waiting:,} records wait for it, the oldest for {say_time(reader.waiting_ms)}."
    if not is_running:
        return ok(part, f"{found} The next start goes on.")
    if reader.waiting_ms > LATE_MS:
        return warning(
            part, found, "Look at the server's messages: either it cannot go on, or more comes than it can do."
        )
    return ok(part, found)


def judge_clock(newest_ms: int | None, now_ms: int) -> Finding:
    """Whether the machine's clock was put back since the last record was accepted."""
    if newest_ms is not None and newest_ms > now_ms + LATE_MS:
        found = f"The clock is {say_time(newest_ms - now_ms)} behind the latest record that was accepted."
        return problem("clock", found, "Set the clock: new records are dated before older ones.")
    return ok("clock", "It is not behind what was accepted last.")


def _examine_pages(part: str, file: sqlite3.Connection) -> Finding:
    """Read the pages for damage, for `CHECK_S` at most."""
    deadline_s = time.monotonic() + CHECK_S
    file.set_progress_handler(lambda: time.monotonic() > deadline_s, _STEPS)
    try:
        rows = [str(row[0]) for row in file.execute("PRAGMA quick_check(5)")]
    except sqlite3.OperationalError as error:
        if getattr(error, "sqlite_errorcode", 0) != sqlite3.SQLITE_INTERRUPT:
            raise
        return ok(f"{part} pages", f"No damage in what {CHECK_S:g} s could read of them.")
    finally:
        file.set_progress_handler(None, 0)
    if rows == ["ok"]:
        return ok(f"{part} pages", "No damage.")
    return problem(f"{part} pages", f"They are damaged: {'; '.join(rows)}", "Stop the server and restore a backup.")
