"""Values made short enough to be read in a list."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clew.core.cutting import GLANCE_LIMITS, LOG_LIMITS, cut, whole_characters


@pytest.mark.feature("C92")
@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("x" * 500, "x" * 500),
        ("x" * 501, "x" * 500 + "..."),
        (list(range(500)), list(range(500))),
        (list(range(501)), [*range(500), "...moreItems"]),
        ({f"k{n:03}": n for n in range(500)}, {f"k{n:03}": n for n in range(500)}),
        ({f"k{n:03}": n for n in range(503)}, {**{f"k{n:03}": n for n in range(500)}, "...moreKeys": 3}),
        ((1, None, True, 2.5), [1, None, True, 2.5]),
        (10**200, "1" + "0" * 200),
        (float("-inf"), "-inf"),
    ],
)
def test_what_is_long_is_cut_and_marked(value: Any, expected: Any) -> None:
    assert cut(value) == expected


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.feature("C92")
def test_what_is_deep_is_cut_and_marked() -> None:
    assert cut(nested(15)) == nested(15)
    assert json.dumps(cut(nested(16))) == "[" * 15 + '"<max depth reached>"' + "]" * 15


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inside: st.lists(inside) | st.dictionaries(st.text(), inside),
    max_leaves=10,
)


@given(value=JSON_VALUES)
def test_what_is_short_stays_as_it_is(value: Any) -> None:
    if value == cut(value, LOG_LIMITS):
        assert json.loads(json.dumps(cut(value))) == value
    assert json.dumps(cut(value, GLANCE_LIMITS), allow_nan=False)


def test_a_character_that_was_cut_in_two_is_left_out_and_nothing_else() -> None:
    text = "a\u00e9\u20ac\U0001f600z"
    whole = text.encode()
    starts = [whole_characters(whole[:size]).decode() for size in range(len(whole) + 1)]
    assert starts == ["", "a", "a", *["a\u00e9"] * 3, *["a\u00e9\u20ac"] * 4, text[:-1], text]


def test_what_is_no_text_is_left_as_it_is() -> None:
    for odd in (b"\xff\xfe", b"a\xe9z", b"\x80"):
        assert whole_characters(odd) == odd
