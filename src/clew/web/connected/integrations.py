"""Integrations: their list with how each is, and one with its flows and connections."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec
from litestar import Response, get
from litestar.params import FromPath

from clew.core.errors import NotFound
from clew.flows.flow import Flow
from clew.log.parameters import Pair
from clew.log.store import FacetValue
from clew.registry.integrations import Integration
from clew.web.connected.activity import ask_recent, count_each
from clew.web.connected.connection_rows import build_connection_rows
from clew.web.connected.views import (
    Fact,
    FlowLine,
    IntegrationPage,
    IntegrationRow,
    IntegrationsPage,
    Link,
    Recent,
    Standing,
)
from clew.web.face import Face, HttpRequest, WebFace, session_of
from clew.web.flows.build import build_rate, say_trigger
from clew.web.flows.health import Health
from clew.web.layout import CONNECTIONS_PATH, INTEGRATIONS_PATH, Layout
from clew.web.links import flow_href, integration_href, product_href
from clew.web.logs.url import LogUrl
from clew.web.wording import ARROWS, say_count, say_minute

MOST_CONNECTIONS = 1_000
"""Disconnected connections that are counted, of all integrations together."""
SHOWN = 10
"""Connections that an integration's page shows; their own list has the rest."""
_CONFIGURATION: Pair = ("failure_class", "configuration")


class Counted(msgspec.Struct, frozen=True):
    """By integration: records and failures of 24 hours, failures of its configuration, disconnected connections."""

    records: dict[str, FacetValue]
    misconfigured: dict[str, FacetValue]
    disconnected: Counter[str]


@get("/integrations")
async def show_integrations(request: HttpRequest, face: Face) -> Response[str]:
    """The integrations by title."""
    session = session_of(request)
    workspace = session.member.workspace
    layout, rows = await asyncio.gather(
        face.layout(session, "Integrations", path=INTEGRATIONS_PATH),
        build_rows(face, workspace, face.registry.integrations.list(workspace)),
    )
    return face.respond(IntegrationsPage(layout=layout, counter=say_count(len(rows), "integration"), rows=rows))


@get("/integrations/{key:str}")
async def show_integration(request: HttpRequest, face: Face, key: FromPath[str]) -> Response[str]:
    """One integration, also one out of use."""
    session = session_of(request)
    workspace = session.member.workspace
    integration = face.registry.integrations.find(workspace, key, archived=True)
    if integration is None:
        known = ", ".join(one.key for one in face.registry.integrations.list(workspace)) or "none"
        raise NotFound(f"There is no integration {key[:80]!r}.", hint=f"There are: {known}.")
    layout, counted, recent, healths = await asyncio.gather(
        face.layout(session, integration.title, path=INTEGRATIONS_PATH),
        _ask(face, workspace),
        ask_recent(face, workspace, ("integration", key)),
        face.health.find_all(workspace),
    )
    page = await _page(face, integration, counted, layout=layout, recent=recent, healths=healths)
    return face.respond(page)


async def build_rows(face: WebFace, workspace: str, integrations: Sequence[Integration]) -> tuple[IntegrationRow, ...]:
    """The integrations with how they are, in their order."""
    if not integrations:
        return ()
    counted = await _ask(face, workspace)
    return tuple(_row(face, integration, counted) for integration in integrations)


async def _ask(face: WebFace, workspace: str) -> Counted:
    records, misconfigured, cut_off = await asyncio.gather(
        count_each(face, workspace, "integration"),
        count_each(face, workspace, "integration", _CONFIGURATION),
        asyncio.to_thread(face.registry.connections.list, workspace, state="disconnected", limit=MOST_CONNECTIONS),
    )
    return Counted(records, misconfigured, Counter(one.integration for one in cut_off))


def _row(face: WebFace, integration: Integration, counted: Counted) -> IntegrationRow:
    source, target = integration.source_product, integration.target_product
    title = face.registry.products.title
    workspace = integration.workspace
    return IntegrationRow(
        key=integration.key,
        title=Link(integration.title, integration_href(integration.key)),
        product=Link(title(workspace, source), product_href(source)),
        target=Link(title(workspace, target), product_href(target)),
        arrow=ARROWS[integration.direction],
        direction=integration.direction.capitalize(),
        standing=_standing(face, integration, counted),
    )


def _standing(face: WebFace, integration: Integration, counted: Counted) -> Standing:
    """How it is, from its records of the last 24 hours and from what is known to be set up wrongly."""
    url = LogUrl("/logs", (("integration", integration.key),))
    remarks = tuple(_remarks(face, integration, counted, url))
    found = counted.records.get(integration.key)
    if integration.archived_at is not None:
        since = Link(f"since {say_minute(integration.archived_at)}")
        return Standing(dot="info", word="Archived", detail=since, remarks=remarks)
    if found is None:
        return Standing(dot="info", word="Quiet", detail=Link("no record in 24 h", url.href), remarks=remarks)
    if found.failures:
        said = f"{found.failures:,} of {say_count(found.count, 'record')} failed"
        failed = Link(said, url.having("status", "failure").href)
        return Standing(dot="failure", word="Failing", detail=failed, remarks=remarks)
    records = Link(say_count(found.count, "record"), url.href)
    return Standing(dot="success", word="Working", detail=records, remarks=remarks)


def _remarks(face: WebFace, integration: Integration, counted: Counted, url: LogUrl) -> Iterable[Link]:
    """What is set up wrongly, as far as it is known."""
    if misconfigured := counted.misconfigured.get(integration.key):
        said = f"{say_count(misconfigured.count, 'failure')} of the configuration"
        yield Link(said, url.having(*_CONFIGURATION).href)
    if cut_off := counted.disconnected[integration.key]:
        asked = (("integration", integration.key), ("state", "disconnected"))
        yield Link(f"{say_count(cut_off, 'connection')} disconnected", LogUrl(CONNECTIONS_PATH, asked).href)
    for key in dict.fromkeys((integration.source_product, integration.target_product)):
        if face.registry.products.find(integration.workspace, key) is None:
            yield Link(f"the product {key} is archived", product_href(key))
    for flow in _flows_of(face, integration.key):
        if not face.is_enabled(integration.workspace, flow):
            yield Link(f"the flow {flow.title} is disabled", flow_href(flow.key))


async def _page(
    face: WebFace,
    integration: Integration,
    counted: Counted,
    *,
    layout: Layout,
    recent: Recent,
    healths: dict[str, Health],
) -> IntegrationPage:
    row = _row(face, integration, counted)
    workspace, key = integration.workspace, integration.key
    connections = await asyncio.to_thread(face.registry.connections.list, workspace, integration=key, limit=SHOWN)
    return IntegrationPage(
        layout=layout,
        key=key,
        title=integration.title,
        sentence=say_connects(face, integration),
        standing=row.standing,
        facts=tuple(_facts(integration, row)),
        flows=tuple(_flow(face, workspace, flow, healths.get(flow.key, Health())) for flow in _flows_of(face, key)),
        connections=await build_connection_rows(face, workspace, connections),
        connections_href=LogUrl(CONNECTIONS_PATH, (("integration", key),)).href,
        recent=recent,
    )


def say_connects(face: WebFace, integration: Integration) -> str:
    """`Two-way: ERP ↔ Aptean Ship`, `One-way: within ERP`."""
    title = face.registry.products.title
    source = title(integration.workspace, integration.source_product)
    target = title(integration.workspace, integration.target_product)
    direction = integration.direction.capitalize()
    if integration.source_product == integration.target_product:
        return f"{direction}: within {source}"
    return f"{direction}: {source} {ARROWS[integration.direction]} {target}"


def _flows_of(face: WebFace, key: str) -> list[Flow]:
    return [flow for flow in face.flows.values() if flow.integration and flow.integration.key == key]


def _facts(integration: Integration, row: IntegrationRow) -> Iterable[Fact]:
    yield Fact("Key", Link(integration.key), is_mono=True)
    yield Fact("Product", row.product)
    yield Fact("Target", row.target)
    yield Fact("Direction", Link(row.direction))
    yield Fact("Declared", Link("in code" if integration.declared else "by hand, or no longer in code"))


def _flow(face: WebFace, workspace: str, flow: Flow, health: Health) -> FlowLine:
    rate = build_rate(flow.key, health)
    return FlowLine(
        title=Link(flow.title, flow_href(flow.key)),
        is_enabled=face.is_enabled(workspace, flow),
        trigger=say_trigger(flow),
        rate=Link(" · ".join(part for part in (rate.words, rate.detail) if part), rate.href),
        has_failure=rate.has_failure,
    )
