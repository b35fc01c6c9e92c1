"""What the OpenAPI document says beyond the handlers' types: filters, and the bodies that bare callables read.

The types come from the code that reads them; a test holds the names of the filters to those that are parsed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
from litestar.openapi.spec import (
    Example,
    OpenAPIHeader,
    OpenAPIMediaType,
    OpenAPIResponse,
    Operation,
    Parameter,
    Reference,
    RequestBody,
    Schema,
)

from clew.core.failure_class import FAILURE_CLASSES
from clew.core.record import DIRECTIONS, KINDS, STATUSES
from clew.doors.json_events import Event
from clew.doors.steps import ACTIONS, Step
from clew.log.export import CONTENT_TYPES, FORMATS
from clew.log.parameters import MAX_TEXT
from clew.log.query import DEFAULT_VALUES, FACET_NAMES, HTTP_DIRECTIONS, MAX_VALUES, ROLES
from clew.log.report_parameters import DEFAULT_FACETS
from clew.log.steps import DEFAULT_BARS, MAX_BARS, STEPS_MS

DURATIONS = ("1h", "24h", "7d", "14d", "30d")
_STRING: dict[str, Any] = {"type": "string"}
IDEMPOTENCY_KEY = "The same key and body, the same answer; with another body it is refused (422)."


def _one_of(values: tuple[str, ...]) -> dict[str, Any]:
    return {"type": "string", "enum": list(values)}


FILTERS: dict[str, tuple[str, dict[str, Any]]] = {
    "kind": ("What sort of record.", _one_of(KINDS)),
    "type": ("The type of an integration event, such as `API Call`.", _STRING),
    "event": ("The event's name, such as `order.released`.", _STRING),
    "event_type": ("Another name for `event`.", _STRING),
    "status": ("One of our three words.", _one_of(STATUSES)),
    "state": ("The native word of the system it came from.", _STRING),
    "customer": ("The customer's key.", _STRING),
    "integration": ("The integration's key.", _STRING),
    "connection": ("The connection's key.", _STRING),
    "product": ("A product's key, as source or as target.", _STRING),
    "source_product": ("The product it came from.", _STRING),
    "target_product": ("The product it went to.", _STRING),
    "direction": ("The direction of the integration.", _one_of(DIRECTIONS)),
    "flow": ("The flow's key.", _STRING),
    "node": ("The node's name.", _STRING),
    "source": ("The key of the source of a webhook or a pull.", _STRING),
    "trace_id": ("32 hex digits: the whole chain.", _STRING),
    "key": ("A business key, `order=SO-1001`, or `order=*` for any record that has one.", _STRING),
    "q": (
        "Words that must all occur in message, error, keys, parameters or payload: `postal code`; one after the other, "
        '`SO-1001`, `"quoted phrase"`; and without a word or a phrase, `-refund`, `-"test order"`.',
        {"type": "string", "maxLength": MAX_TEXT},
    ),
    "contains": (
        "A text as it occurs in message, error, keys, parameters or payload, also inside words, without regard to the "
        "case of ASCII letters. There is no index for it: a list looks for some seconds, then says how far it came and "
        "goes on at `next`.",
        {"type": "string", "maxLength": MAX_TEXT},
    ),
    "from": ("RFC 3339, inclusive.", {"type": "string", "format": "date-time"}),
    "to": ("RFC 3339, exclusive.", {"type": "string", "format": "date-time"}),
    "duration": ("Back from now, instead of `from` and `to`.", _one_of(DURATIONS)),
    "min_duration_ms": ("Took at least so many milliseconds.", {"type": "integer", "minimum": 0}),
    "http_status": ("A status code, `422`, or a class, `4xx`.", _STRING),
    "http_direction": ("Of an HTTP exchange, seen from this server.", _one_of(HTTP_DIRECTIONS)),
    "error_type": ("The type of the error, such as `timeout`.", _STRING),
    "failure_class": ("Failures of this class: who has to mend it.", _one_of(FAILURE_CLASSES)),
    "role": (
        "`event`: application events alone, without the steps of their way: external and internal events, and "
        "integration events that have no parent or are no step of another.",
        _one_of(ROLES),
    ),
}
PAGING: dict[str, tuple[str, dict[str, Any]]] = {
    "cursor": ("`next` or `prev` of a page of the same filters.", _STRING),
    "limit": ("How many records a page has.", {"type": "integer", "minimum": 1, "maximum": 1000, "default": 50}),
    "sort": ("Newest first, or oldest first.", _one_of(("desc", "asc"))),
}


HISTOGRAM: dict[str, tuple[str, dict[str, Any]]] = {
    "bars": ("At most so many bars.", {"type": "integer", "minimum": 1, "maximum": MAX_BARS, "default": DEFAULT_BARS}),
    "step": ("How long a bar is, instead of `bars`.", _one_of(tuple(STEPS_MS))),
}
FACETS: dict[str, tuple[str, dict[str, Any]]] = {
    "names": (
        f"Which values, divided by commas: {', '.join(FACET_NAMES)}. Unasked: {', '.join(DEFAULT_FACETS)}.",
        _STRING,
    ),
    "limit": (
        "How many values of each.",
        {"type": "integer", "minimum": 1, "maximum": MAX_VALUES, "default": DEFAULT_VALUES},
    ),
}
EXPORT: dict[str, tuple[str, dict[str, Any]]] = {
    "format": ("What file.", {**_one_of(FORMATS), "default": "csv"}),
    "sort": ("Newest first, or oldest first; in a Parquet file in any order.", _one_of(("desc", "asc"))),
}


class Described(Schema):
    """A schema that is already JSON Schema."""

    def __init__(self, fields: dict[str, Any]) -> None:
        super().__init__()
        self._fields = fields

    def to_schema(self) -> dict[str, Any]:
        """The fields as they are."""
        return self._fields


def query_parameters(table: dict[str, tuple[str, dict[str, Any]]]) -> list[Parameter]:
    """The parameters of a table such as `FILTERS`."""
    return [
        Parameter(name=name, param_in="query", required=False, description=text, schema=Described(schema))
        for name, (text, schema) in table.items()
    ]


@dataclass
class ListOperation(Operation):
    """A list of records under the filters, by pages."""

    def __post_init__(self) -> None:
        self.parameters = [*(self.parameters or []), *query_parameters(FILTERS | PAGING)]


@dataclass
class FilterOperation(Operation):
    """An answer about all records under the filters."""

    def __post_init__(self) -> None:
        self.parameters = [*(self.parameters or []), *query_parameters(FILTERS)]


@dataclass
class HistogramOperation(Operation):
    """Records over time."""

    def __post_init__(self) -> None:
        self.parameters = [*(self.parameters or []), *query_parameters(FILTERS | HISTOGRAM)]


@dataclass
class FacetsOperation(Operation):
    """The most frequent values."""

    def __post_init__(self) -> None:
        self.parameters = [*(self.parameters or []), *query_parameters(FILTERS | FACETS)]


@dataclass
class ExportOperation(Operation):
    """All records as a file."""

    def __post_init__(self) -> None:
        self.parameters = [*(self.parameters or []), *query_parameters(FILTERS | EXPORT)]
        text: Any = Described({"type": "string"})
        content = {media_type: OpenAPIMediaType(schema=text) for media_type in CONTENT_TYPES.values()}
        self.responses = {
            **(self.responses or {}),
            "200": OpenAPIResponse(description="The file, streamed.", content=content),
        }


def object_schema(struct: type[msgspec.Struct]) -> dict[str, Any]:
    """The JSON Schema of an object that this struct reads, field by field. What is kept as it came may be anything."""
    fields = msgspec.structs.fields(struct)
    return {
        "type": "object",
        "description": (struct.__doc__ or "").strip(),
        "properties": {field.encode_name: msgspec.json.schema(field.type) for field in fields},
        "required": [field.encode_name for field in fields if field.required],
        "additionalProperties": False,
    }


@dataclass
class EventsOperation(Operation):
    """`POST /v1/events`: its body in three forms."""

    def __post_init__(self) -> None:
        _describe_objects(self, Event, "event", {})
        self.parameters = [*(self.parameters or []), *_headers("events without a trace of their own join it.")]
        _refusals(self, _INTAKE_REFUSALS)


@dataclass
class StepsOperation(Operation):
    """`POST /v1/events/{id}/steps`: its body in three forms."""

    def __post_init__(self) -> None:
        _describe_objects(self, Step, "step", _STEP_EXAMPLES)
        actions = f"Offered are {', '.join(ACTIONS)}; any other word is taken too."
        self.request_body.description += f" {actions}"  # type: ignore[union-attr, operator]  # it was set just now
        self.parameters = [*(self.parameters or []), *_headers("kept with the steps, which join their event's trace.")]
        _refusals(self, {**_INTAKE_REFUSALS, 404: "no such event"})


_INTAKE_REFUSALS = {
    400: "malformed",
    401: "no key",
    403: "a key without the scope",
    413: "too large",
    415: "content type",
    422: "wrong",
}
_STEP_EXAMPLES: dict[str, dict[str, Any]] = {
    "received": {"action": "Received", "target_product": "ship", "message": "Taken into the queue."},
    "not processed": {
        "action": "Processed",
        "status": "failure",
        "message": "The order has no postal code.",
        "error": {"type": "data", "message": "postal_code must not be blank"},
        "duration_ms": 212,
    },
}


def _describe_objects(
    operation: Operation, struct: type[msgspec.Struct], noun: str, examples: dict[str, dict[str, Any]]
) -> None:
    one = object_schema(struct)
    several = {"oneOf": [one, {"type": "array", "items": one, "minItems": 1}]}
    shown: dict[str, Example | Reference] = {name: Example(value=value) for name, value in examples.items()}
    operation.request_body = RequestBody(
        required=True,
        description=f"One {noun}, an array of {noun}s, or one {noun} a line.",
        content={
            "application/json": OpenAPIMediaType(schema=Described(several), examples=shown or None),
            "application/x-ndjson": OpenAPIMediaType(schema=Described(one)),
        },
    )


def _headers(trace: str) -> list[Parameter]:
    texts = {
        "Idempotency-Key": IDEMPOTENCY_KEY,
        "traceparent": f"W3C trace context: {trace}",
        "Content-Encoding": "`gzip` or `zstd`.",
    }
    return [
        Parameter(name=name, param_in="header", required=False, description=text, schema=Described(_STRING))
        for name, text in texts.items()
    ]


@dataclass
class WebhookOperation(Operation):
    """`ANY /webhooks/in/{source}`: whatever the source sends."""

    def __post_init__(self) -> None:
        self.request_body = RequestBody(content={"*/*": OpenAPIMediaType(schema=Schema())}, description="As it comes.")
        _refusals(self, {400: "could not be parsed", 401: "the signature was refused", 404: "no such source"})


def _refusals(operation: Operation, reasons: dict[int, str]) -> None:
    problem = Described(
        {
            "type": "object",
            "properties": {
                **{name: {"type": "string"} for name in ("type", "title", "detail", "instance", "code", "hint")},
                "status": {"type": "integer"},
                "errors": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "properties": {"pointer": {"type": "string"}, "detail": {"type": "string"}},
                    },
                },
            },
        }
    )
    retry = {"Retry-After": OpenAPIHeader(schema=Described({"type": "integer"}))}
    responses = dict(operation.responses or {})
    for status, reason in {**reasons, 503: "the journal takes nothing now"}.items():
        responses[str(status)] = OpenAPIResponse(
            description=reason,
            content={"application/problem+json": OpenAPIMediaType(schema=problem)},
            headers=dict(retry) if status == 503 else None,
        )
    operation.responses = responses
