"""The sample ERP: keeps orders, sends a signed webhook when one is released, and is told of shipments."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from http import HTTPStatus
from typing import Any, TypeVar

import msgspec
from litestar import Litestar, Request, Response, get, post
from litestar.connection import ASGIConnection
from litestar.di import NamedDependency, Provide
from litestar.exceptions import HTTPException
from litestar.handlers import BaseRouteHandler
from litestar.params import FromPath

from clew.core.clock import Clock, to_rfc3339
from clew.core.ids import new_id
from clew.demo.clew_client import ClewClient, WebhookAnswer
from clew.demo.events import ERP, Event
from clew.demo.orders import Confirmation, Freight, Order, SalesNote
from clew.demo.signing import sign_body
from clew.demo.tracing import join_trace, make_traceparent

_ORDERS_KEPT = 5_000
"""The newest orders only: the samples may run for weeks."""
_Kept = TypeVar("_Kept")


class Location(msgspec.Struct, frozen=True):
    """Where an address lies, to about a hundred metres."""

    latitude: float
    longitude: float


class Updated(msgspec.Struct, frozen=True):
    """An order that was changed from outside, which Clew has not been told yet."""

    order: Order
    shipment_number: str
    trace_id: str
    time_ms: int


class Erp:
    """The ERP and what it knows. `secret` signs its webhooks, `token` opens its API.

    Orders that were confirmed wait in `updated` until `report_update` has told Clew.
    """

    def __init__(self, clew: ClewClient, secret: str, token: str, clock: Clock) -> None:
        self.updated: asyncio.Queue[Updated] = asyncio.Queue()
        self.sales_notes: list[SalesNote] = []
        self._clew = clew
        self._secret = secret
        self._token = token
        self._clock = clock
        self._orders: dict[str, Order] = {}
        self._unlocated: dict[str, bool] = {}
        self._freight: dict[str, Freight] = {}

    async def release(self, order: Order, connection: str, trace_id: str, now_ms: int) -> WebhookAnswer:
        """Keep an order and tell Clew: `order.released`, or `order.held` for one on hold.

        `connection` is the company's connection to Ship.
        """
        _keep(self._orders, order.number, order)
        delivery_id = new_id()
        document = {
            "type": "order.held" if order.status == "on_hold" else "order.released",
            "id": delivery_id,
            "timestamp": to_rfc3339(now_ms),
            "account": order.account,
            "connection": connection,
            "data": order,
        }
        body = msgspec.json.encode(document)
        headers = {
            "x-erp-signature": sign_body(self._secret, body),
            "x-erp-delivery": delivery_id,
            "traceparent": make_traceparent(trace_id),
        }
        return await self._clew.deliver("orders", body, lambda: headers)

    def lose_location(self, number: str) -> None:
        """From now on the geocoder does not answer for this order's address."""
        _keep(self._unlocated, number, True)

    def opens(self, authorization: str) -> bool:
        """Whether an `Authorization` header opens the API."""
        return hmac.compare_digest(f"Bearer {self._token}".encode(), authorization.encode())

    def find(self, number: str) -> Order | None:
        """The order, or None for one that is unknown or too old."""
        return self._orders.get(number)

    def locate(self, order: Order) -> Location | None:
        """Where an order goes, or None while the geocoder does not answer."""
        if order.number in self._unlocated:
            return None
        digest = hashlib.sha256(f"{order.ship_to.city} {order.ship_to.street}".encode()).digest()
        return Location(round(25 + digest[0] / 12, 3), round(-120 + digest[1] / 6, 3))

    def confirm(self, confirmation: Confirmation, trace_id: str) -> Order | None:
        """Note that an order is shipped; gives it as it is now, or None for one that is unknown."""
        order = self._orders.get(confirmation.order_number)
        if order is None:
            return None
        shipped = msgspec.structs.replace(order, status="shipped")
        self._orders[order.number] = shipped
        self.updated.put_nowait(Updated(shipped, confirmation.shipment_number, trace_id, self._clock.now_ms()))
        return shipped

    def note(self, note: SalesNote) -> None:
        """Keep what the sales desk should know."""
        self.sales_notes.append(note)
        del self.sales_notes[:-_ORDERS_KEPT]

    def book(self, freight: Freight) -> Freight:
        """Book what a shipment costs; the same shipment again changes nothing."""
        return _keep(self._freight, freight.shipment_number, self._freight.get(freight.shipment_number, freight))


def _keep(kept: dict[str, _Kept], number: str, value: _Kept) -> _Kept:
    kept[number] = value
    if len(kept) > _ORDERS_KEPT:
        del kept[next(iter(kept))]
    return value


async def report_update(updated: Updated, clew: ClewClient) -> None:
    """Report what happened inside the ERP: an order is shipped."""
    order = updated.order
    event = Event(
        id=new_id(),
        time=to_rfc3339(updated.time_ms),
        event="order.updated",
        type="Order",
        source_product=ERP,
        target_product=ERP,
        direction="one-way",
        action="Processed",
        status="success",
        message=f"{order.number} is shipped with {updated.shipment_number}",
        customer=order.account,
        integration="orders",
        trace_id=updated.trace_id,
        correlation_id=order.number,
        keys={"order": order.number, "shipment": updated.shipment_number},
        payload=msgspec.to_builtins(order),
    )
    await clew.report([event])


def build_erp_app(erp: Erp) -> Litestar:
    """The ERP's HTTP server. Every call needs its bearer token.

    `GET /orders/{number}` and `/orders/{number}/location`; `POST /sales-notes`, `/shipment-confirmations`, `/freight`.
    """

    def check_token(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
        if not erp.opens(connection.headers.get("authorization", "")):
            raise _Refused(HTTPStatus.UNAUTHORIZED, "token_unknown", "This access token was not issued by the ERP.")

    return Litestar(
        [get_order, get_location, take_sales_note, confirm_shipment, book_freight],
        dependencies={"erp": Provide(lambda: erp, sync_to_thread=False)},
        guards=[check_token],
        exception_handlers={_Refused: _answer_refused, HTTPException: _answer_http_error},
        openapi_config=None,
        logging_config=None,
    )


class _Refused(Exception):
    """An answer that is no success. `error` is the word for machines."""

    def __init__(self, status: HTTPStatus, error: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.error = error
        self.message = message


@get("/orders/{number:str}")
async def get_order(number: FromPath[str], erp: NamedDependency[Erp]) -> Response[Any]:
    """One order, or a 404."""
    return Response(_expect(erp.find(number), number))


@get("/orders/{number:str}/location")
async def get_location(number: FromPath[str], erp: NamedDependency[Erp]) -> Response[Any]:
    """Where an order goes; a 503 while the geocoder does not answer."""
    location = erp.locate(_expect(erp.find(number), number))
    if location is None:
        raise _Refused(HTTPStatus.SERVICE_UNAVAILABLE, "geocoder_unavailable", "The geocoder does not answer.")
    return Response(location)


@post("/sales-notes")
async def take_sales_note(request: Request[Any, Any, Any], erp: NamedDependency[Erp]) -> Response[Any]:
    """Tell the sales desk of an order: 201."""
    note = await _read(request, SalesNote)
    erp.note(note)
    return Response(note, status_code=201)


@post("/shipment-confirmations")
async def confirm_shipment(request: Request[Any, Any, Any], erp: NamedDependency[Erp]) -> Response[Any]:
    """Note that an order is shipped; answers the order as it is now, or a 404."""
    confirmation = await _read(request, Confirmation)
    order = erp.confirm(confirmation, join_trace(request.headers.get("traceparent", "")))
    return Response(_expect(order, confirmation.order_number), status_code=200)


@post("/freight")
async def book_freight(request: Request[Any, Any, Any], erp: NamedDependency[Erp]) -> Response[Any]:
    """Book the carriage of a shipment: 201. The same shipment again is answered as the first time."""
    return Response(erp.book(await _read(request, Freight)), status_code=201)


async def _read(request: Request[Any, Any, Any], type_: type[Any]) -> Any:
    try:
        return msgspec.json.decode(await request.body(), type=type_)
    except msgspec.MsgspecError as error:
        raise _Refused(HTTPStatus.BAD_REQUEST, "malformed", str(error)) from error


def _expect(order: Order | None, number: str) -> Order:
    if order is None:
        raise _Refused(HTTPStatus.NOT_FOUND, "order_not_found", f"There is no order {number}.")
    return order


def _answer_refused(_: Request[Any, Any, Any], refused: _Refused) -> Response[Any]:
    return Response({"error": refused.error, "message": refused.message}, status_code=refused.status)


def _answer_http_error(_: Request[Any, Any, Any], error: HTTPException) -> Response[Any]:
    return Response({"error": "http_error", "message": error.detail}, status_code=error.status_code)
