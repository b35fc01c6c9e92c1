"""What `clew.log.store.LogStore` promises of exports, held against each store. The one in memory is the oracle."""

from __future__ import annotations

import csv
import io
import json

import pytest

from clew.core.clock import DAY_MS
from clew.core.record import ErrorInfo, Summary, summarize
from clew.log.query import Filter, Query
from harness.log_samples import ALONE, NOW, STRANGE, far_apart, full_record, ids_of, make, put, spread

AROUND = {"from_ms": NOW - DAY_MS, "to_ms": NOW + DAY_MS}
"""For tests of many examples: an export asks anew for every few days of which the log has anything, of whomever."""


def exported(store, filter, format="csv", sort="desc"):
    return b"".join(store.export(filter, format, sort))


def cells_of(store, filter, sort="desc"):
    """The rows of a CSV by their headings."""
    return list(csv.DictReader(io.StringIO(exported(store, filter, "csv", sort).decode(), newline="")))


def lines_of(store, filter, sort="desc"):
    return [json.loads(line) for line in exported(store, filter, "ndjson", sort).splitlines()]


@pytest.mark.parametrize("sort", ["desc", "asc"])
def test_an_export_has_every_record_of_the_filter_in_the_order_of_the_list(store, workspace, sort):
    put(store, *far_apart(workspace), *spread(workspace))
    filter = Filter(workspace=workspace, from_ms=NOW - 2 * DAY_MS, to_ms=NOW + DAY_MS)
    expected = ids_of(store.page(Query(filter=filter, sort=sort, limit=1000)))
    assert len(expected) > 50
    assert [row["id"] for row in cells_of(store, filter, sort)] == expected
    assert [line["id"] for line in lines_of(store, filter, sort)] == expected


def test_an_export_of_nothing_is_a_heading_or_nothing(store, workspace):
    put(store, make(workspace))
    nothing = Filter(workspace=workspace, customer=("nobody",))
    assert exported(store, nothing).count(b"\n") == 1
    assert exported(store, nothing).startswith(b'"id","time","kind",')
    assert exported(store, nothing, "ndjson") == b""


def test_a_line_of_an_export_has_what_a_list_shows(store, workspace):
    record, bare = put(store, full_record(workspace), make(workspace, NOW - 1))
    full_line, bare_line = lines_of(store, Filter(workspace=workspace))
    assert full_line["time"] == "2026-05-28T20:26:40.000Z"
    assert full_line["keys"] == {"order": "SO-1001", "shipment": "SH-1"}
    assert full_line["parameters"] == {"site": "NL", "n": 1.0}
    assert (full_line["http_status"], full_line["error_type"], full_line["duration_ms"]) == (422, "HTTPError", 17)
    summary = summarize(record)
    for name in ("customer", "http_url", "error_message", "trace_id", "payload_bytes", "http_direction"):
        assert full_line[name] == getattr(summary, name)
    assert set(full_line) == set(Summary.__struct_fields__) - {"workspace"}
    assert {name for name, value in bare_line.items() if value is not None} == {
        "id", "time", "kind", "status", "keys", "payload_bytes"
    }  # fmt: skip
    assert bare_line["id"] == bare.id


def test_a_row_of_an_export_has_what_a_list_shows(store, workspace):
    record, _ = put(store, full_record(workspace), make(workspace, NOW - 1))
    full_row, bare_row = cells_of(store, Filter(workspace=workspace))
    assert full_row["keys"] == "order=SO-1001; shipment=SH-1"
    assert full_row["parameters"] == record.parameters
    assert (full_row["http_status"], full_row["duration_ms"], full_row["payload_bytes"]) == ("422", "17", "28")
    assert {name for name, cell in bare_row.items() if cell} == {"id", "time", "kind", "status", "payload_bytes"}
    assert bare_row["payload_bytes"] == "0"


@pytest.mark.feature("B04", "B13")
def test_integration_events_are_exported_with_the_columns_of_their_log(store, workspace):
    failed, passed = put(
        store,
        make(
            workspace,
            kind="integration_event",
            type="Conversion",
            status="failure",
            error=ErrorInfo(message="no e-mail"),
            parameters='{"name": "Ada"}',
        ),
        make(workspace, NOW - 1, kind="integration_event", status="success", message="converted"),
    )
    text = exported(store, Filter(workspace=workspace, kind=("integration_event",)))
    rows = list(csv.reader(io.StringIO(text.decode(), newline="")))
    assert rows[0][:6] == ["Created Date", "Type", "Status", "Message", "Details", "id"]
    assert rows[1][:6] == [
        "2026-05-28T20:26:40.000Z", "Conversion", "Failure", "no e-mail", '{"name": "Ada"}', failed.id
    ]  # fmt: skip
    assert rows[2][1:6] == ["", "Success", "converted", "", passed.id]


FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", "＋1", "－1", "＠1"]  # noqa: RUF001


@pytest.mark.parametrize("text", FORMULAS)
def test_a_cell_that_a_spreadsheet_would_run_is_a_text(store, workspace, text):
    put(store, make(workspace, message=text, customer=text, keys={text: "1"}))
    filter = Filter(workspace=workspace, **AROUND)
    (row,) = cells_of(store, filter)
    assert (row["message"], row["customer"], row["keys"]) == (f"'{text}", f"'{text}", f"'{text}=1")
    (line,) = lines_of(store, filter)
    assert (line["message"], line["keys"]) == (text, {text: "1"})


@pytest.mark.parametrize("text", [*STRANGE, "'", "\\'", "a,b;c", "''"])
def test_strange_text_is_exported_as_it_is(store, workspace, text):
    put(store, make(workspace, message=text, customer=text, parameters=text, keys={text: text}))
    filter = Filter(workspace=workspace, **AROUND)
    (line,) = lines_of(store, filter)
    assert (line["message"], line["customer"], line["parameters"], line["keys"]) == (text, text, text, {text: text})
    (row,) = cells_of(store, filter)
    assert (row["message"], row["customer"], row["parameters"]) == (text, text, text)


def test_parameters_over_several_lines_are_one_line_of_an_export(store, workspace):
    put(store, make(workspace, parameters='{\r\n\t"a": "x\\ny",\n "b": ["\\\\", "\'"]}'))
    (line,) = lines_of(store, Filter(workspace=workspace))
    assert line["parameters"] == {"a": "x\ny", "b": ["\\", "'"]}


@pytest.mark.parametrize("asked", [{}, *ALONE], ids=str)
def test_the_files_of_each_filter_are_the_same_in_both_stores(spread_out, asked):
    workspace, memory, clickhouse = spread_out
    filter = Filter(workspace=workspace, **(AROUND | asked if asked else {}))
    assert exported(clickhouse, filter) == exported(memory, filter)
    assert lines_of(clickhouse, filter, "asc") == lines_of(memory, filter, "asc")


@pytest.mark.parametrize("format", ["csv", "ndjson"])
def test_an_export_that_is_closed_early_lets_the_next_one_run(store, workspace, format):
    put(store, *[make(workspace, NOW + i) for i in range(100)])
    for _ in range(5):
        pieces = store.export(Filter(workspace=workspace), format, "desc")
        next(pieces)
        pieces.close()
    assert len(lines_of(store, Filter(workspace=workspace))) == 100
