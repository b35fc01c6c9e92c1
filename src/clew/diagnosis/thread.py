"""The thread: the chain of a record as a tree, with the way that leads to its failures marked.

Records say who caused them (`parent_id`). What they say may be incomplete or wrong: a parent that is not kept, a clock
that runs behind, a record that names itself or closes a circle. Whatever they say, every record is in the tree once.

Not every failure leads somewhere. A node run that was tried again, or was allowed to fail, and a flow run that went
well were not broken by what failed for them: they give no dot upwards.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from clew.core.record import Record, Summary

Entry = Record | Summary


class ThreadNode(msgspec.Struct, frozen=True, eq=False):
    """One record in its chain. `depth` is 0 for a root.

    `offset_ms` is how long after its root it was, below zero where the two clocks differ.
    `has_own_failure_below`: a record that it caused, directly or not, failed, and nothing from here on got over it.
    `has_failed_run_below`: a flow run that it led to failed, or had such a failure below it.
    `is_recovered`: what it belongs to got over whatever fails here.
    """

    record: Entry
    depth: int
    offset_ms: int
    has_own_failure_below: bool
    has_failed_run_below: bool
    is_recovered: bool
    children: tuple[ThreadNode, ...]

    @property
    def is_failure(self) -> bool:
        """Whether the record itself failed."""
        return self.record.status == "failure"

    @property
    def has_failure_below(self) -> bool:
        """Whether something that it led to failed, and nothing from here on got over it."""
        return self.has_own_failure_below or self.has_failed_run_below

    @property
    def brings_failed_run(self) -> bool:
        """Whether it is or led to a flow run with a failure, which nothing above it can get over."""
        return self.has_failed_run_below or (self.record.kind == "flow_run" and self.leads_to_failure)

    @property
    def leads_to_failure(self) -> bool:
        """Whether it failed, or something below it that nothing got over."""
        return self.has_failure_below or self.is_failure

    @property
    def is_on_path(self) -> bool:
        """Whether the red thread runs through here: on the way from the root to a record that failed."""
        return self.leads_to_failure and not self.is_recovered

    def walk(self) -> Iterator[ThreadNode]:
        """This node and all below it, each parent before its children."""
        waiting = [self]
        while waiting:
            node = waiting.pop()
            yield node
            waiting.extend(reversed(node.children))


class Thread(msgspec.Struct, frozen=True, eq=False):
    """The whole chain. One whose parent is not in it is a root; roots and children are ordered by time, then id."""

    roots: tuple[ThreadNode, ...]

    def walk(self) -> Iterator[ThreadNode]:
        """Every node, parents before their children."""
        for root in self.roots:
            yield from root.walk()

    def find(self, record_id: str) -> ThreadNode | None:
        """The node of this record."""
        return next((node for node in self.walk() if node.record.id == record_id), None)


def absorbs(record: Entry) -> bool:
    """Whether it got over what failed for it.

    A node run that failed and was tried again, or may fail (`on_error="continue"`), is no failure itself. Flow runs
    that it led to are not its own: nobody tried those again.
    """
    if record.kind == "node_run":
        return record.status != "failure"
    return record.kind == "flow_run" and record.status == "success"


def build_thread(records: Sequence[Entry]) -> Thread:
    """The records of a chain as a tree. A record given twice counts once; a circle is cut before its oldest record."""
    by_id: dict[str, Entry] = {}
    for record in sorted(records, key=_order):
        by_id.setdefault(record.id, record)
    parents = _parents_without_circles(by_id)
    children: dict[str, list[str]] = {}
    for record_id in by_id:
        children.setdefault(parents[record_id], []).append(record_id)
    return Thread(tuple(_grow(by_id, children, root) for root in children.get("", [])))


def _order(record: Entry) -> tuple[int, str]:
    return record.time, record.id


def _parents_without_circles(by_id: dict[str, Entry]) -> dict[str, str]:
    """The parent of each, "" for a root. Records come oldest first, so a circle is met, and cut, at its oldest."""
    parents = {r.id: r.parent_id if r.parent_id in by_id else "" for r in by_id.values()}
    is_settled: set[str] = set()
    for start in by_id:
        seen: set[str] = set()
        record_id = start
        while record_id and record_id not in is_settled and record_id not in seen:
            seen.add(record_id)
            record_id = parents[record_id]
        if record_id and record_id not in is_settled:
            parents[_oldest_of_circle(by_id, parents, record_id)] = ""
        is_settled |= seen
    return parents


def _oldest_of_circle(by_id: dict[str, Entry], parents: dict[str, str], member: str) -> str:
    circle = [member]
    while (record_id := parents[circle[-1]]) != member:
        circle.append(record_id)
    return min(circle, key=lambda record_id: _order(by_id[record_id]))


def _grow(by_id: dict[str, Entry], children: dict[str, list[str]], root: str) -> ThreadNode:
    """The tree below a root, made from its leaves: a chain may be longer than the interpreter's stack."""
    depths, recovered = {root: 0}, {root: False}
    for record_id in (order := [root]):
        is_absorbing = recovered[record_id] or absorbs(by_id[record_id])
        for child in children.get(record_id, ()):
            depths[child] = depths[record_id] + 1
            recovered[child] = is_absorbing and by_id[child].kind != "flow_run"
            order.append(child)
    grown: dict[str, ThreadNode] = {}
    for record_id in reversed(order):
        record = by_id[record_id]
        below = tuple(grown.pop(child) for child in children.get(record_id, ()))
        grown[record_id] = ThreadNode(
            record=record,
            depth=depths[record_id],
            offset_ms=record.time - by_id[root].time,
            has_own_failure_below=not absorbs(record) and any(_brings_own_failure(node) for node in below),
            has_failed_run_below=any(node.brings_failed_run for node in below),
            is_recovered=recovered[record_id],
            children=below,
        )
    return grown[root]


def _brings_own_failure(node: ThreadNode) -> bool:
    return node.record.kind != "flow_run" and (node.is_failure or node.has_own_failure_below)
