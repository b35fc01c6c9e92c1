"""docs/features.md says which test keeps which row, and every row that must be there is kept by one."""

from __future__ import annotations

import ast

import features_page
import pytest
from features_page import NamedTest, Row, Section, find_faults, find_tests, read_markers, read_sections, say_row


def test_the_page_is_what_the_rows_and_the_tests_are():
    page = features_page.features_page(read_sections(), find_tests())
    assert features_page.PAGE.read_text() == page, "run `make docs`"


def test_rows_and_tests_go_together():
    assert find_faults(read_sections(), find_tests()) == []


def test_a_test_names_rows_for_itself_for_its_class_and_for_its_file():
    module = ast.parse("""
pytestmark = [pytest.mark.browser, pytest.mark.feature("A01")]

@pytest.mark.feature("B01", "B02")
def test_alone(): ...

class TestSome:
    pytestmark = pytest.mark.feature("C01")

    @pytest.mark.feature("C02")
    @pytest.mark.parametrize("x", [1])
    async def test_in_a_class(self): ...

@pytest.mark.feature("D01")
def helper(): ...
""")
    assert dict(read_markers(module)) == {"test_alone": ["A01", "B01", "B02"], "test_in_a_class": ["A01", "C01", "C02"]}


def test_a_row_that_is_named_by_no_text_is_refused():
    with pytest.raises(SystemExit, match="no text"):
        list(read_markers(ast.parse("@pytest.mark.feature(ROW)\ndef test_x(): ...")))


TEST = NamedTest("tests/web/test_x.py", "test_it_works")


@pytest.mark.parametrize(
    ("rows", "tests", "fault"),
    [
        ([Row("A01", "M", "x", page="/")], {}, "A01 must be there and no test names it."),
        ([Row("A01", "M", "x", page="/", missing="later")], {"A01": [TEST]}, "A01 says both"),
        ([Row("A01", "E", "x")], {}, "A01 says neither"),
        ([Row("A01", "E", "x", page="/"), Row("A01", "E", "y", page="/")], {}, "A01 is there twice."),
        ([Row("A01", "E", "x", page="/")], {"Z99": [TEST]}, "test_it_works names Z99, which is no row."),
    ],
)
def test_what_does_not_go_together_is_said(rows: list[Row], tests: dict[str, list[NamedTest]], fault: str):
    faults = find_faults([Section("x", tuple(rows))], tests)
    assert len(faults) == 1
    assert fault in faults[0]


@pytest.mark.parametrize(
    "row",
    [Row("A01", "M", "x", missing="later"), Row("D01", "M", "x", page="/"), Row("A01", "E", "x", page="/")],
)
def test_what_is_missing_or_only_expected_needs_no_test(row: Row):
    assert find_faults([Section("x", (row,))], {}) == []


def test_a_row_of_the_page_leads_to_its_tests():
    line = say_row(Row("A01", "M", "Tab **X**", page="/x"), [TEST])
    assert line == "| A01 | Tab **X** | M | `/x` | [it works](../tests/web/test_x.py) |\n"
    assert say_row(Row("A24", "E", "Y", missing="later"), []) == "| A24 | Y | E | _not yet: later_ |  |\n"
