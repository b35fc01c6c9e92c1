"""The OpenAPI document says what the code reads."""

from __future__ import annotations

from clew.api.description import FILTERS, PAGING, EventsOperation, object_schema
from clew.doors.json_events import Event
from clew.log.parameters import CHOICES, FILTER_NAMES, PAGING_NAMES


def test_every_filter_that_is_parsed_is_described_and_no_other() -> None:
    assert set(FILTERS) == set(FILTER_NAMES)
    assert set(PAGING) == set(PAGING_NAMES)


def test_the_values_of_a_closed_filter_are_those_that_are_parsed() -> None:
    described = FILTERS | PAGING
    assert {name: tuple(described[name][1]["enum"]) for name in CHOICES} == CHOICES


def test_an_event_is_described_field_by_field() -> None:
    schema = object_schema(Event)
    assert set(schema["properties"]) == set(Event.__struct_fields__)
    assert schema["required"] == ["event"]
    assert schema["properties"]["payload"] == {}


def test_the_events_body_is_described_in_its_three_forms() -> None:
    body = EventsOperation().to_schema()["requestBody"]
    assert set(body["content"]) == {"application/json", "application/x-ndjson"}
    one, several = body["content"]["application/json"]["schema"]["oneOf"]
    assert several["items"] == one
