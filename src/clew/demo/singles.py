"""Events that stand alone: the referral shop's conversions, invoices, stock and customer data."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from clew.core.clock import to_rfc3339
from clew.core.record import ErrorInfo, Status
from clew.demo.companies import choose_company
from clew.demo.events import ERP, SHIP, SHOP, Event

MakeSingle = Callable[[random.Random, str, int], Event]
"""Makes an event from an id and a time in milliseconds since the epoch."""

_SUCCESS = "The conversion was successful."
_FAILURE = "The conversion failed, use the details column to see why."
_INFO_REASONS = (
    "The link is not a valid member's link.",
    "The code is not a valid member's code.",
    "Fraud Trigger Blocked: Self Referral.",
    "Fraud Trigger Blocked: Duplicate Referral (email).",
    "Fraud Trigger Blocked: Duplicate Referral (external id).",
    "Fraud Trigger Blocked: Duplicate Referral (phone).",
    "Fraud Trigger Blocked: Coupon Spam (blocklisted Domain).",
    "Fraud Trigger Blocked: Direct Add limit (day).",
    "Fraud Trigger Blocked: Direct Add limit (month).",
)
_ALLOWED = "Fraud Trigger Allowed: Duplicate Referral (email)."
_ALLOWED_SHARE = 0.03
_FAILURE_REASONS = (
    ("bad_request", "parameter_missing", "{email}: a required parameter is missing"),
    ("configuration", "program_not_found", "{program}: there is no program with this identifier"),
    ("bad_request", "amount_invalid", "amount: must be a number, was 'NaN'"),
)
_CLICK, _CALL, _SCRIPT, _CONVERSION = "One Click Access", "API Call", "Integration Script", "Conversion"
_TYPES = (
    (_CLICK, "referral.clicked"),
    (_CALL, "referral.updated"),
    (_SCRIPT, "referral.captured"),
    (_CONVERSION, "referral.converted"),
)
_FIRST_NAMES = ("Ada", "Tomas", "Ines", "Jonas", "Mira", "Paul", "Leila", "Oskar", "Nora", "Hugo", "Clara", "Sven")
_LAST_NAMES = ("Berg", "Costa", "Dvorak", "Ellis", "Fontaine", "Greer", "Holm", "Ivers", "Jensen", "Keller", "Lund")
_STATUSES: tuple[Status, ...] = ("success", "info", "failure")
_PROGRAMS = ("friends-2026", "refer-a-rider", "partner-circle")
_COLOURS = ("red", "green", "blue", "orange")
_SKUS = ("TNT-2P", "LMP-40", "BTL-75", "BRD-OAK", "KNF-20", "CHR-ASH", "HLM-M", "PMP-12")


def make_referral(rng: random.Random, event_id: str, time_ms: int) -> Event:
    """One event of the referral shop: a success, an info that nothing was created, or a failure."""
    company = choose_company(rng)
    type_, event = rng.choice(_TYPES)
    status: Status = rng.choices(_STATUSES, (72, 18, 10))[0]
    parameters = _make_parameters(rng, company.slug, type_)
    message, error = _SUCCESS, None
    if status == "success" and rng.random() < _ALLOWED_SHARE:
        message = f"{_SUCCESS} {_ALLOWED}"
    elif status == "info":
        message = rng.choice(_INFO_REASONS)
    elif status == "failure":
        error = _spoil(rng, parameters)
        assert error.caused_by is not None
        message = error.caused_by.message
    email = parameters[_email_name(parameters)]
    return Event(
        id=event_id,
        time=to_rfc3339(time_ms),
        event=event,
        type=type_,
        source_product=SHOP,
        target_product=ERP,
        direction="one-way",
        action="Processed",
        status=status,
        message=message,
        customer=company.name,
        integration="referrals",
        keys={"email": email} if email else {},
        parameters=parameters,
        payload={"result": status, "captured": parameters, "visit": _make_visit(rng, company.slug)},
        error=error,
        duration_ms=_draw_duration(rng, 60),
    )


def _make_parameters(rng: random.Random, slug: str, type_: str) -> dict[str, Any]:
    """What the form, the script or the call of this type carries."""
    first, last = rng.choice(_FIRST_NAMES), rng.choice(_LAST_NAMES)
    email = f"{first}.{last}@{slug}.example".lower()
    program, amount = rng.choice(_PROGRAMS), round(rng.lognormvariate(4.2, 0.8), 2)
    external_id = f"R-{rng.randrange(100_000, 1_000_000)}"
    if type_ == _CLICK:
        names = rng.choice(({"fullName": f"{first} {last}"}, {"firstname": first, "lastname": last}))
        return {"programIdentifier": program, "email": email, **names, "favouriteColour": rng.choice(_COLOURS)}
    if type_ == _CALL:
        keys = {"referralkey_email": email, "referralkey_externalid": external_id, "referralkey_id": _hex(rng)}
        return {"programIdentifier": program, **keys, "fullName": f"{first} {last}", "amount": amount}
    parameters: dict[str, Any] = {"programIdentifier": program, "email": email, "firstName": first, "lastName": last}
    parameters |= {"fullName": f"{first} {last}", "amount": amount, "externalIdentifier": external_id}
    if type_ == _SCRIPT:
        # the script reads these from the address of the page that the shopper came to
        parameters |= {"emailParamName": "buyer_email", "amountParamName": "total", "debug": rng.random() < 0.2}
    return parameters


def _spoil(rng: random.Random, parameters: dict[str, Any]) -> ErrorInfo:
    """Make one of the parameters wrong; gives the error that comes of it."""
    kind, key, reason = rng.choice(
        [one for one in _FAILURE_REASONS if "amount" in parameters or "amount" not in one[1]]
    )
    email = _email_name(parameters)
    spoilt = {"parameter_missing": (email, ""), "amount_invalid": ("amount", "NaN")}
    name, value = spoilt.get(key, ("programIdentifier", "friends-2062"))
    parameters[name] = value
    cause = ErrorInfo(type=kind, key=key, message=reason.format(email=email, program="programIdentifier"))
    return ErrorInfo(type=kind, key=key, message=_FAILURE, caused_by=cause)


def _email_name(parameters: dict[str, Any]) -> str:
    return "email" if "email" in parameters else "referralkey_email"


def _hex(rng: random.Random) -> str:
    return f"{rng.getrandbits(48):012x}"


def _make_visit(rng: random.Random, slug: str) -> dict[str, Any]:
    return {
        "page": f"https://shop.{slug}.example/thanks?ref={rng.getrandbits(32):08x}",
        "referrer": rng.choice(("https://news.example/", "https://search.example/", "")),
        "agent": rng.choice(("Firefox 142 on Linux", "Safari 19 on macOS", "Chrome 141 on Android")),
        "address": f"192.0.2.{rng.randrange(1, 255)}",
    }


def make_invoice(rng: random.Random, event_id: str, time_ms: int) -> Event:
    """Ship's freight invoice to the ERP: one-way."""
    company = choose_company(rng)
    number = f"INV-{rng.randrange(10**6, 10**7)}"
    net = round(rng.lognormvariate(5.0, 0.7), 2)
    is_refused = rng.random() < 0.05
    reason = f"account_code: cost centre of {company.name} is closed"
    error = ErrorInfo(type="configuration", key="cost_centre_closed", message=reason)
    return Event(
        id=event_id,
        time=to_rfc3339(time_ms),
        event="invoice.posted",
        type="Invoice",
        source_product=SHIP,
        target_product=ERP,
        direction="one-way",
        action="Processed",
        status="failure" if is_refused else "success",
        message=f"The ERP did not book {number}: {reason}" if is_refused else f"{number} over {net:.2f} EUR",
        customer=company.name,
        integration="invoices",
        keys={"invoice": number},
        payload={
            "number": number,
            "account": company.name,
            "issued_at": to_rfc3339(time_ms),
            "due_days": 30,
            "currency": "EUR",
            "net": net,
            "vat": round(net * 0.21, 2),
            "positions": [
                {"text": text, "amount": round(net * share, 2)}
                for text, share in (("Carriage", 0.82), ("Fuel surcharge", 0.13), ("Address service", 0.05))
            ],
        },
        error=error if is_refused else None,
        duration_ms=_draw_duration(rng, 90),
    )


def make_adjustment(rng: random.Random, event_id: str, time_ms: int) -> Event:
    """A stock correction: an event inside one product."""
    sku, counted = rng.choice(_SKUS), rng.randrange(0, 400)
    delta = rng.choice((-12, -3, -2, -1, 1, 2, 5, 24, 48))
    return Event(
        id=event_id,
        time=to_rfc3339(time_ms),
        event="inventory.adjusted",
        type="Inventory",
        source_product=ERP,
        target_product=ERP,
        direction="one-way",
        action="Processed",
        status="success",
        message=f"{sku} {delta:+d}, now {counted}",
        keys={"sku": sku},
        payload={
            "sku": sku,
            "delta": delta,
            "counted": counted,
            "warehouse": rng.choice(("ROT-1", "ROT-2", "RNO-1")),
            "bin": f"{rng.choice('ABCDEF')}-{rng.randrange(1, 60):02d}-{rng.randrange(1, 6)}",
            "valuation": {"currency": "EUR", "unit_cost": round(rng.lognormvariate(3, 0.6), 2), "method": "average"},
            "reason": rng.choice(("cycle count", "goods received", "damaged", "returned by customer")),
            "booked_by": f"{rng.choice(_FIRST_NAMES).lower()}@warehouse.example",
            "booked_at": to_rfc3339(time_ms),
        },
        duration_ms=_draw_duration(rng, 12),
    )


def make_customer_sync(rng: random.Random, event_id: str, time_ms: int) -> Event:
    """A customer's address on its way from the ERP to Ship: one-way; where nothing changed, an info."""
    company = choose_company(rng)
    is_same = rng.random() < 0.35
    message = f"Information was captured but nothing was created: {company.name} has not changed."
    return Event(
        id=event_id,
        time=to_rfc3339(time_ms),
        event="customer.synced",
        type="Customer",
        source_product=ERP,
        target_product=SHIP,
        direction="one-way",
        action="Ignored" if is_same else "Processed",
        status="info" if is_same else "success",
        message=message if is_same else f"{company.name} is up to date in Ship",
        customer=company.name,
        integration="customers",
        connection=company.connection,
        keys={"email": company.email},
        payload={
            "account": company.name,
            "email": company.email,
            "address": {
                "street": company.street,
                "city": company.city,
                "postal_code": company.postal_code,
                "country": company.country,
            },
            "terms": rng.choice(("30 days net", "14 days 2 %", "prepaid")),
            "segments": rng.sample(("retail", "wholesale", "export", "key account", "seasonal"), 2),
            "changed_at": to_rfc3339(time_ms),
        },
        duration_ms=_draw_duration(rng, 45),
    )


SINGLES: tuple[tuple[MakeSingle, float], ...] = (
    (make_referral, 0.45),
    (make_invoice, 0.2),
    (make_adjustment, 0.2),
    (make_customer_sync, 0.15),
)
"""Every kind of them and its share."""


def make_single(rng: random.Random, event_id: str, time_ms: int) -> Event:
    """Any of them, in their shares."""
    (make,) = rng.choices([make for make, _ in SINGLES], [share for _, share in SINGLES])
    return make(rng, event_id, time_ms)


def _draw_duration(rng: random.Random, median_ms: int) -> int:
    return max(1, round(median_ms * rng.lognormvariate(0, 0.6)))
