"""What a refusing body complains of."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clew.diagnosis.complaints import MAX_TEXT, find_complaints, say_complaints

BLANK = "postal_code: must not be blank"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"errors": [{"field": "postal_code", "message": "must not be blank"}]}, BLANK),
        (
            {
                "error": "invalid",
                "message": "bad",
                "errors": [{"field": "postal_code", "message": "must not be blank"}],
            },
            BLANK,
        ),
        ({"errors": {"postal_code": ["must not be blank"]}}, BLANK),
        ({"errors": {"postal_code": "must not be blank"}}, BLANK),
        ({"errors": ["postal_code: must not be blank"]}, BLANK),
        (["postal_code: must not be blank"], BLANK),
        ({"message": BLANK}, BLANK),
        ({"error": {"message": "must not be blank", "param": "postal_code"}}, BLANK),
        ({"error": {"message": {"lang": "en", "value": BLANK}}}, BLANK),
        ({"error": BLANK}, BLANK),
        ({"error": "invalid_grant", "error_description": "The token expired."}, "The token expired."),
        ({"postal_code": ["must not be blank"]}, BLANK),
        ([{"message": "must not be blank", "errorCode": "X", "fields": ["postal_code"]}], BLANK),
        ({"detail": [{"loc": ["body", "postal_code"], "msg": "must not be blank", "type": "x"}]}, BLANK),
        ({"errors": [{"detail": "must not be blank", "source": {"pointer": "/postal_code"}}]}, BLANK),
        (BLANK, BLANK),
        ("<html><style>p {}</style><h1>502 Bad Gateway</h1>\n<hr>nginx</html>", "502 Bad Gateway nginx"),
        (
            {"timestamp": 1, "status": 400, "error": "Bad Request", "message": "No carrier", "path": "/shipments"},
            "No carrier",
        ),
    ],
)
def test_a_complaint_is_found_in_the_forms_in_which_apis_put_it(body: Any, said: str) -> None:
    assert say_complaints(find_complaints(body)) == said


def test_a_problem_document_says_its_errors_else_its_detail_else_its_title() -> None:
    problem = {"type": "about:blank", "title": "Your request is not valid", "status": 422}
    assert say_complaints(find_complaints(problem)) == "Your request is not valid"
    problem["detail"] = "The address is incomplete."
    assert say_complaints(find_complaints(problem)) == "The address is incomplete."
    pointed = problem | {"errors": [{"pointer": "#/ship_to/postal_code", "detail": "must not be blank"}]}
    assert say_complaints(find_complaints(pointed)) == "ship_to.postal_code: must not be blank"
    named = problem | {"invalid-params": [{"name": "postal_code", "reason": "must not be blank"}]}
    assert say_complaints(find_complaints(named)) == BLANK


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("/lines/0/quantity", "lines[0].quantity"),
        ("#/a~1b/c~0d", "a/b.c~d"),
        (["body", "lines", 0, "quantity"], "lines[0].quantity"),
        (["body"], "body"),
        ("lines[0].quantity", "lines[0].quantity"),
    ],
)
def test_a_field_is_named_as_people_write_it(place: Any, said: str) -> None:
    assert find_complaints({"errors": [{"path": place, "message": "no"}]})[0].field == said


def test_of_several_complaints_the_first_is_said_and_the_others_are_counted() -> None:
    body = {"errors": [{"field": name, "message": "must not be blank"} for name in ("postal_code", "city", "street")]}
    assert say_complaints(find_complaints(body)) == f"{BLANK} (and 2 more)"


def test_the_same_complaint_twice_counts_once() -> None:
    assert say_complaints(find_complaints({"errors": ["no", "no"]})) == "no"


@pytest.mark.parametrize("body", [None, 3, True, "", "  ", [], {}, {"status": 422}, {"errors": []}, {"errors": [{}]}])
def test_a_body_that_says_nothing_has_no_complaint(body: Any) -> None:
    assert find_complaints(body) == ()
    assert say_complaints(find_complaints(body)) == ""


def test_an_error_without_a_message_leaves_the_word_to_the_bodys_own() -> None:
    assert say_complaints(find_complaints({"message": "refused", "errors": [{"field": "postal_code"}]})) == "refused"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["errors", "error", "message", "detail", "field", "path", "source", "loc", "fields", "title", "x"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(JSON)
def test_whatever_comes_back_every_complaint_is_one_bounded_line(body: Any) -> None:
    for complaint in find_complaints(body):
        assert complaint.message
        for text in (complaint.field, complaint.message):
            assert len(text) <= MAX_TEXT
            assert "\n" not in text


def test_a_body_nested_without_end_costs_nothing() -> None:
    body: Any = {"message": "at the bottom"}
    for _ in range(10_000):
        body = {"error": body}
    assert find_complaints(body) == ()
