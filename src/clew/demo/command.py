"""`clew demo`: a server, two days of history, and the sample world beside it for as long as it runs."""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import Callable

from clew.app import Clew
from clew.demo import integrations
from clew.demo.history import send_history
from clew.demo.signing import set_secrets
from clew.demo.world import FailingOrder, run_world, until_stopped
from clew.log.query import Filter
from clew.registry.declare import Declarations, collect

DEMO_DIR = "./clew-demo"
MEMBER = "ada@clew.example"
KEY_NAME = "The sample products"
VISIBLE_S = 30.0
"""How long to wait until the first orders can be found. It takes less than a second where nothing is wrong."""

Tell = Callable[[str], object]


def declare_demo() -> Declarations:
    """What the sample products connect, with new webhook secrets in the environment."""
    set_secrets(os.environ)
    return collect(vars(integrations).values())


def run_demo(clew: Clew, *, orders_per_minute: float, history: int, tell: Tell) -> None:
    """Run the server and the sample world until Ctrl-C. `history` is how many records an empty log begins with."""

    async def live(url: str, stop: asyncio.Event) -> None:
        key = _new_key(clew)
        if history and await _is_empty(clew):
            tell(f"Two days of history are on their way ({history:,} records) …")
            sending = asyncio.create_task(send_history(url, key, now_ms=clew.clock.now_ms(), records=history))
            await until_stopped(sending, stop)
            if stop.is_set():
                return
            tell(f"{sending.result():,} records are on disk.")

        def show(order: FailingOrder) -> None:
            telling.append(asyncio.create_task(_show_order(clew, url, order, tell)))

        telling: list[asyncio.Task[None]] = []
        await run_world(url, key, stop=stop, on_ready=show, orders_per_minute=orders_per_minute)
        for task in telling:
            task.cancel()

    def greet(url: str) -> None:
        tell(f"Clew is at {url}")
        tell(f"Sign in, once: {url}/sign-in/link/{_new_link(clew)}")

    clew.run(on_ready=greet, alongside=live)
    tell("Stopped.")


async def _show_order(clew: Clew, url: str, order: FailingOrder, tell: Tell) -> None:
    await asyncio.to_thread(clew.pump.drain, VISIBLE_S)
    tell(f"Order {order.number} of {order.customer} left the ERP and is not in Ship: {order.reason}")
    tell(f"  find it        {url}/logs?key=order%3D{order.number}")
    tell(f"  its thread     {url}/records/{order.webhook_id}?tab=trace")
    tell("Orders flow until you press Ctrl-C.")


async def _is_empty(clew: Clew) -> bool:
    counted = await clew.search.count(Filter(workspace=clew.registry.workspace))
    return counted.count.count == 0


def _new_key(clew: Clew) -> str:
    """A key for the sample products; the one of an earlier start is revoked."""
    keys, workspace = clew.registry.keys, clew.registry.workspace
    for key in keys.list(workspace):
        if key.name == KEY_NAME:
            keys.archive(workspace, key.id)
    return keys.create(workspace, KEY_NAME, ["ingest"])[1]


def _new_link(clew: Clew) -> str:
    """A link that signs the demo's only member in. Nobody knows the password: there is no need for one."""
    registry = clew.registry
    members = registry.members.list(registry.workspace)
    member = members[0] if members else None
    if member is None:
        member = registry.members.create(registry.workspace, MEMBER, secrets.token_urlsafe(32), "admin")
    return registry.links.create(registry.workspace, member.id)
