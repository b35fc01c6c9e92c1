"""The story of an order, told as steps: what the ERP published, what was looked up, what Ship made of it.

So it was reported while the products themselves did the work; today flows do, and record it as it happens.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from clew.core.clock import from_rfc3339, to_rfc3339
from clew.core.record import ErrorInfo, Status
from clew.demo.calls import Call
from clew.demo.companies import Company
from clew.demo.events import ERP, SHIP, Event, Step
from clew.demo.orders import Order, Shipment


class Chain(msgspec.Struct, frozen=True, kw_only=True):
    """What all steps of one order share. `new_event_id` gives the sender's id of the next event."""

    company: Company
    trace_id: str
    order_number: str
    new_event_id: Callable[[], str]

    def tell(
        self, event: str, time_ms: int, *, status: Status = "success", keys: dict[str, str] | None = None, **fields: Any
    ) -> Event:
        """An event of this chain."""
        return Event(
            status=status,
            id=self.new_event_id(),
            time=to_rfc3339(time_ms),
            event=event,
            customer=self.company.name,
            integration="orders",
            connection=self.company.connection,
            trace_id=self.trace_id,
            correlation_id=self.order_number,
            keys={"order": self.order_number, **(keys or {})},
            **fields,
        )


def tell_release(chain: Chain, order: Order, published_ms: int, lookup: Call, create: Call) -> Step:
    """An order that was released: looked up in the ERP, then taken or refused by Ship."""
    reason = f"{order.number} is not in Ship: {create.reason}" if create.is_refused else ""
    published = chain.tell(
        "order.released",
        published_ms,
        type="Order",
        source_product=ERP,
        target_product=SHIP,
        direction="two-way",
        action="Published",
        status=_judge(create),
        message=reason or f"{order.number} with {_count(len(order.lines), 'line')}, {order.total:.2f} {order.currency}",
        error=_depend(create, "create_shipment failed"),
        payload=msgspec.to_builtins(order),
        duration_ms=create.ended_ms - published_ms,
    )
    return Step(published, (_tell_lookup(chain, lookup), _tell_creation(chain, order, create)))


def tell_hold(chain: Chain, order: Order, published_ms: int, lookup: Call) -> Step:
    """An order on hold: nothing is created for it."""
    published = chain.tell(
        "order.held",
        published_ms,
        type="Order",
        source_product=ERP,
        target_product=SHIP,
        direction="one-way",
        action="Ignored",
        status="info",
        message=f"Information was captured but nothing was created: {order.number} is on hold.",
        payload=msgspec.to_builtins(order),
        duration_ms=lookup.ended_ms - published_ms,
    )
    return Step(published, (_tell_lookup(chain, lookup),))


def tell_abroad(chain: Chain, order: Order, published_ms: int) -> Step:
    """An order that does not go to the US: nothing is created for it."""
    published = chain.tell(
        "order.released",
        published_ms,
        type="Order",
        source_product=ERP,
        target_product=SHIP,
        direction="one-way",
        action="Ignored",
        status="info",
        message=f"Information was captured but nothing was created: {order.number} goes to {order.ship_to.country}.",
        payload=msgspec.to_builtins(order),
    )
    return Step(published)


def tell_shipment(chain: Chain, shipment: Shipment, published_ms: int, confirm: Call) -> Step:
    """A shipment that Ship made, on its way back to the ERP, and the ERP's own note of it."""
    keys = {"shipment": shipment.number}
    back: dict[str, Any] = {"source_product": SHIP, "target_product": ERP, "direction": "two-way", "keys": keys}
    published = chain.tell(
        "shipment.created",
        published_ms,
        type="Shipment",
        action="Published",
        message=f"{shipment.number} by {shipment.carrier}: {_count(shipment.cartons, 'carton')}",
        payload=msgspec.to_builtins(shipment),
        duration_ms=confirm.ended_ms - published_ms,
        **back,
    )
    confirmed = chain.tell(
        "confirm_to_erp",
        confirm.started_ms,
        type="Shipment",
        action="Processed",
        message=f"The ERP knows that {shipment.order_number} is on its way",
        duration_ms=confirm.duration_ms,
        **back,
    )
    updated = chain.tell(
        "order.updated",
        confirm.ended_ms,
        type="Order",
        source_product=ERP,
        target_product=ERP,
        direction="one-way",
        action="Processed",
        message=f"{shipment.order_number} is shipped with {shipment.tracking_number}",
        payload=confirm.response,
        keys=keys,
    )
    return Step(published, (Step(confirmed, (tell_call(chain, confirm, SHIP, keys), Step(updated))),))


def tell_call(chain: Chain, call: Call, caller: str, keys: dict[str, str] | None = None) -> Step:
    """One HTTP call: where it went and what came back; the refusing body is in the error."""
    is_reading = call.method == "GET"
    return Step(
        chain.tell(
            call.name,
            call.started_ms,
            keys=keys,
            type="API Call",
            source_product=caller,
            target_product=call.product,
            direction="one-way",
            action="Received" if is_reading else "Delivered",
            status=_judge(call),
            message=f"{call.status_code} {call.reason}" if call.is_refused else f"{call.status_code}",
            parameters={"method": call.method, "url": call.url, "status_code": call.status_code},
            payload=call.response if is_reading else call.request,
            error=call.find_error(),
            duration_ms=call.duration_ms,
        )
    )


def _tell_lookup(chain: Chain, lookup: Call) -> Step:
    looked_up = chain.tell(
        "lookup",
        lookup.started_ms,
        type="Order",
        source_product=ERP,
        target_product=SHIP,
        direction="one-way",
        action="Processed",
        message=f"{chain.order_number} is {lookup.response['status']}",
        duration_ms=lookup.duration_ms,
    )
    return Step(looked_up, (tell_call(chain, lookup, SHIP),))


def _tell_creation(chain: Chain, order: Order, create: Call) -> Step:
    number = "" if create.is_refused else create.response["number"]
    keys = {"shipment": number} if number else {}
    processed = chain.tell(
        "create_shipment",
        create.started_ms,
        keys=keys,
        type="Order",
        source_product=ERP,
        target_product=SHIP,
        direction="one-way",
        action="Processed",
        status=_judge(create),
        message=f"created {number}" if number else f"Ship refused the shipment: {create.reason}",
        error=_depend(create, f"{create.name} failed"),
        duration_ms=create.duration_ms,
    )
    call = tell_call(chain, create, ERP, keys)
    # Only a request that came past Ship's gate, and did not break it, was received in the sense of an acknowledgement.
    was_received = create.status_code in {201, 422}
    return Step(processed, (call, _tell_receipt(chain, order, create)) if was_received else (call,))


def _tell_receipt(chain: Chain, order: Order, create: Call) -> Step:
    return Step(
        chain.tell(
            "order.released",
            from_rfc3339(create.response["received_at"]),
            type="Order",
            source_product=ERP,
            target_product=SHIP,
            direction="two-way",
            action="Received",
            message=f"Ship received {order.number}",
        )
    )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _judge(call: Call) -> Status:
    return "failure" if call.is_refused else "success"


def _depend(call: Call, message: str) -> ErrorInfo | None:
    error = call.find_error()
    return error and ErrorInfo(type="dependency_error", key=error.key, message=message, caused_by=error)
