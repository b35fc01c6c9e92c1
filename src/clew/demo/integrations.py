"""The integrations of the sample world, declared as any integration is: `clew serve clew.demo.integrations`.

Where the two products answer is told by `ERP_URL` and `SHIP_URL`: the demo's own servers have other ports every time.
"""

from __future__ import annotations

import os
from typing import Any

import httpx

from clew.flows.event import Event
from clew.flows.flow import Flow
from clew.flows.node_log import NodeLog
from clew.registry.declare import Integration, Product, bearer
from clew.registry.schemes import hmac_sha256, standard_webhooks

erp = Product(
    "erp",
    title="ERP",
    base_url=os.environ.get("ERP_URL", "https://erp.example"),
    auth=bearer("ERP_TOKEN"),
)
ship = Product(
    "ship",
    title="Aptean Ship",
    base_url=os.environ.get("SHIP_URL", "https://ship.example"),
    auth=bearer("SHIP_TOKEN"),
)
shop = Product("referral-shop", title="Referral shop")

Document = dict[str, Any]
"""A JSON object: what a node gives, and what the nodes after it get."""

orders = Integration("orders", source=erp, target=ship, direction="two-way", title="Orders and shipments")
customers = Integration("customers", source=erp, target=ship, title="Customer data")
invoices = Integration("invoices", source=ship, target=erp, title="Freight invoices")
referrals = Integration("referrals", source=shop, target=erp, title="Referrals")

order_hooks = erp.webhook(
    "orders",
    verify=hmac_sha256("X-ERP-Signature", secret="ERP_SECRET"),  # noqa: S106 - the name of a variable
    event="$.type",
    customer="$.account",
    connection="$.connection",
    keys={"order": "$.data.number"},
    delivery_id="header:X-ERP-Delivery",
)
shipment_hooks = ship.webhook(
    "shipments",
    verify=standard_webhooks(secret="SHIP_SECRET"),  # noqa: S106 - the name of a variable
    event="$.type",
    customer="$.data.account",
    connection="$.connection",
    keys={"order": "$.data.order_number", "shipment": "$.data.number"},
)

order_to_ship = Flow(
    "order-to-ship",
    integration=orders,
    on=order_hooks["order.released"],
    where="event.payload.data.lines.size() > 0 && event.payload.data.ship_to.country == 'US'",
    title="Orders to Ship",
)


@order_to_ship.node
async def lookup(event: Event, erp: httpx.AsyncClient) -> Any:
    """The order as it is now: it may have changed since the ERP released it."""
    answer = await erp.get(f"/orders/{event.keys['order']}")
    return answer.raise_for_status().json()


@order_to_ship.node(on_error="continue", timeout_s=5)
async def locate(lookup: Document, erp: httpx.AsyncClient) -> Any:
    """Where it goes, for the driver. The geocoder is not always there, and the driver finds it without."""
    answer = await erp.get(f"/orders/{lookup['number']}/location")
    return answer.raise_for_status().json()


@order_to_ship.node(when="lookup.status == 'open'", retries=2, backoff_s=0.4)
async def create_shipment(
    event: Event, lookup: Document, locate: Document | None, ship: httpx.AsyncClient, log: NodeLog
) -> Any:
    """A shipment in Ship, in the name of the customer's connection."""
    log.info(f"creating a shipment for {len(lookup['lines'])} lines")
    wanted = {"order_number": lookup["number"], "ship_to": lookup["ship_to"], "lines": lookup["lines"]}
    if locate:
        log.data("it goes to", locate)
    answer = await ship.post("/shipments", json=wanted, headers={"X-Ship-Connection": event.connection})
    return answer.raise_for_status().json()


@order_to_ship.node(when="lookup.total > 1000.0")
async def notify_sales(lookup: Document, create_shipment: Document, erp: httpx.AsyncClient) -> Any:
    """The sales desk calls customers whose large orders are on their way."""
    text = f"{lookup['number']} over {lookup['total']:.2f} {lookup['currency']} leaves as {create_shipment['number']}."
    answer = await erp.post("/sales-notes", json={"order_number": lookup["number"], "text": text})
    return answer.raise_for_status().json()


@order_to_ship.node(retries=3)
def confirm_to_erp(create_shipment: Document, erp: httpx.Client, log: NodeLog) -> Document:
    """The ERP knows that the order is on its way. A plain function: it runs in a thread."""
    number = create_shipment["tracking_number"]
    confirmation = {
        "order_number": create_shipment["order_number"],
        "shipment_number": create_shipment["number"],
        "carrier": create_shipment["carrier"],
        "service": create_shipment["service"],
        "tracking_number": number,
        "tracking_url": f"https://tracking.example/{number}",
        "cartons": create_shipment["cartons"],
        "weight_kg": create_shipment["weight_kg"],
        "freight": create_shipment["freight"],
        "shipped_at": create_shipment["created_at"],
    }
    order = erp.post("/shipment-confirmations", json=confirmation).raise_for_status().json()
    log.info(f"{order['number']} is {order['status']}")
    return {"order": order["number"], "status": order["status"]}


shipment_to_erp = Flow(
    "shipment-to-erp", integration=orders, on=shipment_hooks["shipment.created"], title="Shipments back to the ERP"
)


@shipment_to_erp.node(retries=3)
async def fetch_shipment(event: Event, ship: httpx.AsyncClient, log: NodeLog) -> Any:
    """The shipment as Ship has it now."""
    answer = await ship.get(f"/shipments/{event.keys['shipment']}")
    shipment = answer.raise_for_status().json()
    log.compare("the freight that was announced", event.payload["data"]["freight"], shipment["freight"])
    return shipment


@shipment_to_erp.node(when="fetch_shipment.freight > 0.0", retries=3)
async def book_freight(fetch_shipment: Document, erp: httpx.AsyncClient) -> Any:
    """What the carriage costs, in the ERP's books."""
    freight = {
        "shipment_number": fetch_shipment["number"],
        "order_number": fetch_shipment["order_number"],
        "carrier": fetch_shipment["carrier"],
        "amount": fetch_shipment["freight"],
    }
    answer = await erp.post("/freight", json=freight)
    return answer.raise_for_status().json()


orders_to_archive = Flow(
    "orders-to-archive",
    integration=orders,
    on=order_hooks["order.released"],
    enabled=False,
    title="Orders to the old archive",
)


@orders_to_archive.node
def archive(event: Event, log: NodeLog) -> Document:
    """Switched off since the archive was closed."""
    log.info(f"archiving {event.keys['order']}")
    return {"order": event.keys["order"]}
