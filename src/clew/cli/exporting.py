"""`clew export`: every record under the filters as a file, from a running server."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import click
import httpx
import msgspec
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from clew.cli.command import err
from clew.cli.connecting import ANSWER_S, Refused, check_answer, connect, server_options
from clew.cli.filtering import filter_options
from clew.core.errors import Unavailable
from clew.log.export import FORMATS, ExportFormat, RowCounter
from clew.log.parameters import FILTER_NAMES, SORTS

Pairs = list[tuple[str, str]]

PIECE_S = 600.0
"""How long the next piece of a file may take: where few records match, very many are looked at for one."""


class Total(msgspec.Struct, frozen=True):
    """How many records there are; `truncated`: at least so many."""

    count: int
    truncated: bool


@click.command("export")
@filter_options(FILTER_NAMES)
@click.option("--format", "form", type=click.Choice(FORMATS), default="csv", show_default=True)
@click.option(
    "--output", "-o", "target", required=True, metavar="FILE", help="Where to write it; - is standard output."
)
@click.option("--sort", type=click.Choice(SORTS), default="desc", show_default=True, help="Newest or oldest first.")
@server_options
def export(*, filters: Pairs, form: ExportFormat, target: str, sort: str, url: str, key: str) -> None:
    """Write every record under the filters into FILE, which is there once it is whole.

    A row has what a list shows of a record. Bodies are not in it: the API gives each record whole.
    """
    with connect(url, key) as client:
        total = _count(client, filters)
        asked = [*filters, ("format", form), ("sort", sort)]
        timeout = httpx.Timeout(ANSWER_S, read=PIECE_S)
        with (
            client.stream("GET", "/v1/records/export", params=tuple(asked), timeout=timeout) as answer,
            _Bar(total, form) as bar,
        ):
            check_answer(answer)
            pieces = _whole(answer)
            if target == "-":
                _write_out(pieces, bar.tell)
            else:
                _write_file(Path(target), pieces, bar.tell)
    said = "" if total.truncated else f"{total.count:,} records when it began, "
    err.print(f"{said}{bar.size:,} bytes.", markup=False)


def _whole(answer: httpx.Response) -> Iterator[bytes]:
    """The file in pieces. Raises `Refused` where the server does not give all of it: it has no other way to say so."""
    try:
        yield from answer.iter_bytes()
    except httpx.RemoteProtocolError as error:
        raise Refused(
            "The server ended the file before it was whole.",
            hint="Its messages say why; it may need CLEW_LOG_MEMORY_BYTES to be raised, or a shorter time.",
        ) from error


def _count(client: httpx.Client, filters: Pairs) -> Total:
    if any(name == "contains" for name, _ in filters):
        return Total(0, truncated=True)  # to count them, everything would be read twice
    answer = check_answer(client.get("/v1/records/count", params=tuple(filters)))
    return msgspec.json.decode(answer.content, type=Total)


def _write_file(target: Path, pieces: Iterable[bytes], tell: Callable[[bytes], object]) -> None:
    """Write under another name first: a file that is there is whole, and the one before it stays until then."""
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    try:
        with partial.open("xb") as file:
            _copy(pieces, file, tell)
        partial.replace(target)
    except OSError as error:
        raise Unavailable(f"{target} could not be written: {error.strerror}.") from error
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def _write_out(pieces: Iterable[bytes], tell: Callable[[bytes], object]) -> None:
    try:
        _copy(pieces, sys.stdout.buffer, tell)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        # Who reads has enough, as `head` does. What Python would still write at its end goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _copy(pieces: Iterable[bytes], file: BinaryIO, tell: Callable[[bytes], object]) -> None:
    for piece in pieces:
        file.write(piece)
        tell(piece)


class _Bar:
    """A bar of rows on standard error, where that is a terminal; of bytes for Parquet, whose rows cannot be seen."""

    def __init__(self, total: Total, form: ExportFormat) -> None:
        self._rows = RowCounter(form)
        is_counted = form != "parquet"
        rows = (MofNCompleteColumn(),) if is_counted else ()
        size = TextColumn("{task.fields[size]:,} bytes")
        columns = (TextColumn("Exporting"), BarColumn(), *rows, size, TimeElapsedColumn())
        self._progress = Progress(*columns, console=err, disable=not err.is_terminal, transient=True)
        self._task: TaskID = self._progress.add_task(
            "", total=total.count if is_counted and not total.truncated else None, size=0
        )
        self.size = 0

    def __enter__(self) -> _Bar:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def tell(self, piece: bytes) -> None:
        """A piece more."""
        self.size += len(piece)
        self._progress.update(self._task, advance=self._rows.add(piece), size=self.size)
