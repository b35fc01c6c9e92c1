"""Mistakes of our own code: which node, which field, which line."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from clew.core.record import ErrorInfo, Record
from clew.diagnosis.rule import Explanation

Make = Callable[..., Record]
Explain = Callable[[Record], Explanation]
STACK = (
    'File "/srv/flows/orders.py", line 12, in outer\n  inner()\n'
    'File "/srv/flows/orders.py", line 41, in create_shipment\n  code = lookup["ship_to"]["postal_code"]'
)


@pytest.fixture
def node_run(make: Make) -> Make:
    """A node run that failed with this error; its input is the output of `lookup` and the event."""

    def node_run(kind: str, message: str, stack: str = STACK, **fields: object) -> Record:
        parameters = {"input": {"lookup": {"ship_to": {}}, "event": {}}, "upstream": {"lookup": "1"}}
        error = ErrorInfo(type=kind, message=message, stack=stack)
        given = {"node": "create_shipment", "status": "failure", "parameters": parameters, **fields}
        return make("node_run", error=error, **given)

    return node_run


def test_a_missing_field_is_named_with_its_node_and_where_it_was_looked_for(node_run: Make, explained: Explain) -> None:
    told = explained(node_run("KeyError", "'postal_code'"))
    assert told.code == "mapping_error"
    assert told.summary == (
        "Our node create_shipment could not find 'postal_code' in lookup's output (orders.py line 41)."
    )


def test_a_field_that_the_event_lacks_is_looked_for_in_the_event(node_run: Make, explained: Explain) -> None:
    stack = 'File "orders.py", line 9, in lookup\n  number = event.payload["data"]["number"]'
    assert explained(node_run("KeyError", "'number'", stack)).summary == (
        "Our node create_shipment could not find 'number' in the event (orders.py line 9)."
    )


def test_where_the_line_does_not_say_nothing_is_guessed(node_run: Make, explained: Explain) -> None:
    stack = 'File "orders.py", line 9, in lookup\n  number = found["number"]'
    assert explained(node_run("KeyError", "'number'", stack)).summary == (
        "Our node create_shipment could not find 'number' (orders.py line 9)."
    )
    one = node_run("KeyError", "'number'", stack, parameters={"input": {"lookup": {}}})
    assert "in lookup's output" in explained(one).summary


@pytest.mark.parametrize(
    ("kind", "message", "said"),
    [
        (
            "TypeError",
            "'NoneType' object is not subscriptable",
            "found nothing in lookup's output where it needs a value",
        ),
        ("AttributeError", "'NoneType' object has no attribute 'strip'", "found nothing in lookup's output"),
        ("IndexError", "list index out of range", "asked for an item that is not in its list in lookup's output"),
        (
            "TypeError",
            "unsupported operand type(s) for +: 'int' and 'str'",
            "got a value that it cannot work with: unsupp",
        ),
        ("ValueError", "could not convert string to float: 'n/a'", "got a value that it cannot work with: could not"),
        ("ZeroDivisionError", "float division by zero", "got a value that it cannot work with: float division by zero"),
        ("json.decoder.JSONDecodeError", "Expecting value: line 1", "could not read what it got: Expecting value"),
        (
            "msgspec.ValidationError",
            "Object missing required field `postal_code`",
            "could not find 'postal_code' in lookup",
        ),
        ("TypeError", "Cannot read properties of undefined (reading 'postal_code')", "could not find 'postal_code'"),
        ("KeyError", "", "could not find a field"),
        ("KeyError", "'timeout'", "could not find 'timeout'"),
    ],
)
def test_each_mistake_with_data_is_said_in_words(
    node_run: Make, explained: Explain, kind: str, message: str, said: str
) -> None:
    told = explained(node_run(kind, message))
    assert told.code == "mapping_error"
    assert told.summary.startswith(f"Our node create_shipment {said}")
    assert told.summary.endswith("(orders.py line 41).")


def test_a_step_that_reported_a_mistake_is_a_step(make: Make, explained: Explain) -> None:
    step = make(
        "integration_event", event="map_order", status="failure", error=ErrorInfo(type="KeyError", message="'a'")
    )
    assert explained(step).summary == "Our step map_order could not find 'a'."


def test_a_validation_error_without_a_stack_is_the_other_sides(make: Make, explained: Explain) -> None:
    error = ErrorInfo(type="ValidationError", message="postal_code: must not be blank")
    step = make("integration_event", event="create_shipment", status="failure", error=error)
    assert explained(step).summary == "create_shipment failed: postal_code: must not be blank."


def test_an_error_of_which_nothing_is_known_but_its_place(node_run: Make, explained: Explain) -> None:
    told = explained(node_run("orders.NoCarrier", "no carrier serves XX"))
    assert told.code == "code_error"
    assert told.summary == "Our node create_shipment failed: no carrier serves XX (orders.py line 41)."
    assert "NoCarrier" in explained(node_run("orders.NoCarrier", "")).summary


def test_an_answer_that_the_code_did_not_expect_is_no_mistake_of_mapping(make: Make, explained: Explain) -> None:
    inner = ErrorInfo(type="http_status", message="GET https://erp.example/orders/9 answered 404 Not Found")
    error = ErrorInfo(type="KeyError", message="'number'", stack=STACK, caused_by=inner)
    assert explained(make("node_run", node="lookup", status="failure", error=error)).code == "not_found"
