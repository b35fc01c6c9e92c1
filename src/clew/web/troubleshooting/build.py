"""The parts of the troubleshooting page that need no question: the logs, the form, what failed lately, the example."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from clew.core.record import Kind, Summary
from clew.flows.flow import Flow
from clew.registry.customers import Customer
from clew.registry.declare import EventRef
from clew.web.layout import SIX_LOGS
from clew.web.links import href_of
from clew.web.logs.views import Option
from clew.web.names import Names
from clew.web.troubleshooting.asked import OF_INTEGRATION, Asked
from clew.web.troubleshooting.views import CheckForm, FailureStart, FlowGroup, LogLink
from clew.web.wording import cut, say_event, say_message, say_moment, say_other_day

_SENTENCES: Mapping[Kind, str] = {
    "api_request": "Each request that a flow sent to a product, and each call of this server's API.",
    "external_webhook": "Each webhook that a product sent here, also one that was refused, with the response it got.",
    "external_event_pull": "Each time a source was polled for what is new, and the events it brought.",
    "external_event": "Each event found in a webhook or a pull, and the flows that it launched.",
    "internal_event": "Each event that your own product sent in, and the flows that it launched.",
    "flow_run": "Each run of a flow, step by step, with what went in, what came out, and what was logged.",
}
_WITHINS = (
    Option("5m", "5 minutes around it"),
    Option("15m", "15 minutes around it"),
    Option("1h", "1 hour around it"),
    Option("6h", "6 hours around it"),
    Option("24h", "24 hours around it"),
)
EXAMPLE_ANSWER = """{
  "items": [...],
  "_logs": [
    {"time": "2026-11-22T06:41:25.410Z", "type": "message", "msg": "found 1 record", "data": {...}}
  ]
}"""


def build_logs() -> tuple[LogLink, ...]:
    """The six logs in their order."""
    return tuple(LogLink(log.label, log.path, _SENTENCES[log.kind]) for log in SIX_LOGS if log.kind)


def build_form(asked: Asked, customers: Sequence[Customer], flows: Mapping[str, Flow], names: Names) -> CheckForm:
    """The form with what was asked in it."""
    return CheckForm(
        customer=asked.customer,
        customers=tuple(Option(one.key, one.name) for one in customers),
        flow=asked.flow,
        groups=_group_flows(flows, names),
        event_type=asked.event_type,
        event_types=_event_types(flows),
        at=asked.at.removesuffix("Z"),
        within=asked.within,
        withins=_WITHINS,
        from_text=asked.from_text.removesuffix("Z"),
        to_text=asked.to_text.removesuffix("Z"),
        is_by_bounds=bool(asked.from_text or asked.to_text),
    )


def _group_flows(flows: Mapping[str, Flow], names: Names) -> tuple[FlowGroup, ...]:
    """Flows by integration, those of none last. An integration of several may be asked for as a whole."""
    grouped: dict[str, list[Option]] = {}
    for flow in flows.values():
        key = flow.integration.key if flow.integration else ""
        grouped.setdefault(key, []).append(Option(flow.key, flow.title))
    groups = []
    for key in sorted(grouped, key=lambda one: (not one, names.integration(one))):
        whole = [Option(f"{OF_INTEGRATION}{key}", f"Any flow of {names.integration(key)}")]
        has_whole = bool(key) and len(grouped[key]) > 1
        options = (*(whole if has_whole else ()), *grouped[key])
        groups.append(FlowGroup(names.integration(key) if key else "Of no integration", options))
    return tuple(groups)


def _event_types(flows: Mapping[str, Flow]) -> tuple[str, ...]:
    """The events that flows wait for. Any other may be typed."""
    found = (one.event for flow in flows.values() for one in flow.subscriptions if isinstance(one, EventRef))
    return tuple(sorted(set(found)))


def build_failure(item: Summary, names: Names, now_ms: int) -> FailureStart:
    """Something that failed, as a place to begin."""
    event, key = cut(say_event(item)), cut(next(iter(item.keys.values()), ""))
    return FailureStart(
        href=href_of(item),
        event=event,
        key="" if key in event else key,
        customer=cut(names.customer(item.customer)),
        message=cut(say_message(item)),
        moment=say_moment(item.time),
        day=say_other_day(item.time, now_ms),
    )


def build_example(base_url: str) -> str:
    """A request with its log."""
    return f'curl -H "Authorization: Bearer $CLEW_KEY" \\\n  "{base_url}/v1/records?limit=1&logs=1"'
