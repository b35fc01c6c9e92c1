"""Long answers of the engine, piece by piece: neither side holds more than a few of them.

A stream ends its question where it is closed early. It needs a connection for itself until then.
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
from clew.log.engine import LIMIT_CODES, first_line
from clew.log.sql import Statement

PIECE_BYTES = 256 * 1024
"""How much is handed on at once."""

ROW_GROUP_ROWS = 50_000
"""Rows of a Parquet file that are gathered in memory and written together."""

LOOK_AGAIN_S = 0.1
"""How long a question that was told to end is waited for before it is told again."""

_ESCAPED = re.compile(rb"\\([\\'])")


def stream_csv(client: Client, statement: Statement) -> Generator[bytes, None, None]:
    """The rows of a question as CSV without its header. Raises `Unavailable`, also in the middle."""
    yield from _stream(client, Statement(f"{statement.text}, output_format_csv_crlf_end_of_line = 1", statement.values))


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
    try:
        with client.raw_stream(statement.text, parameters=statement.values, fmt=format) as answer:
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
        f"output_format_parquet_row_group_size = {ROW_GROUP_ROWS}"
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


def _unavailable(error: ClickHouseError) -> Unavailable:
    if getattr(error, "code", None) in LIMIT_CODES:
        return Unavailable(
            f"The log needs more memory for this export than it may have: {first_line(error)}",
            hint="Raise CLEW_LOG_MEMORY_BYTES, or export a shorter time.",
        )
    return Unavailable(f"The log did not answer to its end: {first_line(error)}")
