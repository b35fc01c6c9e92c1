"""Records of chains, made in a line each."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from clew.core.record import Body, HttpExchange, Kind, Record
from clew.diagnosis.explanation import explain
from clew.diagnosis.rule import Explanation

T0 = 1_780_000_000_000
TITLES = {"erp": "ERP", "ship": "Aptean Ship"}

Make = Callable[..., Record]
MakeCall = Callable[..., Record]
Explain = Callable[[Record], Explanation]


def title_of(product: str) -> str:
    """What people call a product."""
    return TITLES.get(product, product)


@pytest.fixture
def make() -> Make:
    """Makes a record: its kind, its id, its parent's id, milliseconds after the chain began, other fields."""

    def make(kind: Kind, name: str = "r", parent: str = "", time: int = 0, **fields: Any) -> Record:
        if "parameters" in fields and not isinstance(fields["parameters"], str):
            fields["parameters"] = json.dumps(fields["parameters"])
        fields.setdefault("status", "success")
        return Record(id=name, time=T0 + time, workspace="w", kind=kind, parent_id=parent, **fields)

    return make


@pytest.fixture
def make_call(make: Make) -> MakeCall:
    """Makes a request to Ship that failed with a status (0: no answer) and a body: JSON, or text as it is."""

    def make_call(status_code: int = 0, body: Any = None, name: str = "r", **fields: Any) -> Record:
        text = body if isinstance(body, str) else json.dumps(body)
        http = HttpExchange(
            direction=fields.pop("direction", "outgoing"),
            method=fields.pop("method", "POST"),
            url=fields.pop("url", "https://ship.example/shipments"),
            status_code=status_code,
            response_headers=fields.pop("headers", {}),
            response_body=None if body is None else Body(text=text, size=len(text)),
        )
        return make("api_request", name, **{"status": "failure", "target_product": "ship", **fields}, http=http)

    return make_call


@pytest.fixture
def explained() -> Explain:
    """Explains a record."""
    return lambda record: explain(record, title_of)
