"""Backups that a server makes of itself: one at a time, in a thread, with progress to be asked for."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import msgspec

from clew.core.clock import Clock
from clew.core.errors import ClewError, Conflict, NotFound, Unavailable
from clew.core.ids import new_id
from clew.operations.backup import Source, make_backup

REMEMBERED = 20
"""How many backups are told of after they ended."""

_LOG = logging.getLogger(__name__)


class BackupStatus(msgspec.Struct, frozen=True, kw_only=True):
    """A backup: how far it is, and where it is when it is done. Times are ms since the epoch, sizes bytes.

    `done_bytes` and `total_bytes` are 0 until it is known how much there is. `error` says why it failed.
    """

    id: str
    state: Literal["running", "done", "failed"]
    started_at: int
    directory: str
    done_bytes: int = 0
    total_bytes: int = 0
    path: str = ""
    records: int = 0
    error: str = ""


class Stopped(Exception):
    """The server stops, and the backup with it."""


class Backups:
    """The backups of a running server. Any thread may use it."""

    def __init__(self, source: Callable[[], Source], directory: Path, clock: Clock) -> None:
        self._source = source
        self._directory = directory
        self._clock = clock
        self._lock = threading.Lock()
        self._found: dict[str, BackupStatus] = {}
        self._thread: threading.Thread | None = None
        self._stopping = False

    def start(self, directory: Path | None = None) -> BackupStatus:
        """Begin one, in the directory of the settings or in another. Raises `Conflict` while another one runs."""
        with self._lock:
            if self._stopping:
                raise Unavailable("The server is stopping.")
            if self._thread and self._thread.is_alive():
                raise Conflict("A backup is being made.", hint="Wait until it is done.")
            now_ms = self._clock.now_ms()
            target = directory or self._directory
            status = BackupStatus(id=new_id(now_ms), state="running", started_at=now_ms, directory=str(target))
            self._found[status.id] = status
            if len(self._found) > REMEMBERED:
                del self._found[next(iter(self._found))]
            self._thread = threading.Thread(target=self._run, args=(status.id, target), name="backup")
            self._thread.start()
            return status

    def find(self, backup_id: str) -> BackupStatus:
        """How a backup stands. Raises `NotFound` for one that this server did not begin."""
        with self._lock:
            if backup_id not in self._found:
                raise NotFound(
                    f"There is no backup {backup_id[:80]!r}.",
                    hint="A server tells only of those that it began since its start.",
                )
            return self._found[backup_id]

    def list(self) -> tuple[BackupStatus, ...]:
        """Those that were begun since the start, the newest first."""
        with self._lock:
            return tuple(reversed(self._found.values()))

    def close(self) -> None:
        """End the one that runs. Nothing is left of it."""
        with self._lock:
            self._stopping = True
            thread = self._thread
        if thread:
            thread.join()

    def _run(self, backup_id: str, directory: Path) -> None:
        def tell(done: int, total: int) -> None:
            self._change(backup_id, done_bytes=done, total_bytes=total)
            if self._stopping:
                raise Stopped

        try:
            finished = make_backup(self._source(), directory, self._clock, tell)
        except Stopped:
            self._change(backup_id, state="failed", error="The server was stopped.")
        except ClewError as error:
            _LOG.warning("A backup failed: %s", error.detail)
            self._change(backup_id, state="failed", error=f"{error.detail} {error.hint}".strip())
        except Exception as error:
            _LOG.exception("A backup failed")
            self._change(backup_id, state="failed", error=f"{type(error).__name__}: {error}")
        else:
            self._change(backup_id, state="done", path=str(finished.path), records=finished.manifest.records)

    def _change(self, backup_id: str, **fields: object) -> None:
        with self._lock:
            if backup_id in self._found:
                self._found[backup_id] = msgspec.structs.replace(self._found[backup_id], **fields)
