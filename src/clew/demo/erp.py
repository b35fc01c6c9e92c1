"""The sample ERP: keeps orders, sends a signed webhook when one is released, and is told of shipments."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Litestar, Request, Response, get, post
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath

from clew.core.clock import to_rfc3339
from clew.core.ids import new_id
from clew.demo.clew_client import ClewClient, WebhookAnswer
from clew.demo.orders import Confirmation, Order
from clew.demo.signing import sign_body
from clew.demo.tracing import make_traceparent

_ORDERS_KEPT = 5_000
"""The newest orders only: the samples may run for weeks."""


class Erp:
    """The ERP and what it knows. `secret` signs its webhooks."""

    def __init__(self, clew: ClewClient, secret: str) -> None:
        self._clew = clew
        self._secret = secret
        self._orders: dict[str, Order] = {}

    async def release(self, order: Order, trace_id: str, now_ms: int) -> WebhookAnswer:
        """Keep an order and tell Clew: `order.released`, or `order.held` for one on hold."""
        self._orders[order.number] = order
        if len(self._orders) > _ORDERS_KEPT:
            del self._orders[next(iter(self._orders))]
        delivery_id = new_id()
        document = {
            "type": "order.held" if order.status == "on_hold" else "order.released",
            "id": delivery_id,
            "timestamp": to_rfc3339(now_ms),
            "account": order.account,
            "data": order,
        }
        body = msgspec.json.encode(document)
        headers = {
            "x-erp-signature": sign_body(self._secret, body),
            "x-erp-delivery": delivery_id,
            "traceparent": make_traceparent(trace_id),
        }
        return await self._clew.deliver("orders", body, lambda: headers)

    def find(self, number: str) -> Order | None:
        """The order, or None for one that is unknown or too old."""
        return self._orders.get(number)

    def confirm(self, confirmation: Confirmation) -> Order | None:
        """Note that an order is shipped; gives it as it is now, or None for one that is unknown."""
        order = self._orders.get(confirmation.order_number)
        if order is None:
            return None
        shipped = msgspec.structs.replace(order, status="shipped")
        self._orders[order.number] = shipped
        return shipped


def build_erp_app(erp: Erp) -> Litestar:
    """The ERP's HTTP server: `GET /orders/{number}` and `POST /shipment-confirmations`."""
    return Litestar(
        [get_order, confirm_shipment],
        dependencies={"erp": Provide(lambda: erp, sync_to_thread=False)},
        openapi_config=None,
        logging_config=None,
    )


@get("/orders/{number:str}")
async def get_order(number: FromPath[str], erp: NamedDependency[Erp]) -> Response[Any]:
    """One order, or a 404."""
    order = erp.find(number)
    return _answer_unknown(number) if order is None else Response(order)


@post("/shipment-confirmations")
async def confirm_shipment(request: Request[Any, Any, Any], erp: NamedDependency[Erp]) -> Response[Any]:
    """Note that an order is shipped; answers the order as it is now, or a 404."""
    try:
        confirmation = msgspec.json.decode(await request.body(), type=Confirmation)
    except msgspec.MsgspecError as error:
        return Response({"error": "malformed", "message": str(error)}, status_code=400)
    order = erp.confirm(confirmation)
    return _answer_unknown(confirmation.order_number) if order is None else Response(order, status_code=200)


def _answer_unknown(number: str) -> Response[Any]:
    return Response({"error": "order_not_found", "message": f"There is no order {number}."}, status_code=404)
