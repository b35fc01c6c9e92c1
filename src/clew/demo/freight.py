"""Ship's rules: which shipments it takes, and what their carriage costs. Pure, so that the history obeys them too."""

from __future__ import annotations

import math
import random
from http import HTTPStatus

import msgspec

from clew.core.clock import to_rfc3339
from clew.demo.orders import Address, Line, Shipment, ShipmentRequest

_CARTON_KG = 12.0
_HEAVY_UNIT_KG = 30.0
_CARRIERS = {"US": ("Great Plains Parcel", 1.9), "GB": ("Albion Post", 2.1)}
_OTHER_CARRIER = ("Continental Cargo", 2.6)


class FieldProblem(msgspec.Struct, frozen=True):
    """What is wrong with one field of a request."""

    field: str
    message: str


class Refusal(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The body of every answer of Ship that is no success. `error` is the word for machines."""

    status: int
    error: str
    message: str
    request_id: str
    received_at: str
    errors: tuple[FieldProblem, ...] = ()


def find_problems(request: ShipmentRequest) -> tuple[FieldProblem, ...]:
    """What keeps Ship from taking this shipment; empty where nothing does."""
    blank = [name for name in Address.__struct_fields__ if not getattr(request.ship_to, name).strip()]
    problems = [FieldProblem(name, "must not be blank") for name in blank]
    if not request.lines:
        problems.append(FieldProblem("lines", "must not be empty"))
    problems += [
        FieldProblem(f"lines[{place}].quantity", "must not be negative")
        for place, line in enumerate(request.lines)
        if line.quantity < 0
    ]
    return tuple(problems)


def rate_shipment(
    number: str, account: str, request: ShipmentRequest, rng: random.Random, *, received_ms: int, created_ms: int
) -> Shipment:
    """The shipment with its carrier, cartons and freight. Raises `ZeroDivisionError` for a line of quantity 0."""
    carrier, per_kg = _CARRIERS.get(request.ship_to.country, _OTHER_CARRIER)
    weight_kg = round(sum(line.weight_kg for line in request.lines), 2)
    is_heavy = max(_weigh_unit(line) for line in request.lines) > _HEAVY_UNIT_KG
    return Shipment(
        number=number,
        order_number=request.order_number,
        account=account,
        carrier=carrier,
        service="freight" if is_heavy else request.service,
        tracking_number=f"{rng.randrange(10**11, 10**12)}",
        cartons=max(1, math.ceil(weight_kg / _CARTON_KG)),
        weight_kg=weight_kg,
        freight=round(4.5 + weight_kg * per_kg, 2),
        received_at=to_rfc3339(received_ms),
        created_at=to_rfc3339(created_ms),
    )


def _weigh_unit(line: Line) -> float:
    # The defect of this sample product: nobody thought of a line of quantity 0.
    return line.weight_kg / line.quantity


def refuse_invalid(problems: tuple[FieldProblem, ...], request_id: str, received_ms: int) -> Refusal:
    """The 422 for a shipment with these problems."""
    first = problems[0]
    return _refuse(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "validation_failed",
        f"{first.field}: {first.message}",
        request_id,
        received_ms,
        errors=problems,
    )


def refuse_malformed(message: str, request_id: str, received_ms: int) -> Refusal:
    """The 400 for a body that is no shipment request."""
    return _refuse(HTTPStatus.BAD_REQUEST, "malformed", message, request_id, received_ms)


def refuse_access(error: str, message: str, request_id: str, received_ms: int) -> Refusal:
    """The 401 for a bearer token that is unknown, or an account's access that was not granted or has expired."""
    return _refuse(HTTPStatus.UNAUTHORIZED, error, message, request_id, received_ms)


def refuse_overload(request_id: str, received_ms: int) -> Refusal:
    """The 503 of a Ship that has too much to do."""
    message = "Ship has too much to do. Try again in a moment."
    return _refuse(HTTPStatus.SERVICE_UNAVAILABLE, "overloaded", message, request_id, received_ms)


def say_expired(account: str, expired_ms: int) -> str:
    """Why an expired access was refused."""
    return f"The access of {account} expired at {to_rfc3339(expired_ms)}."


def refuse_crash(error: Exception, request_id: str, received_ms: int) -> Refusal:
    """The 500 for a defect of Ship itself."""
    message = f"{type(error).__name__}: {error}"
    return _refuse(HTTPStatus.INTERNAL_SERVER_ERROR, "internal_error", message, request_id, received_ms)


def _refuse(
    status: HTTPStatus,
    error: str,
    message: str,
    request_id: str,
    received_ms: int,
    *,
    errors: tuple[FieldProblem, ...] = (),
) -> Refusal:
    received_at = to_rfc3339(received_ms)
    return Refusal(
        status=status, error=error, message=message, request_id=request_id, received_at=received_at, errors=errors
    )
