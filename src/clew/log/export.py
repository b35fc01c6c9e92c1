"""A list as a file: which columns it has, and what each has of a record, in SQL and in Python.

The engine writes the file itself, so that an export of millions keeps no other thread waiting for Python. What it
writes is said a second time in Python, for the reference; a test holds the two together.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable
from typing import Any, Literal, get_args

import msgspec

from clew.core.clock import to_rfc3339
from clew.core.record import Summary
from clew.log.query import Filter

ExportFormat = Literal["csv", "ndjson", "parquet"]
FORMATS: tuple[str, ...] = get_args(ExportFormat)

CONTENT_TYPES: dict[ExportFormat, str] = {
    "csv": "text/csv; charset=utf-8",
    "ndjson": "application/x-ndjson",
    "parquet": "application/vnd.apache.parquet",
}

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001  # full-width ones too
"""A spreadsheet runs a cell that begins with one of these. A `'` before it makes the cell a text.

Source: OWASP, CSV Injection.
"""

EXPORTS_AT_ONCE = 2
"""Each has a connection to the engine until its reader has it all, however slow that one is."""

FIELDS = tuple(name for name in Summary.__struct_fields__ if name != "workspace")
"""What a row has of a record, by the names of the API."""

_TIME_SQL = "concat(replaceOne(toString(fromUnixTimestamp64Milli(time, 'UTC')), ' ', 'T'), 'Z')"
_KEYS_SQL = "arrayStringConcat(arrayMap((k, v) -> concat(k, '=', v), mapKeys(keys), mapValues(keys)), '; ')"


class Column(msgspec.Struct, frozen=True):
    """A column of a CSV: its heading, and its cell as SQL and as a function, both text."""

    heading: str
    sql: str
    cell: Callable[[Summary], str]


def columns_of(filter: Filter) -> tuple[Column, ...]:
    """The columns of a CSV. Integration events begin with those of their log."""
    return EVENT_COLUMNS if filter.kind == ("integration_event",) else RECORD_COLUMNS


def _keys(item: Summary) -> str:
    return "; ".join(f"{name}={value}" for name, value in item.keys.items())


def _field(name: str) -> Column:
    if name == "time":
        return Column(name, _TIME_SQL, lambda item: to_rfc3339(item.time))
    if name == "keys":
        return Column(name, _KEYS_SQL, _keys)
    if name == "http_status":
        return Column(name, "if(http_status = 0, '', toString(http_status))", lambda item: str(item.http_status or ""))
    if name == "duration_ms":
        return Column(
            name,
            "ifNull(toString(duration_ms), '')",
            lambda item: "" if item.duration_ms is None else str(item.duration_ms),
        )
    return Column(name, f"toString({name})", lambda item: str(getattr(item, name)))


RECORD_COLUMNS = tuple(_field(name) for name in FIELDS)
"""Every field of a summary."""

_OWN_OF_EVENTS = (
    Column("Created Date", _TIME_SQL, lambda item: to_rfc3339(item.time)),
    Column("Type", "toString(type)", lambda item: item.type),
    Column("Status", "initcap(toString(status))", lambda item: item.status.title()),
    Column(
        "Message",
        "if(message = '', error_message, message)",
        lambda item: item.message or item.error_message,
    ),
    Column("Details", "parameters", lambda item: item.parameters),
)
_SHOWN_ABOVE = {"time", "type", "status", "message", "parameters", "kind"}

EVENT_COLUMNS = _OWN_OF_EVENTS + tuple(_field(name) for name in FIELDS if name not in _SHOWN_ABOVE)
"""The columns of the Integration Events Log by their headings there, then what else is known of an event."""


def csv_header(columns: Iterable[Column]) -> bytes:
    """The first line of a CSV."""
    return csv_rows([[column.heading for column in columns]])


def csv_lines(columns: Iterable[Column], items: Iterable[Summary]) -> bytes:
    """Records as lines of a CSV."""
    return csv_rows([column.cell(item) for column in columns] for item in items)


def csv_rows(rows: Iterable[Iterable[str]]) -> bytes:
    """Lines of a CSV (RFC 4180, every cell quoted), made harmless for spreadsheets."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerows([_harmless(cell) for cell in row] for row in rows)
    return text.getvalue().encode()


class RowCounter:
    """Counts the records of a file as its pieces come. Those of a Parquet file cannot be counted: they are 0."""

    def __init__(self, format: ExportFormat) -> None:
        self._format = format
        self._is_heading = format == "csv"
        self._is_quoted = False

    def add(self, piece: bytes) -> int:
        """How many records end in the next piece."""
        if self._format == "parquet":
            return 0
        rows = piece.count(b"\n") if self._format == "ndjson" else self._add_csv(piece)
        heading = int(self._is_heading and rows > 0)
        self._is_heading = self._is_heading and not heading
        return rows - heading

    def _add_csv(self, piece: bytes) -> int:
        """A cell may have line ends of its own: behind an odd number of quotes it is not over."""
        rows = 0
        *lines, rest = piece.split(b"\n")
        for line in lines:
            self._is_quoted ^= line.count(b'"') % 2 == 1
            rows += not self._is_quoted
        self._is_quoted ^= rest.count(b'"') % 2 == 1
        return rows


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell.startswith(FORMULA_STARTS) else cell


def json_lines(items: Iterable[Summary]) -> bytes:
    """Records as JSON, one a line, each as the API lists it: what is not there is null, parameters are an object."""
    return b"".join(msgspec.json.encode(_json_fields(item)) + b"\n" for item in items)


def _json_fields(item: Summary) -> dict[str, Any]:
    fields: dict[str, Any] = {name: getattr(item, name) or None for name in FIELDS}
    return fields | {
        "time": to_rfc3339(item.time),
        "keys": item.keys,
        "parameters": _json_or_text(item.parameters),
        "payload_bytes": item.payload_bytes,
        "duration_ms": item.duration_ms,
    }


def _json_or_text(text: str) -> Any:
    try:
        return msgspec.json.decode(text) if text else None
    except (msgspec.DecodeError, RecursionError):
        return text


def csv_cells_sql(columns: Iterable[Column]) -> str:
    """The cells of a CSV line in SQL, for a format that quotes them."""
    starts = ", ".join(_quoted(start) for start in FORMULA_STARTS)
    return ", ".join(
        f"if(substringUTF8({column.sql} AS c{place}, 1, 1) IN ({starts}), concat('\\'', c{place}), c{place})"
        for place, column in enumerate(columns)
    )


def json_line_sql() -> str:
    """The line of a record's JSON in SQL: one text without line ends."""
    pairs = [f"'{',' if place else '{'}\"{name}\":', {_json_sql(name)}" for place, name in enumerate(FIELDS)]
    return f"concat({', '.join(pairs)}, '}}')"


def _json_sql(name: str) -> str:
    if name == "time":
        return f"toJSONString({_TIME_SQL})"
    if name in ("keys", "payload_bytes"):
        return f"toJSONString({name})"
    if name == "http_status":
        return "if(http_status = 0, 'null', toString(http_status))"
    if name == "duration_ms":
        return "ifNull(toString(duration_ms), 'null')"
    if name == "parameters":
        # what was sent, with its own line ends taken out: in JSON they stand between words alone
        return (
            "multiIf(parameters = '', 'null', isValidJSON(parameters), "
            r"translate(parameters, '\r\n\t', '   '), toJSONString(parameters))"
        )
    return f"if({name} = '', 'null', toJSONString({name}))"


def parquet_cells_sql() -> str:
    """The cells of a row of a Parquet file in SQL: times are times, keys are a map, what is not there is null."""
    return ", ".join(f"{_parquet_sql(name)} AS {name}" for name in FIELDS)


def _parquet_sql(name: str) -> str:
    if name == "time":
        return "fromUnixTimestamp64Milli(time, 'UTC')"
    if name == "keys":
        return "CAST(keys, 'Map(String, String)')"
    if name in ("payload_bytes", "duration_ms"):
        return name
    return f"nullIf({name}, 0)" if name == "http_status" else f"nullIf(toString({name}), '')"


def _quoted(text: str) -> str:
    escapes = {"\t": r"\t", "\r": r"\r", "\n": r"\n"}
    return f"'{escapes.get(text, text)}'"
