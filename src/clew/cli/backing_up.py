"""`clew backup` and `clew restore`: everything that is kept, elsewhere, and back."""

from __future__ import annotations

import time
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import click
import httpx
import msgspec
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from clew.cli.command import err
from clew.cli.connecting import check_answer, connect
from clew.core.clock import SystemClock
from clew.core.errors import Unavailable
from clew.core.settings import Settings, load
from clew.log.engine import DirectoryLock, raise_open_files_limit
from clew.operations.backup import make_backup
from clew.operations.places import Places, find_places, source_of
from clew.operations.restore import restore
from clew.operations.running_server import is_owned

ASK_EVERY_S = 0.2
"""How often a server is asked how far it is."""


class BackupAnswer(msgspec.Struct, frozen=True):
    """What a server says of a backup."""

    id: str
    state: str
    done_bytes: int
    total_bytes: int
    path: str
    records: int
    error: str


@click.command()
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def backup(directory: Path, as_json: bool) -> None:
    """Write a backup of everything into a new directory of DIRECTORY, and print its path.

    The server goes on working. The backup has its secret key too: keep it as safe as the data directory.
    """
    settings = load()
    places = find_places(settings)
    with _Bar("Backing up") as bar:
        made = _ask_server(settings, directory, bar) if is_owned(places.log) else _make_here(places, directory, bar)
    _tell(made, as_json, f"{made['records']:,} records are in the backup.")


@click.command("restore")
@click.argument("backup_directory", metavar="BACKUP", type=click.Path(file_okay=False, path_type=Path))
@click.option("--data-dir", type=click.Path(file_okay=False, path_type=Path), required=True, help="A new directory.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def restore_backup(backup_directory: Path, data_dir: Path, as_json: bool) -> None:
    """Make a data directory of BACKUP, every file checked. Nothing is written over."""
    raise_open_files_limit()
    with _Bar("Restoring") as bar:
        manifest = restore(backup_directory, data_dir, bar.tell)
    made = {"path": str(data_dir), "records": manifest.records, "made_at": manifest.made_at}
    _tell(
        made,
        as_json,
        f"{manifest.records:,} records as of {manifest.made_at}. Start it with CLEW_DATA_DIR={data_dir}.",
    )


def _make_here(places: Places, directory: Path, bar: _Bar) -> dict[str, Any]:
    if not places.journal.is_file():
        raise Unavailable(f"There is nothing to back up in {places.data_dir}.", hint="Set CLEW_DATA_DIR.")
    raise_open_files_limit()
    lock = DirectoryLock(places.log)
    try:
        finished = make_backup(source_of(places, nullcontext), directory, SystemClock(), bar.tell)
    finally:
        lock.release()
    return {"path": str(finished.path), "records": finished.manifest.records, "made_at": finished.manifest.made_at}


def _ask_server(settings: Settings, directory: Path, bar: _Bar) -> dict[str, Any]:
    with connect(settings=msgspec.structs.replace(settings, server_url="", api_key="")) as client:
        asked = client.post("/v1/backups", json={"directory": str(directory.absolute())})
        answer = _read(asked)
        while answer.state == "running":
            time.sleep(ASK_EVERY_S)
            answer = _read(client.get(f"/v1/backups/{answer.id}"))
            bar.tell(answer.done_bytes, answer.total_bytes)
    if answer.state == "failed":
        raise Unavailable(answer.error)
    return {"path": answer.path, "records": answer.records}


def _read(answer: httpx.Response) -> BackupAnswer:
    return msgspec.json.decode(check_answer(answer).content, type=BackupAnswer)


def _tell(made: dict[str, Any], as_json: bool, said: str) -> None:
    if as_json:
        click.echo(msgspec.json.encode(made).decode())
        return
    click.echo(made["path"])
    err.print(said, markup=False)


class _Bar:
    """A bar of bytes on standard error, where that is a terminal."""

    def __init__(self, text: str) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
        self._progress = Progress(*columns, console=err, disable=not err.is_terminal)
        self._task: TaskID = self._progress.add_task(text, total=None)

    def __enter__(self) -> _Bar:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def tell(self, done: int, total: int) -> None:
        """So far."""
        self._progress.update(self._task, completed=done, total=total or None)
