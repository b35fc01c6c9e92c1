"""`/v1/backups`: a backup of the whole server, made while it works."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec
from litestar import Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from clew.api.authentication import requires
from clew.core.clock import to_rfc3339
from clew.core.errors import Invalid, NotAllowed
from clew.operations.backups import Backups, BackupStatus
from clew.registry.keys import Keys, Principal

TAG = "For operators"


class BackupForm(msgspec.Struct, frozen=True, kw_only=True):
    """A backup: `path` is where it is on the server's machine once it is done, `error` why it failed."""

    id: str
    state: Literal["running", "done", "failed"]
    started_at: str
    directory: str
    done_bytes: int
    total_bytes: int
    path: str
    records: int
    error: str


class BackupList(msgspec.Struct, frozen=True):
    """The backups that were begun since the server's start, the newest first."""

    items: list[BackupForm]


class NewBackup(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where to write it. Empty: into the directory of the setting `CLEW_BACKUP_DIR`."""

    directory: str = ""


def build_backups(backups: Backups, keys: Keys) -> Router:
    """The routes. They need `admin`: a backup has everything that is kept, the server's secret among it."""

    @post("/backups", operation_id="makeBackup", status_code=202, sync_to_thread=True)
    def make_backup(principal: NamedDependency[Principal], data: JSONBody[NewBackup | None] = None) -> BackupForm:
        """Begin a backup. The server works on; ask for its progress until it is done. The body may be left out."""
        return _show(backups.start(_directory(principal, data.directory if data else "")))

    @get("/backups", operation_id="listBackups", sync_to_thread=False)
    def list_backups() -> BackupList:
        """List the backups that were begun since the server's start."""
        return BackupList([_show(one) for one in backups.list()])

    @get("/backups/{id:str}", operation_id="getBackup", sync_to_thread=False)
    def get_backup(id: FromPath[str]) -> BackupForm:
        """Show how a backup stands."""
        return _show(backups.find(id))

    handlers = [make_backup, list_backups, get_backup]
    return Router("/v1", guards=[requires(keys, "admin")], route_handlers=handlers, tags=[TAG])


def _directory(principal: Principal, directory: str) -> Path | None:
    if not directory:
        return None
    if not principal.is_local:
        raise NotAllowed(
            "Only `clew backup` on the server's own machine may name a directory.",
            hint="Leave it out: the setting CLEW_BACKUP_DIR says where backups go.",
        )
    if not Path(directory).is_absolute():
        raise Invalid(f"{directory[:200]!r} is no absolute path.")
    return Path(directory)


def _show(status: BackupStatus) -> BackupForm:
    return BackupForm(**{**msgspec.structs.asdict(status), "started_at": to_rfc3339(status.started_at)})
