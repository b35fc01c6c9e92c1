"""Long answers of the engine, piece by piece: neither side holds more than a few of them.

A stream ends its question where it is closed early. It needs a connection for itself until then. What the engine holds
meanwhile depends on the parts that are open (about 7 MB each) and on what is written together, never on how many rows
there are: `BOUNDS` and `PARQUET_BOUNDS` see to that.
"""

from __future__ import annotations

import contextlib
import os
import re
import threading
import uuid
from collections.abc import Callable, Generator

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from clew.core.errors import Unavailable
from clew.core.settings import MIB
from clew.log.engine import LIMIT_CODES, first_line
from clew.log.sql import Statement

PIECE_BYTES = 256 * 1024
"""How much is handed on at once."""

BLOCK_ROWS = 4_096
"""How many rows the engine takes on at once, fewer where they are large."""

ROW_GROUP_ROWS = 20_000
ROW_GROUP_BYTES = 16 * MIB
"""What of a Parquet file is gathered in memory and written together."""

BOUNDS = f"max_block_size = {BLOCK_ROWS}, read_in_order_use_buffering = 0"
"""Without the second the engine reads blocks of every open part ahead, up to some 50 MB of each."""

PARQUET_BOUNDS = (
    f"{BOUNDS}, min_insert_block_size_rows = {BLOCK_ROWS}, min_insert_block_size_bytes = {MIB}, "
    f"output_format_parquet_row_group_size = {ROW_GROUP_ROWS}, "
    f"output_format_parquet_row_group_size_bytes = {ROW_GROUP_BYTES}, "
    "output_format_parquet_parallel_encoding = 0, "
    # both are kept for the end of the file, and grow with it
    "output_format_parquet_write_bloom_filter = 0, output_format_parquet_write_page_index = 0"
)
"""An insert gathers a million rows by default, even one into a file."""

LOOK_AGAIN_S = 0.1
"""How long a question that was told to end is waited for before it is told again."""

_ESCAPED = re.compile(rb"\\([\\'])")


def stream_csv(client: Client, statement: Statement) -> Generator[bytes, None, None]:
    """The rows of a question as CSV without its header. Raises `Unavailable`, also in the middle."""
    yield from _stream(client, _with(statement, "output_format_csv_crlf_end_of_line = 1"))


def stream_text(client: Client, statement: Statement) -> Generator[bytes, None, None]:
    """The rows of a question of one column, each a line as it is.

    The column must have no control characters: the engine streams text with escapes alone, which are taken out here.
    Raises as `stream_csv` does.
    """
    rest = b""
    for piece in _stream(client, statement, "TSV"):
        whole, line_end, rest = (rest + piece).rpartition(b"\n")
        if line_end:
            yield _ESCAPED.sub(rb"\1", whole) + line_end


def _stream(client: Client, statement: Statement, format: str = "CSV") -> Generator[bytes, None, None]:
    bounded = _with(statement, BOUNDS)
    try:
        with client.raw_stream(bounded.text, parameters=bounded.values, fmt=format) as answer:
            while piece := answer.read(PIECE_BYTES):
                yield piece
    except ClickHouseError as error:
        raise _unavailable(error) from error


def stream_parquet(
    client: Client, statement: Statement, *, end: Callable[[Statement], object]
) -> Generator[bytes, None, None]:
    """The rows of a question as a Parquet file. Raises as `stream_csv` does.

    The engine cannot stream this format to its caller, so it writes it into a pipe, in a thread. It does not notice
    that nobody reads any more: `end` asks over another connection, to tell it.
    """
    read_end, write_end = os.pipe()
    mark = f"export-{uuid.uuid4().hex}"
    question = (
        f"INSERT INTO FUNCTION file('/dev/fd/{write_end}', 'Parquet') {statement.text}, log_comment = '{mark}', "
        f"{PARQUET_BOUNDS}"
    )
    failures: list[ClickHouseError] = []

    def write() -> None:
        try:
            client.command(question, parameters=statement.values)
        except ClickHouseError as error:
            failures.append(error)
        finally:
            os.close(write_end)

    thread = threading.Thread(target=write, name=mark)
    thread.start()
    try:
        with os.fdopen(read_end, "rb", buffering=0) as reader:
            while piece := reader.read(PIECE_BYTES):
                yield piece
    except GeneratorExit:
        while thread.is_alive():
            with contextlib.suppress(Unavailable):  # too busy to be told now: it is told again
                end(Statement(f"KILL QUERY WHERE Settings['log_comment'] = '{mark}'", {}))
            thread.join(LOOK_AGAIN_S)
        raise
    thread.join()
    if failures:
        raise _unavailable(failures[0]) from failures[0]


def give_back(client: Client) -> None:
    """Let the engine give the system what it holds of memory that nobody uses. Takes some 10 ms."""
    with contextlib.suppress(ClickHouseError):  # a server that cannot do this has its own memory, not ours
        client.command("SYSTEM JEMALLOC PURGE")


def _with(statement: Statement, settings: str) -> Statement:
    """A question that ends with its settings, and these."""
    return Statement(f"{statement.text}, {settings}", statement.values)


def _unavailable(error: ClickHouseError) -> Unavailable:
    if getattr(error, "code", None) in LIMIT_CODES:
        return Unavailable(
            f"The log needs more memory for this export than it may have: {first_line(error)}",
            hint="Raise CLEW_LOG_MEMORY_BYTES, or export a shorter time.",
        )
    return Unavailable(f"The log did not answer to its end: {first_line(error)}")
