"""A backup: journal, state and log as a crash at one moment would leave them, taken while the server works.

A start after a crash is right whatever the moment, and is tested to be. So a backup need not find a good moment; it
must be of one moment. There are three stores, and this is how they are caught together:

1. The pump is paused between two blocks. Now the log holds exactly what the journal's cursor says.
2. The state's write lock is taken, for the blink in which a snapshot of the journal and one of the state are opened.
   State cannot change in between, so the two are of one moment. (A state that is older than the journal would lack runs
   that the journal calls launched; a newer one would lack runs that ended.)
3. The log is frozen: hard links to its parts. The pump goes on.

Then all is copied. Intake waits for none of it. What was acknowledged before is in the journal's snapshot or in the
frozen log; what the cursor has not passed is inserted into the log by the restored server's first blocks, once, as no
row of it is there.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from importlib.metadata import version
from pathlib import Path

import msgspec

from clew.core.clock import Clock, to_rfc3339
from clew.core.errors import Unavailable
from clew.log.freezing import FrozenLog
from clew.operations.copying import Progress, Tally, copy_file, digest_file, sync_directory, sync_tree
from clew.operations.manifest import (
    FORMAT,
    BackedUpFile,
    BackedUpTable,
    Manifest,
    write_manifest,
)
from clew.operations.sqlite_snapshot import SqliteSnapshot, snapshot, writes_held

JOURNAL, STATE, SECRET, LOG = "journal.db", "state.db", "secret.key", "log"
"""The names in a backup, and in the data directory where no setting says otherwise."""

PARTIAL = ".partial"
ROOM_BYTES = 64 * 1024 * 1024
"""What a backup leaves free on its disk."""


class Source(msgspec.Struct, frozen=True):
    """What is backed up. `pause` keeps the log as the journal's cursor says, `freeze` gives it under a name.

    `secret` is None where the settings have it.
    """

    journal: Path
    state: Path
    secret: Path | None
    pause: Callable[[], AbstractContextManager[None]]
    freeze: Callable[[str], AbstractContextManager[FrozenLog]]


class Moment(msgspec.Struct, frozen=True):
    """The three stores at one moment."""

    journal: SqliteSnapshot
    state: SqliteSnapshot
    log: FrozenLog


class Finished(msgspec.Struct, frozen=True):
    """A backup that is whole: where it is, and what it says of itself."""

    path: Path
    manifest: Manifest


def make_backup(source: Source, parent: Path, clock: Clock, progress: Progress) -> Finished:
    """Write a backup into a new directory of `parent`, named for the time. It bears its name once it is whole.

    Raises `Unavailable` where it cannot be written or read to its end; then nothing is left of it.
    """
    now_ms = clock.now_ms()
    name = f"clew-{to_rfc3339(now_ms).replace('-', '').replace(':', '').replace('.', '')}"
    partial = parent / f".{name}{PARTIAL}"
    try:
        partial.mkdir(mode=0o700, parents=True)
        try:
            with take_moment(source, name) as moment:
                manifest = _write(moment, source.secret, partial, to_rfc3339(now_ms), progress)
            write_manifest(partial, manifest)
            sync_tree(partial)
            partial.rename(parent / name)
            sync_directory(parent)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise
    except OSError as error:
        raise Unavailable(
            f"The backup in {parent} could not be written: {error.strerror or error}.",
            hint="Look at the rights of the directory and at the room on its disk.",
        ) from error
    return Finished(parent / name, manifest)


@contextmanager
def take_moment(source: Source, name: str) -> Iterator[Moment]:
    """The three stores as they are now, until the block ends. Nothing but the pump waits for it, and only at first."""
    with ExitStack() as stack:
        with source.pause():
            with writes_held(source.state):
                journal = stack.enter_context(snapshot(source.journal))
                state = stack.enter_context(snapshot(source.state))
            frozen = stack.enter_context(source.freeze(name.replace("-", "_")))
        yield Moment(journal, state, frozen)


def _write(moment: Moment, secret: Path | None, target: Path, made_at: str, progress: Progress) -> Manifest:
    files = list(_files_of(moment.log))
    if secret is not None:
        files.append((secret, SECRET))
    total = moment.journal.size + moment.state.size + sum(path.stat().st_size for path, _ in files)
    _check_room(target, total)
    tally = Tally(progress, total)
    written = (
        _copy_snapshot(moment.journal, target / JOURNAL, tally),
        _copy_snapshot(moment.state, target / STATE, tally),
        *(BackedUpFile(name, *copy_file(path, target / name, tally)) for path, name in files),
    )
    return Manifest(
        format=FORMAT,
        made_at=made_at,
        clew=version("clew"),
        engine=moment.log.engine,
        log_schema=moment.log.schema,
        state_revision=_value(moment.state, "SELECT version_num FROM alembic_version"),
        indexed=int(_value(moment.journal, "SELECT position FROM reader WHERE name = 'log'") or 0),
        last=int(_value(moment.journal, "SELECT seq FROM sqlite_sequence WHERE name = 'entry'") or 0),
        tables=tuple(BackedUpTable(table.name, table.create, table.rows) for table in moment.log.tables),
        files=written,
    )


def _files_of(log: FrozenLog) -> Iterator[tuple[Path, str]]:
    """Each file of the log, and its name in the backup."""
    for table in log.tables:
        if table.directory is not None:
            for path in sorted(table.directory.rglob("*")):
                if path.is_file():
                    yield path, f"{LOG}/{table.name}/{path.relative_to(table.directory)}"


def _copy_snapshot(source: SqliteSnapshot, target: Path, tally: Tally) -> BackedUpFile:
    before = tally.done
    source.copy_to(target, lambda size: tally.set(before + size))
    target.chmod(0o600)
    size, digest = digest_file(target)
    tally.set(before + size)
    return BackedUpFile(target.name, size, digest)


def _value(source: SqliteSnapshot, query: str) -> str:
    rows = source.read(query)
    return str(rows[0][0]) if rows else ""


def _check_room(target: Path, total: int) -> None:
    free = shutil.disk_usage(target).free
    if free < total + ROOM_BYTES:
        raise Unavailable(
            f"The backup takes {total:,} bytes, and {free:,} are free in {target.parent}.",
            hint="Make room there, or name another directory.",
        )
