"""The pages of the flows, of what is declared and how it does."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from clew.core.clock import SECOND_MS
from clew.core.record import Summary
from clew.flows.flow import Flow
from clew.flows.flow_settings import FlowSetting
from clew.flows.graph import Node
from clew.web.dots import DOT_OF_STATUS
from clew.web.flows.health import Health
from clew.web.flows.views import FlowPage, FlowRow, LastRun, NodeRow, Rate, TriggerEvent
from clew.web.graph import Trigger, build_flow_graph
from clew.web.layout import Layout
from clew.web.links import RUNS_PATH, events_href, flow_href, href_of, runs_href, why_not_href
from clew.web.logs.url import DEFAULT_DURATION, LogUrl
from clew.web.names import Names
from clew.web.time_zone import zone_words
from clew.web.wording import ARROWS, cut, say_count, say_minute, say_moment, say_other_day, say_took


def build_flow_row(flow: Flow, health: Health, names: Names, now_ms: int, *, is_enabled: bool) -> FlowRow:
    """A flow in the list."""
    return FlowRow(
        key=flow.key,
        title=flow.title,
        href=flow_href(flow.key),
        integration=say_integration(flow, names),
        trigger=cut(say_trigger(flow)),
        filter=cut(flow.where.text) if flow.where else "",
        is_enabled=is_enabled,
        last=build_last(health.last, names, now_ms) if health.last else None,
        rate=build_rate(flow.key, health),
    )


def build_last(run: Summary, names: Names, now_ms: int) -> LastRun:
    """A run that has ended, in one line."""
    return LastRun(
        href=href_of(run),
        dot=DOT_OF_STATUS[run.status],
        state=run.state or run.status,
        moment=say_moment(run.time),
        day=say_other_day(run.time, now_ms),
        took=say_took(run.duration_ms),
        customer=cut(names.customer(run.customer)),
    )


def build_rate(key: str, health: Health, duration: str = DEFAULT_DURATION) -> Rate:
    """How its runs went, as a link to them, or to those that failed."""
    href = LogUrl(RUNS_PATH, (("flow", key),)).over(duration)
    if not health.ended:
        return Rate("", "no run", href.href, has_failure=False)
    # Cut, not rounded: one failure of 100,000 is not 100 %.
    share = (health.ended - health.failed) * 1_000 // health.ended
    words = f"{share / 10:.1f} %" if share % 10 else f"{share // 10} %"
    if not health.failed:
        return Rate(words, say_count(health.ended, "run"), href.href, has_failure=False)
    detail = f"{health.failed:,} of {say_count(health.ended, 'run')} failed"
    return Rate(words, detail, href.having("status", "failure").href, has_failure=True)


def say_integration(flow: Flow, names: Names) -> str:
    """`Orders: ERP → Ship`."""
    integration = flow.integration
    if integration is None:
        return ""
    route = " ".join(
        (
            names.product(integration.source_product),
            ARROWS[integration.direction],
            names.product(integration.target_product),
        )
    )
    return f"{integration.title or integration.key}: {route}"


def say_trigger(flow: Flow) -> str:
    """What starts it: `order.released from orders`, `every 5 minutes`."""
    parts = [
        f"{event.event or 'every event'} from {event.source}"
        for event in (build_event(one) for one in flow.subscriptions)
    ]
    if schedule := say_schedule(flow):
        parts.append(schedule)
    return ", ".join(parts) or "a call of the API"


def build_event(subscription: object) -> TriggerEvent:
    """The events of one subscription: those of one name from a source, or all of it."""
    if isinstance(subscription, str):
        return TriggerEvent("", subscription, events_href(("source", subscription)))
    source, event = getattr(subscription, "source", ""), getattr(subscription, "event", "")
    return TriggerEvent(event, source, events_href(("source", source), ("event", event)))


def say_schedule(flow: Flow) -> str:
    """`every 5 minutes`, `cron 0 6 * * 1-5 in Europe/Berlin`, "" without one."""
    if flow.every:
        return f"every {say_span(flow.every)}"
    return f"cron {flow.cron} in {flow.time_zone}" if flow.cron else ""


def say_span(span: timedelta) -> str:
    """`5 minutes`, `30 seconds`, `2 hours`, `1 day`; what is none of these in seconds."""
    seconds = span.total_seconds()
    for size, noun in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= size and seconds % size == 0:
            return say_count(int(seconds // size), noun)
    return say_count(int(seconds), "second") if seconds == int(seconds) else f"{seconds:g} seconds"


def build_flow_page(
    flow: Flow,
    layout: Layout,
    health: Health,
    runs: Sequence[Summary],
    *,
    names: Names,
    now_ms: int,
    is_enabled: bool,
    setting: FlowSetting | None,
    can_switch: bool,
) -> FlowPage:
    """One flow. `runs` are its latest, newest first; `setting` is what people decided about it."""
    events = tuple(build_event(one) for one in flow.subscriptions)
    label = (events[0].event or f"every event of {events[0].source}") if events else say_trigger(flow)
    more = f" and {len(events) - 1} more" if len(events) > 1 else ""
    about = flow.where.text if flow.where else "trigger"
    return FlowPage(
        layout=layout,
        key=flow.key,
        title=flow.title,
        version=flow.version,
        place=flow.place,
        integration=say_integration(flow, names),
        is_enabled=is_enabled,
        enabled_by=_say_setting(setting),
        can_switch=can_switch,
        graph=build_flow_graph(flow, Trigger(f"{label}{more}", about, "#trigger")),
        events=events,
        schedule=say_schedule(flow),
        filter=flow.where.text if flow.where else "",
        concurrency=_say_concurrency(flow),
        nodes=tuple(_node(node) for node in flow.graph.nodes),
        rate=build_rate(flow.key, health),
        runs=tuple(build_last(run, names, now_ms) for run in runs),
        runs_href=runs_href(("flow", flow.key)),
        why_not_href=why_not_href(flow=flow.key),
    )


def _say_setting(setting: FlowSetting | None) -> str:
    """Who decided whether it is enabled: `by ada@acme.example, 22 Nov 06:41 UTC`, or the code."""
    if setting is None:
        return "as its code says"
    return f"by {setting.changed_by}, {say_minute(setting.changed_at)} {zone_words()}"


def _say_concurrency(flow: Flow) -> str:
    if flow.concurrency is None:
        return "any number of runs at a time"
    return f"{say_count(flow.concurrency, 'run')} at a time for each connection"


def _node(node: Node) -> NodeRow:
    again = f"{say_count(node.retries, 'time')}, first after {node.backoff_s:g} s" if node.retries else "no"
    return NodeRow(
        name=node.name,
        title=node.title,
        after=node.upstream,
        when=node.when.text if node.when else "",
        retries=again,
        timeout=say_took(int(node.timeout_s * SECOND_MS)),
        on_error="goes on" if node.on_error == "continue" else "fails the run",
        place=node.place,
    )
