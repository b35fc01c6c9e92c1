"""The JSON viewer shows the text that came, not what a parser makes of it."""

from __future__ import annotations

import json
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clew.web.json_tree import MAX_DEPTH, MAX_TEXT, JsonNode, build_json_tree

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5),
    max_leaves=30,
)


def joined(text: str) -> str:
    tree = build_json_tree(text)
    assert tree is not None
    return "".join(tree.root.tokens())


@given(VALUES, st.booleans())
def test_the_tokens_joined_are_the_text_that_came(value: object, ensure_ascii: bool) -> None:
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=ensure_ascii)
    assert joined(text) == text


@given(VALUES, st.sampled_from([None, 0, 1, "\t", "\r\n "]))
def test_spacing_between_tokens_is_all_that_is_left_out(value: object, indent: int | str | None) -> None:
    spaced = f" {json.dumps(value, indent=indent)}\n"
    assert joined(spaced) == json.dumps(value, separators=(",", ":"))


@given(st.text(alphabet='{}[]:,"\\ tru0-1e.n\n', max_size=30))
def test_what_python_refuses_is_no_tree_and_what_it_takes_is_one(text: str) -> None:
    try:
        json.loads(text)
        is_json = True
    except ValueError:
        is_json = False
    assert (build_json_tree(text) is not None) == is_json


@pytest.mark.parametrize(
    "text",
    [
        "12345678901234567890123456789.10",
        '{"a":1,"a":2}',
        r'["\u00e9","\u0000","\ud800","\/"]',
        "-0.0E+400",
        '{"":{"":[]}}',
    ],
)
def test_what_a_parser_would_change_stays_as_it_came(text: str) -> None:
    assert joined(text) == text


@pytest.mark.parametrize(
    "text", ["", " ", "{", "[1,]", "{,}", "01", "NaN", "{'a':1}", '"a\tb"', "[1] 2", "a=1&b=2", "<x/>"]
)
def test_what_is_no_json_is_left_to_the_raw_view(text: str) -> None:
    assert build_json_tree(text) is None


def count_nodes(node: JsonNode) -> int:
    return 1 + sum(count_nodes(child) for child in node.children)


def test_the_tree_ends_at_its_bound_and_says_so() -> None:
    tree = build_json_tree(json.dumps({"rows": [{"n": n} for n in range(5_000)]}), max_nodes=100)
    assert tree is not None
    assert tree.is_cut
    assert tree.root.is_cut
    assert count_nodes(tree.root) == tree.count == 100


def test_a_tree_of_exactly_the_bound_is_whole() -> None:
    tree = build_json_tree("[1,2,3]", max_nodes=4)
    assert tree is not None
    assert not tree.is_cut
    assert tree.count == 4


def test_a_long_string_is_cut_and_says_so() -> None:
    tree = build_json_tree(json.dumps("x" * 10_000))
    assert tree is not None
    assert tree.root.is_cut
    assert len(tree.root.text) == MAX_TEXT


def test_text_nested_deeper_than_is_shown_is_left_to_the_raw_view() -> None:
    assert build_json_tree("[" * MAX_DEPTH + "]" * MAX_DEPTH) is not None
    assert build_json_tree("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1)) is None
    assert build_json_tree("[" * 100_000) is None


@pytest.mark.parametrize("piece", ["aaa", "a\\\\n", "\\\\u00e9"])
def test_a_string_that_never_ends_is_refused_in_linear_time(piece: str) -> None:
    def seconds(length: int) -> float:
        start = time.perf_counter()
        assert build_json_tree('"' + piece * length) is None
        return time.perf_counter() - start

    seconds(1_000)
    assert seconds(200_000) < 200 * max(seconds(10_000), 0.001)


def test_names_and_strings_keep_their_quotes() -> None:
    tree = build_json_tree('{"a b": "c"}')
    assert tree is not None
    assert [(n.name, n.text) for n in tree.root.children] == [('"a b"', '"c"')]
    assert re.fullmatch(r"object|array", tree.root.shape)
