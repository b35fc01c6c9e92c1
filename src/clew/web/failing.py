"""What failed lately: where the navigation has its red dots.

Of the calls of our own API these are failures: what a sender was refused on the way in (his events are not in the log,
and he may not look), and what broke on our side. A read that was refused is none: whoever asked saw the answer, and
nothing is missing because of it. A dot for each mistyped filter would soon be a dot that nobody follows.
"""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from clew.core.clock import SECOND_MS, Clock
from clew.core.record import KINDS, Kind
from clew.log.parameters import FilterParser, Pair
from clew.log.search import Answer, Search
from clew.web.fresh_answers import FreshAnswers

FRESH_MS = 5 * SECOND_MS
"""How long an answer is believed: every page asks, and a dot may be some seconds late."""
LIMIT = "200"
"""Failures looked at in one question: enough that nearly always all kinds that fail are among them."""
MOST_PAGES = 5
"""Pages of requests that failed, looked through for one that nothing made good."""


class Failures(msgspec.Struct, frozen=True):
    """What failed in the last 24 hours: kinds of record, and whether a run of a flow that is declared did.

    A request that failed and that its node made good, by trying again or because it may fail, is not among them.
    """

    kinds: frozenset[Kind] = frozenset()
    has_flow: bool = False


NONE = Failures()


class Failing:
    """Asks the log at most once in some seconds for each workspace. `flows` are the keys of those that are declared."""

    def __init__(self, search: Search, parser: FilterParser, clock: Clock, flows: Collection[str]) -> None:
        self._search = search
        self._parser = parser
        self._flows = tuple(flows)
        self._answers = FreshAnswers(self._ask_failures, clock, FRESH_MS)

    async def find(self, workspace: str) -> Failures:
        """What failed in the last 24 hours."""
        return await self._answers.find(workspace)

    def last_known(self, workspace: str) -> Failures:
        """The last answer, without asking."""
        return self._answers.last_known(workspace) or NONE

    async def _ask_failures(self, workspace: str) -> Failures:
        kinds = await self._ask_kinds(workspace)
        return Failures(kinds, "flow_run" in kinds and await self._ask_flows(workspace))

    async def _ask_kinds(self, workspace: str) -> frozenset[Kind]:
        """Look at the latest failures, then at those of the kinds not yet looked at, until none of these is left."""
        seen: set[Kind] = set()
        unseen = set(KINDS)
        while unseen:
            answer = await self._ask(workspace, [("kind", kind) for kind in sorted(unseen)])
            found = {item.kind for item in answer.page.items}
            seen |= found
            unseen -= found
            if answer.next_cursor is None:
                break
        if "api_request" in seen and not await self._has_open_request(workspace):
            seen.discard("api_request")
        return frozenset(seen)

    async def _has_open_request(self, workspace: str) -> bool:
        """Whether a request failed that nothing made good.

        A node that got over its requests' failures did not fail itself. In a list of both, newest first, a node that
        failed stands soon behind its requests: it began before them.
        """
        parents: set[str] = set()
        failed_nodes: set[str] = set()
        cursor: str | None = ""
        for _ in range(MOST_PAGES):
            pairs = [("kind", "api_request"), ("kind", "node_run"), *([("cursor", cursor)] if cursor else [])]
            answer = await self._ask(workspace, pairs)
            requests = [item for item in answer.page.items if item.kind == "api_request"]
            parents |= {item.parent_id for item in requests}
            failed_nodes |= {item.id for item in answer.page.items if item.kind == "node_run"}
            if parents & failed_nodes or any(not item.node for item in requests):
                return True
            cursor = answer.next_cursor
            if cursor is None:
                break
        return False

    async def _ask(self, workspace: str, pairs: list[Pair]) -> Answer:
        """The latest failures of these kinds."""
        asked = [*pairs, ("status", "failure"), ("duration", "24h"), ("limit", LIMIT)]
        return await self._search.page(self._parser.parse_list(asked, workspace=workspace))

    async def _ask_flows(self, workspace: str) -> bool:
        if not self._flows:
            return False
        flows = [("flow", key) for key in self._flows]
        pairs = [("kind", "flow_run"), ("status", "failure"), ("duration", "24h"), ("limit", "1"), *flows]
        return bool((await self._search.page(self._parser.parse_list(pairs, workspace=workspace))).page.items)
