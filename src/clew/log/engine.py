"""The ClickHouse engine: opening it, the settings of its connections, and what its errors mean to us."""

from __future__ import annotations

import fcntl
import os
import queue
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import clickhouse_connect
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from clew.core.errors import DataDirInUse, SettingsError, Unavailable
from clew.core.settings import MIB
from clew.log.sql import UNBOUNDED, Statement

OPEN_FILES = 65_536
"""Files the engine may need at once: about 25 a part that is read, and several hundred parts."""

LOCK_TRIES, LOCK_EVERY_S = 3, 0.05
DROP_TRIES = 3

ENGINE_OPTIONS = {
    # The engine's own caches may take half of the memory by default. The page cache of the system holds the same bytes
    # a second time, so little is lost by keeping these small, and an idle server stays under 600 MB.
    "mark_cache_size": 64 * MIB,
    "index_mark_cache_size": 32 * MIB,
    "primary_index_cache_size": 64 * MIB,
    "query_condition_cache_size": 16 * MIB,
    "text_index_tokens_cache_size": 32 * MIB,
    "text_index_header_cache_size": 32 * MIB,
    "text_index_postings_cache_size": 32 * MIB,
    "compiled_expression_cache_size": 16 * MIB,
}

WRITER_SETTINGS = {
    # An insert is answered when it is on disk, not when it is queued.
    "async_insert": 0,
    # One insert is one block, in one thread: it is there whole or not, and makes one part for each day in it.
    "max_insert_threads": 1,
    "max_block_size": 10_000_000,
    "max_insert_block_size": 10_000_000,
    "min_insert_block_size_rows": 0,
    "min_insert_block_size_bytes": 0,
    "input_format_parallel_parsing": 0,
    # Records may report the past: a block may hold any number of days.
    "max_partitions_per_insert_block": 0,
    "throw_on_max_partitions_per_insert_block": 0,
    # What is nested in a record goes into its column as the JSON text it is.
    "input_format_json_read_objects_as_strings": 1,
    "input_format_json_read_arrays_as_strings": 1,
}

READER_SETTINGS = {
    # Numbers as numbers; values of any size are read by our own decoder.
    "output_format_json_quote_64bit_integers": 0,
    "output_format_json_map_as_array_of_tuples": 0,
}

# Time, memory and size limits of a query, by the engine's error codes.
LIMIT_CODES = frozenset({158, 159, 160, 241, 307, 396})


class LimitReached(Exception):
    """A question ended at its bound of time or memory."""


class DirectoryLock:
    """One process, one store: an advisory lock on a file inside the directory, let go when the process ends."""

    def __init__(self, directory: Path) -> None:
        self._file = (directory / "owner.lock").open("ab")
        if not self._take():
            self._file.close()
            raise DataDirInUse(
                f"Another process has the log in {directory} open.",
                hint="One process owns a data directory: stop the other one, or choose another directory.",
            )

    def _take(self) -> bool:
        """Whether it is ours. Asked a few times: a command that looks whether it is held, holds it for a blink."""
        for _ in range(LOCK_TRIES):
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                time.sleep(LOCK_EVERY_S)
            else:
                return True
        return False

    def release(self) -> None:
        """Let the next one in."""
        self._file.close()


class ReaderPool:
    """Connections that ask: each is lent to one thread at a time."""

    def __init__(self, clients: list[Client], wait_s: float) -> None:
        self._free: queue.LifoQueue[Client] = queue.LifoQueue()
        self._wait_s = wait_s
        for client in clients:
            self._free.put(client)

    @contextmanager
    def borrow(self) -> Iterator[Client]:
        """A connection for this thread. Raises `Unavailable` where none comes free in time."""
        try:
            client = self._free.get(timeout=self._wait_s)
        except queue.Empty:
            raise Unavailable(
                f"Every connection to the log was busy for {self._wait_s:g} s.",
                hint="Ask again, for a shorter time or with more filters.",
            ) from None
        try:
            yield client
        finally:
            self._free.put(client)


def directory_of(url: str | Path) -> Path:
    """The directory of `chdb:///absolute/dir`, or of a path. Raises `SettingsError` for another kind of address."""
    if isinstance(url, Path):
        return url.absolute()
    parts = urlsplit(url)
    if parts.scheme != "chdb" or parts.netloc or not parts.path or parts.query:
        raise SettingsError(
            f"log_url is {parts.scheme}://..., which is no log this version can open.",
            hint="Write chdb:///absolute/directory, or leave it empty for a directory inside data_dir.",
        )
    return Path(unquote(parts.path))


def open_client(directory: Path, settings: dict[str, Any]) -> Client:
    """One connection to the engine of this process. Raises `Unavailable` where it does not start."""
    try:
        return clickhouse_connect.get_client(
            interface="chdb", path=str(directory), chdb_options=ENGINE_OPTIONS, settings=settings
        )
    except (ClickHouseError, RuntimeError) as error:
        raise Unavailable(
            f"The log in {directory} does not open: {first_line(error)}",
            hint="Look whether the directory can be written, and whether this process has another log open.",
        ) from error


def ask(client: Client, statement: Statement) -> bytes:
    """The rows of a question as JSON lines.

    Raises `LimitReached` where it took too much time or memory, `Unavailable` for whatever else goes wrong.
    """
    try:
        return client.raw_query(statement.text, parameters=statement.values, fmt="JSONEachRow")
    except ClickHouseError as error:
        _drop_output(client)
        if getattr(error, "code", None) in LIMIT_CODES:
            raise LimitReached(first_line(error)) from error
        raise Unavailable(f"The log did not answer: {first_line(error)}") from error


def _drop_output(client: Client) -> None:
    """Take what a question had written before it failed: the embedded engine keeps it, and puts it before the next
    answer of the connection, where it would look like rows of another question. A connection that does not give it
    away is closed: no answer is better than a wrong one.
    """
    for _ in range(DROP_TRIES):
        with suppress(ClickHouseError):
            client.raw_query(f"SELECT 1 {UNBOUNDED}", fmt="Null")
            return
    client.close()


def insert_lines(client: Client, table: str, lines: bytes, token: str) -> None:
    """Insert JSON lines as one block, under its deduplication token.

    The embedded engine takes them from a file. `raw_insert` would write them to the system's directory for temporary
    files: outside the data directory, on a disk that may be full. Linux has files that are memory and have no name.

    Raises `Unavailable`; then it is unknown what is there.
    """
    try:
        if sys.platform == "linux":
            with os.fdopen(os.memfd_create("clew-block"), "wb") as file:
                file.write(lines)
                file.flush()
                client.command(
                    f"INSERT INTO {table} FROM INFILE '/proc/self/fd/{file.fileno()}' "
                    f"SETTINGS insert_deduplication_token = {_quoted(token)} FORMAT JSONEachRow"
                )
        else:
            client.raw_insert(
                table, insert_block=lines, fmt="JSONEachRow", settings={"insert_deduplication_token": token}
            )
    except (ClickHouseError, OSError) as error:
        raise Unavailable(f"The log did not take a block: {first_line(error)}") from error


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def raise_open_files_limit() -> None:
    """Let this process have as many files open as the system allows it, up to what the engine needs."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, OPEN_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def first_line(error: BaseException) -> str:
    """What an engine's error says, without the query that it repeats."""
    return str(error).partition("\n")[0][:300]
