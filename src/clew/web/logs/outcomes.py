"""What the records of a page led to: the events that a webhook or a pull brought, the runs that an event launched.

One question for the whole page. What a record led to is in its trace, soon after it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from clew.core.clock import DAY_MS, MINUTE_MS, to_rfc3339
from clew.core.record import Kind, Summary
from clew.web.face import WebFace
from clew.web.links import href_of, record_href, run_href
from clew.web.logs.url import ALL_TIME, LogUrl
from clew.web.logs.views import Outcome
from clew.web.wording import say_count

LIMIT = 1_000
"""Records that are looked at for one page."""
_EARLY_MS, _LATE_MS = MINUTE_MS, DAY_MS
"""How much earlier than its parent a clock may have put a child, and how much later it is looked for."""
MAX_SPAN_MS = 7 * DAY_MS
"""How much older than the latest of them a record may be: of a longer time, fifty traces are too much to ask for."""
NOT_ASKED = "open to see"

_COLLECTED: Sequence[Kind] = ("external_event",)
_DECIDED: Sequence[Kind] = ("decision", "flow_run")
_FOLLOW: Mapping[Kind, Sequence[Kind]] = {
    "external_webhook": _COLLECTED,
    "external_event_pull": _COLLECTED,
    "external_event": _DECIDED,
    "internal_event": _DECIDED,
}


class _Told(msgspec.Struct, frozen=True):
    flow_run_id: str | None = None


async def find_outcomes(face: WebFace, workspace: str, items: Sequence[Summary]) -> Mapping[str, Outcome]:
    """What each of these records led to, by id. A record that led to nothing is left out."""
    leading = [item for item in items if item.kind in _FOLLOW and item.trace_id]
    if not leading:
        return {}
    begin_ms = max(item.time for item in leading) - MAX_SPAN_MS
    asked = [item for item in leading if item.time >= begin_ms]
    not_asked = {item.id: Outcome(NOT_ASKED, record_href(item.id)) for item in leading if item.time < begin_ms}
    return not_asked | await _ask(face, workspace, asked)


def leads_on(kind: Kind | None) -> bool:
    """Whether the log of this kind says what its records led to."""
    return kind in _FOLLOW


async def _ask(face: WebFace, workspace: str, items: Sequence[Summary]) -> dict[str, Outcome]:
    kinds = sorted({kind for item in items for kind in _FOLLOW[item.kind]})
    traces = sorted({item.trace_id for item in items})
    times = [item.time for item in items]
    pairs = [
        *(("kind", kind) for kind in kinds),
        *(("trace_id", trace) for trace in traces),
        ("from", to_rfc3339(min(times) - _EARLY_MS)),
        ("to", to_rfc3339(max(times) + _LATE_MS)),
        ("limit", str(LIMIT)),
    ]
    page = (await face.search.page(face.parser.parse_list(pairs, workspace=workspace))).page
    children: dict[str, list[Summary]] = {}
    for child in page.items:
        children.setdefault(child.parent_id, []).append(child)
    is_cut = page.has_next or page.truncated
    return {item.id: _outcome(item, children[item.id], is_cut=is_cut) for item in items if item.id in children}


def _outcome(item: Summary, children: Sequence[Summary], *, is_cut: bool) -> Outcome:
    if item.kind in ("external_event", "internal_event"):
        return _say_launched(item, children, is_cut=is_cut)
    count = say_count(len(children), "event", at_least=is_cut)
    if len(children) == 1 and not is_cut:
        return Outcome(count, href_of(children[0]))
    both = (("trace_id", item.trace_id), ("duration", ALL_TIME))
    return Outcome(count, LogUrl("/logs/external-events", both).href)


def _say_launched(item: Summary, children: Sequence[Summary], *, is_cut: bool) -> Outcome:
    decided = {_run_of(child) for child in children if child.kind == "decision" and child.state == "launched"}
    runs = (decided | {child.id for child in children if child.kind == "flow_run"}) - {""}
    if runs:
        href = run_href(next(iter(runs))) if len(runs) == 1 and not is_cut else record_href(item.id)
        return Outcome(say_count(len(runs), "run", at_least=is_cut), href)
    refusals = [child for child in children if child.kind == "decision"]
    codes = list(dict.fromkeys(child.state.replace("_", " ") for child in refusals if child.state))
    is_failure = any(child.status == "failure" for child in refusals)
    return Outcome(", ".join(codes[:2]), record_href(item.id), is_failure)


def _run_of(decision: Summary) -> str:
    try:
        return msgspec.json.decode(decision.parameters or "{}", type=_Told).flow_run_id or ""
    except (msgspec.DecodeError, RecursionError):
        return ""
