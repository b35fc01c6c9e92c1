"""The log in memory: the reference. It says in the plainest code what each question means; speed is no aim of it."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Generator, Sequence

from clew.core.clock import DAY_MS
from clew.core.errors import Unavailable
from clew.core.failure_class import failure_class_of
from clew.core.record import Kind, Record, Status, decode_line, encode_line, summarize
from clew.core.removal import remove_bodies
from clew.log.export import ExportFormat, columns_of, csv_header, csv_lines, json_lines
from clew.log.query import ACTIONS_OF_STEPS, EXACT_FILTERS, Filter, KeyFilter, Page, Query, Sort
from clew.log.store import Bar, Count, DayUse, Facets, FacetValue, Histogram, Kept, KindUse, Traces
from clew.log.words import has_phrase, lower_ascii, words_of


class MemoryStore:
    """A `LogStore` that keeps its records in a list, in the order of the log."""

    def __init__(self) -> None:
        self._records: list[Record] = []
        self._tokens: set[str] = set()
        self._lock = threading.Lock()
        self._closed = False

    def insert(self, lines: bytes, token: str) -> None:
        """Add the records. The same token again adds nothing."""
        self.check()
        added = [decode_line(line) for line in lines.splitlines()]
        with self._lock:
            if token not in self._tokens:
                self._tokens.add(token)
                self._records = sorted([*self._records, *added], key=_place)

    def page(self, query: Query) -> Page:
        """The page, cut out of all that match in the order asked for."""
        self.check()
        found = [record for record in self._records if matches(record, query.filter)]
        if query.sort == "desc":
            found.reverse()
        after, before = _split(found, query)
        if query.place is None:
            chosen = before[-query.limit :] if query.backward else after[: query.limit]
            has_prev, has_next = (
                (len(before) > query.limit, False) if query.backward else (False, len(after) > query.limit)
            )
        elif query.backward:
            chosen, has_prev, has_next = before[-query.limit :], len(before) > query.limit, True
        else:
            chosen, has_prev, has_next = after[: query.limit], True, len(after) > query.limit
        return Page(items=tuple(summarize(record) for record in chosen), has_next=has_next, has_prev=has_prev)

    def count(self, filter: Filter, budget_ms: int | None = None) -> Count:
        """All that match, however long it takes."""
        self.check()
        return Count(sum(matches(record, filter) for record in self._records))

    def histogram(self, filter: Filter, step_ms: int) -> Histogram:
        """All that match, each in its bar."""
        self.check()
        counts: dict[int, Counter[str]] = {}
        for record in self._records:
            if matches(record, filter):
                counts.setdefault(record.time // step_ms * step_ms, Counter())[record.status] += 1
        return Histogram(tuple(Bar(time, **counts[time]) for time in sorted(counts)), step_ms)

    def facets(self, filter: Filter, names: Sequence[str], limit: int) -> Facets:
        """All that match, by their values."""
        self.check()
        found = [record for record in self._records if matches(record, filter)]
        return Facets({name: _most_frequent(found, name, limit) for name in names})

    def export(self, filter: Filter, format: ExportFormat, sort: Sort) -> Generator[bytes, None, None]:
        """One piece a record. No Parquet: only an engine can write that."""
        self.check()
        if format == "parquet":
            raise Unavailable("The log in memory writes no Parquet.", hint="Ask for csv or ndjson.")
        found = [summarize(record) for record in self._records if matches(record, filter)]
        if sort == "desc":
            found.reverse()
        columns = columns_of(filter)
        if format == "csv":
            yield csv_header(columns)
        for item in found:
            yield csv_lines(columns, [item]) if format == "csv" else json_lines([item])

    def find(self, workspace: str, record_id: str) -> Record | None:
        """The record of this id."""
        self.check()
        wanted = record_id.lower()
        return next((r for r in self._records if r.workspace == workspace and r.id == wanted), None)

    def find_all(self, workspace: str, record_ids: Sequence[str]) -> dict[str, Record]:
        """The records of these ids."""
        self.check()
        wanted = {record_id.lower() for record_id in record_ids}
        return {r.id: r for r in self._records if r.workspace == workspace and r.id in wanted}

    def traces(self, filter: Filter, limit: int) -> Traces:
        """All of them by their latest record, cut at the limit."""
        self.check()
        latest = {r.trace_id: r.time for r in self._records if r.trace_id and matches(r, filter)}
        ids = sorted(latest, key=lambda trace_id: (-latest[trace_id], trace_id))
        found = tuple(ids[:limit])
        return Traces(found, truncated=len(ids) > limit, reached_ms=latest[found[-1]] if found else None)

    def trace(self, workspace: str, trace_id: str, limit: int = 5_000) -> list[Record]:
        """The trace."""
        self.check()
        return [r for r in self._records if r.workspace == workspace and r.trace_id == trace_id][:limit]

    def oldest_ms(self, workspace: str) -> int | None:
        """The first record's time."""
        self.check()
        return next((r.time for r in self._records if r.workspace == workspace), None)

    def days(self) -> tuple[DayUse, ...]:
        """Each day with the length of its records' lines."""
        self.check()
        found = [(record.time // DAY_MS, len(encode_line(record))) for record in self._records]
        records = Counter(day for day, _ in found)
        return tuple(DayUse(day, records[day], sum(size for of, size in found if of == day)) for day in sorted(records))

    def kinds(self, workspace: str) -> tuple[KindUse, ...]:
        """Each kind with the length of its records' lines."""
        self.check()
        by_kind: dict[Kind, list[Record]] = {}
        for record in self._records:
            if record.workspace == workspace:
                by_kind.setdefault(record.kind, []).append(record)
        return tuple(
            KindUse(kind, len(found), min(r.time for r in found), sum(len(encode_line(r)) for r in found))
            for kind, found in sorted(by_kind.items())
        )

    def forget(self, day: int, kinds: Sequence[Kind], kept: Kept) -> int:
        """Keep the others."""
        self.check()
        with self._lock:
            before = len(self._records)
            self._records = [
                record
                for record in self._records
                if record.time // DAY_MS != day or (kinds and record.kind not in kinds) or _is_kept(record, kept)
            ]
            return before - len(self._records)

    def empty(self, day: int, statuses: Sequence[Status], kept: Kept, date: str) -> int:
        """Take the bodies out of each."""
        self.check()
        with self._lock:
            after = [
                remove_bodies(record, date)
                if record.time // DAY_MS == day and record.status in statuses and not _is_kept(record, kept)
                else record
                for record in self._records
            ]
            emptied = sum(one is not other for one, other in zip(self._records, after, strict=True))
            self._records = after
            return emptied

    def tidy(self) -> bool:
        """There is nothing to do."""
        self.check()
        return False

    def check(self) -> None:
        """It works until it is closed."""
        if self._closed:
            raise Unavailable("The log is closed.")

    def close(self) -> None:
        """After it nothing is answered."""
        self._closed = True


def _is_kept(record: Record, kept: Kept) -> bool:
    return record.id in kept.records or (record.workspace, record.trace_id) in kept.traces


def _place(record: Record) -> tuple[int, str]:
    return (record.time, record.id)


def _split(found: list[Record], query: Query) -> tuple[list[Record], list[Record]]:
    """What comes after the query's place and what comes before it. Without a place, all is both."""
    if query.place is None:
        return found, found
    place = (query.place.time, query.place.id)
    later = [record for record in found if _place(record) > place]
    earlier = [record for record in found if _place(record) < place]
    return (earlier, later) if query.sort == "desc" else (later, earlier)


def matches(record: Record, filter: Filter) -> bool:
    """Whether a record is one of a filter's."""
    return (
        record.workspace == filter.workspace
        and (filter.from_ms is None or record.time >= filter.from_ms)
        and (filter.to_ms is None or record.time < filter.to_ms)
        and all(_is_one_of(getattr(record, name), getattr(filter, name)) for name in EXACT_FILTERS)
        and all(check(record, filter) for check in _CHECKS)
    )


def _most_frequent(records: list[Record], name: str, limit: int) -> tuple[FacetValue, ...]:
    counts: Counter[str] = Counter()
    failures: Counter[str] = Counter()
    for record in records:
        for value in _values_of(record, name) - {""}:
            counts[value] += 1
            failures[value] += record.status == "failure"
    ordered = sorted(counts, key=lambda value: (-counts[value], value))
    return tuple(FacetValue(value, counts[value], failures[value]) for value in ordered[:limit])


def _values_of(record: Record, name: str) -> set[str]:
    if name == "product":
        return {record.source_product, record.target_product}
    if name == "error_type":
        return {_error_type(record)}
    return {getattr(record, name)}


def _error_type(record: Record) -> str:
    return record.error.type if record.error else ""


def _is_one_of(value: str, wanted: tuple[str, ...]) -> bool:
    return not wanted or value in wanted


def _has_product(record: Record, filter: Filter) -> bool:
    return not filter.product or record.source_product in filter.product or record.target_product in filter.product


def _has_key(record: Record, filter: Filter) -> bool:
    def holds(key: KeyFilter) -> bool:
        return key.name in record.keys and (key.value is None or record.keys[key.name] == key.value)

    return not filter.keys or any(holds(key) for key in filter.keys)


def _has_words(record: Record, filter: Filter) -> bool:
    if not filter.words and not filter.without_words:
        return True
    present = {word for text in _texts(record) for word in words_of(text)}
    return present.issuperset(filter.words) and present.isdisjoint(filter.without_words)


def _has_phrases(record: Record, filter: Filter) -> bool:
    def occurs(phrase: tuple[str, ...]) -> bool:
        return any(has_phrase(text, phrase) for text in _texts(record))

    return all(occurs(phrase) for phrase in filter.phrases) and not any(map(occurs, filter.without_phrases))


def _contains(record: Record, filter: Filter) -> bool:
    return filter.contains is None or any(filter.contains in lower_ascii(text) for text in _texts(record))


def _texts(record: Record) -> tuple[str, ...]:
    reason = record.error.message if record.error else ""
    return (record.message, reason, *record.keys.values(), record.parameters, record.payload)


def _took_long(record: Record, filter: Filter) -> bool:
    wanted = filter.min_duration_ms
    return wanted is None or (record.duration_ms is not None and record.duration_ms >= wanted)


def _has_http_status(record: Record, filter: Filter) -> bool:
    status = record.http.status_code if record.http else 0
    return not filter.http_status or any(wanted.low <= status <= wanted.high for wanted in filter.http_status)


def _has_http_direction(record: Record, filter: Filter) -> bool:
    return _is_one_of(record.http.direction if record.http else "", filter.http_direction)


def _has_error_type(record: Record, filter: Filter) -> bool:
    return _is_one_of(_error_type(record), filter.error_type)


def _has_failure_class(record: Record, filter: Filter) -> bool:
    if not filter.failure_class:
        return True
    found = failure_class_of(_error_type(record), record.http.status_code if record.http else 0)
    return record.status == "failure" and found in filter.failure_class


def _has_role(record: Record, filter: Filter) -> bool:
    return not filter.role or _is_event(record)


def _is_event(record: Record) -> bool:
    if record.kind == "integration_event":
        return not record.parent_id or record.action not in ACTIONS_OF_STEPS
    return record.kind in ("external_event", "internal_event")


_CHECKS: tuple[Callable[[Record, Filter], bool], ...] = (
    _has_product,
    _has_key,
    _has_words,
    _has_phrases,
    _contains,
    _took_long,
    _has_http_status,
    _has_http_direction,
    _has_error_type,
    _has_failure_class,
    _has_role,
)
