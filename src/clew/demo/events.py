"""Integration events as the sample products report them: the body of `POST /v1/events`, and steps in their order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from clew.core.record import ErrorInfo, Status

ERP = "erp"
SHIP = "ship"
SHOP = "referral-shop"
TITLES = {ERP: "ERP", SHIP: "Ship", SHOP: "Referral shop"}


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One integration event. `id` is the sender's own, so that a report sent twice counts once. `time` is RFC 3339."""

    id: str
    time: str
    event: str
    type: str = ""
    source_product: str
    target_product: str = ""
    direction: str = ""
    action: str = ""
    status: Status
    message: str = ""
    customer: str = ""
    integration: str = ""
    connection: str = ""
    trace_id: str = ""
    parent_id: str = ""
    correlation_id: str = ""
    keys: dict[str, str] = {}
    parameters: dict[str, Any] = {}
    payload: Any = None
    error: ErrorInfo | None = None
    duration_ms: int | None = None


class Step(msgspec.Struct, frozen=True):
    """An event and the steps it led to."""

    event: Event
    children: tuple[Step, ...] = ()

    def walk(self, parent_id: str = "") -> Iterator[Event]:
        """Every event, parents first, each naming its parent by the sender's id.

        `parent_id` is the record that the first one hangs under, or "".
        """
        yield msgspec.structs.replace(self.event, parent_id=parent_id) if parent_id else self.event
        for child in self.children:
            yield from child.walk(self.event.id)


class Reported(msgspec.Struct, frozen=True):
    """An event that was reported, and the id of the record it became."""

    event: Event
    record_id: str
