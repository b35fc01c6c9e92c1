"""The records that a flow run writes: of its nodes' attempts, of their requests, and of the run as a whole.

A record is built from a dict of what is there (a call with more than fifteen named arguments is slow), and what is
JSON already goes in as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Literal

import msgspec

from clew.core.clock import to_rfc3339
from clew.core.ids import digest, digester, new_id, time_of, trace_id_of
from clew.core.record import ErrorInfo, LogLine, Record, Status, encode_line
from clew.core.redaction import Places
from clew.flows.cleaning import Cleaner
from clew.flows.event import Event
from clew.flows.exchanges import Exchange
from clew.flows.flow import Flow
from clew.flows.runner import Launch
from clew.journal.journal import Item
from clew.triggers.match import Verdict

JSON = "application/json"
MOST_INPUT_BYTES = 64 * 1024
"""Of one parameter in a node run's input. The whole of a longer one is in the record that it came from."""

NodeRunState = Literal["completed", "failed", "skipped", "stopped"]
RunState = Literal["completed", "failed", "stopped"]

_encode = msgspec.json.Encoder().encode
_digester = lru_cache(maxsize=1_024)(digester)


class Attempt(msgspec.Struct, kw_only=True):
    """One run of a node, as it is written down. Times are ms since the epoch.

    `output` and the values of `input` are JSON. `parameters` is what else is to be told: `skipped_because`, `retry_at`,
    `reused`.
    """

    id: str
    node: str
    number: int = 1
    attempts: int = 1
    state: NodeRunState = "completed"
    status: Status = "success"
    message: str = ""
    output: bytes = b""
    input: Mapping[str, bytes] = {}
    upstream: Mapping[str, str] = {}
    parameters: Mapping[str, Any] = {}
    logs: tuple[LogLine, ...] = ()
    error: ErrorInfo | None = None
    duration_ms: int | None = None


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """How a run ended. `nodes` is what became of each. Times are ms since the epoch."""

    state: RunState
    ended_ms: int
    started_ms: int | None
    queued_ms: int
    nodes: Mapping[str, Mapping[str, Any]]
    error: ErrorInfo | None = None
    message: str = ""


class RunRecords:
    """Writes the records of one run. `flow` is None where it is no longer declared."""

    def __init__(self, launch: Launch, flow: Flow | None, cleaner: Cleaner) -> None:
        self.event = _encode(launch.event)
        """The event as JSON, made before any node can change what is in it."""
        self.clean_event, self._event_places = cleaner.json(self.event)
        self._launch = launch
        self._cleaner = cleaner
        self._shared = _shared_fields(launch, flow)
        self._node_key = _digester("node_run", launch.run_id)

    @property
    def workspace(self) -> str:
        """The workspace that all of it belongs to."""
        return self._launch.workspace

    @property
    def trace_id(self) -> str:
        """The trace that all of it belongs to."""
        return str(self._shared["trace_id"])

    def node_run(self, attempt: Attempt) -> Item:
        """The record of an attempt. Its key: the same attempt is written once."""
        parameters: dict[str, Any] = {
            "attempt": attempt.number,
            "attempts": attempt.attempts,
            "input": {name: _input_value(value) for name, value in attempt.input.items()},
            "upstream": attempt.upstream,
            **attempt.parameters,
        }
        fields = {
            **self._shared,
            "id": attempt.id,
            "time": time_of(attempt.id),
            "kind": "node_run",
            "parent_id": self._launch.run_id,
            "node": attempt.node,
            "state": attempt.state,
            "status": attempt.status,
            "message": attempt.message,
            "duration_ms": attempt.duration_ms,
        }
        cleaned, places = self._cleaner.json(_encode(parameters))
        fields["parameters"] = cleaned.decode()
        redacted = _within("/parameters", places)
        if attempt.output:
            output, places = self._cleaner.json(attempt.output)
            fields["payload"] = output.decode()
            fields["content_type"] = JSON
            redacted += _within("/payload", places)
        if redacted:
            fields["redacted"] = redacted
        if attempt.error:
            fields["error"] = self._cleaner.error(attempt.error)
            fields["message"] = self._cleaner.text(attempt.message)
        if attempt.logs:
            fields["logs"] = self._cleaner.lines(attempt.logs)
        return _item(fields, self._node_key(f"{attempt.node} {attempt.number}"))

    def api_request(self, product: str, exchange: Exchange, node: str, node_run_id: str, attempt: int) -> Item:
        """The record of a request that a node made."""
        fields = {
            **self._shared,
            "id": exchange.id,
            "time": exchange.time_ms,
            "kind": "api_request",
            "parent_id": node_run_id,
            "node": node,
            **_way_to(product, self._shared),
            "action": exchange.method,
            "status": "failure" if exchange.error else "success",
            "message": exchange.message,
            "error": exchange.error,
            "http": exchange.to_http(),
            "duration_ms": exchange.duration_ms,
            # Where the node's own record was never written, this tells whose request it was.
            "parameters": _encode({"flow_run": self._launch.run_id, "attempt": attempt}).decode(),
        }
        return _item(fields, b"")

    def flow_run(self, ended: Ended) -> Item:
        """The record of the run. Its key: a run ends once."""
        launch = self._launch
        parameters = {
            "launched_by": launch.launched_by,
            "start_node": launch.from_node or next(iter(ended.nodes), ""),
            "nodes": ended.nodes,
            "queued_at": to_rfc3339(ended.queued_ms),
            "started_at": to_rfc3339(ended.started_ms) if ended.started_ms is not None else None,
            "ended_at": to_rfc3339(ended.ended_ms),
        }
        origin = {"repeat_of": launch.repeat_of, "replay_of": launch.replay_of, "from_node": launch.from_node}
        parameters |= {name: value for name, value in origin.items() if value}
        fields = {
            **self._shared,
            "id": launch.run_id,
            "time": time_of(launch.run_id),
            "kind": "flow_run",
            "event": launch.flow,
            "parent_id": launch.parent_id,
            "state": ended.state,
            "status": _STATUS[ended.state],
            "message": self._cleaner.text(ended.message) if ended.error else ended.message,
            "parameters": self._cleaner.json(_encode(parameters))[0].decode(),
            "payload": self.clean_event.decode(),
            "content_type": JSON,
            "error": self._cleaner.error(ended.error) if ended.error else None,
            "duration_ms": max(0, ended.ended_ms - (ended.started_ms or ended.queued_ms)),
        }
        if self._event_places:
            fields["redacted"] = _within("/payload", self._event_places)
        return _item(fields, digest("flow_run", launch.run_id))


_STATUS: dict[RunState, Status] = {"completed": "success", "failed": "failure", "stopped": "info"}


class Decided(msgspec.Struct, frozen=True, kw_only=True):
    """What was decided for one event and one flow (empty: no flow at all names the event)."""

    flow: str
    code: str
    message: str
    verdict: Verdict | None = None
    flow_run_id: str = ""
    reason: str = ""


def decision_item(event: Record, decided: Decided, flow: Flow | None) -> Item:
    """The record of a decision. Its key: for one event and one flow there is one."""
    verdict = decided.verdict or _NO_VERDICT
    record_id = new_id()
    parameters = {
        "verdict": "launched" if decided.code == "launched" else "not_launched",
        "code": decided.code,
        "clause": verdict.clause,
        "expected": verdict.expected,
        "actual": verdict.actual,
        "reason": decided.reason or verdict.reason,
        "flow_run_id": decided.flow_run_id,
    }
    fields: dict[str, Any] = {
        "id": record_id,
        "time": time_of(record_id),
        "workspace": event.workspace,
        "kind": "decision",
        "event": event.event,
        "parent_id": event.id,
        "trace_id": event.trace_id,
        "state": decided.code,
        "status": "failure" if decided.code in _FAILURES else "info",
        "message": decided.message,
        "flow": decided.flow,
        "source_product": event.source_product,
        "parameters": _encode(parameters).decode(),
    }
    _add_present(fields, event, _integration_of(flow, event.integration))
    return _item(fields, _decision_key(event.workspace, event.id, decided.flow))


_NO_VERDICT = Verdict(matched=False)
_FAILURES = frozenset({"queue_full", "connection_disconnected"})


def _decision_key(workspace: str, event_id: str, flow: str) -> bytes:
    return digest("decision", workspace, event_id, flow)


def _shared_fields(launch: Launch, flow: Flow | None) -> dict[str, Any]:
    event = launch.event
    fields: dict[str, Any] = {
        "workspace": launch.workspace,
        "flow": launch.flow,
        "trace_id": event.trace_id or trace_id_of(event.id),
    }
    integration = flow.integration if flow else None
    if flow:
        fields["flow_version"] = flow.version
    if integration:
        fields["source_product"] = integration.source_product
        fields["target_product"] = integration.target_product
        fields["direction"] = integration.direction
    _add_present(fields, event, _integration_of(flow, event.integration))
    return fields


def _way_to(product: str, shared: Mapping[str, Any]) -> dict[str, str]:
    """From where to where a request goes: to the product that is called, whichever way its integration leads.

    It is made for the other side of the integration, so a request to the product that a run starts from is one from
    its target. A run without an integration has no other side.
    """
    source, target = shared.get("source_product", ""), shared.get("target_product", "")
    if not source:
        return {"target_product": product}
    return {
        "source_product": target if product == source else source,
        "target_product": product,
        "direction": "one-way",
    }


def _integration_of(flow: Flow | None, named: str) -> str:
    return flow.integration.key if flow and flow.integration else named


def _add_present(fields: dict[str, Any], event: Event | Record, integration: str) -> None:
    """What of the event goes into each record that it brings about, where there is something."""
    if event.customer:
        fields["customer"] = event.customer
    if event.connection:
        fields["connection"] = event.connection
    if event.source:
        fields["source"] = event.source
    if event.keys:
        fields["keys"] = event.keys
    if integration:
        fields["integration"] = integration


def _within(field: str, places: Places) -> Places:
    """Places in a field's JSON as places in the record."""
    return tuple(field + place.rstrip("/") for place in places)


def _input_value(value: bytes) -> Any:
    return msgspec.Raw(value) if len(value) <= MOST_INPUT_BYTES else {"cut": True, "size": len(value)}


def _item(fields: dict[str, Any], key: bytes) -> Item:
    return Item(fields["id"], encode_line(Record(**fields)), key)
