"""`clew demo`: a server, two days of history, and the sample world beside it for as long as it runs."""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import Callable

import msgspec

from clew.app import Clew, Declared, declare
from clew.core.record import ErrorInfo, Kind, Record
from clew.demo.companies import CUT_OFF
from clew.demo.history import send_history
from clew.demo.places import Places, take_places
from clew.demo.signing import set_secrets
from clew.demo.world import Outcome, Released, run_world, until_stopped
from clew.log.query import Filter
from clew.registry.declare import load_objects

DEMO_DIR = "./clew-demo"
MEMBER = "ada@clew.example"
KEY_NAME = "The sample products"
VISIBLE_S = 30.0
"""How long to wait until the first orders can be found. It takes about a second where nothing is wrong."""
ASK_EVERY_S = 0.1
FLOW = "order-to-ship"
INTEGRATION = "orders"

Tell = Callable[[str], object]


class Demo(msgspec.Struct, frozen=True):
    """What the sample products connect, and where they will answer."""

    declared: Declared
    places: Places


def declare_demo() -> Demo:
    """Declare the demo, with new secrets and the URLs of the sample products in the environment."""
    set_secrets(os.environ)
    places = take_places(os.environ)
    # By its name: where the products answer must be known before the module is imported.
    return Demo(declare(load_objects("clew.demo.integrations")), places)


def run_demo(clew: Clew, places: Places, *, orders_per_minute: float, history: int, tell: Tell) -> None:
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
        await asyncio.to_thread(_cut_off, clew)
        guide = Guide(clew, url, tell)
        try:
            await run_world(url, key, places, stop=stop, on_released=guide.note, orders_per_minute=orders_per_minute)
        finally:
            guide.close()

    def greet(url: str) -> None:
        tell(f"Clew is at {url}")
        tell(f"Sign in, once: {url}/sign-in/link/{_new_link(clew)}")

    try:
        clew.run(on_ready=greet, alongside=live)
    finally:
        places.close()
    tell("Stopped.")


class Guide:
    """Tells where to begin: an order that is not in Ship, and one that started no flow."""

    def __init__(self, clew: Clew, url: str, tell: Tell) -> None:
        self._clew = clew
        self._url = url
        self._tell = tell
        self._first: dict[Outcome, Released] = {}
        self._telling: asyncio.Task[None] | None = None

    def note(self, order: Released) -> None:
        """Take note of an order that was released."""
        self._first.setdefault(order.outcome, order)
        if self._telling is None and {"refused", "abroad"} <= self._first.keys():
            self._telling = asyncio.create_task(self._tell_all())

    def close(self) -> None:
        """Tell nothing more."""
        if self._telling:
            self._telling.cancel()

    async def _tell_all(self) -> None:
        refused, abroad = self._first["refused"], self._first["abroad"]
        try:
            run = await self._wait_for(refused, "flow_run")
            await self._wait_for(abroad, "decision")
        except TimeoutError:
            self._tell(f"What became of order {refused.number} is not in the log yet: {self._url}/logs")
            return
        self._tell(f"Order {refused.number} of {refused.customer} left the ERP and is not in Ship: {_explain(run)}")
        self._tell(f"  find it        {self._url}/logs?key=order%3D{refused.number}")
        self._tell(f"  its thread     {self._url}/records/{refused.webhook_id}?tab=trace")
        self._tell(f"  its flow run   {self._url}/flow-runs/{run.id}")
        self._tell(
            f"Order {abroad.number} of {abroad.customer} left the ERP, goes to {abroad.country} and started no flow"
        )
        self._tell(f"  its event      {self._url}/records/{abroad.event_id}")
        self._tell("Orders flow until you press Ctrl-C.")

    async def _wait_for(self, order: Released, kind: Kind) -> Record:
        """What `order-to-ship` made of an order, as soon as the log has it."""
        async with asyncio.timeout(VISIBLE_S):
            while True:
                for record in await self._clew.search.trace(self._clew.registry.workspace, order.trace_id):
                    if (record.kind, record.flow) == (kind, FLOW):
                        return record
                await asyncio.sleep(ASK_EVERY_S)


def _explain(run: Record) -> str:
    """How Ship answered, in a few words: `Ship answered 422: postal_code: must not be blank`."""
    error = run.error.innermost() if run.error else ErrorInfo()
    if not isinstance(error.data, dict):
        return error.message
    return f"Ship answered {error.data['status']}: {error.data['body']['message']}"


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


def _cut_off(clew: Clew) -> None:
    """Say what Clew cannot know by itself: that a customer took back Ship's access. Whoever looks may reconnect it."""
    registry, key = clew.registry, CUT_OFF.connection
    if registry.audit.list(registry.workspace, subject_kind="connection", subject=key, limit=1):
        return  # of an earlier start; what became of it since is for people to say
    error = f"{CUT_OFF.name} revoked the access."
    registry.connections.save(registry.workspace, key, customer=CUT_OFF.name, integration=INTEGRATION, by=KEY_NAME)
    registry.connections.disconnect(registry.workspace, key, error, by=KEY_NAME)


def _new_link(clew: Clew) -> str:
    """A link that signs the demo's only member in. Nobody knows the password: there is no need for one."""
    registry = clew.registry
    members = registry.members.list(registry.workspace)
    member = members[0] if members else None
    if member is None:
        member = registry.members.create(registry.workspace, MEMBER, secrets.token_urlsafe(32), "admin")
    return registry.links.create(registry.workspace, member.id)
