"""The start page from what was found."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from clew.core.record import Summary
from clew.log.parameters import Pair
from clew.log.store import FacetValue
from clew.web.chart import build_chart
from clew.web.flows.build import build_rate
from clew.web.layout import LOGS, OVERVIEW_PATH, Layout
from clew.web.links import RUNS_PATH, flow_href, href_of
from clew.web.logs.url import LogUrl
from clew.web.logs.views import Choice
from clew.web.names import Names
from clew.web.overview.attention import Asked, find_attention
from clew.web.overview.questions import Found
from clew.web.overview.views import FailureRow, Figure, FirstSteps, FlowLine, OverviewPage, Share
from clew.web.wording import KIND_NAMES, cut, say_count, say_event, say_message, say_moment, say_other_day

SHOWN = 8
"""Chains that failed last."""
_FAILURE: Pair = ("status", "failure")


SPANS = {"1h": "1 h", "24h": "24 h", "7d": "7 d", "14d": "14 d", "30d": "30 d"}
_SAID = {"1h": "the last hour", "24h": "the last 24 hours", "7d": "7 days", "14d": "14 days", "30d": "30 days"}


def build_durations(duration: str) -> tuple[Choice, ...]:
    """The stretches of time to choose from."""
    return tuple(
        Choice(label, LogUrl(OVERVIEW_PATH).over(value).href, value == duration) for value, label in SPANS.items()
    )


def build_overview(layout: Layout, asked: Asked, found: Found, address: str) -> OverviewPage:
    """The page. `address` is where this server answers, for the first one to report an event to it."""
    names, duration = asked.names, asked.duration
    chart = build_chart(found.histogram, LogUrl("/logs").over(duration))
    return OverviewPage(
        layout=layout,
        durations=build_durations(duration),
        span=_SAID[duration],
        total=Figure(say_count(chart.total, "record", at_least=chart.is_truncated), "", asked.href("/logs")),
        chart=chart,
        attention=find_attention(asked, found),
        failing=tuple(_failing(asked, found.kinds)),
        flows=_flow_lines(asked, found),
        products=tuple(_shares(asked, "product", found.products, names)),
        customers=tuple(_shares(asked, "customer", found.customers, names)),
        failures=tuple(_row(one, names, asked.face.clock.now_ms()) for one in find_chains(found.latest)),
        failures_href=asked.href("/logs", _FAILURE),
        first_steps=build_first_steps(address) if found.coverage.oldest_kept is None else None,
    )


def _failing(asked: Asked, kinds: Sequence[FacetValue]) -> Iterable[Figure]:
    """The logs that have failures, in the order of the menu."""
    counts = {one.value: one.count for one in kinds}
    for log in LOGS:
        if log.kind and (count := counts.get(log.kind)):
            yield Figure(f"{count:,}", log.label, asked.href(log.path, _FAILURE))


def _flow_lines(asked: Asked, found: Found) -> tuple[FlowLine, ...]:
    lines = [
        FlowLine(
            title=asked.face.flow_title(key),
            href=flow_href(key),
            is_enabled=asked.face.is_enabled(asked.workspace, asked.face.flows[key]),
            runs=Figure(f"{health.ended:,}", "", asked.href(RUNS_PATH, ("flow", key))),
            rate=build_rate(key, health, asked.duration),
        )
        for key, health in found.healths.items()
    ]
    return tuple(sorted(lines, key=lambda line: (not line.rate.has_failure, not line.is_enabled)))


def _shares(asked: Asked, name: str, values: Sequence[FacetValue], names: Names) -> Iterable[Share]:
    most = max((one.count for one in values), default=1)
    for one in values:
        href = asked.href("/logs", (name, one.value), _FAILURE)
        yield Share(cut(names.of(name, one.value)), f"{one.count:,}", max(one.count * 100 // most, 1), href)


def find_chains(latest: Sequence[Summary]) -> list[Summary]:
    """One failed record for each of the latest chains: its flow run where one failed, else what failed first."""
    chains: dict[str, list[Summary]] = {}
    for item in latest:
        chains.setdefault(item.trace_id or item.id, []).append(item)
    broken = [chain for chain in chains.values() if not _is_recovered(chain)]
    return [_speaker(chain) for chain in broken[:SHOWN]]


def _is_recovered(chain: Sequence[Summary]) -> bool:
    """Whether all that failed is requests of nodes that got over it: else their node runs had failed as well."""
    return all(one.kind == "api_request" and one.flow and one.node for one in chain)


def _speaker(chain: Sequence[Summary]) -> Summary:
    """The record of a chain that speaks for it. `chain` is newest first."""
    return next((one for one in chain if one.kind == "flow_run"), chain[-1])


def _row(item: Summary, names: Names, now_ms: int) -> FailureRow:
    event, key = cut(say_event(item)), cut(next(iter(item.keys.values()), ""))
    return FailureRow(
        href=href_of(item),
        moment=say_moment(item.time),
        day=say_other_day(item.time, now_ms),
        event=event,
        key="" if key in event else key,
        customer=cut(names.customer(item.customer)),
        kind=KIND_NAMES[item.kind],
        message=cut(say_message(item)),
    )


def build_first_steps(address: str) -> FirstSteps:
    """What to do first. `address` is where this server answers."""
    return FirstSteps(
        key="clew keys create orders --scope ingest",
        report=f"""\
curl {address}/v1/events \\
  -H "Authorization: Bearer $CLEW_KEY" \\
  -H "Content-Type: application/json" -d '{{
  "event": "order.released",
  "source_product": "erp", "target_product": "ship",
  "status": "failure",
  "message": "Ship refused the address",
  "customer": "acme", "keys": {{"order": "SO-1001"}}
}}'""",
        declare="""\
from clew import Flow, Product

erp = Product("erp", title="ERP")
orders = erp.webhook("orders", event="$.type")
released = Flow("released", on=orders["order.released"])

@released.node
def greet(event, log):
    log.info("{} came", event.payload["type"])
""",
        serve="clew serve orders.py",
    )
