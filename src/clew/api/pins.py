"""`/v1/records/{id}/pin` and `/v1/pins`: records that retention leaves alone."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
from litestar import Request, Router, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from clew.api.authentication import requires
from clew.api.listed import Listed, check_names
from clew.api.visible import find_visible
from clew.core.clock import to_rfc3339
from clew.core.errors import NotAllowed
from clew.log.search import Search
from clew.registry.keys import Principal
from clew.registry.pins import Pin
from clew.registry.registry import Registry


class PinForm(msgspec.Struct, frozen=True, kw_only=True):
    """A record that is kept with its trace. `href` is its page."""

    record_id: str
    trace_id: str
    title: str
    href: str
    pinned_by: str
    pinned_at: str


def build_pins(search: Search, registry: Registry) -> list[Router]:
    """The routes. Reading needs `read`, pinning and unpinning `operate`."""
    pins = registry.pins

    @get("/pins", operation_id="listPins", sync_to_thread=True)
    def list_pins(request: Request[Any, Any, Any], principal: NamedDependency[Principal]) -> Listed[PinForm]:
        """List what is pinned, the latest first."""
        check_names(request, ())
        if principal.customer:
            raise NotAllowed("A key for one customer sees no pins.", hint="Use a key that belongs to no customer.")
        return Listed(tuple(map(_show, pins.list(principal.workspace))))

    @post("/records/{id:str}/pin", operation_id="pinRecord")
    async def pin_record(principal: NamedDependency[Principal], id: FromPath[str]) -> PinForm:
        """Keep a record and its whole trace from retention. One that is pinned stays as it was pinned."""
        record = await find_visible(search, principal, id)
        pin = await asyncio.to_thread(
            pins.pin,
            principal.workspace,
            record.id,
            trace_id=record.trace_id,
            title=record.event or record.kind,
            by=principal.actor,
        )
        return _show(pin)

    @delete("/records/{id:str}/pin", operation_id="unpinRecord")
    async def unpin_record(principal: NamedDependency[Principal], id: FromPath[str]) -> None:
        """Keep a record no longer than others."""
        record = await find_visible(search, principal, id)
        await asyncio.to_thread(pins.unpin, principal.workspace, record.id)

    return [
        Router("/v1", guards=[requires(registry.keys, "read")], route_handlers=[list_pins], tags=["The log"]),
        Router(
            "/v1",
            guards=[requires(registry.keys, "operate")],
            route_handlers=[pin_record, unpin_record],
            tags=["The log"],
        ),
    ]


def _show(pin: Pin) -> PinForm:
    return PinForm(
        record_id=pin.record_id,
        trace_id=pin.trace_id,
        title=pin.title,
        href=f"/records/{pin.record_id}",
        pinned_by=pin.pinned_by,
        pinned_at=to_rfc3339(pin.pinned_at),
    )
