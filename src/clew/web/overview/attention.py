"""What needs attention, worst first, each with the way to its records."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from clew.core.clock import SECOND_MS
from clew.flows.flow import Flow
from clew.log.parameters import Pair
from clew.registry.connections import Connection
from clew.web.face import WebFace
from clew.web.flows.build import build_rate
from clew.web.links import connection_href, flow_href
from clew.web.logs.url import LogUrl
from clew.web.names import Names
from clew.web.overview.questions import CUT_OFF, NOT_LAUNCHED, REFUSED, Found
from clew.web.overview.views import Attention
from clew.web.wording import cut, say_count, say_took

BEHIND_MS = 30 * SECOND_MS
"""A log that is this far behind has trouble; it is nearly always within a second."""


class Asked(msgspec.Struct, frozen=True):
    """Who asks, and for which stretch of time."""

    face: WebFace
    workspace: str
    duration: str
    names: Names

    def href(self, path: str, *pairs: Pair) -> str:
        """A list over the same stretch of time."""
        return LogUrl(path, pairs).over(self.duration).href


def find_attention(asked: Asked, found: Found) -> tuple[Attention, ...]:
    """What needs attention: an index that is behind, flows, connections, webhooks."""
    return (
        *_behind(asked, found),
        *_failing_flows(asked, found),
        *_disconnected(asked, found),
        *_refused_webhooks(asked, found),
        *_passed_over(asked, found),
    )


def _behind(asked: Asked, found: Found) -> Iterator[Attention]:
    behind_ms = asked.face.clock.now_ms() - found.coverage.indexed_until
    if behind_ms >= BEHIND_MS:
        yield Attention(
            dot="failure",
            what="The log is behind",
            href="/readyz",
            matter=f"What came in the last {say_took(behind_ms)} is kept, and cannot be found yet.",
        )


def _failing_flows(asked: Asked, found: Found) -> Iterator[Attention]:
    failing = [(key, health) for key, health in found.healths.items() if health.failed]
    for key, health in sorted(failing, key=lambda one: -one[1].failed):
        rate = build_rate(key, health, asked.duration)
        yield Attention(
            dot="failure",
            what=asked.face.flow_title(key),
            href=rate.href,
            matter=f"of {say_count(health.ended, 'run')} failed",
            count=f"{health.failed:,}",
            count_href=rate.href,
        )


def _disconnected(asked: Asked, found: Found) -> Iterator[Attention]:
    for connection in found.disconnected:
        count = found.cut_off.get(connection.key, 0)
        yield Attention(
            dot="failure",
            what=connection.name,
            href=connection_href(connection.key),
            matter=_say_cut_off(asked.names, connection, count),
            count=f"{count:,}" if count else "",
            count_href=asked.href("/logs", *CUT_OFF, ("connection", connection.key)) if count else "",
        )


def _say_cut_off(names: Names, connection: Connection, count: int) -> str:
    whose = f" of {cut(names.customer(connection.customer))}" if connection.customer else ""
    why = f": {cut(connection.error)}" if connection.error else ""
    launches = "launch" if count == 1 else "launches"
    return (
        f"{launches} refused: the connection{whose} is disconnected{why}"
        if count
        else (f"the connection{whose} is disconnected{why}")
    )


def _refused_webhooks(asked: Asked, found: Found) -> Iterator[Attention]:
    if found.refused:
        href = asked.href("/logs/external-webhooks", *REFUSED)
        yield Attention(
            dot="failure",
            what="External webhooks",
            href=href,
            matter="refused, because the signature does not hold",
            count=f"{found.refused:,}",
            count_href=href,
        )


def _passed_over(asked: Asked, found: Found) -> Iterator[Attention]:
    """Flows that are disabled while events come for them: no failure, but seldom meant for long."""
    for key, count in found.not_launched.items():
        flow = asked.face.flows.get(key)
        if flow is None or _is_enabled(asked, flow):
            continue
        yield Attention(
            dot="info",
            what=flow.title,
            href=flow_href(key),
            matter=f"{'event' if count == 1 else 'events'} launched nothing: the flow is disabled",
            count=f"{count:,}",
            count_href=asked.href("/logs", *NOT_LAUNCHED, ("flow", key)),
        )


def _is_enabled(asked: Asked, flow: Flow) -> bool:
    return asked.face.is_enabled(asked.workspace, flow)
