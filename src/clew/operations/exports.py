"""Exports that take a while: written into files of the data directory, for one member, for a day.

One is written at a time, so that there is always room for a download. What runs when the server stops has failed.
"""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Literal, Protocol

import msgspec

from clew.core.clock import DAY_MS, SECOND_MS, Clock
from clew.core.errors import ClewError, NotFound, TooMany, Unavailable
from clew.core.ids import is_id, new_id
from clew.log.export import ExportFormat, RowCounter
from clew.log.query import Filter, Sort

KEPT_MS = DAY_MS
"""How long a file is kept after it is whole."""
MOST_OF_ONE = 10
"""Exports of one member that wait, run or are kept."""
ROOM_BYTES = 512 * 1024 * 1024
"""What is left free on the disk: the journal comes first."""
RETRY_S = 1.0
"""How long it waits where downloads have all connections."""

_LOG = logging.getLogger(__name__)


class Export(msgspec.Struct, frozen=True, kw_only=True):
    """An export of a member. Times are ms, `expected` the records there were when it was asked for.

    `records` are those that are written, 0 for a format in which they cannot be counted. `error` says why it failed.
    """

    id: str
    workspace: str
    member: str
    title: str
    file_name: str
    format: ExportFormat
    state: Literal["waiting", "running", "done", "failed"]
    asked_at: int
    ended_at: int | None = None
    expected: int
    records: int = 0
    size: int = 0
    error: str = ""

    @property
    def has_ended(self) -> bool:
        """Whether nothing of it changes any more."""
        return self.state in ("done", "failed")

    @property
    def kept_until(self) -> int | None:
        """When it is removed; None while it is being made."""
        return None if self.ended_at is None else self.ended_at + KEPT_MS


class Exporter(Protocol):
    """What gives the pieces of a file."""

    def export(self, filter: Filter, format: ExportFormat, sort: Sort) -> AsyncIterator[bytes]:
        """See `clew.log.search.Search.export`."""
        ...


class Exports:
    """The exports of all members. Used from one event loop."""

    def __init__(self, exporter: Exporter, directory: Path, clock: Clock) -> None:
        self._exporter = exporter
        self._directory = directory
        self._clock = clock
        self._turn = asyncio.Lock()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._found = self._load()

    def start(self, export: Export, filter: Filter, sort: Sort) -> Export:
        """Begin one, or let it wait for its turn. Raises `TooMany` where its member has as many as may be."""
        self._sweep()
        mine = self.list(export.workspace, export.member)
        if len(mine) >= MOST_OF_ONE:
            raise TooMany(
                f"You have {len(mine)} exports, and no more than {MOST_OF_ONE} are kept.",
                hint="Remove one of them first.",
            )
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._found[export.id] = export
        self._tasks[export.id] = asyncio.get_running_loop().create_task(self._run(export, filter, sort))
        return export

    def new_id(self) -> str:
        """An id for the next one."""
        return new_id(self._clock.now_ms())

    def list(self, workspace: str, member: str) -> tuple[Export, ...]:
        """A member's exports, the latest first."""
        self._sweep()
        found = (export for export in self._found.values() if (export.workspace, export.member) == (workspace, member))
        return tuple(sorted(found, key=lambda export: export.id, reverse=True))

    def find(self, workspace: str, member: str, export_id: str) -> Export:
        """An export of this member. Raises `NotFound` for any other."""
        self._sweep()
        export = self._found.get(export_id)
        if export is None or (export.workspace, export.member) != (workspace, member):
            raise NotFound(
                f"There is no export {export_id[:80]!r} of yours.", hint="An export is kept for a day, then removed."
            )
        return export

    def path(self, export: Export) -> Path:
        """The file of an export that is done."""
        return self._directory / f"{export.id}.{export.format}"

    def remove(self, export: Export) -> None:
        """End it where it runs, and remove its file."""
        task = self._tasks.pop(export.id, None)
        if task:
            task.cancel()
        self._found.pop(export.id, None)
        for path in self._directory.glob(f"{export.id}.*"):
            path.unlink(missing_ok=True)

    async def close(self) -> None:
        """End those that run."""
        tasks = tuple(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, export: Export, filter: Filter, sort: Sort) -> None:
        try:
            async with self._turn:
                self._change(export.id, state="running")
                await self._write(export, filter, sort)
        except asyncio.CancelledError:
            self._fail(export.id, "The server was stopped.")
            raise
        except ClewError as error:
            self._fail(export.id, f"{error.detail} {error.hint}".strip())
        except OSError as error:
            self._fail(export.id, f"The file could not be written: {error.strerror}.")
        except Exception as error:
            _LOG.exception("an export failed")
            self._fail(export.id, f"The server made a mistake: {type(error).__name__}.")
        finally:
            self._tasks.pop(export.id, None)

    async def _write(self, export: Export, filter: Filter, sort: Sort) -> None:
        path = self.path(export)
        number = os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
        with os.fdopen(number, "wb") as file:
            pieces, rows = await self._begin(filter, export.format, sort), RowCounter(export.format)
            try:
                async for piece in pieces:
                    await asyncio.to_thread(self._add, file, piece)
                    self._tell(export, len(piece), rows.add(piece))
            finally:
                await _close(pieces)
        self._change(export.id, state="done", ended_at=self._clock.now_ms())
        self._save(self._found[export.id])

    async def _begin(self, filter: Filter, format: ExportFormat, sort: Sort) -> AsyncIterator[bytes]:
        """The pieces, as soon as a download leaves room for them."""
        while True:
            try:
                return self._exporter.export(filter, format, sort)
            except TooMany:
                await asyncio.sleep(RETRY_S)

    def _add(self, file: BinaryIO, piece: bytes) -> None:
        if shutil.disk_usage(self._directory).free < ROOM_BYTES:
            raise Unavailable("The server's disk has too little room for it.")
        file.write(piece)

    def _tell(self, export: Export, size: int, records: int) -> None:
        now = self._found.get(export.id, export)
        self._change(export.id, records=now.records + records, size=now.size + size)

    def _change(self, export_id: str, **fields: object) -> None:
        if export_id in self._found:
            self._found[export_id] = msgspec.structs.replace(self._found[export_id], **fields)

    def _fail(self, export_id: str, error: str) -> None:
        if export_id not in self._found:  # it was removed
            return
        self._change(export_id, state="failed", error=error, ended_at=self._clock.now_ms())
        self.path(self._found[export_id]).unlink(missing_ok=True)
        with suppress(OSError):  # then it is not known after a start, as little as its file
            self._save(self._found[export_id])

    def _save(self, export: Export) -> None:
        note = self._directory / f"{export.id}.json"
        note.with_suffix(".new").write_bytes(msgspec.json.encode(export))
        note.with_suffix(".new").rename(note)

    def _load(self) -> dict[str, Export]:
        """What an earlier run of the server has left: files that are whole are told of, others go."""
        found = {}
        for note in self._directory.glob("*.json"):
            with suppress(msgspec.DecodeError, OSError):
                export = msgspec.json.decode(note.read_bytes(), type=Export)
                found[export.id] = export
        for path in self._directory.glob("*.*"):
            if is_id(path.stem) and (path.stem not in found or path.suffix == ".new"):
                path.unlink(missing_ok=True)
        return found

    def _sweep(self) -> None:
        now_ms = self._clock.now_ms()
        for export in tuple(self._found.values()):
            if export.kept_until is not None and export.kept_until + SECOND_MS <= now_ms:
                self.remove(export)


async def _close(pieces: AsyncIterator[bytes]) -> None:
    close = getattr(pieces, "aclose", None)
    if close is not None:
        await close()
