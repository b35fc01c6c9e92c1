"""Why: `/v1/records/{id}/cause` of a failure, `/decisions` of an event, and `/v1/why-not` of what did not run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import msgspec
from litestar import Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from clew.api.authentication import requires
from clew.api.representation import CoverageForm, RecordItem, item_fields, show_item
from clew.api.visible import find_visible, find_visible_chain
from clew.core.clock import from_rfc3339, to_rfc3339
from clew.core.errors import FieldError, Invalid
from clew.core.record import ErrorInfo, Kind, Record, summarize
from clew.core.request_log import note
from clew.diagnosis.cause import Cause, build_cause
from clew.diagnosis.decisions import Decision, build_decisions
from clew.diagnosis.why_not import WhyNot, WhyNotRequest, WhyNots
from clew.diagnosis.why_not_words import Check, CheckName, CheckVerdict, Evidence
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


class WhyNotQuestion(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"from_time": "from"}
):
    """What should have run: a flow, or what an event of this type starts; for one customer, or for any; in this time.

    `from` and `to` are RFC 3339. Without `to` it is until now, without `from` the day before `to`.
    """

    customer: Annotated[str, msgspec.Meta(max_length=200)] = ""
    flow: Annotated[str, msgspec.Meta(max_length=200)] = ""
    event_type: Annotated[str, msgspec.Meta(max_length=200)] = ""
    from_time: str | None = None
    to: str | None = None


class EvidenceItem(msgspec.Struct, frozen=True, kw_only=True):
    """A record that shows it. For a filter: the clause that was not true, what it wants and the value that it saw."""

    record_id: str
    kind: Kind
    time: str
    sentence: str
    clause: str | None
    expected: str | None
    actual: Any
    link: str


class CheckItem(msgspec.Struct, frozen=True, kw_only=True):
    """One link of the chain: a question, whether it held, what was seen. `more` counts evidence that is not named."""

    name: CheckName
    question: str
    verdict: CheckVerdict
    sentence: str
    advice: str | None
    evidence: list[EvidenceItem]
    more: int


class WhyNotForm(msgspec.Struct, frozen=True, kw_only=True, rename={"from_time": "from"}):
    """Why it did not run. `broken` names the first link that is broken, null where none is known to be."""

    summary: str
    broken: CheckName | None
    advice: str | None
    customer: str | None
    flow: str | None
    event_type: str | None
    from_time: str
    to: str
    checks: list[CheckItem]
    coverage: CoverageForm


def build_diagnosis(search: Search, keys: Keys, product_title: Callable[[str, str], str]) -> Router:
    """The routes. All need the scope `read`.

    `product_title` gives what people call a product, by its workspace and key.
    """

    @get("/records/{id:str}/cause", operation_id="getCause")
    async def get_cause(principal: NamedDependency[Principal], id: FromPath[str]) -> CauseForm:
        """Find the first failure that explains this record, the way to it, and what else it broke."""
        record = await find_visible(search, principal, id)
        chain = await find_visible_chain(search, principal, record)
        note(f"looked for the cause among {len(chain)} records")
        return _show_cause(build_cause(chain, record.id, lambda key: product_title(principal.workspace, key)))

    @get("/records/{id:str}/decisions", operation_id="getDecisions")
    async def get_decisions(principal: NamedDependency[Principal], id: FromPath[str]) -> DecisionList:
        """List for every flow that could have started whether it did, and if not why."""
        record = await find_visible(search, principal, id)
        decisions = build_decisions(await find_visible_chain(search, principal, record), record.id)
        note(f"found {len(decisions)} {'decision' if len(decisions) == 1 else 'decisions'}")
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


def build_why_not(why_nots: WhyNots, keys: Keys) -> Router:
    """The route of what did not run. It changes nothing and needs the scope `read`."""

    @post("/why-not", operation_id="whyNot", status_code=200)
    async def explain_why_not(principal: NamedDependency[Principal], data: WhyNotQuestion) -> WhyNotForm:
        """Walk the chain from the source to the end of the run, and name its first broken link with evidence."""
        answer = await why_nots.explain(_read_question(data, principal))
        note(f"checked {len(answer.checks)} links, the first broken is {answer.broken}", answer.coverage.to_json())
        return _show_why_not(answer)

    return Router("/v1", guards=[requires(keys, "read")], route_handlers=[explain_why_not], tags=["Why it failed"])


def _read_question(data: WhyNotQuestion, principal: Principal) -> WhyNotRequest:
    return WhyNotRequest(
        workspace=principal.workspace,
        customer=data.customer,
        flow=data.flow,
        event_type=data.event_type,
        from_ms=None if data.from_time is None else _read_time("from", data.from_time),
        to_ms=None if data.to is None else _read_time("to", data.to),
        own_customer=principal.customer,
    )


def _read_time(name: str, text: str) -> int:
    try:
        return from_rfc3339(text)
    except ValueError:
        detail = f"{text[:80]!r} is no time: it is RFC 3339, `2026-11-22T06:41:25Z`, or a date."
        raise Invalid(f"{name}: {detail}", errors=(FieldError(f"/{name}", detail),)) from None


def _show_why_not(answer: WhyNot) -> WhyNotForm:
    question = answer.question
    return WhyNotForm(
        summary=answer.summary,
        broken=answer.broken,
        advice=answer.advice or None,
        customer=question.customer or None,
        flow=question.flow.key if question.flow else None,
        event_type=question.event or None,
        from_time=to_rfc3339(question.from_ms),
        to=to_rfc3339(question.to_ms),
        checks=[_show_check(check) for check in answer.checks],
        coverage=msgspec.convert(answer.coverage.to_json(), CoverageForm),
    )


def _show_check(check: Check) -> CheckItem:
    return CheckItem(
        name=check.name,
        question=check.question,
        verdict=check.verdict,
        sentence=check.sentence,
        advice=check.advice or None,
        evidence=[_show_evidence(one) for one in check.evidence],
        more=check.more,
    )


def _show_evidence(one: Evidence) -> EvidenceItem:
    return EvidenceItem(
        record_id=one.record_id,
        kind=one.kind,
        time=to_rfc3339(one.time),
        sentence=one.sentence,
        clause=one.clause or None,
        expected=one.expected or None,
        actual=one.actual,
        # A run that is open has no record yet.
        link=f"/v1/flow-runs/{one.record_id}" if one.kind == "flow_run" else f"/v1/records/{one.record_id}",
    )
