"""Flows to run: three nodes in a row, and one whose node waits at a gate."""

from __future__ import annotations

import asyncio
from typing import Any

from clew.flows.flow import Flow
from clew.flows.runner import OpenNode, Runner
from harness.flow_place import WORKSPACE, until


def three_nodes(seen: list[str] | None = None) -> Flow:
    seen = [] if seen is None else seen
    flow = Flow("three")

    @flow.node
    async def lookup(event):
        seen.append("lookup")
        return {"number": event.payload["number"]}

    @flow.node
    async def create(lookup):
        seen.append("create")
        return {"created": lookup["number"]}

    @flow.node
    def report(create, event):
        seen.append("report")
        return [create["created"], event.customer]

    return flow


class Gate:
    """A node that waits until it is opened, and tells who came."""

    def __init__(self) -> None:
        self.came: list[Any] = []
        self.is_open = asyncio.Event()
        self.at_once = 0
        self.most_at_once = 0

    async def pass_through(self, who: Any) -> None:
        self.came.append(who)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await self.is_open.wait()
        finally:
            self.at_once -= 1

    async def has_come(self, count: int) -> None:
        await until(lambda: len(self.came) >= count, f"{count} came")


def gated(gate: Gate, **options: Any) -> Flow:
    flow = Flow("gated", **options)

    @flow.node
    async def wait(event):
        await gate.pass_through(event.payload)

    return flow


def node_of(runner: Runner, name: str) -> OpenNode:
    """A node of the one run that is open."""
    (run,) = runner.open_runs(WORKSPACE)
    return run.nodes.get(name, OpenNode(state="waiting"))
