"""Orders and shipments as the two sample products keep and send them."""

from __future__ import annotations

import random
from typing import Literal

import msgspec

from clew.core.clock import DAY_MS, from_rfc3339, to_rfc3339
from clew.demo.companies import Company

_NUMBERS_BEGIN_MS = from_rfc3339("2025-01-01")
_NUMBER_MS = 100
"""A number stands for a tenth of a second. Who takes them no faster never runs ahead of the clock, and so goes on
beyond the numbers it gave when it is started again."""


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """Where a shipment goes."""

    name: str = ""
    street: str = ""
    city: str = ""
    postal_code: str = ""
    country: str = ""


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line of an order. `weight_kg` is the whole line's weight."""

    sku: str
    description: str = ""
    quantity: int
    unit_price: float = 0.0
    weight_kg: float = 0.0


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """A sales order in the ERP."""

    number: str
    account: str
    status: Literal["open", "on_hold", "shipped"]
    ordered_at: str
    currency: str
    total: float
    contact: str
    customer_reference: str
    payment_terms: str
    warehouse: str
    requested_delivery: str
    ship_to: Address
    lines: tuple[Line, ...]
    note: str = ""


class ShipmentRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What Ship is asked for."""

    order_number: str
    service: str = "ground"
    ship_to: Address
    lines: tuple[Line, ...]


class Shipment(msgspec.Struct, frozen=True, kw_only=True):
    """A shipment in Ship. `freight` is what its carriage costs."""

    number: str
    order_number: str
    account: str
    status: Literal["created"] = "created"
    carrier: str
    service: str
    tracking_number: str
    cartons: int
    weight_kg: float
    freight: float
    received_at: str
    created_at: str


class Confirmation(msgspec.Struct, frozen=True, kw_only=True):
    """What tells the ERP that an order is on its way."""

    order_number: str
    shipment_number: str
    carrier: str
    service: str
    tracking_number: str
    tracking_url: str
    cartons: int
    weight_kg: float
    freight: float
    shipped_at: str


class SalesNote(msgspec.Struct, frozen=True, kw_only=True):
    """What the ERP's sales desk is told about an order."""

    order_number: str
    text: str


class Freight(msgspec.Struct, frozen=True, kw_only=True):
    """What the carriage of a shipment costs."""

    shipment_number: str
    order_number: str
    carrier: str
    amount: float


class Numbers:
    """Gives numbers that grow with time and never come twice, not even after a restart."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._last = 0

    def next(self, now_ms: int) -> str:
        """The next number: `SO-598273641`."""
        self._last = max(self._last + 1, (now_ms - _NUMBERS_BEGIN_MS) // _NUMBER_MS)
        return f"{self._prefix}-{self._last}"


_ARTICLES = (
    ("TNT-2P", "Trail tent, 2 persons", 189.0, 2.4),
    ("LMP-40", "Camp lantern 400 lm", 34.5, 0.4),
    ("BTL-75", "Steel bottle 0.75 l", 18.9, 0.3),
    ("BRD-OAK", "Serving board, oak", 27.0, 0.9),
    ("KNF-20", "Chef's knife 20 cm", 64.0, 0.35),
    ("CHR-ASH", "Chair, ash, natural", 142.0, 5.8),
    ("CBL-3M", "Charging cable 3 m", 12.4, 0.1),
    ("HLM-M", "Bicycle helmet M", 79.9, 0.35),
    ("GLV-9", "Work gloves size 9", 9.8, 0.15),
    ("PMP-12", "Bilge pump 12 V", 88.0, 1.2),
    ("RPE-50", "Mooring rope 50 m", 71.0, 4.1),
    ("SED-1K", "Meadow seed 1 kg", 22.0, 1.0),
)
_NOTES = ("", "", "", "Deliver to the loading bay.", "Call before delivery.", "Do not stack the cartons.")
_SAMPLE = Line(sku="SMP-00", description="Sample swatch, no charge", quantity=0, weight_kg=0.1)
"""A sample is booked with quantity 0: nothing the ERP minds, but Ship divides the weight by the quantity."""


def make_order(
    rng: random.Random,
    number: str,
    company: Company,
    ordered_ms: int,
    *,
    on_hold: bool = False,
    sample: bool = False,
    is_empty: bool = False,
) -> Order:
    """An order of a company. `sample` adds a line of quantity 0; one that `is_empty` has no lines."""
    lines = (
        ()
        if is_empty
        else tuple(_make_line(rng, article) for article in rng.sample(_ARTICLES, rng.choice((1, 1, 2, 2, 3, 4, 6))))
    )
    return Order(
        number=number,
        account=company.name,
        status="on_hold" if on_hold else "open",
        ordered_at=to_rfc3339(ordered_ms),
        currency="USD" if company.country == "US" else "EUR",
        total=round(sum(line.quantity * line.unit_price for line in lines), 2),
        contact=company.email,
        customer_reference=f"PO-{rng.randrange(10_000, 100_000)}",
        payment_terms=rng.choice(("30 days net", "14 days 2 %", "prepaid")),
        warehouse=rng.choice(("ROT-1", "ROT-2", "RNO-1")),
        requested_delivery=to_rfc3339(ordered_ms + rng.randrange(2, 9) * DAY_MS)[:10],
        ship_to=Address(
            name=company.name,
            street=company.street,
            city=company.city,
            postal_code=company.postal_code,
            country=company.country,
        ),
        lines=(*lines, _SAMPLE) if sample else lines,
        note=rng.choice(_NOTES),
    )


def _make_line(rng: random.Random, article: tuple[str, str, float, float]) -> Line:
    sku, description, price, weight = article
    quantity = rng.choice((1, 1, 2, 3, 4, 6, 10, 12, 24))
    return Line(
        sku=sku, description=description, quantity=quantity, unit_price=price, weight_kg=round(weight * quantity, 2)
    )


def request_shipment(order: Order) -> ShipmentRequest:
    """What Ship is asked for to carry out an order."""
    return ShipmentRequest(order_number=order.number, ship_to=order.ship_to, lines=order.lines)


def confirm_shipment(shipment: Shipment) -> Confirmation:
    """What the ERP is told about a shipment."""
    return Confirmation(
        order_number=shipment.order_number,
        shipment_number=shipment.number,
        carrier=shipment.carrier,
        service=shipment.service,
        tracking_number=shipment.tracking_number,
        tracking_url=f"https://tracking.example/{shipment.tracking_number}",
        cartons=shipment.cartons,
        weight_kg=shipment.weight_kg,
        freight=shipment.freight,
        shipped_at=shipment.created_at,
    )
