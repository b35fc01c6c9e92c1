"""The rows of open runs: written in groups by one thread, each group one transaction.

A launch waits for its row; the rows of ended runs go when there is time. The event loop never waits for the disk.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal

import msgspec
import sqlalchemy as sa

from clew.core.errors import NotFound, Unavailable
from clew.flows.runner import Launch
from clew.state.database import Database
from clew.state.tables import flow_runs, flow_schedules

_LOG = logging.getLogger(__name__)
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Launch).decode

RowState = Literal["queued", "stopping", "refused"]
_DELETE_AT_ONCE = 500


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One open run, as it is kept. `place` orders runs by their launch; `size` is the bytes of its launch."""

    launch: Launch
    place: int
    state: RowState
    queued_ms: int
    text: str = ""

    @property
    def size(self) -> int:
        """About how much memory its launch takes."""
        return len(self.text)


def new_row(launch: Launch, place: int, state: RowState, queued_ms: int) -> Row:
    """The row of a launch."""
    return Row(launch=launch, place=place, state=state, queued_ms=queued_ms, text=_encode(launch).decode())


class _Change(msgspec.Struct, frozen=True):
    rows: Sequence[Row]
    stopping: str
    done: asyncio.Future[None]


class OpenRuns:
    """Reads and writes the rows. Its methods belong to one event loop, but for `load_all`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="flow-state")
        self._changes: list[_Change] = []
        self._gone: set[str] = set()
        self._writing: asyncio.Task[None] | None = None

    def load_all(self) -> list[Row]:
        """Every row that can be read, in the order of the launches. Blocks."""
        with self._database.read() as connection:
            found = connection.execute(sa.select(flow_runs).order_by(flow_runs.c.place)).all()
        return [row for one in found if (row := _read(one))]

    async def load(self, run_id: str) -> Launch:
        """The launch of an open run. Raises `NotFound` where its row is gone."""

        def read() -> str | None:
            with self._database.read() as connection:
                return connection.scalar(sa.select(flow_runs.c.launch).where(flow_runs.c.id == run_id))

        text = await asyncio.get_running_loop().run_in_executor(self._thread, read)
        if text is None:
            raise NotFound(f"The row of the run {run_id} is gone.")
        return _decode(text)

    async def add(self, rows: Sequence[Row]) -> None:
        """Add rows; those that are there stay. They are on disk when it returns, and so is what was asked before.

        Raises `Unavailable` where the database takes none.
        """
        await self._change(rows, "")

    async def set_stopping(self, run_id: str) -> None:
        """Note that a run is to stop. Raises `Unavailable` where the database takes nothing."""
        await self._change((), run_id)

    def remove(self, run_ids: Sequence[str]) -> None:
        """Forget runs, soon."""
        self._gone.update(run_ids)
        self._write_soon()

    async def close(self) -> None:
        """Write what waits."""
        while self._writing is not None:
            await self._writing
        self._thread.shutdown()

    async def _change(self, rows: Sequence[Row], stopping: str) -> None:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._changes.append(_Change(rows, stopping, done))
        self._write_soon()
        await done

    def _write_soon(self) -> None:
        if self._writing is None:
            self._writing = asyncio.get_running_loop().create_task(self._write_all())

    async def _write_all(self) -> None:
        """Write groups until nothing waits: what comes while one is written goes into the next."""
        try:
            while self._changes or self._gone:
                changes, gone = self._changes, tuple(self._gone)
                self._changes, self._gone = [], set()
                try:
                    await asyncio.get_running_loop().run_in_executor(self._thread, self._write, changes, gone)
                except Exception as error:  # also what is not ours: whoever waits must hear of it
                    self._gone.update(gone)
                    _refuse(changes, error)
                    if not self._changes:
                        _LOG.warning("the rows of ended runs stay for now: %s", error)
                        return  # the next change tries them again
                else:
                    for change in changes:
                        if not change.done.done():
                            change.done.set_result(None)
        finally:
            self._writing = None

    def _write(self, changes: Sequence[_Change], gone: Sequence[str]) -> None:
        rows = [row for change in changes for row in change.rows]
        stopping = [change.stopping for change in changes if change.stopping]
        with self._database.write() as connection:
            self._database.insert_new(connection, flow_runs, [_columns(row) for row in rows])
            if stopping:
                connection.execute(sa.update(flow_runs).where(flow_runs.c.id.in_(stopping)).values(state="stopping"))
            due = [_due_columns(row.launch) for row in rows if row.launch.due_ms is not None]
            self._database.upsert(connection, flow_schedules, due, keep=frozenset())
            for start in range(0, len(gone), _DELETE_AT_ONCE):
                some = gone[start : start + _DELETE_AT_ONCE]
                connection.execute(sa.delete(flow_runs).where(flow_runs.c.id.in_(some)))


def find_needed(database: Database, before_ms: int) -> tuple[set[str], set[tuple[str, str]]]:
    """What the runs need of the log that were open before a time (ms) and still are.

    The ids of records that they take over from earlier runs, and their traces, each as workspace and id. Blocks.
    """
    records: set[str] = set()
    traces: set[tuple[str, str]] = set()
    with database.read() as connection:
        for row in connection.execute(sa.select(flow_runs).where(flow_runs.c.queued_at < before_ms)):
            if found := _read(row):
                records.update(given.record_id for given in found.launch.given.values())
                traces.add((found.launch.workspace, found.launch.event.trace_id))
    return records, traces - {(workspace, "") for workspace, _ in traces}


def _read(row: sa.Row[Any]) -> Row | None:
    try:
        launch = _decode(row.launch)
    except msgspec.MsgspecError as error:
        # Another version wrote it: it stays for that one, and no other run suffers.
        _LOG.error("the open run %s cannot be read and stays as it is: %s", row.id, error)
        return None
    return Row(launch=launch, place=row.place, state=row.state, queued_ms=row.queued_at, text=row.launch)


def _refuse(changes: Sequence[_Change], error: Exception) -> None:
    for change in changes:
        if not change.done.done():
            said = error.detail if isinstance(error, Unavailable) else f"{type(error).__name__}: {error}"
            change.done.set_exception(Unavailable(f"The run could not be opened: {said}"))


def _columns(row: Row) -> dict[str, object]:
    launch = row.launch
    return {
        "id": launch.run_id,
        "workspace": launch.workspace,
        "flow": launch.flow,
        "place": row.place,
        "state": row.state,
        "queued_at": row.queued_ms,
        "launch": row.text,
    }


def _due_columns(launch: Launch) -> dict[str, object]:
    return {"workspace": launch.workspace, "flow": launch.flow, "due_at": launch.due_ms}
