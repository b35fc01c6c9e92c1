"""What stands between the two products until flows do: it carries orders to Ship and shipments back, and reports it."""

from __future__ import annotations

from collections.abc import Mapping

import httpx
import msgspec

from clew.core.clock import SystemClock
from clew.core.ids import new_id
from clew.demo.calls import Call, make_call
from clew.demo.chain import Chain, tell_hold, tell_release, tell_shipment
from clew.demo.clew_client import ClewClient
from clew.demo.companies import Company
from clew.demo.events import ERP, SHIP, Reported
from clew.demo.orders import Order, Shipment, confirm_shipment, request_shipment
from clew.demo.tracing import make_traceparent


class Carried(msgspec.Struct, frozen=True):
    """What became of an order: Ship's answer (None for an order on hold), and the steps as they were reported."""

    create: Call | None
    steps: list[Reported]


class Connector:
    """Calls both products over HTTP and reports each step to Clew. `access` is each account's bearer token for Ship."""

    def __init__(
        self, clew: ClewClient, http: httpx.AsyncClient, erp_url: str, ship_url: str, access: Mapping[str, str]
    ) -> None:
        self._clew = clew
        self._http = http
        self._erp_url = erp_url
        self._ship_url = ship_url
        self._access = access

    async def carry_order(self, number: str, company: Company, trace_id: str, event_id: str) -> Carried:
        """Carry a released order to Ship; `event_id` is the record that the ERP's webhook became."""
        published_ms = SystemClock().now_ms()
        chain = Chain(company=company, trace_id=trace_id, order_number=number, new_event_id=new_id)
        lookup = await make_call(self._http, ERP, "GET", self._erp_url, f"/orders/{number}")
        order = msgspec.convert(lookup.response, Order)
        if order.status == "on_hold":
            held = tell_hold(chain, order, published_ms, lookup)
            return Carried(None, await self._clew.report_steps([(held, event_id)]))
        create = await self._create_shipment(order, trace_id)
        released = tell_release(chain, order, published_ms, lookup, create)
        return Carried(create, await self._clew.report_steps([(released, event_id)]))

    async def carry_shipment(self, shipment: Shipment, company: Company, trace_id: str, event_id: str) -> None:
        """Carry a created shipment back to the ERP; `event_id` is the record that Ship's webhook became."""
        published_ms = SystemClock().now_ms()
        chain = Chain(company=company, trace_id=trace_id, order_number=shipment.order_number, new_event_id=new_id)
        confirm = await make_call(
            self._http,
            ERP,
            "POST",
            self._erp_url,
            "/shipment-confirmations",
            body=confirm_shipment(shipment),
            headers={"traceparent": make_traceparent(trace_id)},
        )
        await self._clew.report_steps([(tell_shipment(chain, shipment, published_ms, confirm), event_id)])

    async def _create_shipment(self, order: Order, trace_id: str) -> Call:
        return await make_call(
            self._http,
            SHIP,
            "POST",
            self._ship_url,
            "/shipments",
            body=request_shipment(order),
            headers={
                "authorization": f"Bearer {self._access[order.account]}",
                "traceparent": make_traceparent(trace_id),
            },
        )
