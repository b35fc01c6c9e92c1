"""Finding places in JSON without reading it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clew.core.json_text import find_values, first_deeper, is_deeper, pointer_of


def nested(depth: int) -> bytes:
    return b'{"a":' * (depth - 1) + b"[]" + b"}" * (depth - 1)


@pytest.mark.parametrize("depth", [1, 2, 63, 64])
def test_what_is_nested_to_the_limit_is_not_deeper(depth: int) -> None:
    assert not is_deeper(nested(depth), 64)


def test_what_is_nested_beyond_the_limit_is_deeper_and_its_place_is_found() -> None:
    assert is_deeper(nested(65), 64)
    assert first_deeper(b'{"x":[],"y":[[1],{"z":[2]}]}', 3) == "/y/1/z"


def test_brackets_in_strings_do_not_count() -> None:
    assert not is_deeper(json.dumps(['[[[[{{{{\\"[[' * 40]).encode(), 2)
    assert is_deeper(b'[["]"],[["]"],[["]]]]]]"]]]]', 3)


def test_many_brackets_side_by_side_are_not_deep() -> None:
    assert not is_deeper(b"[" + b"[],{}," * 1000 + b"0]", 2)


def _depth(data: object) -> int:
    if isinstance(data, dict):
        return 1 + max(map(_depth, data.values()), default=0)
    return 1 + max(map(_depth, data), default=0) if isinstance(data, list) else 0


@given(
    data=st.recursive(
        st.text(alphabet='[]{}"\\a', max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text('[]{}"\\a', max_size=3), inner, max_size=3),
        max_leaves=30,
    ),
    limit=st.integers(0, 8),
)
def test_depth_is_that_of_the_parsed_data(data: object, limit: int) -> None:
    text = json.dumps(data).encode()
    assert is_deeper(text, limit) == (_depth(data) > limit)
    assert bool(first_deeper(text, limit)) <= is_deeper(text, limit)


def test_pointers_escape_slashes_and_tildes() -> None:
    assert pointer_of(["a/b", 0, "c~d", ""]) == "/a~1b/0/c~0d/"


def test_values_are_found_with_their_exact_span() -> None:
    text = '{"a": {"want" : [1, "]"] }, "want":-1.5e3,"b":["want"]}'
    spans = find_values(text, lambda name: name == "want")
    assert [(text[span.start : span.end], span.pointer) for span in spans] == [
        ('[1, "]"]', "/a/want"),
        ("-1.5e3", "/want"),
    ]
