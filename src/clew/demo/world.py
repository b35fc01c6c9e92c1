"""The sample world: two products on loopback, between which orders flow for as long as it runs."""

from __future__ import annotations

import asyncio
import os
import random
import secrets
from collections.abc import Callable
from typing import Any, Literal

import httpx
import msgspec

from clew.core.clock import DAY_MS, HOUR_MS, SystemClock
from clew.core.ids import new_id, new_trace_id
from clew.demo.chain import say_outcome
from clew.demo.clew_client import ClewClient
from clew.demo.companies import COMPANIES, LAPSED, NO_POSTAL_CODE, SOUND, Company, choose_company
from clew.demo.connector import Connector
from clew.demo.erp import Erp, build_erp_app
from clew.demo.local_server import serve_locally
from clew.demo.orders import Numbers, make_order
from clew.demo.ship import Ship, announce, build_ship_app, issue_access
from clew.demo.signing import ERP_SECRET, SHIP_SECRET
from clew.demo.singles import make_single

Outcome = Literal["shipped", "refused", "expired", "crashed", "held"]
_SHARES: dict[Outcome, int] = {"shipped": 88, "refused": 4, "expired": 3, "crashed": 2, "held": 3}
_SINGLE_SHARE = 0.4
"""How often an order is followed by an event that has nothing to do with it."""
MAX_PER_MINUTE = 300
_JITTER = (0.6, 1.4)
_OPENING_GAP_S = 0.12
"""Orders come at least 0.12 s apart, the fastest included, so that their numbers stay behind the clock."""
_IN_FLIGHT = 16
"""How many orders may be on their way: while Clew is away the ERP stops releasing more."""
_ANNOUNCERS = 4
_WORK_S = (0.03, 0.18)
_ACCESS_MS = 365 * DAY_MS
_TIMEOUT_S = 15.0
_BY_NAME = {company.name: company for company in COMPANIES}


class FailingOrder(msgspec.Struct, frozen=True, kw_only=True):
    """An order that did not reach Ship. `number` is its key `order`.

    `webhook_id` is the record of the ERP's webhook, where its thread begins; `event_id` that of the event in it;
    `call_id` that of the call which failed, where its thread ends.
    """

    number: str
    customer: str
    reason: str
    webhook_id: str
    event_id: str
    call_id: str


async def run_world(
    clew_url: str,
    api_key: str,
    *,
    stop: asyncio.Event,
    on_ready: Callable[[FailingOrder], object],
    orders_per_minute: float = 40,
    seed: int = 7,
    work_s: tuple[float, float] = _WORK_S,
) -> None:
    """Run the two products until `stop` is set; everything is closed when it returns, within two seconds.

    Begins with one order of each outcome within the first second, then calls `on_ready` with the one that Ship refused
    for its address. `api_key` needs the scope `ingest`; the webhook secrets are those of `set_secrets` in the
    environment. `orders_per_minute` is at most 300. `work_s` is how long Ship takes for a shipment.

    While Clew is away the products wait. Raises `ClewRefused`, in a group, where Clew says that what they send is
    wrong, and `ValueError` for a rate out of range.
    """
    if not 0 < orders_per_minute <= MAX_PER_MINUTE:
        raise ValueError(f"orders_per_minute is {orders_per_minute}; it may be more than 0 up to {MAX_PER_MINUTE}.")
    rng = random.Random(seed)  # noqa: S311 - no secret
    ship_key = secrets.token_hex(16)
    async with httpx.AsyncClient(timeout=_TIMEOUT_S) as clew_http:
        clew = ClewClient(clew_url, api_key, clew_http)
        erp = Erp(clew, os.environ[ERP_SECRET])
        ship = Ship(ship_key, rng, work_s, SystemClock())
        async with (
            serve_locally(build_erp_app(erp)) as erp_url,
            serve_locally(build_ship_app(ship)) as ship_url,
            # Closed before the servers, so that they need not wait for its idle connections.
            httpx.AsyncClient(timeout=_TIMEOUT_S) as http,
        ):
            connector = Connector(clew, http, erp_url, ship_url, _issue_all(ship_key))
            work = _World(clew, erp, ship, connector, rng).work(on_ready, 60 / orders_per_minute)
            await until_stopped(asyncio.create_task(work), stop)


def _issue_all(ship_key: str) -> dict[str, str]:
    """A bearer token for every account; that of `LAPSED` has expired and nobody renewed it."""
    now_ms = SystemClock().now_ms()
    return {
        company.name: issue_access(ship_key, company.name, now_ms + (-2 * HOUR_MS if company is LAPSED else _ACCESS_MS))
        for company in COMPANIES
    }


async def until_stopped(working: asyncio.Task[Any], stop: asyncio.Event) -> None:
    """Wait for the task, or cancel it when `stop` is set. What the task raises is raised."""
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        working.cancel()
        stopping.cancel()
        await asyncio.gather(working, stopping, return_exceptions=True)
    if not working.cancelled():
        working.result()


class _World:
    """The products at work."""

    def __init__(self, clew: ClewClient, erp: Erp, ship: Ship, connector: Connector, rng: random.Random) -> None:
        self._clew = clew
        self._erp = erp
        self._ship = ship
        self._connector = connector
        self._rng = rng
        self._numbers = Numbers("SO")
        self._slots = asyncio.Semaphore(_IN_FLIGHT)

    async def work(self, on_ready: Callable[[FailingOrder], object], pause_s: float) -> None:
        """Release orders for ever."""
        async with asyncio.TaskGroup() as group:
            for _ in range(_ANNOUNCERS):
                group.create_task(self._announce_shipments())
            opening: dict[Outcome, asyncio.Task[FailingOrder | None]] = {}
            for outcome in _SHARES:
                opening[outcome] = group.create_task(self._release(outcome))
                await asyncio.sleep(_OPENING_GAP_S)
            await asyncio.wait(opening.values())
            if failing := await opening["refused"]:
                on_ready(failing)
            while True:
                await asyncio.sleep(pause_s * self._rng.uniform(*_JITTER))
                await self._slots.acquire()
                (outcome,) = self._rng.choices(list(_SHARES), list(_SHARES.values()))
                releasing = group.create_task(self._release(outcome))
                releasing.add_done_callback(lambda _: self._slots.release())

    async def _release(self, outcome: Outcome) -> FailingOrder | None:
        """Release one order that will come out so, and carry it to Ship. Gives the order where Ship did not take it."""
        now_ms = SystemClock().now_ms()
        company = self._choose(outcome)
        number = self._numbers.next(now_ms)
        order = make_order(self._rng, number, company, now_ms, on_hold=outcome == "held", sample=outcome == "crashed")
        trace_id = new_trace_id()
        answer = await self._erp.release(order, trace_id, now_ms)
        carried = await self._connector.carry_order(number, company, trace_id, answer.origin_id)
        if self._rng.random() < _SINGLE_SHARE:
            await self._clew.report([make_single(self._rng, new_id(), SystemClock().now_ms())])
        if carried.create is None or not carried.create.is_refused:
            return None
        (call_id,) = [step.record_id for step in carried.steps if step.event.event == carried.create.name]
        return FailingOrder(
            number=number,
            customer=company.name,
            reason=say_outcome(carried.create),
            webhook_id=answer.id,
            event_id=answer.origin_id,
            call_id=call_id,
        )

    def _choose(self, outcome: Outcome) -> Company:
        if outcome == "refused":
            return NO_POSTAL_CODE
        return LAPSED if outcome == "expired" else choose_company(self._rng, SOUND)

    async def _announce_shipments(self) -> None:
        """Tell Clew of each shipment as Ship creates it, and carry it back to the ERP."""
        while True:
            created = await self._ship.created.get()
            answer = await announce(created, self._clew, os.environ[SHIP_SECRET])
            company = _BY_NAME[created.shipment.account]
            await self._connector.carry_shipment(created.shipment, company, created.trace_id, answer.origin_id)
