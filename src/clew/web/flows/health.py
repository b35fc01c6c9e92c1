"""How flows do: their runs of a stretch of time, and the latest one."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

import msgspec

from clew.core.clock import SECOND_MS, Clock
from clew.core.record import Summary
from clew.log.parameters import FilterParser, Pair
from clew.log.search import Search
from clew.web.fresh_answers import FreshAnswers
from clew.web.logs.url import DEFAULT_DURATION

FRESH_MS = 5 * SECOND_MS
"""How long an answer about all flows is believed: two pages ask, and a reader goes from one to the other."""
LATEST = "200"
"""Runs looked at in one question: nearly always the latest of each flow is among them."""


class Health(msgspec.Struct, frozen=True):
    """The runs of a flow: how many ended, how many of them failed, and the latest."""

    ended: int = 0
    failed: int = 0
    last: Summary | None = None


class FlowHealth:
    """Asks the log. `flows` are the keys of those that are declared."""

    def __init__(self, search: Search, parser: FilterParser, clock: Clock, flows: Collection[str]) -> None:
        self._search = search
        self._parser = parser
        self._flows = tuple(flows)
        self._answers = FreshAnswers(self._ask_all, clock, FRESH_MS)

    async def find_all(self, workspace: str) -> dict[str, Health]:
        """The health of each flow that is declared over 24 hours, by key, some seconds old at most."""
        return await self._answers.find(workspace)

    async def count_all(self, workspace: str, duration: str) -> dict[str, Health]:
        """The runs of each flow that is declared, by key, as they are now. The latest run is not asked."""
        if not self._flows:
            return {}
        of_flows = [*_RUNS, *(("flow", key) for key in self._flows), ("duration", duration)]
        filter = self._parser.parse_filter(of_flows, workspace=workspace)
        values = (await self._search.facets(filter, ["flow"], limit=len(self._flows))).facets["flow"]
        counted = {one.value: Health(one.count, one.failures) for one in values}
        return {key: counted.get(key, Health()) for key in self._flows}

    async def find(self, workspace: str, key: str) -> Health:
        """The health of one flow over 24 hours, as it is now."""
        of_flow: list[Pair] = [*_RUNS, ("flow", key), ("duration", DEFAULT_DURATION)]
        filter = self._parser.parse_filter(of_flow, workspace=workspace)
        facets, last = await asyncio.gather(
            self._search.facets(filter, ["flow"], limit=1), self._find_last(workspace, key)
        )
        counted = next(iter(facets.facets["flow"]), None)
        return Health(counted.count, counted.failures, last) if counted else Health()

    async def _ask_all(self, workspace: str) -> dict[str, Health]:
        counted, lasts = await asyncio.gather(
            self.count_all(workspace, DEFAULT_DURATION), self._find_lasts(workspace, *self._flows, limit=LATEST)
        )
        missing = [key for key, health in counted.items() if health.ended and key not in lasts]
        found = await asyncio.gather(*(self._find_last(workspace, key) for key in missing))
        lasts |= {run.flow: run for run in found if run}
        return {key: msgspec.structs.replace(health, last=lasts.get(key)) for key, health in counted.items()}

    async def _find_last(self, workspace: str, key: str) -> Summary | None:
        return (await self._find_lasts(workspace, key, limit="1")).get(key)

    async def _find_lasts(self, workspace: str, *flows: str, limit: str) -> dict[str, Summary]:
        """The latest run of those flows that have one among the latest `limit` runs."""
        if not flows:
            return {}
        pairs = [*_RUNS, *(("flow", key) for key in flows), ("duration", DEFAULT_DURATION), ("limit", limit)]
        answer = await self._search.page(self._parser.parse_list(pairs, workspace=workspace))
        return {run.flow: run for run in reversed(answer.page.items)}


_RUNS: list[Pair] = [("kind", "flow_run")]
