"""What the OpenAPI document says of the live tails."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from litestar.openapi.spec import OpenAPIMediaType, OpenAPIResponse, Operation, Parameter

from clew.api.description import FILTERS, Described, query_parameters
from clew.log.tail_stream import CONTENT_TYPE, TAIL_FILTER_NAMES

_EVENTS = """Server-sent events, each with an `id`:

- `event: record`: its data is an item of the list, as JSON.
- `event: dropped`: records under the filters are missing here, because they came so much faster than they were read
  that they are no longer held, or because what followed the `Last-Event-ID` is not. Who keeps up misses nothing. Its
  data is `{"count": n, "at_most": m}`: how many, or null where that is not known, and how many at most, or null.

A comment comes at least every 15 seconds, or as often as `CLEW_TAIL_PING_S` says."""


@dataclass
class TailOperation(Operation):
    """A live tail under the filters."""

    def __post_init__(self) -> None:
        text: dict[str, Any] = {"type": "string"}
        resume = "The `id` of the last event that was read: the tail goes on behind it."
        self.parameters = [
            *(self.parameters or []),
            *query_parameters({name: FILTERS[name] for name in TAIL_FILTER_NAMES}),
            Parameter(
                name="Last-Event-ID", param_in="header", required=False, description=resume, schema=Described(text)
            ),
        ]
        content = {CONTENT_TYPE: OpenAPIMediaType(schema=Described(text))}
        self.responses = {**(self.responses or {}), "200": OpenAPIResponse(description=_EVENTS, content=content)}
