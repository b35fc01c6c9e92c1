"""Rows of the log as ClickHouse writes them (JSON lines) and as we know them."""

from __future__ import annotations

import msgspec

from clew.core.record import Direction, ErrorInfo, HttpExchange, Kind, LogLine, PayloadEncoding, Record, Status, Summary
from clew.log.store import Bar, DayUse, FacetValue, KindUse


class _RecordRow(msgspec.Struct, frozen=True, kw_only=True):
    """A record as its row: what is nested in it is kept as raw JSON in a string, empty where there is none."""

    id: str
    time: int
    workspace: str
    kind: Kind
    type: str
    event: str
    source_product: str
    target_product: str
    direction: Direction
    action: str
    status: Status
    state: str
    message: str
    error: str
    customer: str
    integration: str
    connection: str
    source: str
    flow: str
    flow_version: str
    node: str
    trace_id: str
    parent_id: str
    sender_id: str
    duplicate_of: str
    keys: dict[str, str]
    parameters: str
    payload: str
    payload_encoding: PayloadEncoding
    content_type: str
    http: str
    duration_ms: int | None
    logs: str
    redacted: tuple[str, ...]


class RecordMark(msgspec.Struct, frozen=True):
    """What of a record's line says which row it is."""

    id: str
    time: int
    workspace: str


class _Count(msgspec.Struct, frozen=True):
    count: int


class _Time(msgspec.Struct, frozen=True):
    time: int


class _Id(msgspec.Struct, frozen=True):
    id: str


class Day(msgspec.Struct, frozen=True):
    """A day of the log: its rows, and in how many parts they lie."""

    parts: int
    records: int


class _Partition(msgspec.Struct, frozen=True):
    partition: str
    parts: int
    records: int


class _KindRow(msgspec.Struct, frozen=True):
    kind: Kind
    records: int
    oldest_ms: int
    weight: int
    weight_of_all: int


class _DaySum(msgspec.Struct, frozen=True):
    day: int
    records: int


class ValueRow(msgspec.Struct, frozen=True):
    """The values that a column (`name`) of a workspace had on a day since the epoch, and how many records had each."""

    day: int
    workspace: str
    name: str
    each: tuple[str, ...]
    counts: tuple[int, ...]


class _Value(msgspec.Struct, frozen=True):
    place: int
    value: str
    count: int
    failures: int


class _Trace(msgspec.Struct, frozen=True):
    trace: str
    latest: int


class _Version(msgspec.Struct, frozen=True):
    version: int


class _BarRow(msgspec.Struct, frozen=True):
    """`bar` is its time: a column named `time` would hide the table's own in the question."""

    bar: int
    info: int
    success: int
    failure: int


_SUMMARIES = msgspec.json.Decoder(Summary)
_RECORDS = msgspec.json.Decoder(_RecordRow)
_MARKS = msgspec.json.Decoder(RecordMark)
_COUNTS = msgspec.json.Decoder(_Count)
_TIMES = msgspec.json.Decoder(_Time)
_TRACES = msgspec.json.Decoder(_Trace)
_IDS = msgspec.json.Decoder(_Id)
_PARTITIONS = msgspec.json.Decoder(_Partition)
_VERSIONS = msgspec.json.Decoder(_Version)
_BARS = msgspec.json.Decoder(_BarRow)
_VALUES = msgspec.json.Decoder(_Value)
_DAY_USES = msgspec.json.Decoder(DayUse)
_KINDS = msgspec.json.Decoder(_KindRow)
_DAY_SUMS = msgspec.json.Decoder(_DaySum)
_VALUE_ROWS = msgspec.json.Decoder(ValueRow)
_ERROR = msgspec.json.Decoder(ErrorInfo)
_HTTP = msgspec.json.Decoder(HttpExchange)
_LOGS = msgspec.json.Decoder(tuple[LogLine, ...])


def read_summaries(lines: bytes) -> list[Summary]:
    """Summaries, in the order of the rows."""
    return _SUMMARIES.decode_lines(lines)


def read_records(lines: bytes) -> list[Record]:
    """Whole records, in the order of the rows."""
    return [_record(row) for row in _RECORDS.decode_lines(lines)]


def read_marks(lines: bytes) -> list[RecordMark]:
    """Which rows the lines of a block make."""
    return _MARKS.decode_lines(lines)


def read_count(lines: bytes) -> int:
    """The one count asked for."""
    return _COUNTS.decode(lines).count


def read_bars(lines: bytes) -> list[Bar]:
    """Bars of a histogram."""
    return [Bar(row.bar, row.info, row.success, row.failure) for row in _BARS.decode_lines(lines)]


def read_values(lines: bytes) -> list[tuple[int, FacetValue]]:
    """Values of facets, each with the place of its facet."""
    return [(row.place, FacetValue(row.value, row.count, row.failures)) for row in _VALUES.decode_lines(lines)]


def read_times(lines: bytes) -> list[int]:
    """Times in milliseconds."""
    return [row.time for row in _TIMES.decode_lines(lines)]


def read_ids(lines: bytes) -> list[str]:
    """Ids of records."""
    return [row.id for row in _IDS.decode_lines(lines)]


def read_traces(lines: bytes) -> dict[str, int]:
    """The times of the latest records by trace."""
    return {row.trace: row.latest for row in _TRACES.decode_lines(lines)}


def read_days(lines: bytes) -> dict[int, Day]:
    """The days of the log since the epoch, for which its partitions are named."""
    return {int(row.partition): Day(row.parts, row.records) for row in _PARTITIONS.decode_lines(lines)}


def read_day_sums(lines: bytes) -> dict[int, int]:
    """Records by day since the epoch."""
    return {row.day: row.records for row in _DAY_SUMS.decode_lines(lines)}


def read_value_rows(lines: bytes) -> list[ValueRow]:
    """Values of days, in the order of the rows."""
    return _VALUE_ROWS.decode_lines(lines)


def read_day_uses(lines: bytes) -> tuple[DayUse, ...]:
    """Days with their records and bytes."""
    return tuple(_DAY_USES.decode_lines(lines))


def read_kinds(lines: bytes, whole_bytes: int) -> tuple[KindUse, ...]:
    """Kinds with their share, by weight, of what the whole log takes."""
    rows = _KINDS.decode_lines(lines)
    weight = sum(row.weight_of_all for row in rows)
    return tuple(
        KindUse(row.kind, row.records, row.oldest_ms, whole_bytes * row.weight // weight) for row in rows if row.records
    )


def read_versions(lines: bytes) -> list[int]:
    """Versions of the schema."""
    return [row.version for row in _VERSIONS.decode_lines(lines)]


def _record(row: _RecordRow) -> Record:
    fields = msgspec.structs.asdict(row)
    fields["error"] = _ERROR.decode(row.error) if row.error else None
    fields["http"] = _HTTP.decode(row.http) if row.http else None
    fields["logs"] = _LOGS.decode(row.logs) if row.logs else ()
    return Record(**fields)
