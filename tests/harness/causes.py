"""The cause that is found in a chain of records, in few words."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from clew.core.record import ErrorInfo, Record
from clew.diagnosis.cause import Cause, build_cause

Make = Callable[..., Record]

REASON = "postal_code: must not be blank"
REFUSED = ErrorInfo(
    type="HTTPStatusError",
    key="validation_failed",
    message="Aptean Ship answered 422 Unprocessable Entity to POST /shipments",
    data={"status": 422, "message": REASON, "errors": [{"field": "postal_code", "message": "must not be blank"}]},
    caused_by=ErrorInfo(type="bad_request", key="validation_failed", message=REASON),
)


def title_of(product: str) -> str:
    return {"erp": "ERP", "ship": "Aptean Ship"}.get(product, product)


def cause_of(records: Sequence[Record], record_id: str) -> Cause:
    return build_cause(records, record_id, title_of)


def ids(records: Sequence[Record]) -> list[str]:
    return [record.id for record in records]


def found(cause: Cause) -> tuple[str, list[str], list[str]]:
    """The cause, the path and what broke, by id."""
    return cause.record.id if cause.record else "", ids(cause.path), [broken.record.id for broken in cause.broke]
