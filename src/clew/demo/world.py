"""The sample world: two products on loopback, between which orders flow for as long as it runs.

The products keep, refuse and announce. What carries an order from one to the other is the flows of `integrations.py`.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Awaitable, Callable
from typing import Any, Literal, TypeVar

import httpx
import msgspec

from clew.core.clock import DAY_MS, HOUR_MS, SystemClock
from clew.core.ids import new_id, new_trace_id
from clew.demo.clew_client import ClewClient
from clew.demo.companies import ABROAD, COMPANIES, CUT_OFF, LAPSED, NO_POSTAL_CODE, SOUND, Company, choose_company
from clew.demo.erp import Erp, build_erp_app, report_update
from clew.demo.local_server import serve_locally
from clew.demo.orders import Numbers, Order, make_order
from clew.demo.places import Places
from clew.demo.ship import Grant, Ship, announce, build_ship_app
from clew.demo.signing import ERP_SECRET, ERP_TOKEN, SHIP_SECRET, SHIP_TOKEN
from clew.demo.singles import make_single

Outcome = Literal[
    "refused",
    "abroad",
    "shipped",
    "unlocated",
    "overloaded",
    "expired",
    "crashed",
    "given_up",
    "held",
    "empty",
    "cut_off",
]
"""What will become of an order. Those that come first are the first that are released.

Ship refuses the address (`refused`), the customer's access to it has `expired`, it has a defect (`crashed`), has too
much to do once (`overloaded`) or for too long (`given_up`). An order goes `abroad` or is `empty`: no flow takes it; one
that is `held` is of no flow's interest, and one of a customer that is `cut_off` waits until its connection is connected
again. An order whose address is `unlocated` is `shipped` all the same.
"""
_SHARES: dict[Outcome, int] = {
    "refused": 4,
    "abroad": 5,
    "shipped": 67,
    "unlocated": 6,
    "overloaded": 6,
    "expired": 3,
    "crashed": 2,
    "given_up": 2,
    "held": 3,
    "empty": 1,
    "cut_off": 1,
}
_OVERLOADS: dict[Outcome, int] = {"overloaded": 1, "given_up": 3}
"""How often Ship has too much to do. `create_shipment` tries three times; who repeats its run later has more luck."""
_SINGLE_SHARE = 0.4
"""How often an order is followed by an event that has nothing to do with it."""
MAX_PER_MINUTE = 300
_JITTER = (0.6, 1.4)
_OPENING_GAP_S = 0.12
"""Orders come at least 0.12 s apart, the fastest included, so that their numbers stay behind the clock."""
_IN_FLIGHT = 16
"""How many orders may be on their way to Clew: while it is away the ERP stops releasing more."""
_ANNOUNCERS = 4
_WORK_S = (0.03, 0.18)
_ACCESS_MS = 365 * DAY_MS
_TIMEOUT_S = 15.0


class Released(msgspec.Struct, frozen=True, kw_only=True):
    """An order that the ERP released and Clew was told of. `number` is its key `order`.

    `webhook_id` is the record of the ERP's webhook, where its thread begins, and `event_id` that of the event in it.
    While Clew logs no webhooks both are the event's.
    """

    outcome: Outcome
    number: str
    customer: str
    country: str
    trace_id: str
    webhook_id: str
    event_id: str


async def run_world(
    clew_url: str,
    api_key: str,
    places: Places,
    *,
    stop: asyncio.Event,
    on_released: Callable[[Released], object],
    orders_per_minute: float = 40,
    seed: int = 7,
    work_s: tuple[float, float] = _WORK_S,
) -> None:
    """Run the two products until `stop` is set; everything is closed when it returns, within two seconds.

    Begins with one order of each outcome, the one that Ship will refuse for its address first. `on_released` is called
    for every order. `api_key` needs the scope `ingest`; the secrets and tokens are those of `set_secrets` in the
    environment. `orders_per_minute` is at most 300. `work_s` is how long Ship takes for a shipment.

    While Clew is away the products wait. Raises `ClewRefused`, in a group, where Clew says that what they send is
    wrong, and `ValueError` for a rate out of range.
    """
    if not 0 < orders_per_minute <= MAX_PER_MINUTE:
        raise ValueError(f"orders_per_minute is {orders_per_minute}; it may be more than 0 up to {MAX_PER_MINUTE}.")
    rng = random.Random(seed)  # noqa: S311 - no secret
    clock = SystemClock()
    async with httpx.AsyncClient(timeout=_TIMEOUT_S) as http:
        clew = ClewClient(clew_url, api_key, http)
        erp = Erp(clew, os.environ[ERP_SECRET], os.environ[ERP_TOKEN], clock)
        ship = Ship(os.environ[SHIP_TOKEN], _grant_all(clock.now_ms()), rng, work_s, clock)
        async with (
            serve_locally(build_erp_app(erp), places.erp),
            serve_locally(build_ship_app(ship), places.ship),
        ):
            work = _World(clew, erp, ship, rng, on_released).work(60 / orders_per_minute)
            await until_stopped(asyncio.create_task(work), stop)


def _grant_all(now_ms: int) -> dict[str, Grant]:
    """Access for every company's connection; that of `LAPSED` has expired, and `CUT_OFF` has taken its own back."""
    return {
        company.connection: Grant(company.name, now_ms + (-2 * HOUR_MS if company in {LAPSED, CUT_OFF} else _ACCESS_MS))
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


_Told = TypeVar("_Told")


class _World:
    """The products at work."""

    def __init__(
        self, clew: ClewClient, erp: Erp, ship: Ship, rng: random.Random, on_released: Callable[[Released], object]
    ) -> None:
        self._clew = clew
        self._erp = erp
        self._ship = ship
        self._rng = rng
        self._on_released = on_released
        self._numbers = Numbers("SO")
        self._slots = asyncio.Semaphore(_IN_FLIGHT)

    async def work(self, pause_s: float) -> None:
        """Release orders for ever."""
        async with asyncio.TaskGroup() as group:
            ship_secret = os.environ[SHIP_SECRET]
            for _ in range(_ANNOUNCERS):
                group.create_task(_tell_all(self._ship.created, lambda one: announce(one, self._clew, ship_secret)))
                group.create_task(_tell_all(self._erp.updated, lambda one: report_update(one, self._clew)))
            for outcome in _SHARES:
                group.create_task(self._release(outcome))
                await asyncio.sleep(_OPENING_GAP_S)
            while True:
                await asyncio.sleep(pause_s * self._rng.uniform(*_JITTER))
                await self._slots.acquire()
                (outcome,) = self._rng.choices(list(_SHARES), list(_SHARES.values()))
                releasing = group.create_task(self._release(outcome))
                releasing.add_done_callback(lambda _: self._slots.release())

    async def _release(self, outcome: Outcome) -> None:
        """Release one order that will come out so."""
        company = self._choose(outcome)
        now_ms = SystemClock().now_ms()
        order = self._make(outcome, company, now_ms)
        trace_id = new_trace_id()
        answer = await self._erp.release(order, company.connection, trace_id, now_ms)
        self._on_released(
            Released(
                outcome=outcome,
                number=order.number,
                customer=company.name,
                country=company.country,
                trace_id=trace_id,
                webhook_id=answer.id or answer.origin_id,
                event_id=answer.origin_id,
            )
        )
        if self._rng.random() < _SINGLE_SHARE:
            await self._clew.report([make_single(self._rng, new_id(), SystemClock().now_ms())])

    def _choose(self, outcome: Outcome) -> Company:
        known = {"refused": NO_POSTAL_CODE, "expired": LAPSED, "cut_off": CUT_OFF}
        return known.get(outcome) or choose_company(self._rng, ABROAD if outcome == "abroad" else SOUND)

    def _make(self, outcome: Outcome, company: Company, now_ms: int) -> Order:
        """The order, and what lies in wait for it."""
        number = self._numbers.next(now_ms)
        if outcome in _OVERLOADS:
            self._ship.be_overloaded(number, _OVERLOADS[outcome])
        if outcome == "unlocated":
            self._erp.lose_location(number)
        return make_order(
            self._rng,
            number,
            company,
            now_ms,
            on_hold=outcome == "held",
            sample=outcome == "crashed",
            is_empty=outcome == "empty",
        )


async def _tell_all(waiting: asyncio.Queue[_Told], tell: Callable[[_Told], Awaitable[object]]) -> None:
    """Tell Clew of each thing as it happens, for ever."""
    while True:
        await tell(await waiting.get())
