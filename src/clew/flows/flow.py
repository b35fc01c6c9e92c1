"""How a flow is written: what starts it, and its nodes, which are functions.

    order_to_ship = Flow("order-to-ship", integration=orders, on=order_hooks["order.released"],
                         where="event.payload.data.country == 'US'")

    @order_to_ship.node
    async def lookup(event, erp):
        return (await erp.get(f"/orders/{event.payload['data']['number']}")).json()

    @order_to_ship.node(when="lookup.status == 'open'", retries=3)
    async def create_shipment(lookup, ship, log):
        ...

A node runs after the nodes that its parameters name; the other parameters are `event`, `log`, `errors` and the
products of the flow. Nothing happens on declaring but checks: what is wrong is a `SettingsError` that names the
function, the file and the line.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from functools import cached_property
from types import FrameType
from typing import Any, TypeVar, overload

from clew.core.errors import SettingsError
from clew.flows.declaring import GIVEN, RESERVED, NodeFunction, read_function, short_hash, source_of, wrong
from clew.flows.graph import Graph, Node, OnError, find_cycle, in_order
from clew.registry.declare import EventRef, Integration, Product, Source
from clew.triggers.match import Filter, compile_filter
from clew.triggers.schedule import Schedule, parse_schedule

_KEY = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}\Z")
MAX_RETRIES = 100
_LONGEST_S = timedelta(days=7).total_seconds()

Subscription = EventRef | str
"""The events of one name of a source, or the key of a source for all of them."""

_Function = TypeVar("_Function", bound=Callable[..., Any])


class Flow:
    """What happens when an event comes, when it is time, or when it is asked for.

    `integration` gives its two products, `products` adds others. `on` is what starts it: a source (all its events), an
    event of one (`order_hooks["order.released"]`), or a list of both; `every` (a timedelta) or `cron` (five fields, in
    `time_zone`) starts it by time. `where` is a CEL expression over `event` that must be true. `concurrency` is how
    many runs may go on at once for one connection, None for any number. `enabled=False` declares it switched off.
    """

    def __init__(
        self,
        key: str,
        *,
        integration: Integration | None = None,
        on: Source | EventRef | Sequence[Source | EventRef] | None = None,
        where: str = "",
        title: str = "",
        enabled: bool = True,
        concurrency: int | None = 1,
        every: timedelta | None = None,
        cron: str = "",
        time_zone: str = "UTC",
        products: Iterable[Product] = (),
    ) -> None:
        self.key = key
        self.place = _place_of_declaration()
        self._check(isinstance(key, str) and _KEY.match(key), f"{key!r} is no key of a flow.", _KEY_HINT)
        self.title = title or key
        self.enabled = enabled
        self.integration = integration
        self._check(
            integration is None or isinstance(integration, Integration),
            "integration= is no Integration.",
            "Write integration=orders, the object.",
        )
        self._check(
            concurrency is None or (type(concurrency) is int and concurrency >= 1),
            f"concurrency={concurrency!r} is no number of runs.",
            "Write a whole number from 1 on, or None for any number at a time.",
        )
        self.concurrency = concurrency
        self.subscriptions = self._read_subscriptions(on)
        self.every, self.cron, self.time_zone = every, cron, time_zone
        self.schedule = self._read_schedule()
        self.products = self._read_products(integration, products)
        self.where = self._read_where(where)
        self._functions: dict[str, str] = {}
        self._nodes: dict[str, Node] = {}

    def __repr__(self) -> str:
        return f"Flow({self.key!r})"

    @overload
    def node(self, function: _Function, /) -> _Function: ...

    @overload
    def node(
        self,
        /,
        *,
        when: str = "",
        retries: int = 0,
        timeout_s: float = 60.0,
        on_error: OnError = "fail",
        title: str = "",
        backoff_s: float = 1.0,
    ) -> Callable[[_Function], _Function]: ...

    def node(
        self,
        function: Callable[..., Any] | None = None,
        /,
        *,
        when: str = "",
        retries: int = 0,
        timeout_s: float = 60.0,
        on_error: OnError = "fail",
        title: str = "",
        backoff_s: float = 1.0,
    ) -> Any:
        """Make a function a node of this flow. The function itself stays as it is and can be called in tests.

        `when` is a CEL expression over `event` and the nodes it names as parameters; where it is not true the node is
        skipped. A failed attempt is tried again up to `retries` times, after about `backoff_s`, then twice as long each
        time. An attempt may take `timeout_s`. With `on_error="continue"` a failure gives None to the nodes after it,
        which find the error in `errors`.
        """

        def declare(function: _Function) -> _Function:
            self._add(
                function,
                when=when,
                retries=retries,
                timeout_s=timeout_s,
                on_error=on_error,
                title=title,
                backoff_s=backoff_s,
            )
            return function

        return declare if function is None else declare(function)

    @cached_property
    def graph(self) -> Graph:
        """Its nodes in an order in which they can run. Declares it whole: no node can be added after it.

        Raises `SettingsError` for a flow without nodes and for a parameter that is no node, product or given value.
        """
        self._check(
            self._nodes, f"the flow {self.key!r} has no nodes.", f"Put @{self._variable()}.node above a function."
        )
        for node in self._nodes.values():
            for name in node.upstream:
                if name not in self._nodes:
                    raise wrong(node.place, node.name, *self._unknown(name))
        return Graph(in_order(self._nodes.values()))

    @cached_property
    def version(self) -> str:
        """12 hex digits that change when the flow does: its trigger, its nodes, their source text and conditions.

        What its functions call elsewhere is not seen.
        """
        parts = [self.key, repr(self.subscriptions), self.where.text if self.where else ""]
        parts += [repr(self.every), self.cron, self.time_zone]
        for node in self.graph.nodes:
            when = node.when.text if node.when else ""
            settings = (node.retries, node.backoff_s, node.timeout_s, node.on_error)
            parts += [node.name, repr(node.upstream), when, repr(settings), self._functions[node.name]]
        return short_hash(*parts)

    def is_subscribed(self, source: str, event: str) -> bool:
        """Whether an event of this name from the source of this key could start it."""
        return source in self.subscriptions or EventRef(source, event) in self.subscriptions

    def _add(
        self,
        function: Callable[..., Any],
        *,
        when: str,
        retries: int,
        timeout_s: float,
        on_error: OnError,
        title: str,
        backoff_s: float,
    ) -> None:
        read = read_function(function)
        self._check_new(read)
        _check_trying(read, retries=retries, timeout_s=timeout_s, on_error=on_error, backoff_s=backoff_s)
        upstream = tuple(name for name in read.parameters if name not in GIVEN and name not in self._parameters)
        node = Node(
            name=read.name,
            function=function,
            title=title,
            is_async=read.is_async,
            upstream=upstream,
            products={name: self._parameters[name] for name in read.parameters if name in self._parameters},
            wants_event="event" in read.parameters,
            wants_log="log" in read.parameters,
            wants_errors="errors" in read.parameters,
            when=_read_when(read, when, upstream),
            retries=retries,
            backoff_s=float(backoff_s),
            timeout_s=float(timeout_s),
            on_error=on_error,
            place=read.place,
        )
        self._check_circle(node)
        self._nodes[read.name] = node
        self._functions[read.name] = source_of(function)

    def _check_new(self, read: NodeFunction) -> None:
        if "graph" in self.__dict__:
            raise wrong(read.place, read.name, f"the flow {self.key!r} is in use already.", "Declare it at import.")
        if read.name in self._nodes:
            first = self._nodes[read.name].place
            raise wrong(read.place, read.name, f"there is one of this name, at {first}.", "Give it another name.")
        if read.name in self._parameters:
            product = self._parameters[read.name]
            raise wrong(read.place, read.name, f"the product {product!r} has this name.", "Give it another name.")

    def _check_circle(self, node: Node) -> None:
        circle = find_cycle([*self._nodes.values(), node])
        if circle:
            names = " → ".join(inside.name for inside in (*circle, circle[0]))
            where = "; ".join(f"{inside.name} at {inside.place}" for inside in circle)
            raise wrong(node.place, node.name, f"it waits for itself: {names} ({where}).", "Take one of them out.")

    def _unknown(self, name: str) -> tuple[str, str]:
        known = [*self._nodes, *self._parameters, *GIVEN]
        return f"its parameter {name!r} is not known.", f"It may name {', '.join(known)}."

    def _check(self, is_right: object, detail: str, hint: str) -> None:
        if not is_right:
            raise SettingsError(f"{self.place}: {detail}", hint=hint)

    def _variable(self) -> str:
        return self.key.replace("-", "_")

    def _read_subscriptions(
        self, on: Source | EventRef | Sequence[Source | EventRef] | None
    ) -> tuple[Subscription, ...]:
        given = () if on is None else (on,) if isinstance(on, Source | EventRef) else on
        self._check(isinstance(given, list | tuple), f"on={on!r} of the flow {self.key!r} is no event.", _ON_HINT)
        found: list[Subscription] = []
        for item in given:
            self._check(isinstance(item, Source | EventRef), f"{item!r} in on= is no event.", _ON_HINT)
            found.append(item.key if isinstance(item, Source) else item)
        return tuple(dict.fromkeys(found))

    def _read_schedule(self) -> Schedule | None:
        try:
            return parse_schedule(every=self.every, cron=self.cron, time_zone=self.time_zone)
        except ValueError as error:
            raise SettingsError(f"{self.place}: the flow {self.key!r}: {error}", hint=_SCHEDULE_HINT) from None

    def _read_products(self, integration: Integration | None, others: Iterable[Product]) -> dict[str, Product]:
        all_of_them = [integration.source, integration.target] if integration else []
        found: dict[str, Product] = {}
        self._parameters: dict[str, str] = {}
        for product in (*all_of_them, *others):
            self._check(isinstance(product, Product), f"{product!r} in products= is no Product.", "Write the object.")
            parameter = product.key.replace("-", "_")
            same = self._parameters.setdefault(parameter, product.key)
            two = f"the products {same!r} and {product.key!r} would both be the parameter {parameter!r}."
            self._check(same == product.key, two, "Give one of them another key.")
            taken = f"the product {product.key!r} would be the parameter {parameter!r}, which every node knows already."
            self._check(parameter not in RESERVED, taken, "Give the product another key.")
            found[product.key] = product
        return found

    def _read_where(self, where: str) -> Filter | None:
        if not where:
            return None
        try:
            return compile_filter(where, ("event",))
        except ValueError as error:
            raise SettingsError(f"{self.place}: where= of the flow {self.key!r}: {error}", hint=_CEL_HINT) from None


_KEY_HINT = "A key is 1 to 64 small letters, digits, '_' and '-', and begins with a letter or digit."
_ON_HINT = 'Write on=order_hooks["order.released"], on=order_hooks for all its events, or a list of both.'
_CEL_HINT = "It is a CEL expression, for example event.payload.data.country == 'US' && event.customer != ''."
_SCHEDULE_HINT = 'Write every=minutes(5) or cron="*/5 * * * *".'


def _read_when(read: NodeFunction, when: str, upstream: tuple[str, ...]) -> Filter | None:
    if not when:
        return None
    try:
        return compile_filter(when, ("event", *upstream))
    except ValueError as error:
        hint = "It sees event and the nodes that are parameters of the function: add what it needs to them."
        raise wrong(read.place, read.name, f"when=: {error}", hint) from None


def _check_trying(read: NodeFunction, *, retries: int, timeout_s: float, on_error: str, backoff_s: float) -> None:
    if type(retries) is not int or not 0 <= retries <= MAX_RETRIES:
        raise wrong(read.place, read.name, f"retries={retries!r}.", f"It is a whole number from 0 to {MAX_RETRIES}.")
    for argument, value in (("timeout_s", timeout_s), ("backoff_s", backoff_s)):
        if type(value) not in (int, float) or not math.isfinite(value) or not 0 < value <= _LONGEST_S:
            raise wrong(read.place, read.name, f"{argument}={value!r}.", "It is a number of seconds, 7 days at most.")
    if on_error not in ("fail", "continue"):
        raise wrong(read.place, read.name, f"on_error={on_error!r}.", "It is 'fail' or 'continue'.")


def _place_of_declaration() -> str:
    """`file:line` of the code that declares: the nearest caller outside this folder."""
    frame: FrameType | None = sys._getframe(1)
    while frame and str(frame.f_globals.get("__name__", "")).startswith("clew.flows."):
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}" if frame else "?"
