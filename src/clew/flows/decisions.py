"""Whether an event launches a flow, and if not, why: pure rules, each answer a sentence."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import msgspec

from clew.core.clock import to_rfc3339
from clew.core.record import Record
from clew.flows.event import Event, from_record
from clew.flows.flow import Flow
from clew.flows.flow_settings import FlowSetting
from clew.flows.records import Decided
from clew.flows.runner import Launch, LaunchedBy, LaunchResult, LaunchType
from clew.registry.connections import Connection
from clew.registry.declare import EventRef
from clew.triggers.match import Verdict, evaluate

_TYPES: dict[str, LaunchType] = {"external_event": "external-event", "internal_event": "app-event-trigger"}


class Judged(msgspec.Struct, frozen=True):
    """One event and one flow (None: no flow names the event): refused, or to be launched."""

    record: Record
    flow: Flow | None
    refusal: Decided | None = None
    launch: Launch | None = None


class Rules:
    """Judges events.

    `setting_of` knows what people decided, `archived_at` since when a customer is archived (ms), `cut_off` which
    connections are disconnected or archived.
    """

    def __init__(
        self,
        flows: Iterable[Flow],
        *,
        setting_of: Callable[[str, str], FlowSetting | None],
        archived_at: Callable[[str, str], int | None],
        cut_off: Callable[[str, str], Connection | None],
    ) -> None:
        self._setting_of = setting_of
        self._archived_at = archived_at
        self._cut_off = cut_off
        self._by_event: dict[EventRef | str, list[Flow]] = {}
        for flow in flows:
            for subscription in flow.subscriptions:
                self._by_event.setdefault(subscription, []).append(flow)

    def judge(self, record: Record) -> list[Judged]:
        """What becomes of an event, flow by flow."""
        if record.error is not None or not record.event:
            return [_no_flow(record, "the event could not be read, so no flow can wait for it")]
        flows = self._subscribed(record)
        if not flows:
            where = f" from {record.source}" if record.source else ""
            return [_no_flow(record, f"no flow waits for {record.event}{where}")]
        event = from_record(record)
        return [self._judge(record, flow, event) for flow in flows]

    def _subscribed(self, record: Record) -> list[Flow]:
        named = self._by_event.get(EventRef(record.source, record.event), ())
        return list(dict.fromkeys((*named, *self._by_event.get(record.source, ()))))

    def _judge(self, record: Record, flow: Flow, event: Event) -> Judged:
        refusal = self._why_not(record, flow, event)
        if refusal:
            return Judged(record, flow, refusal=refusal)
        launched_by = LaunchedBy(_TYPES[record.kind], (record.id,))
        launch = Launch(
            workspace=record.workspace, flow=flow.key, event=event, launched_by=launched_by, parent_id=record.id
        )
        return Judged(record, flow, launch=launch)

    def _why_not(self, record: Record, flow: Flow, event: Event) -> Decided | None:
        if record.duplicate_of:
            return _refuse(flow, "duplicate", f"the event came before, as {record.duplicate_of}")
        setting = self._setting_of(record.workspace, flow.key)
        if not (setting.enabled if setting else flow.enabled):
            return _refuse(flow, "flow_disabled", said_of_disabled(setting))
        connection = self._cut_off(record.workspace, record.connection) if record.connection else None
        out_of_use = self._out_of_use(record, flow, connection)
        if out_of_use:
            return out_of_use
        if flow.where is not None:
            verdict = evaluate(flow.where, {"event": event.to_cel()})
            if not verdict.matched:
                return _refuse(flow, "filter_not_matched", verdict.reason, verdict)
        if connection:
            # Behind the filter: it is a failure only where a run is missing that should have been.
            verdict = disconnected(connection)
            return _refuse(flow, "connection_disconnected", verdict.reason, verdict)
        return None

    def _out_of_use(self, record: Record, flow: Flow, connection: Connection | None) -> Decided | None:
        archived_ms = self._archived_at(record.workspace, record.customer) if record.customer else None
        if archived_ms is not None:
            reason = f"the customer {record.customer} is archived since {to_rfc3339(archived_ms)}"
            return _refuse(flow, "customer_archived", reason)
        if connection and connection.archived_at is not None:
            reason = f"{_named(connection)} is archived since {to_rfc3339(connection.archived_at)}"
            return _refuse(flow, "connection_archived", reason)
        return None


def disconnected(connection: Connection) -> Verdict:
    """That a connection is disconnected, as a clause that failed: since when, and with which error."""
    since = to_rfc3339(connection.changed_at)
    because = f": {connection.error}" if connection.error else ""
    return Verdict(
        matched=False,
        clause="connection.state == 'connected'",
        expected="'connected'",
        actual={"connection": connection.key, "state": connection.state, "since": since, "error": connection.error},
        reason=f"{_named(connection)} is disconnected since {since}{because}",
    )


def _named(connection: Connection) -> str:
    by_name = f" ({connection.name})" if connection.name != connection.key else ""
    return f"the connection {connection.key}{by_name}"


def said_of_disabled(setting: FlowSetting | None) -> str:
    """Why a flow is switched off."""
    if setting is None:
        return "the flow is switched off in its code"
    by = f" by {setting.changed_by}" if setting.changed_by else ""
    return f"the flow was switched off{by} at {to_rfc3339(setting.changed_at)}"


def decide(judged: Judged, results: Mapping[str, LaunchResult], most_waiting: int) -> Decided:
    """The decision, now that it is known what became of the launches."""
    if judged.refusal is not None:
        return judged.refusal
    launch, flow = judged.launch, judged.flow
    assert launch is not None
    assert flow is not None
    if results[launch.run_id].code == "queue_full":
        place = launch.lane if launch.event.connection or launch.event.customer else "this flow"
        return _refuse(flow, "queue_full", f"{most_waiting:,} runs already wait for {place}")
    # A run that is known already was opened for this very event: what was cut off in between goes on.
    return Decided(flow=flow.key, code="launched", message=f"{flow.title} was launched.", flow_run_id=launch.run_id)


def _refuse(flow: Flow, code: str, reason: str, verdict: Verdict | None = None) -> Decided:
    message = f"{flow.title} was not launched: {reason.removesuffix('.')}."
    return Decided(flow=flow.key, code=code, message=message, verdict=verdict, reason=reason)


def _no_flow(record: Record, reason: str) -> Judged:
    message = f"Nothing was launched: {reason}."
    return Judged(record, None, refusal=Decided(flow="", code="no_flow_subscribed", message=message, reason=reason))
