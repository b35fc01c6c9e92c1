"""How flows do: their runs of the last 24 hours, and the latest one."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

import msgspec

from clew.core.clock import SECOND_MS, Clock
from clew.core.record import Summary
from clew.log.parameters import FilterParser, Pair
from clew.log.search import Search

FRESH_MS = 5 * SECOND_MS
"""How long an answer about all flows is believed: it takes three questions to the log for each."""


class Health(msgspec.Struct, frozen=True):
    """The runs of a flow in the last 24 hours: how many ended, how many of them failed, and the latest."""

    ended: int = 0
    failed: int = 0
    last: Summary | None = None


class FlowHealth:
    """Asks the log. `flows` are the keys of those that are declared."""

    def __init__(self, search: Search, parser: FilterParser, clock: Clock, flows: Collection[str]) -> None:
        self._search = search
        self._parser = parser
        self._clock = clock
        self._flows = tuple(flows)
        self._lock = asyncio.Lock()
        self._found: dict[str, tuple[int, dict[str, Health]]] = {}

    async def find_all(self, workspace: str) -> dict[str, Health]:
        """The health of each flow that is declared, by key, some seconds old at most."""
        async with self._lock:
            now_ms = self._clock.now_ms()
            found_ms, found = self._found.get(workspace, (now_ms - FRESH_MS, {}))
            if now_ms - found_ms >= FRESH_MS:
                answers = await asyncio.gather(*(self.find(workspace, key) for key in self._flows))
                found = dict(zip(self._flows, answers, strict=True))
                self._found[workspace] = (now_ms, found)
            return found

    async def find(self, workspace: str, key: str) -> Health:
        """The health of one flow, as it is now."""
        of_flow: list[Pair] = [("kind", "flow_run"), ("flow", key), ("duration", "24h")]
        parse = self._parser.parse_filter
        answer, ended, failed = await asyncio.gather(
            self._search.page(self._parser.parse_list([*of_flow, ("limit", "1")], workspace=workspace)),
            self._search.count(parse(of_flow, workspace=workspace)),
            self._search.count(parse([*of_flow, ("status", "failure")], workspace=workspace)),
        )
        items = answer.page.items
        return Health(ended.count.count, failed.count.count, items[0] if items else None)
