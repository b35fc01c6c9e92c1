"""What the OpenAPI document says of the scans."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from litestar.openapi.spec import OpenAPIMediaType, OpenAPIResponse, Operation

from clew.api.description import FILTERS, PAGING, Described, query_parameters
from clew.log.tail_stream import CONTENT_TYPE

_EVENTS = """Server-sent events:

- `event: match`: its data is an item of the list, as JSON.
- `event: progress`: `{"from", "to", "reached", "matches", "fraction", "next"}`: everything between `reached` and `to`
  was looked at (`from` and `reached` where the oldest come first); `fraction` is how much of the time asked for that
  is, 0 to 1. With `next` as its `cursor` a scan or a list goes on from there.
- `event: done`: `{"matches", "truncated", "next", "coverage"}`. `truncated`: there may be more, because as many were
  found as `limit` says, or because a bound of time or memory was reached.
- `event: failed`: a problem (RFC 9457), where the scan cannot go on."""


@dataclass
class ScanOperation(Operation):
    """A list that comes bit by bit."""

    def __post_init__(self) -> None:
        self.parameters = [*(self.parameters or []), *query_parameters(FILTERS | PAGING)]
        text: dict[str, Any] = {"type": "string"}
        content = {CONTENT_TYPE: OpenAPIMediaType(schema=Described(text))}
        self.responses = {**(self.responses or {}), "200": OpenAPIResponse(description=_EVENTS, content=content)}
