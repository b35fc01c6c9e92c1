"""Log lines: each type in its own way, and whatever a node wrote into one."""

from __future__ import annotations

from typing import Any, Literal

import pytest

from clew.core.record import LogLine
from clew.web.lines import MAX_LINES, NOBODY, Comparison, Line, Origin, build_lines, say_actual

RECORD_ID = "01990f3e-7c1b-7000-8000-000000000000"
Type = Literal["message", "text", "error", "data", "compare", "api-request"]


def build(type: Type, data: Any = None) -> Line:
    lines = build_lines([(NOBODY, LogLine(time=0, msg="m", type=type, data=data))])
    return lines.items[0]


@pytest.mark.feature("D12")
def test_a_comparison_is_shown_as_expected_and_actual() -> None:
    line = build("compare", {"expected": "US", "actual": {"a": 1}, "equal": False})
    assert line.comparison == Comparison("US", '{"a":1}', is_equal=False)
    assert line.data is None


@pytest.mark.feature("D12")
def test_a_request_leads_to_its_record() -> None:
    line = build("api-request", {"id": RECORD_ID, "status": 422})
    assert line.href == f"/records/{RECORD_ID}?tab=http"


@pytest.mark.parametrize(
    ("type", "data"),
    [
        ("compare", {"expected": 1}),
        ("compare", [1, 2]),
        ("api-request", {"id": "javascript:alert(1)"}),
        ("api-request", {"id": 7}),
        ("data", {"id": RECORD_ID}),
    ],
)
def test_what_is_none_of_these_is_shown_as_data(type: Type, data: Any) -> None:
    line = build(type, data)
    assert line.data is not None
    assert line.comparison is None
    assert line.href == ""


def test_more_lines_than_a_page_holds_are_counted() -> None:
    origin = Origin("lookup", "/flow-runs/1")
    lines = build_lines([(origin, LogLine(time=n, msg=str(n))) for n in range(MAX_LINES + 7)])
    assert (len(lines.items), lines.left_out) == (MAX_LINES, 7)
    assert (lines.items[0].node, lines.items[0].node_href) == ("lookup", "/flow-runs/1")


@pytest.mark.parametrize(
    ("value", "said"), [("CA", "'CA'"), (420, "420"), (None, "nothing"), ([], "[]"), (True, "true")]
)
def test_what_a_condition_saw_is_written_as_a_condition_would(value: object, said: str) -> None:
    assert say_actual(value) == said
