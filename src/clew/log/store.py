"""The log's contract: the searchable projection of the journal.

`memory.py` is the reference and says in the plainest code what each method means; `clickhouse.py` is the driver. One
conformance suite and one model-based property test hold them together. All calls block; the callers give them threads.

A store holds every line it was given once. It is fed by the pump alone and may be thrown away and built again from a
journal that was kept.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Protocol

import msgspec

from clew.core.record import Kind, Record, Status
from clew.log.export import ExportFormat
from clew.log.query import Filter, Page, Query, Sort


class Count(msgspec.Struct, frozen=True):
    """How many records a filter has.

    `truncated`: counting ended at a bound. These are the records from `reached_ms` on (None: of no time), there are at
    least as many.
    """

    count: int
    truncated: bool = False
    reached_ms: int | None = None


class Bar(msgspec.Struct, frozen=True):
    """How many records of each status there are from `time` (milliseconds since the epoch) on, for one step."""

    time: int
    info: int = 0
    success: int = 0
    failure: int = 0


class Histogram(msgspec.Struct, frozen=True):
    """Records over time: the bars that have any, oldest first, each at a multiple of `step_ms`.

    `truncated`: counting ended at a bound. The bars are right from `reached_ms` on (None: nowhere), and there are none
    before it.
    """

    bars: tuple[Bar, ...]
    step_ms: int
    truncated: bool = False
    reached_ms: int | None = None


class FacetValue(msgspec.Struct, frozen=True):
    """A value, how many records have it, and how many of those failed."""

    value: str
    count: int
    failures: int


class Facets(msgspec.Struct, frozen=True):
    """For each name its most frequent values: most records first, then by the value. No value is the empty text.

    `truncated`: counting ended at a bound. What is told is told of the records from `reached_ms` on (None: of none).
    """

    values: dict[str, tuple[FacetValue, ...]]
    truncated: bool = False
    reached_ms: int | None = None


class DayUse(msgspec.Struct, frozen=True):
    """A day of the log (`day` counts from the epoch): how many records of all workspaces, and the bytes they take."""

    day: int
    records: int
    bytes: int


class KindUse(msgspec.Struct, frozen=True):
    """A kind in a workspace: how many records, the time of the oldest, and about how many bytes they take."""

    kind: Kind
    records: int
    oldest_ms: int
    bytes: int


class Kept(msgspec.Struct, frozen=True):
    """What retention leaves as it is: records by their ids, and traces, each as its workspace and its id."""

    records: frozenset[str] = frozenset()
    traces: frozenset[tuple[str, str]] = frozenset()


class Traces(msgspec.Struct, frozen=True):
    """Traces, by their ids.

    `truncated`: there are more than were asked for, or looking ended at a bound. These are all that have a record after
    `reached_ms`, the time of the last one's latest record (None: of none).
    """

    ids: tuple[str, ...]
    truncated: bool = False
    reached_ms: int | None = None


class LogStore(Protocol):
    """A log that can be searched."""

    def insert(self, lines: bytes, token: str) -> None:
        """Add the records of JSON lines (see `Record`), all of them or none, durably.

        The same `token` again adds nothing. A token is asked again only for the latest of inserts, but a store
        remembers at least 100 of them.
        """
        ...

    def page(self, query: Query) -> Page:
        """A page of summaries. See `Query` for the order. Never more than `query.limit` items."""
        ...

    def count(self, filter: Filter, budget_ms: int | None = None) -> Count:
        """How many records match; at least, where that is not known within `budget_ms`."""
        ...

    def histogram(self, filter: Filter, step_ms: int) -> Histogram:
        """How many records of each status match, over time. There are as many bars as steps with a record."""
        ...

    def facets(self, filter: Filter, names: Sequence[str], limit: int) -> Facets:
        """The most frequent values of `names` (of `FACET_NAMES`) among the records that match, `limit` of each."""
        ...

    def export(self, filter: Filter, format: ExportFormat, sort: Sort) -> Generator[bytes, None, None]:
        """Every record that matches, in the order of `sort`, as a file in pieces.

        See `clew.log.export` for what is in it. The rows of a Parquet file come in any order. What comes in meanwhile
        may be in it or not. It takes no more memory for being long. Closing the generator ends it.
        Raises `Unavailable`, also in the middle, and for a format that this store cannot write.
        """
        ...

    def find(self, workspace: str, record_id: str) -> Record | None:
        """The record of this id, whole, or None. The text must have the form of an id."""
        ...

    def find_all(self, workspace: str, record_ids: Sequence[str]) -> dict[str, Record]:
        """The records of these ids, whole, by id in lower case; those that are not there are missing.

        Each text must have the form of an id.
        """
        ...

    def traces(self, filter: Filter, limit: int) -> Traces:
        """The traces of the records that match, at most `limit`, each once: the one of the latest record comes first.

        Records without a trace are passed over; of one time, traces are in the order of their text.
        """
        ...

    def trace(self, workspace: str, trace_id: str, limit: int = 5_000) -> list[Record]:
        """The records of a trace, oldest first (time, then id), at most `limit`.

        Over all time: what failed may be replayed a week later.
        """
        ...

    def oldest_ms(self, workspace: str) -> int | None:
        """The time of the oldest record kept, or None where there is none."""
        ...

    def days(self) -> tuple[DayUse, ...]:
        """The days that hold records, the oldest first."""
        ...

    def kinds(self, workspace: str) -> tuple[KindUse, ...]:
        """The kinds that a workspace has records of, by name."""
        ...

    def forget(self, day: int, kinds: Sequence[Kind], kept: Kept) -> int:
        """Remove the records of a day (since the epoch), or those of `kinds`, but not what is kept.

        Gives how many went. Asking again removes what came meanwhile, and nothing where nothing did. After a crash in
        the middle any part of them may be gone; asking again removes the rest.
        """
        ...

    def empty(self, day: int, statuses: Sequence[Status], kept: Kept, date: str) -> int:
        """Remove the bodies of a day's records with one of these statuses, but not of what is kept.

        `remove_bodies` in `core/removal.py` says what is left of a record; `date` is the day of doing it. Gives how
        many records lost bodies. As with `forget`, it may be asked again at any time.
        """
        ...

    def tidy(self) -> bool:
        """Do one piece of what makes later questions faster and changes no answer. False where nothing is to do."""
        ...

    def check(self) -> None:
        """Raise `Unavailable` where the store cannot answer."""
        ...

    def close(self) -> None:
        """Let go of files and threads. Closing twice changes nothing."""
        ...
