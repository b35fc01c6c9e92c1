"""What a measured server declares: one webhook, and one flow of three nodes that do nothing for each of its events."""

from __future__ import annotations

import time
from typing import Any

from clew.flows.event import Event
from clew.flows.flow import Flow
from clew.registry.declare import Integration, Product

bench = Product("bench")
alone = Integration("alone", source=bench, target=bench)
asked = bench.webhook("asked", each="$.events[*]", event="$.type", connection="$.connection")

three_nodes = Flow("three-nodes", integration=alone, on=asked["asked"])


@three_nodes.node
async def first(event: Event) -> Any:
    """How long after it was sent the event is here, in milliseconds; of an event that does not say it, its payload."""
    sent_ns = event.payload.get("sent_ns")
    return {"waited_ms": (time.time_ns() - sent_ns) / 1e6} if sent_ns else event.payload


@three_nodes.node
async def second(first: Any) -> Any:
    """What it was given."""
    return first


@three_nodes.node
async def third(second: Any) -> Any:
    """What it was given."""
    return second
