"""The cause: the first failure that explains a record, the way to it, and what else it broke.

From a record that failed the way leads down, through what failed for it, to the deepest failure that explains it. From
one that went well in a chain that did not, it leads up first, to the nearest record that failed or led to a failure.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from clew.core.record import Kind, Record
from clew.diagnosis.explanation import UNSAID, explain
from clew.diagnosis.facts import Facts, TitleOf, name_of, say_subject
from clew.diagnosis.rule import Explanation, as_sentence, explain_as, with_detail
from clew.diagnosis.rules.code import is_mapping_error
from clew.diagnosis.rules.not_run import did_not_run, explain_duplicate
from clew.diagnosis.thread import Entry, Thread, ThreadNode, absorbs, build_thread

_ARRIVALS: frozenset[Kind] = frozenset({"external_webhook", "external_event_pull"})
_EVENTS: frozenset[Kind] = frozenset({"external_event", "internal_event"})
_CALLS: frozenset[Kind] = frozenset({"api_request", "integration_event", "step"})
_UNDERTAKINGS: frozenset[Kind] = _ARRIVALS | _EVENTS | frozenset({"flow_run", "decision", "notification"})
"""What begins something of its own: that it failed does not explain why the record failed that led to it."""


class Broken(msgspec.Struct, frozen=True):
    """A record that failed because of the cause, and a sentence that says so."""

    record: Record
    sentence: str


class Cause(msgspec.Struct, frozen=True, kw_only=True):
    """Why a record, or the chain it belongs to, failed or did not run.

    `record` is the cause, None where nothing failed; `path` leads from the record that was asked about to it, both
    included. `broke` is what else failed because of it, the nearest first. `explanation` is always there.
    """

    record: Record | None
    path: tuple[Record, ...]
    broke: tuple[Broken, ...]
    explanation: Explanation


def build_cause(records: Sequence[Record], record_id: str, title_of: TitleOf) -> Cause:
    """The cause for one record of a chain.

    `records` are those of its chain, in any order; `title_of` gives what people call a product by its key.
    Raises `KeyError` where the record is not among them.
    """
    chain = _Chain(records)
    asked = chain.nodes[record_id]
    cause = chain.find_cause(asked)
    if cause is None:
        return Cause(record=None, path=(), broke=(), explanation=_explain_no_failure(chain, asked, title_of))
    path = chain.path(asked, cause)
    failed_above = list(chain.broken_above(cause))
    on_path = {node.record.id for node in path}
    broken = [node for node in (*failed_above, *chain.broken_below(cause)) if node.record.id not in on_path]
    return Cause(
        record=chain.record(cause),
        path=tuple(chain.record(node) for node in path),
        broke=tuple(Broken(record, _say_broken(record)) for record in map(chain.record, broken)),
        explanation=_explain_failure(chain, cause, failed_above, title_of),
    )


class _Chain:
    """The thread of the records, with the way up."""

    def __init__(self, records: Sequence[Record]) -> None:
        self.thread: Thread = build_thread(records)
        self.nodes = {node.record.id: node for node in self.thread.walk()}
        self._records = {record.id: record for record in records}
        self._parents = {child.record.id: node for node in self.nodes.values() for child in node.children}

    def record(self, node: ThreadNode) -> Record:
        return self._records[node.record.id]

    def ancestors(self, node: ThreadNode) -> Iterator[ThreadNode]:
        """What led to it, the nearest first."""
        above = self._parents.get(node.record.id)
        while above is not None:
            yield above
            above = self._parents.get(above.record.id)

    def find_cause(self, asked: ThreadNode) -> ThreadNode | None:
        """The first failure that explains it or its chain; a record that did not run explains itself."""
        start = self._start(asked)
        if start.leads_to_failure:
            return self._descend(start)
        if did_not_run(self.record(asked)):
            return asked
        # The chain's other roots last: their parents are not kept, or not written yet.
        for above in (*self.ancestors(start), *self.thread.roots):
            if above.leads_to_failure:
                return self._descend(above)
        return None

    def _start(self, asked: ThreadNode) -> ThreadNode:
        """Where to look from: the run that a decision launched, the webhook that an event was refused with."""
        record = self.record(asked)
        if record.kind == "decision" and not did_not_run(record):
            run_id = Facts(record, str).parameters.get("flow_run_id")
            return self.nodes.get(run_id, asked) if isinstance(run_id, str) else asked
        above = self._parents.get(record.id)
        return above if above is not None and _is_refused_with(above, asked) else asked

    def _descend(self, node: ThreadNode) -> ThreadNode:
        """Down through what explains it as far as that fails."""
        while explaining := self._explaining(node):
            node = self._choose(node, explaining)
        return node

    def _explaining(self, node: ThreadNode) -> list[ThreadNode]:
        """The children through which the way leads to why it failed, or to what failed after it."""
        found = [child for child in node.children if _is_way_down(node, child)]
        if not node.is_failure or not found or not is_mapping_error(self.record(node).error):
            return found
        # It failed by its own code. A request that failed before another went well is one that it got over.
        # Nodes are no such requests: one that failed is not made good by another that went well beside it.
        requests = (child for child in node.children if child.record.kind in _CALLS)
        last_well = {child.record.kind: child.record for child in requests if not child.leads_to_failure}
        return [child for child in found if not _is_before(child.record, last_well.get(child.record.kind))]

    def _choose(self, node: ThreadNode, explaining: list[ThreadNode]) -> ThreadNode:
        """The one that the failed record speaks of, else the first."""
        if len(explaining) == 1 or not node.is_failure:
            return explaining[0]
        told = Facts(self.record(node), str)
        return max(explaining, key=lambda child: _fit(told, Facts(self.record(child), str)))  # the first of the best

    def path(self, start: ThreadNode, end: ThreadNode) -> list[ThreadNode]:
        """From one to the other: up as far as needed, then down. Between two roots there is a step without a link."""
        up, down = [start, *self.ancestors(start)], [end, *self.ancestors(end)]
        below_end = {node.record.id: place for place, node in enumerate(down)}
        for steps, node in enumerate(up):
            meeting = below_end.get(node.record.id)
            if meeting is not None:
                return up[:steps] + down[meeting::-1]
        return up + down[::-1]

    def broken_above(self, cause: ThreadNode) -> Iterator[ThreadNode]:
        """The records that failed because it did, as far up as nothing got over it."""
        below = cause
        for above in self.ancestors(cause):
            if below not in self._explaining(above):
                return
            if above.is_failure:
                yield above
            below = above

    def broken_below(self, cause: ThreadNode) -> Iterator[ThreadNode]:
        """The events that were refused together with what they came in."""
        return (child for child in cause.children if _is_refused_with(cause, child))


def _is_way_down(node: ThreadNode, child: ThreadNode) -> bool:
    if node.is_failure:
        is_failing = child.is_failure or child.has_own_failure_below
        return is_failing and child.record.kind not in _UNDERTAKINGS
    return child.brings_failed_run if absorbs(node.record) else child.leads_to_failure


def _is_before(record: Entry, other: Entry | None) -> bool:
    return other is not None and (record.time, record.id) < (other.time, other.id)


def _fit(outer: Facts, inner: Facts) -> int:
    """How surely a failed record speaks of another: it gives the same reason, its address or its status."""
    if outer.reason and outer.reason == inner.reason:
        return 3
    address = inner.url.partition("?")[0]
    if address and any(address in error.message for error in outer.errors):
        return 2
    return int(outer.status_code != 0 and outer.status_code == inner.status_code)


def _is_refused_with(arrival: ThreadNode, child: ThreadNode) -> bool:
    """Whether an event was refused because what it came in was."""
    is_event = arrival.record.kind in _ARRIVALS and child.record.kind in _EVENTS
    return is_event and arrival.is_failure and child.is_failure


def _say_broken(record: Record) -> str:
    """What failed, in its own outermost words."""
    words = record.message or (record.error.message if record.error else "")
    return as_sentence(with_detail(f"{say_subject(record)} failed", words))


def _explain_failure(
    chain: _Chain, cause: ThreadNode, failed_above: Sequence[ThreadNode], title_of: TitleOf
) -> Explanation:
    """In the cause's words, or in those of the nearest above it that has any."""
    told = explain(chain.record(cause), title_of)
    if told.code == UNSAID:
        above = (explain(chain.record(node), title_of) for node in failed_above)
        told = next((other for other in above if other.code != UNSAID), told)
    if cause.is_failure and cause.is_recovered:
        recovered = "Nothing is left to do: it was tried again, or was allowed to fail, and the rest went on."
        return msgspec.structs.replace(told, advice=recovered)
    return told


def _explain_no_failure(chain: _Chain, asked: ThreadNode, title_of: TitleOf) -> Explanation:
    record = chain.record(asked)
    duplicate = explain_duplicate(Facts(record, title_of))
    if duplicate is not None:
        return duplicate
    recovered = [one for one in map(chain.record, chain.nodes.values()) if one.status == "failure" or one.error]
    if recovered:
        names = ", ".join(dict.fromkeys(name_of(one) for one in recovered[:3]))
        return explain_as("recovered", f"Nothing is broken: {names} failed, but was tried again or was allowed to fail")
    against = [chain.record(child) for child in asked.children if child.record.kind == "decision"]
    if against and all(map(did_not_run, against)):
        told = explain(against[0], title_of)
        return explain_as("no_flow_ran", f"Nothing failed, and no flow ran: {told.summary}", told.advice)
    return explain_as("no_failure", "Nothing in this chain failed")
