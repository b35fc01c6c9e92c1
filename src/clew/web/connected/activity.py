"""How products, integrations and connections did in the last 24 hours: few questions to the log, and their links."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

from clew.core.record import Kind
from clew.log.parameters import Pair
from clew.log.store import FacetValue
from clew.web.chart import build_chart
from clew.web.connected.views import Activity, Link, LogLine, Recent
from clew.web.face import WebFace
from clew.web.layout import LOGS
from clew.web.logs.url import DEFAULT_DURATION, LogUrl

_DAY: Pair = ("duration", DEFAULT_DURATION)
MOST = 200
"""Values of one name that are counted."""


async def count_each(face: WebFace, workspace: str, name: str, *pairs: Pair) -> dict[str, FacetValue]:
    """How many records of the last 24 hours have each value of `name`, and how many of them failed, by value."""
    filter = face.parser.parse_filter([*pairs, _DAY], workspace=workspace)
    return {one.value: one for one in (await face.search.facets(filter, [name], limit=MOST)).facets[name]}


async def ask_recent(face: WebFace, workspace: str, *asked: Pair) -> Recent:
    """The last 24 hours of what `asked` selects."""
    filter = face.parser.parse_filter([*asked, _DAY], workspace=workspace)
    url = LogUrl("/logs", asked)
    histogram, kinds = await asyncio.gather(face.search.histogram(filter), face.search.facets(filter, ["kind"], 20))
    return Recent(build_chart(histogram, url), tuple(_logs(asked, kinds.facets["kind"])), url.href)


def _logs(asked: Sequence[Pair], kinds: Iterable[FacetValue]) -> Iterable[LogLine]:
    counted: dict[str, FacetValue] = {one.value: one for one in kinds}
    for log in LOGS:
        if log.kind and (found := counted.get(log.kind)):
            yield LogLine(log.label, build_activity(found, *asked, kind=log.kind))


def build_activity(found: FacetValue | None, *asked: Pair, kind: Kind | None = None) -> Activity:
    """The numbers as links to their records. `asked` selects them."""
    path = next(log.path for log in LOGS if log.kind == kind)
    url = LogUrl(path, tuple(asked))
    if found is None or not found.count:
        return Activity(Link("0", url.href), Link(""))
    failures = url.having("status", "failure").href if found.failures else ""
    return Activity(
        Link(f"{found.count:,}", url.href),
        Link(f"{found.failures:,}" if found.failures else "", failures),
    )
