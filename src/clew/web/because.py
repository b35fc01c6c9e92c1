"""Why something failed, in one sentence, and the way there: the diagnosis as pages show it."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from clew.core.record import Record
from clew.diagnosis.cause import Broken, build_cause
from clew.web.links import href_of, record_href, run_href
from clew.web.names import Names
from clew.web.wording import cut, say_event

MAX_BROKEN = 5
"""Records that are named as broken by the same cause; the trace has them all."""


class BrokenView(msgspec.Struct, frozen=True):
    """Something else that failed for the same reason."""

    label: str
    sentence: str
    href: str


class Because(msgspec.Struct, frozen=True, kw_only=True):
    """Why it failed or did not run. `advice` says what to do.

    `href` leads to the cause, "" where this is the place; `where` says what it is and how it is reached.
    """

    summary: str
    advice: str
    where: str
    href: str
    is_failure: bool
    broke: tuple[BrokenView, ...] = ()
    broke_more: int = 0


def build_because(chain: Sequence[Record], record_id: str, names: Names) -> Because | None:
    """Why a record failed or did not run, or what failed before or after it; None where nothing did.

    `chain` are all records of its trace, itself among them.
    """
    cause = build_cause(chain, record_id, names.product)
    if cause.record is None:
        return None
    is_here = cause.record.id == record_id
    return Because(
        summary=cause.explanation.summary,
        advice=cause.explanation.advice,
        where="" if is_here else _say_way(cause.path),
        href="" if is_here else reason_href(cause.record),
        is_failure=cause.record.status == "failure",
        broke=tuple(_broken(one) for one in cause.broke[:MAX_BROKEN]),
        broke_more=max(len(cause.broke) - MAX_BROKEN, 0),
    )


def _say_way(path: Sequence[Record]) -> str:
    """`order.released → order-to-ship → create_shipment`: the last few steps to the cause."""
    names = [cut(say_event(record)) for record in path]
    return " → ".join(names if len(names) <= 4 else [names[0], "…", *names[-3:]])


def _broken(one: Broken) -> BrokenView:
    return BrokenView(cut(say_event(one.record)), cut(one.sentence), href_of(one.record))


def reason_href(record: Record) -> str:
    """The page that says why this record failed, opened where it says it."""
    if record.kind == "flow_run":
        return run_href(record.id, tab="error" if record.error else "")
    if record.kind == "node_run" and record.parent_id:
        view = "error" if record.error else "logs"
        return run_href(record.parent_id, node=record.node, run=record.id, view=view)
    return record_href(record.id, reason_tab(record))


def reason_tab(record: Record) -> str:
    """The tab where a failed record says why: its error, else its message, else the response it got.

    What did not fail, a decision, says it at once.
    """
    if record.status != "failure":
        return ""
    if record.error is not None:
        return "error"
    return "http" if record.http is not None and not record.message else "data"
