"""Putting blocks into the table, each record once, also when an insert was cut off in the middle.

The engine remembers the tokens of blocks, and that is enough as long as every insert ends. It is not enough after a
crash or an error: the engine writes a token down before the rows of it appear, and a block of several days appears day
by day. So the first block after a start or an error is not believed but compared: what is missing is inserted.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from clickhouse_connect.driver.client import Client

from clew.core.errors import Unavailable
from clew.log.engine import LimitReached, insert_lines
from clew.log.rows import RecordMark, read_ids, read_marks
from clew.log.sql import UNBOUNDED, Statement, ids_present

REMEMBERED_TOKENS = 1_000
IDS_A_QUESTION = 10_000
"""How many ids are bound to one question: 400 kB of text."""


class Writer:
    """The one connection that inserts."""

    def __init__(self, client: Client, read: Callable[[Statement], bytes]) -> None:
        self._client = client
        self._read = read
        self._lock = threading.Lock()
        self._done: dict[str, None] = {}
        self._is_certain = False

    def insert(self, lines: bytes, token: str) -> None:
        """Insert a block of JSON lines under its token. Raises `Unavailable`; then it is unknown what is there."""
        with self._lock:
            if token in self._done:
                return
            if self._is_certain:
                self._send(lines, token)
            else:
                self._insert_missing(lines, token)
            self._is_certain = True
            self._done[token] = None
            if len(self._done) > REMEMBERED_TOKENS:
                del self._done[next(iter(self._done))]

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Inside, nothing is inserted."""
        with self._lock:
            yield

    def _insert_missing(self, lines: bytes, token: str) -> None:
        marks = read_marks(lines)
        missing = self._missing(marks)
        if len(missing) == len(marks):
            self._send(lines, token)
            missing = self._missing(marks)
        if missing:
            # Under a name of its own: the block's own token may be written down without its rows.
            kept = [
                line for line, mark in zip(lines.splitlines(keepends=True), marks, strict=True) if mark.id in missing
            ]
            self._send(b"".join(kept), f"{token}+{uuid.uuid4().hex}")

    def _missing(self, marks: list[RecordMark]) -> set[str]:
        missing = {mark.id for mark in marks}
        for start in range(0, len(marks), IDS_A_QUESTION):
            part = marks[start : start + IDS_A_QUESTION]
            times = [mark.time for mark in part]
            workspaces = sorted({mark.workspace for mark in part})
            question = ids_present(workspaces, min(times), max(times), [mark.id for mark in part])
            # Never bounded: where it could not be answered no record would come into the log again.
            unbounded = Statement(f"{question.text} {UNBOUNDED}", question.values)
            try:
                missing.difference_update(read_ids(self._read(unbounded)))
            except LimitReached as error:
                raise Unavailable(f"The log could not tell what it holds: {error}") from error
        return missing

    def _send(self, lines: bytes, token: str) -> None:
        self._is_certain = False
        insert_lines(self._client, "log", lines, token)
