"""The sample Ship: takes shipments for those who granted access, and tells Clew of each it created."""

from __future__ import annotations

import asyncio
import hmac
import random
import time
from collections.abc import Mapping
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
    refuse_overload,
    say_expired,
)
from clew.demo.orders import Numbers, Shipment, ShipmentRequest
from clew.demo.signing import sign_standard
from clew.demo.tracing import join_trace, make_traceparent

_SHIPMENTS_KEPT = 5_000
"""The newest shipments only: the samples may run for weeks."""


class Refused(Exception):
    """A request that Ship does not look into. `answer` says why."""

    def __init__(self, answer: Refusal) -> None:
        super().__init__(answer.message)
        self.answer = answer


class Created(msgspec.Struct, frozen=True):
    """A shipment that Clew has not been told of yet, the connection it belongs to, and its trace."""

    shipment: Shipment
    connection: str
    trace_id: str


class Grant(msgspec.Struct, frozen=True):
    """An account's consent that Clew may ship in its name, until `expires_ms`."""

    account: str
    expires_ms: int


class Ship:
    """Ship and what it knows. `token` opens its API, `grants` says for which connection and how long.

    `work_s` is the least and the most time it takes to book a shipment with a carrier.
    Shipments wait in `created` until `announce` has told Clew of them.
    """

    def __init__(
        self, token: str, grants: Mapping[str, Grant], rng: random.Random, work_s: tuple[float, float], clock: Clock
    ) -> None:
        self.created: asyncio.Queue[Created] = asyncio.Queue()
        self._token = token
        self._grants = grants
        self._rng = rng
        self._work_s = work_s
        self._clock = clock
        self._numbers = Numbers("SH")
        self._shipments: dict[str, Shipment] = {}
        self._overloads: dict[str, int] = {}

    def be_overloaded(self, order_number: str, times: int) -> None:
        """Answer the next so many requests for this order with a 503."""
        self._overloads[order_number] = times

    async def take(self, request: Request[Any, Any, Any]) -> Shipment | Refusal:
        """Create the shipment that is asked for, or say why not. A defect of Ship itself is raised."""
        received_ms, request_id = self._clock.now_ms(), new_id()
        try:
            connection, grant = self._check_access(request.headers, request_id, received_ms)
            wanted = self._read(await request.body(), request_id, received_ms)
        except Refused as refused:
            return refused.answer
        await asyncio.sleep(self._rng.uniform(*self._work_s))
        created_ms = self._clock.now_ms()
        shipment = rate_shipment(
            self._numbers.next(created_ms),
            grant.account,
            wanted,
            self._rng,
            received_ms=received_ms,
            created_ms=created_ms,
        )
        self._keep(shipment)
        trace_id = join_trace(request.headers.get("traceparent", ""))
        self.created.put_nowait(Created(shipment, connection, trace_id))
        return shipment

    def find(self, number: str) -> Shipment | None:
        """The shipment, or None for one that is unknown or too old."""
        return self._shipments.get(number)

    def _check_access(self, headers: Mapping[str, str], request_id: str, now_ms: int) -> tuple[str, Grant]:
        """The connection of a request and its grant."""
        if not hmac.compare_digest(f"Bearer {self._token}".encode(), headers.get("authorization", "").encode()):
            message = "This access token was not issued by Ship."
            raise Refused(refuse_access("token_unknown", message, request_id, now_ms))
        connection = headers.get("x-ship-connection", "")
        grant = self._grants.get(connection)
        if grant is None:
            message = f"Nobody granted access for the connection {connection!r}."
            raise Refused(refuse_access("connection_unknown", message, request_id, now_ms))
        if grant.expires_ms <= now_ms:
            message = say_expired(grant.account, grant.expires_ms)
            raise Refused(refuse_access("token_expired", message, request_id, now_ms))
        return connection, grant

    def _read(self, body: bytes, request_id: str, now_ms: int) -> ShipmentRequest:
        try:
            wanted = msgspec.json.decode(body, type=ShipmentRequest)
        except msgspec.MsgspecError as error:
            raise Refused(refuse_malformed(str(error), request_id, now_ms)) from error
        if left := self._overloads.pop(wanted.order_number, 0):
            if left > 1:
                self._overloads[wanted.order_number] = left - 1
            raise Refused(refuse_overload(request_id, now_ms))
        if problems := find_problems(wanted):
            raise Refused(refuse_invalid(problems, request_id, now_ms))
        return wanted

    def _keep(self, shipment: Shipment) -> None:
        self._shipments[shipment.number] = shipment
        if len(self._shipments) > _SHIPMENTS_KEPT:
            del self._shipments[next(iter(self._shipments))]


async def announce(created: Created, clew: ClewClient, secret: str) -> WebhookAnswer:
    """Send the webhook `shipment.created`, signed anew for each attempt as Standard Webhooks asks."""
    message_id = new_id()
    document = {
        "type": "shipment.created",
        "timestamp": created.shipment.created_at,
        "connection": created.connection,
        "data": created.shipment,
    }
    body = msgspec.json.encode(document)
    traceparent = make_traceparent(created.trace_id)

    def sign() -> dict[str, str]:
        return {"traceparent": traceparent, **sign_standard(secret, message_id, int(time.time()), body)}

    return await clew.deliver("shipments", body, sign)


def build_ship_app(ship: Ship) -> Litestar:
    """Ship's HTTP server: `POST /shipments` and `GET /shipments/{number}`.

    A shipment is created for the connection that `X-Ship-Connection` names, by whoever has the bearer token.
    """
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
    """Create a shipment: 201, or 400, 401, 422, 500, 503 with a `Refusal`."""
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
