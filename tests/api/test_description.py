"""The OpenAPI document says what the code reads."""

from __future__ import annotations

import json

import msgspec
import pytest

from clew.api.description import FILTERS, PAGING, EventsOperation, StepsOperation, object_schema
from clew.core.settings import Settings
from clew.doors.json_events import Event
from clew.doors.steps import Step, read_steps
from clew.log.parameters import CHOICES, FILTER_NAMES, PAGING_NAMES


def test_every_filter_that_is_parsed_is_described_and_no_other() -> None:
    assert set(FILTERS) == set(FILTER_NAMES)
    assert set(PAGING) == set(PAGING_NAMES)


def test_the_values_of_a_closed_filter_are_those_that_are_parsed() -> None:
    described = FILTERS | PAGING
    assert {name: tuple(described[name][1]["enum"]) for name in CHOICES} == CHOICES


@pytest.mark.parametrize(("struct", "required"), [(Event, ["event"]), (Step, ["action"])])
def test_what_is_reported_is_described_field_by_field(struct: type[msgspec.Struct], required: list[str]) -> None:
    schema = object_schema(struct)
    assert set(schema["properties"]) == set(struct.__struct_fields__)
    assert schema["required"] == required
    assert schema["properties"]["payload"] == {}


@pytest.mark.parametrize("operation", [EventsOperation, StepsOperation])
def test_a_way_in_is_described_in_its_three_forms(operation: type[EventsOperation | StepsOperation]) -> None:
    body = operation().to_schema()["requestBody"]
    assert set(body["content"]) == {"application/json", "application/x-ndjson"}
    one, several = body["content"]["application/json"]["schema"]["oneOf"]
    assert several["items"] == one


def test_the_examples_of_a_step_are_steps() -> None:
    body = StepsOperation().to_schema()["requestBody"]
    examples = body["content"]["application/json"]["examples"]
    assert [read_steps(json.dumps(one["value"]).encode(), "", Settings(), 0) for one in examples.values()]
