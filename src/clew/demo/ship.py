"""The sample Ship: takes shipments from those whose access is valid, and tells Clew of each it created."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import random
import time
from typing import Any

import msgspec
from litestar import Litestar, Request, Response, get, post
from litestar.di import NamedDependency, Provide
from litestar.exceptions import HTTPException
from litestar.params import FromPath

from clew.core.clock import Clock, SystemClock
from clew.core.ids import new_id
from clew.demo.clew_client import ClewClient, WebhookAnswer
from clew.demo.freight import (
    Refusal,
    find_problems,
    rate_shipment,
    refuse_access,
    refuse_crash,
    refuse_invalid,
    refuse_malformed,
    say_expired,
)
from clew.demo.orders import Numbers, Shipment, ShipmentRequest
from clew.demo.signing import sign_standard
from clew.demo.tracing import join_trace, make_traceparent

_SHIPMENTS_KEPT = 5_000
"""The newest shipments only: the samples may run for weeks."""


class AccessRefused(Exception):
    """A bearer token that does not open Ship. `error` is the word for machines."""

    def __init__(self, error: str, message: str) -> None:
        super().__init__(message)
        self.error = error
        self.message = message


class Created(msgspec.Struct, frozen=True):
    """A shipment that Clew has not been told of yet, and the trace it belongs to."""

    shipment: Shipment
    trace_id: str


def issue_access(key: str, account: str, expires_ms: int) -> str:
    """A bearer token that opens Ship for an account until `expires_ms`."""
    claim = f"{account}|{expires_ms}".encode().hex()
    return f"{claim}.{_sign_claim(key, claim)}"


def check_access(key: str, authorization: str, now_ms: int) -> str:
    """The account that an `Authorization` header opens Ship for. Raises `AccessRefused`."""
    claim, _, signature = authorization.removeprefix("Bearer ").partition(".")
    if not hmac.compare_digest(_sign_claim(key, claim).encode(), signature.encode()):
        raise AccessRefused("token_unknown", "This access token was not issued by Ship.")
    account, _, expires_ms = bytes.fromhex(claim).decode().rpartition("|")
    if int(expires_ms) <= now_ms:
        raise AccessRefused("token_expired", say_expired(account, int(expires_ms)))
    return account


def _sign_claim(key: str, claim: str) -> str:
    return hmac.new(key.encode(), claim.encode(), hashlib.sha256).hexdigest()


class Ship:
    """Ship and what it knows. `key` signs its access tokens.

    `work_s` is the least and the most time it takes to book a shipment with a carrier.
    Shipments wait in `created` until `announce` has told Clew of them.
    """

    def __init__(self, key: str, rng: random.Random, work_s: tuple[float, float], clock: Clock) -> None:
        self.created: asyncio.Queue[Created] = asyncio.Queue()
        self._key = key
        self._rng = rng
        self._work_s = work_s
        self._clock = clock
        self._numbers = Numbers("SH")
        self._shipments: dict[str, Shipment] = {}

    async def take(self, request: Request[Any, Any, Any]) -> Shipment | Refusal:
        """Create the shipment that is asked for, or say why not. A defect of Ship itself is raised."""
        received_ms, request_id = self._clock.now_ms(), new_id()
        try:
            account = check_access(self._key, request.headers.get("authorization", ""), received_ms)
        except AccessRefused as refused:
            return refuse_access(refused.error, refused.message, request_id, received_ms)
        try:
            wanted = msgspec.json.decode(await request.body(), type=ShipmentRequest)
        except msgspec.MsgspecError as error:
            return refuse_malformed(str(error), request_id, received_ms)
        if problems := find_problems(wanted):
            return refuse_invalid(problems, request_id, received_ms)
        await asyncio.sleep(self._rng.uniform(*self._work_s))
        created_ms = self._clock.now_ms()
        shipment = rate_shipment(
            self._numbers.next(created_ms), account, wanted, self._rng, received_ms=received_ms, created_ms=created_ms
        )
        self._keep(shipment)
        self.created.put_nowait(Created(shipment, join_trace(request.headers.get("traceparent", ""))))
        return shipment

    def find(self, number: str) -> Shipment | None:
        """The shipment, or None for one that is unknown or too old."""
        return self._shipments.get(number)

    def _keep(self, shipment: Shipment) -> None:
        self._shipments[shipment.number] = shipment
        if len(self._shipments) > _SHIPMENTS_KEPT:
            del self._shipments[next(iter(self._shipments))]


async def announce(created: Created, clew: ClewClient, secret: str) -> WebhookAnswer:
    """Send the webhook `shipment.created`, signed anew for each attempt as Standard Webhooks asks."""
    message_id = new_id()
    document = {"type": "shipment.created", "timestamp": created.shipment.created_at, "data": created.shipment}
    body = msgspec.json.encode(document)
    traceparent = make_traceparent(created.trace_id)

    def sign() -> dict[str, str]:
        return {"traceparent": traceparent, **sign_standard(secret, message_id, int(time.time()), body)}

    return await clew.deliver("shipments", body, sign)


def build_ship_app(ship: Ship) -> Litestar:
    """Ship's HTTP server: `POST /shipments` with a bearer token, `GET /shipments/{number}`."""
    return Litestar(
        [create_shipment, get_shipment],
        dependencies={"ship": Provide(lambda: ship, sync_to_thread=False)},
        # What the rules did not foresee: Ship answers 500 and says what broke.
        exception_handlers={HTTPException: _answer_http_error, Exception: _answer_crash},
        openapi_config=None,
        logging_config=None,
    )


@post("/shipments")
async def create_shipment(request: Request[Any, Any, Any], ship: NamedDependency[Ship]) -> Response[Any]:
    """Create a shipment: 201, or 400, 401, 422 with a `Refusal`."""
    answer = await ship.take(request)
    if isinstance(answer, Shipment):
        return Response(answer, status_code=201)
    return _answer_refusal(answer)


@get("/shipments/{number:str}")
async def get_shipment(number: FromPath[str], ship: NamedDependency[Ship]) -> Response[Any]:
    """One shipment, or a 404."""
    shipment = ship.find(number)
    if shipment is None:
        return Response({"error": "shipment_not_found", "message": f"There is no shipment {number}."}, status_code=404)
    return Response(shipment)


def _answer_refusal(refusal: Refusal) -> Response[Any]:
    challenge = {"WWW-Authenticate": f'Bearer error="{refusal.error}"'} if refusal.status == 401 else {}
    return Response(refusal, status_code=refusal.status, headers=challenge)


def _answer_http_error(_: Request[Any, Any, Any], error: HTTPException) -> Response[Any]:
    return Response({"error": "http_error", "message": error.detail}, status_code=error.status_code)


def _answer_crash(_: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    return _answer_refusal(refuse_crash(error, new_id(), SystemClock().now_ms()))
