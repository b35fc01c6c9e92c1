"""The words of the benchmark's records: who talks to whom about what, in which words, and how it fails."""

from __future__ import annotations

import msgspec

WORKSPACES = ("acme-retail", "north-trade", "blue-harbor", "fjord", "sandbox")
WORKSPACE_SHARES = (0.55, 0.20, 0.15, 0.07, 0.03)

PRODUCTS = (
    "erp",
    "ship",
    "shop",
    "crm",
    "wms",
    "tms",
    "billing",
    "payments",
    "tax",
    "edi",
    "pim",
    "helpdesk",
    "marketplace",
    "warehouse-robots",
)
RARE_PRODUCT = "legacy-ftp"
"""The named rare source: one record in a million, and that one a failure."""

ACTIONS = (
    "published",
    "received",
    "validated",
    "looked-up",
    "mapped",
    "enriched",
    "requested",
    "answered",
    "stored",
    "confirmed",
    "notified",
    "closed",
)


class Route(msgspec.Struct, frozen=True):
    """One integration: from where to where, about what."""

    integration: str
    source: str
    target: str
    entity: str
    key: str
    prefix: str
    direction: str = "one-way"


ROUTES = (
    Route("orders", "erp", "ship", "order", "order", "SO", "two-way"),
    Route("web-orders", "shop", "erp", "order", "order", "WO"),
    Route("marketplace-orders", "marketplace", "erp", "order", "order", "MO"),
    Route("shipments", "ship", "erp", "shipment", "shipment", "SH"),
    Route("tracking", "tms", "ship", "shipment", "shipment", "TR"),
    Route("stock", "wms", "shop", "stock-level", "sku", "ST"),
    Route("picking", "wms", "warehouse-robots", "pick-list", "pick", "PL", "two-way"),
    Route("invoices", "billing", "erp", "invoice", "invoice", "IN"),
    Route("payments", "payments", "billing", "payment", "payment", "PA"),
    Route("taxes", "billing", "tax", "tax-quote", "quote", "TQ", "two-way"),
    Route("edi-despatch", "edi", "erp", "despatch-advice", "advice", "DA"),
    Route("catalog", "pim", "marketplace", "article", "article", "AR"),
    Route("accounts", "crm", "erp", "account", "account", "AC", "two-way"),
    Route("tickets", "helpdesk", "crm", "ticket", "ticket", "TI"),
)

# `%b` is the number of the thing the trace is about.
MESSAGES = {
    "published": (b"%b was published", b"%b was released and published to its subscribers"),
    "received": (b"%b was received", b"Received %b, 1 of 1, no gaps in the sequence"),
    "validated": (b"%b is valid against schema 2026-03", b"%b passed 14 checks"),
    "looked-up": (b"Looked up the account of %b", b"Found the ship-to address of %b in the cache"),
    "mapped": (b"Mapped %b to the target's document", b"Mapped %b: 3 fields had no counterpart and were left out"),
    "enriched": (b"Added tariff numbers to the lines of %b", b"Added the carrier's service level to %b"),
    "requested": (b"Asked the target to create %b", b"POST of %b to the target"),
    "answered": (b"The target answered 201 for %b", b"The target took %b after one retry"),
    "stored": (b"Stored the target's number for %b", b"%b is linked with its counterpart"),
    "confirmed": (b"%b was confirmed to the sender", b"Confirmation of %b delivered"),
    "notified": (b"Sent the notification about %b", b"Two subscribers were told of %b"),
    "closed": (b"%b is done", b"%b is done, nothing left to do"),
}


class Failure(msgspec.Struct, frozen=True):
    """A way to fail: the error's type and words, and the reason inside."""

    type: str
    message: str
    reason: str


FAILURES = (
    Failure("validation", "The target refused the document with 422", "ship_to.postal_code must not be blank"),
    Failure("authentication", "The target answered 401", "the access token expired"),
    Failure("server", "The target answered 500", "upstream connect error or disconnect before headers"),
    Failure("timeout", "No answer within 30 s", "read timed out after 30000 ms"),
    Failure("conflict", "The target answered 409", "a document with this number exists already"),
    Failure("mapping", "The document could not be mapped", "no unit of measure for code CTN"),
    Failure("rate-limit", "The target answered 429", "quota of 600 requests a minute is used up"),
    Failure("not-found", "The account is unknown to the target", "no account with this external id"),
)

# One has a quote in it: as real bodies do, a batch holds escapes.
GOODS = ("Hex bolt", 'Pipe 2"', "Cable tie", "Ball bearing", "Work glove", "Safety boot", "LED panel", "Pallet wrap")
FINISHES = ("zinc plated", "stainless A2", "black oxide", "nylon", "brass", "uncoated", "galvanised", "heavy duty")
STREETS = ("Harbor Road", "Mill Lane", "Station Street", "Elm Avenue", "Quay West", "Foundry Way", "Orchard Close")
CITIES = ("Rotterdam", "Leeds", "Gdansk", "Porto", "Malmo", "Lyon", "Bremen", "Austin", "Denver", "Tampere")
COUNTRIES = ("NL", "GB", "PL", "PT", "SE", "FR", "DE", "US", "US", "FI")
CARRIERS = ("dhl-express", "ups-ground", "dpd-classic", "postnord", "fedex-economy")
PEOPLE = ("ada", "grace", "edsger", "barbara", "donald", "frances", "tony", "radia", "leslie", "margaret")
