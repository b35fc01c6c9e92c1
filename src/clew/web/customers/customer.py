"""One customer: found by the key in the path, and what stands above each of its pages."""

from __future__ import annotations

import asyncio
from urllib.parse import urlencode

import msgspec

from clew.core.clock import DAY_MS
from clew.core.errors import NotFound
from clew.log.query import Filter
from clew.registry.customers import Customer
from clew.registry.sessions import Session
from clew.web.customers.views import Head
from clew.web.face import WebFace
from clew.web.layout import CONNECTIONS_PATH
from clew.web.links import customer_href, customer_key
from clew.web.tabs import Tab
from clew.web.wording import say_ago, say_count

MAX_CONNECTIONS = 1_000
"""Connections that are counted."""
EVENTS_PART, AIP_PART = "integration-events", "aip-events"

_LOG_TABS = (
    ("flow_run", "Flow Runs", "/logs/flow-runs"),
    ("api_request", "API Requests", "/logs/api-requests"),
    ("external_webhook", "External Webhooks", "/logs/external-webhooks"),
    ("external_event", "External Events", "/logs/external-events"),
)
"""The logs that a customer's page leads to, by the kind of their records."""


class Place(msgspec.Struct, frozen=True):
    """The customer whose page this is, and who looks at it."""

    customer: Customer
    session: Session

    @property
    def workspace(self) -> str:
        """The workspace that both belong to."""
        return self.session.member.workspace

    @property
    def key(self) -> str:
        """The customer's key."""
        return self.customer.key

    def path(self, part: str) -> str:
        """Where a page of the customer is."""
        return customer_href(self.customer.key, part)


async def find_place(face: WebFace, session: Session, text: str) -> Place:
    """The customer of a path. Raises `NotFound` where there is none."""
    key = customer_key(text)
    customer = await asyncio.to_thread(face.registry.customers.find, session.member.workspace, key)
    if customer is None:
        raise NotFound(
            f"There is no customer {key[:80]!r}.", hint="A customer is there from the first record that names it."
        )
    return Place(customer, session)


async def build_head(face: WebFace, place: Place, current: str) -> Head:
    """The head of the customer's pages. `current` is the part that is shown."""
    customer, now_ms = place.customer, face.clock.now_ms()
    connections, failing = await asyncio.gather(
        asyncio.to_thread(
            face.registry.connections.list, place.workspace, customer=customer.key, limit=MAX_CONNECTIONS
        ),
        _failing_kinds(face, place, now_ms),
    )
    active_ms = customer.last_active_at
    about = [
        "test customer" if customer.is_test else "customer",
        say_count(len(connections), "connection", at_least=len(connections) == MAX_CONNECTIONS),
        f"last active {say_ago(now_ms - active_ms)}" if active_ms is not None else "",
        "archived" if customer.archived_at is not None else "",
    ]
    return Head(customer.name, customer.key, tuple(one for one in about if one), _tabs(place, current, failing))


async def _failing_kinds(face: WebFace, place: Place, now_ms: int) -> frozenset[str]:
    """The kinds of this customer's records of which some failed in the last 24 hours."""
    filter = Filter(
        workspace=place.workspace, customer=(place.key,), status=("failure",), from_ms=now_ms - DAY_MS, to_ms=now_ms
    )
    answer = await face.search.facets(filter, ("kind",), limit=20)
    return frozenset(one.value for one in answer.facets["kind"])


def _tabs(place: Place, current: str, failing: frozenset[str]) -> tuple[Tab, ...]:
    query = urlencode({"customer": place.key})
    has_failed_event = bool(failing & {"integration_event", "step", "flow_run", "external_event", "internal_event"})
    own = ((EVENTS_PART, "Integration Events", has_failed_event), (AIP_PART, "AIP Events", False))
    return (
        *(Tab(part, label, place.path(part), part == current, has_failed) for part, label, has_failed in own),
        Tab("connections", "Connections", f"{CONNECTIONS_PATH}?{query}", is_current=False),
        *(
            Tab(kind, label, f"{path}?{query}", is_current=False, has_failure=kind in failing)
            for kind, label, path in _LOG_TABS
        ),
    )
