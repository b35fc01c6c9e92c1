"""How many records of a file have come is told right, wherever its pieces are cut."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clew.log.export import RowCounter, csv_rows

CELLS = st.text(alphabet='"\r\n,a', max_size=6)
ROWS = st.lists(st.lists(CELLS, min_size=2, max_size=2), max_size=6)
CUTS = st.lists(st.integers(0, 200), max_size=6)


def pieces_of(file: bytes, cuts: list[int]) -> list[bytes]:
    places = [0, *sorted(min(cut, len(file)) for cut in cuts), len(file)]
    return [file[begin:end] for begin, end in pairwise(places)]


@given(ROWS, CUTS)
def test_records_of_a_csv_are_its_rows_without_the_heading_whatever_is_in_a_cell(
    rows: list[list[str]], cuts: list[int]
) -> None:
    counter = RowCounter("csv")
    pieces = pieces_of(csv_rows([["id", "message"], *rows]), cuts)
    assert sum(counter.add(piece) for piece in pieces) == len(rows)


@given(ROWS, CUTS)
def test_records_of_json_lines_are_its_lines(rows: list[list[str]], cuts: list[int]) -> None:
    counter = RowCounter("ndjson")
    file = "".join(f"{json.dumps(row)}\n" for row in rows).encode()
    assert sum(counter.add(piece) for piece in pieces_of(file, cuts)) == len(rows)


@pytest.mark.parametrize("piece", [b"PAR1", b'"a"\r\n"b"\r\n'])
def test_records_of_a_parquet_file_are_not_guessed(piece: bytes) -> None:
    assert RowCounter("parquet").add(piece) == 0
