"""Where in our code an error arose."""

from __future__ import annotations

import json
import traceback

from hypothesis import given
from hypothesis import strategies as st

from clew.diagnosis.stack import Place, find_place


def fail() -> None:
    json.loads("{")


def test_the_place_of_a_real_stack_is_the_last_one_that_is_not_in_a_library() -> None:
    try:
        fail()
    except ValueError:
        place = find_place(traceback.format_exc())
    assert place is not None
    assert (place.file, place.code) == ("test_stack.py", 'json.loads("{")')
    assert place.say() == f"test_stack.py line {fail.__code__.co_firstlineno + 1}"


def test_frames_alone_as_a_run_keeps_them_have_a_place() -> None:
    stack = 'File "/srv/flows/orders.py", line 41, in create_shipment\n  code = lookup["postal_code"]'
    assert find_place(stack) == Place("orders.py", 41, 'code = lookup["postal_code"]')


def test_a_frame_without_its_line_has_a_place() -> None:
    stack = '  File "C:\\flows\\orders.py", line 7, in a\n  File "C:\\flows\\maps.py", line 9, in b\n'
    assert find_place(stack) == Place("maps.py", 9)


def test_where_every_frame_is_in_a_library_the_nearest_is_named() -> None:
    stack = 'File "/usr/lib/python3.11/json/decoder.py", line 353, in raw_decode\n  obj, end = self.scan_once(s, idx)'
    assert find_place(stack) == Place("decoder.py", 353, "obj, end = self.scan_once(s, idx)")


@given(st.text() | st.from_regex(r'(File "[^"]*", line \d+\n)*'))
def test_what_is_no_stack_has_no_place_and_harms_nothing(text: str) -> None:
    place = find_place(text)
    assert place is None or f", line {place.line}" in text or "line" in text


def test_a_stack_of_megabytes_is_read_from_its_end() -> None:
    assert find_place("x" * 5_000_000 + '\nFile "orders.py", line 3, in a\n') == Place("orders.py", 3)
