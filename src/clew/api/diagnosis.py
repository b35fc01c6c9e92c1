"""`/v1/records/{id}/cause` and `/decisions`: why a record failed, and which flows could have started and did not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from litestar import Router, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from clew.api.authentication import requires
from clew.api.representation import RecordItem, item_fields, show_item
from clew.api.visible import find_chain, find_visible
from clew.core.clock import to_rfc3339
from clew.core.record import ErrorInfo, Record, summarize
from clew.core.request_log import note
from clew.diagnosis.cause import Cause, build_cause
from clew.diagnosis.decisions import Decision, build_decisions
from clew.log.search import Search
from clew.registry.keys import Keys, Principal


class CauseItem(RecordItem, frozen=True, kw_only=True):
    """The record that failed first, with its error whole."""

    error: ErrorInfo | None


class BrokenItem(RecordItem, frozen=True, kw_only=True):
    """A record that failed because of the cause, and a sentence that says so."""

    sentence: str


class CauseForm(msgspec.Struct, frozen=True, kw_only=True):
    """Why a record, or the chain it belongs to, failed or did not run.

    `cause` is null where nothing failed. `path` leads from the record that was asked about to the cause, both included;
    `broke` is what else failed because of it. `explanation` is a sentence, always there; `code` names its kind, and
    `advice` says what to do.
    """

    cause: CauseItem | None
    path: list[RecordItem]
    broke: list[BrokenItem]
    explanation: str
    code: str
    advice: str | None


class DecisionItem(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a flow started for an event.

    `verdict` says whether, `code` and `reason` why. For a filter `clause` is the part that did not match, `expected`
    what it asks for and `actual` the value that it saw.
    """

    flow: str | None
    verdict: str
    code: str
    clause: str | None
    expected: str | None
    actual: Any
    reason: str | None
    flow_run_id: str | None
    event_id: str
    record_id: str
    time: str


class DecisionList(msgspec.Struct, frozen=True, kw_only=True):
    """The decisions that a record belongs to, oldest first."""

    items: list[DecisionItem]
    next: str | None = None
    prev: str | None = None


def build_diagnosis(search: Search, keys: Keys, product_title: Callable[[str, str], str]) -> Router:
    """The routes. All need the scope `read`.

    `product_title` gives what people call a product, by its workspace and key.
    """

    @get("/records/{id:str}/cause", operation_id="getCause")
    async def get_cause(principal: NamedDependency[Principal], id: FromPath[str]) -> CauseForm:
        """Find the first failure that explains this record, the way to it, and what else it broke."""
        record = await find_visible(search, principal, id)
        chain = await find_chain(search, principal, record)
        note(f"looked for the cause among {len(chain)} records")
        return _show_cause(build_cause(chain, record.id, lambda key: product_title(principal.workspace, key)))

    @get("/records/{id:str}/decisions", operation_id="getDecisions")
    async def get_decisions(principal: NamedDependency[Principal], id: FromPath[str]) -> DecisionList:
        """List for every flow that could have started whether it did, and if not why."""
        record = await find_visible(search, principal, id)
        decisions = build_decisions(await find_chain(search, principal, record), record.id)
        note(f"found {len(decisions)} decisions")
        return DecisionList(items=[_show_decision(decision) for decision in decisions])

    return Router(
        "/v1", guards=[requires(keys, "read")], route_handlers=[get_cause, get_decisions], tags=["Why it failed"]
    )


def _show_cause(cause: Cause) -> CauseForm:
    return CauseForm(
        cause=CauseItem(**_fields(cause.record), error=cause.record.error) if cause.record else None,
        path=[show_item(summarize(record)) for record in cause.path],
        broke=[BrokenItem(**_fields(broken.record), sentence=broken.sentence) for broken in cause.broke],
        explanation=cause.explanation.summary,
        code=cause.explanation.code,
        advice=cause.explanation.advice or None,
    )


def _fields(record: Record) -> dict[str, Any]:
    return item_fields(summarize(record))


def _show_decision(decision: Decision) -> DecisionItem:
    return DecisionItem(
        flow=decision.flow or None,
        verdict=decision.verdict,
        code=decision.code,
        clause=decision.clause or None,
        expected=decision.expected or None,
        actual=decision.actual,
        reason=decision.reason or None,
        flow_run_id=decision.flow_run_id or None,
        event_id=decision.event_id,
        record_id=decision.record_id,
        time=to_rfc3339(decision.time),
    )
