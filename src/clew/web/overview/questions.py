"""What the start page asks: few questions to the log, all at once, and the registry for what is cut off."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec

from clew.core.record import Summary
from clew.log.parameters import Pair
from clew.log.search import Coverage, HistogramAnswer
from clew.log.store import FacetValue
from clew.registry.connections import Connection
from clew.web.face import WebFace
from clew.web.flows.health import Health

BARS = 60
LOOKED_AT = "100"
"""Failed records that are looked at for the latest chains that failed."""
MOST = 8
"""Products and customers that are told, those with most failures first, and disconnected connections."""
MOST_VALUES = 50
"""Flows and connections that are counted."""
_FAILURE: Pair = ("status", "failure")
NOT_LAUNCHED: tuple[Pair, ...] = (("kind", "decision"), ("state", "flow_disabled"))
CUT_OFF: tuple[Pair, ...] = (("kind", "decision"), ("state", "connection_disconnected"))
REFUSED: tuple[Pair, ...] = (("error_type", "signature"), _FAILURE)


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """The answers. `kinds`, `products` and `customers` count failures.

    `not_launched` counts by flow the events that a disabled flow let pass, `cut_off` by connection those that launched
    nothing because it is disconnected. `refused` counts webhooks whose signature did not hold.
    """

    histogram: HistogramAnswer
    kinds: Sequence[FacetValue]
    products: Sequence[FacetValue]
    customers: Sequence[FacetValue]
    healths: dict[str, Health]
    latest: Sequence[Summary]
    not_launched: dict[str, int]
    cut_off: dict[str, int]
    refused: int
    disconnected: Sequence[Connection]

    @property
    def coverage(self) -> Coverage:
        """What was searched."""
        return self.histogram.coverage


async def ask(face: WebFace, workspace: str, duration: str) -> Found:
    """Ask all of it."""
    log = _Log(face, workspace, duration)
    disconnected = await asyncio.to_thread(face.registry.connections.list, workspace, state="disconnected", limit=MOST)
    has_disabled = not all(face.is_enabled(workspace, flow) for flow in face.flows.values())
    (histogram, healths, latest), failures, (not_launched, cut_off, refused) = await asyncio.gather(
        asyncio.gather(log.histogram(), face.health.count_all(workspace, duration), log.latest()),
        # One question each: a store answers several names one after the other.
        asyncio.gather(*(log.facet(name, _FAILURE) for name in ("kind", "product", "customer"))),
        asyncio.gather(
            log.count_each("flow", *NOT_LAUNCHED) if has_disabled else _none(),
            log.count_each("connection", *CUT_OFF) if disconnected else _none(),
            log.count(("kind", "external_webhook"), *REFUSED),
        ),
    )
    return Found(
        histogram=histogram,
        kinds=failures[0],
        products=failures[1][:MOST],
        customers=failures[2][:MOST],
        healths=healths,
        latest=latest,
        not_launched=not_launched,
        cut_off=cut_off,
        refused=refused,
        disconnected=disconnected,
    )


async def _none() -> dict[str, int]:
    return {}


class _Log:
    """Questions about one workspace and one stretch of time."""

    def __init__(self, face: WebFace, workspace: str, duration: str) -> None:
        self._face = face
        self._workspace = workspace
        self._duration: Pair = ("duration", duration)

    async def histogram(self) -> HistogramAnswer:
        filter = self._face.parser.parse_filter([self._duration], workspace=self._workspace)
        return await self._face.search.histogram(filter, BARS)

    async def facet(self, name: str, *pairs: Pair) -> tuple[FacetValue, ...]:
        filter = self._face.parser.parse_filter([*pairs, self._duration], workspace=self._workspace)
        return (await self._face.search.facets(filter, [name], limit=MOST_VALUES)).facets[name]

    async def count_each(self, name: str, *pairs: Pair) -> dict[str, int]:
        return {one.value: one.count for one in await self.facet(name, *pairs)}

    async def count(self, *pairs: Pair) -> int:
        filter = self._face.parser.parse_filter([*pairs, self._duration], workspace=self._workspace)
        return (await self._face.search.count(filter)).count.count

    async def latest(self) -> Sequence[Summary]:
        pairs = [_FAILURE, self._duration, ("limit", LOOKED_AT)]
        return (await self._face.search.page(self._face.parser.parse_list(pairs, workspace=self._workspace))).page.items
