"""Two days of history, told through the same door as everything else, so that every page has something to show.

The same seed and end give the same events. The orders obey the same rules of Ship as the live ones; only the calls
and their durations are made up.
"""

from __future__ import annotations

import asyncio
import itertools
import math
import random
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import httpx
import msgspec

from clew.core.clock import DAY_MS, HOUR_MS, MINUTE_MS
from clew.demo.calls import Call
from clew.demo.chain import Chain, tell_abroad, tell_hold, tell_release, tell_shipment
from clew.demo.clew_client import ClewClient
from clew.demo.companies import ABROAD, BURST, LAPSED, NO_POSTAL_CODE, SOUND, Company, choose_company
from clew.demo.events import ERP, SHIP, Step
from clew.demo.freight import (
    Refusal,
    find_problems,
    rate_shipment,
    refuse_access,
    refuse_crash,
    refuse_invalid,
    say_expired,
)
from clew.demo.orders import Numbers, Order, Shipment, confirm_shipment, make_order, request_shipment
from clew.demo.singles import make_single

SPAN_MS = 2 * DAY_MS
LAPSED_BEFORE_MS = 2 * HOUR_MS
"""How long before the end the access of `LAPSED` expired."""
BURST_BEFORE_MS = 26 * HOUR_MS
"""How long before the end the access of `BURST` expired; it was renewed after `BURST_SPAN_MS`."""
BURST_SPAN_MS = 2 * HOUR_MS
_POSTAL_CODE_LOST_BEFORE_MS = 30 * HOUR_MS
_LAST_POSTAL_CODE = "21401"

_ORDERS_PER_RECORD = 0.7 / 9.6
"""Orders and what follows them are about 70 % of the records; an order makes about 9.6 of them."""
_BURST_PER_RECORD = 1 / 250
_SAMPLE_SHARE = 0.05
_HOLD_SHARE = 0.03
_ABROAD_SHARE = 0.12
"""How many of the orders of companies abroad come all the same: most of them know that Ship is not for them."""
_QUIET_END_MS = MINUTE_MS
"""The last minute stays free: no step of the history may lie in the future."""
_URLS = {ERP: "https://erp.example/api", SHIP: "https://ship.example/api"}
_TIMEOUT_S = 60.0


async def send_history(clew_url: str, api_key: str, *, now_ms: int, records: int = 20_000, seed: int = 7) -> int:
    """Report `records` events of the two days before `now_ms`; gives how many Clew has. Raises `ClewRefused`.

    Meant for an empty log. While Clew cannot take them it waits, and sends again what was not acknowledged.
    """
    steps = await asyncio.to_thread(make_history, now_ms=now_ms, records=records, seed=seed)
    async with httpx.AsyncClient(timeout=_TIMEOUT_S) as http:
        return len(await ClewClient(clew_url, api_key, http).report_steps([(step, "") for step in steps]))


def make_history(*, now_ms: int, records: int, seed: int) -> list[Step]:
    """Steps of exactly `records` events in the two days before `now_ms`, each with what it led to, oldest first."""
    rng = random.Random(seed)  # noqa: S311 - no secret: the history must come out the same
    counter = itertools.count(1)
    maker = _OrderMaker(rng, now_ms, lambda: f"history-{now_ms}-{next(counter)}")
    burst_begin_ms = now_ms - BURST_BEFORE_MS
    when = [(time_ms, False) for time_ms in _draw_times(rng, now_ms, int(records * _ORDERS_PER_RECORD))]
    when += [(burst_begin_ms + rng.randrange(BURST_SPAN_MS), True) for _ in range(int(records * _BURST_PER_RECORD))]
    steps = [maker.make(time_ms, BURST if is_burst else _choose_customer(rng)) for time_ms, is_burst in sorted(when)]
    missing = records - sum(1 for step in steps for _ in step.walk())
    steps += [Step(make_single(rng, maker.new_event_id(), at_ms)) for at_ms in _draw_times(rng, now_ms, missing)]
    return sorted(steps, key=lambda step: step.event.time)


def _choose_customer(rng: random.Random) -> Company:
    company = choose_company(rng)
    if company in ABROAD and rng.random() > _ABROAD_SHARE:
        return choose_company(rng, SOUND)
    return company


def _draw_times(rng: random.Random, now_ms: int, count: int) -> list[int]:
    """Times of the two days: busy at two in the afternoon UTC, quiet at two in the night."""
    begin_ms = now_ms - SPAN_MS
    hours = range(SPAN_MS // HOUR_MS)
    busy = [1.2 - math.cos(2 * math.pi * (((begin_ms + hour * HOUR_MS) % DAY_MS) / DAY_MS - 2 / 24)) for hour in hours]
    latest_ms = now_ms - _QUIET_END_MS
    chosen = rng.choices(hours, busy, k=count)
    return [min(begin_ms + hour * HOUR_MS + rng.randrange(HOUR_MS), latest_ms) for hour in chosen]


class _OrderMaker:
    """Makes up orders and their calls, in the order of time."""

    def __init__(self, rng: random.Random, now_ms: int, new_event_id: Callable[[], str]) -> None:
        self.new_event_id = new_event_id
        self._rng = rng
        self._now_ms = now_ms
        self._order_numbers = Numbers("SO")
        self._shipment_numbers = Numbers("SH")

    def make(self, released_ms: int, company: Company) -> Step:
        """An order and all that followed."""
        rng = self._rng
        chain = Chain(
            company=company,
            trace_id=f"{rng.getrandbits(128):032x}",
            order_number=self._order_numbers.next(released_ms),
            new_event_id=self.new_event_id,
        )
        luck = rng.random()
        order = make_order(
            rng,
            chain.order_number,
            self._recall_address(company, released_ms),
            released_ms - rng.randrange(MINUTE_MS, HOUR_MS),
            on_hold=luck < _HOLD_SHARE,
            sample=_HOLD_SHARE < luck < _HOLD_SHARE + _SAMPLE_SHARE,
        )
        if company in ABROAD:
            return tell_abroad(chain, order, released_ms)
        lookup = self._make_lookup(order, released_ms + rng.randrange(1, 6))
        if order.status == "on_hold":
            return tell_hold(chain, order, released_ms, lookup)
        create, shipment = self._make_creation(order, lookup.ended_ms + rng.randrange(1, 4))
        released = tell_release(chain, order, released_ms, lookup, create)
        if shipment is None:
            return released
        return Step(released.event, (*released.children, self._ship(chain, order, shipment, create.ended_ms)))

    def _recall_address(self, company: Company, at_ms: int) -> Company:
        """The company as it was: the postal code that is missing now was still there two days ago."""
        if company is NO_POSTAL_CODE and at_ms < self._now_ms - _POSTAL_CODE_LOST_BEFORE_MS:
            return msgspec.structs.replace(company, postal_code=_LAST_POSTAL_CODE)
        return company

    def _make_lookup(self, order: Order, started_ms: int) -> Call:
        return self._make_call(
            ERP, "GET", f"/orders/{order.number}", HTTPStatus.OK, started_ms, median_ms=28, response=order
        )

    def _make_creation(self, order: Order, started_ms: int) -> tuple[Call, Shipment | None]:
        answer = self._answer_as_ship(order, started_ms)
        shipment = answer if isinstance(answer, Shipment) else None
        status = HTTPStatus.CREATED if isinstance(answer, Shipment) else answer.status
        median_ms = 110 if shipment else 24
        body = request_shipment(order)
        call = self._make_call(
            SHIP, "POST", "/shipments", status, started_ms, median_ms=median_ms, request=body, response=answer
        )
        return call, shipment

    def _answer_as_ship(self, order: Order, at_ms: int) -> Shipment | Refusal:
        request_id = f"{self._rng.getrandbits(64):016x}"
        expired_ms = self._find_expiry(order.account, at_ms)
        if expired_ms is not None:
            return refuse_access("token_expired", say_expired(order.account, expired_ms), request_id, at_ms)
        request = request_shipment(order)
        if problems := find_problems(request):
            return refuse_invalid(problems, request_id, at_ms)
        try:
            number = self._shipment_numbers.next(at_ms)
            return rate_shipment(number, order.account, request, self._rng, received_ms=at_ms, created_ms=at_ms)
        except ZeroDivisionError as error:
            return refuse_crash(error, request_id, at_ms)

    def _find_expiry(self, account: str, at_ms: int) -> int | None:
        """When the account's access had expired, if it was expired at that time."""
        lapsed_ms = self._now_ms - LAPSED_BEFORE_MS
        burst_ms = self._now_ms - BURST_BEFORE_MS
        if account == LAPSED.name and at_ms >= lapsed_ms:
            return lapsed_ms
        if account == BURST.name and burst_ms <= at_ms < burst_ms + BURST_SPAN_MS:
            return burst_ms
        return None

    def _ship(self, chain: Chain, order: Order, shipment: Shipment, created_ms: int) -> Step:
        published_ms = created_ms + self._rng.randrange(2, 900)
        shipped = msgspec.structs.replace(order, status="shipped")
        started_ms = published_ms + self._rng.randrange(1, 6)
        body = confirm_shipment(shipment)
        confirm = self._make_call(
            ERP,
            "POST",
            "/shipment-confirmations",
            HTTPStatus.OK,
            started_ms,
            median_ms=35,
            request=body,
            response=shipped,
        )
        return tell_shipment(chain, shipment, published_ms, confirm)

    def _make_call(
        self,
        product: str,
        method: str,
        path: str,
        status_code: int,
        started_ms: int,
        *,
        median_ms: int,
        request: Any = None,
        response: Any,
    ) -> Call:
        return Call(
            product=product,
            method=method,
            url=_URLS[product] + path,
            path=path,
            status_code=status_code,
            started_ms=started_ms,
            duration_ms=max(1, round(median_ms * self._rng.lognormvariate(0, 0.6))),
            request=None if request is None else msgspec.to_builtins(request),
            response=msgspec.to_builtins(response),
        )
