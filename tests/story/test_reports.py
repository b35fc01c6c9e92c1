"""What is asked about all records of a filter: over time, by value, as a file. It agrees with the list and count."""

from __future__ import annotations

import csv
import io
import json
import uuid

import httpx
import pytest

from harness.server import ServerProcess, eventually

REPORTS = ("histogram", "facets", "export")


@pytest.fixture(scope="module")
def run(server: ServerProcess) -> str:
    """Forty integration events of one customer and one of another, indexed."""
    customer = f"r-{uuid.uuid4().hex[:10]}"
    events = [
        {
            "event": f"order.{i % 3}",
            "type": "Conversion",
            "customer": customer if i else f"{customer}-other",
            "source_product": "erp",
            "target_product": "ship",
            "status": ["info", "success", "failure"][i % 3],
            "message": f"Order {i}",
            "parameters": {"name": f"=cmd{i}"},
            **({"error": {"type": "timeout", "message": "no answer"}} if i % 3 == 2 else {}),
        }
        for i in range(41)
    ]
    with server.client() as api:
        assert api.post("/v1/events", json=events).status_code == 201
        eventually(lambda: api.get("/v1/records/count", params={"customer": customer}).json()["count"] == 40)
    return customer


def test_the_bars_of_a_histogram_add_up_to_the_count_of_each_status(api: httpx.Client, run: str) -> None:
    answer = api.get("/v1/records/histogram", params={"customer": run, "duration": "24h", "bars": 24}).json()
    assert answer["step_ms"] == 7_200_000
    assert answer["coverage"]["truncated"] is False
    for status in ("info", "success", "failure"):
        counted = api.get("/v1/records/count", params={"customer": run, "status": status}).json()["count"]
        assert sum(bar[status] for bar in answer["bars"]) == counted > 0
    assert all(bar["time"].endswith("00:00.000Z") for bar in answer["bars"])
    hourly = {"customer": run, "step": "1h", "duration": "24h"}
    of_kind = api.get("/v1/integration-events/histogram", params=hourly).json()
    assert of_kind["step_ms"] == 3_600_000
    assert sum(bar["failure"] for bar in of_kind["bars"]) == 13


def test_facets_count_the_values_of_the_records_under_the_filters(api: httpx.Client, run: str) -> None:
    answer = api.get("/v1/records/facets", params={"customer": run, "names": "event,product,error_type", "limit": 2})
    facets = answer.json()["facets"]
    assert facets["event"] == [
        {"value": "order.1", "count": 14, "failures": 0},
        {"value": "order.0", "count": 13, "failures": 0},
    ]
    assert [value["value"] for value in facets["product"]] == ["erp", "ship"]
    assert facets["error_type"] == [{"value": "timeout", "count": 13, "failures": 13}]
    unasked = api.get("/v1/integration-events/facets", params={"customer": run}).json()
    assert set(unasked["facets"]) == {"product", "event", "customer", "status", "error_type"}
    assert unasked["coverage"]["oldest_kept"]


@pytest.mark.feature("B13")
def test_an_export_has_the_rows_of_the_list_and_runs_nothing_in_a_spreadsheet(api: httpx.Client, run: str) -> None:
    answer = api.get("/v1/integration-events/export", params={"customer": run, "status": "failure"})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="integration-events.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    listed = api.get("/v1/integration-events", params={"customer": run, "status": "failure"}).json()["items"]
    assert [row["id"] for row in rows] == [item["id"] for item in listed]
    assert len(rows) == 13
    assert list(rows[0])[:5] == ["Created Date", "Type", "Status", "Message", "Details"]
    assert {row["Status"] for row in rows} == {"Failure"}
    all_kinds = api.get("/v1/records/export", params={"customer": run, "format": "csv"}).text
    assert len(list(csv.reader(io.StringIO(all_kinds, newline="")))) == 41


def test_a_line_of_an_export_is_an_item_of_the_list(api: httpx.Client, run: str) -> None:
    answer = api.get("/v1/records/export", params={"customer": run, "format": "ndjson", "sort": "asc"})
    assert answer.headers["content-type"] == "application/x-ndjson"
    listed = api.get("/v1/records", params={"customer": run, "sort": "asc"}).json()["items"]
    assert [json.loads(line) for line in answer.text.splitlines()] == listed


def test_a_parquet_file_is_one(api: httpx.Client, run: str) -> None:
    answer = api.get("/v1/records/export", params={"customer": run, "format": "parquet"})
    assert answer.headers["content-type"] == "application/vnd.apache.parquet"
    assert answer.content[:4] == answer.content[-4:] == b"PAR1"


@pytest.mark.parametrize("report", REPORTS)
def test_a_customers_key_sees_its_own_records_in_every_report(
    api: httpx.Client, server: ServerProcess, run: str, report: str
) -> None:
    key = api.post("/v1/keys", json={"name": "theirs", "scopes": ["read"], "customer": run}).json()["key"]
    with server.client(key) as theirs:
        assert theirs.get(f"/v1/records/{report}", params={"customer": f"{run}-other"}).status_code == 400
        answer = theirs.get(f"/v1/records/{report}")
    assert answer.status_code == 200
    if report == "histogram":
        assert sum(bar[status] for bar in answer.json()["bars"] for status in ("info", "success", "failure")) == 40
    elif report == "facets":
        assert [value["value"] for value in answer.json()["facets"]["customer"]] == [run]
    else:
        assert {row["customer"] for row in csv.DictReader(io.StringIO(answer.text, newline=""))} == {run}


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("histogram?bars=0", "from 1 to 1000"),
        ("histogram?step=7h", "1s, 2s"),
        ("histogram?step=1s&duration=30d", "longer step"),
        ("facets?names=payload", "kind, type"),
        ("facets?limit=x", "from 1 to 100"),
        ("export?format=xls", "csv, ndjson, parquet"),
        ("export?cursor=x", "kind, type"),
        ("export?statsu=failure", "kind, type"),
    ],
)
def test_what_cannot_be_read_is_refused_with_what_may_be_asked(api: httpx.Client, question: str, said: str) -> None:
    for path in ("records", "flow-runs"):
        answer = api.get(f"/v1/{path}/{question}")
        assert answer.status_code == 400
        assert answer.headers["content-type"] == "application/problem+json"
        assert said in answer.json()["hint"]


def test_the_reports_describe_themselves(api: httpx.Client) -> None:
    paths = api.get("/openapi.json").json()["paths"]
    for path in ("records", "integration-events", "flow-runs", "notifications"):
        for report, option in (("histogram", "bars"), ("facets", "names"), ("export", "format")):
            names = {parameter["name"] for parameter in paths[f"/v1/{path}/{report}"]["get"]["parameters"]}
            assert {"kind", "failure_class", "role", option} <= names
    content = paths["/v1/records/export"]["get"]["responses"]["200"]["content"]
    assert set(content) == {"text/csv; charset=utf-8", "application/x-ndjson", "application/vnd.apache.parquet"}
