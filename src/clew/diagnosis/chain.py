"""The chain of a record: all records of its trace or, of one that is too long to be read, those it stands among.

A webhook may bring a thousand events, and each of them a run with its nodes and requests: all of that is one trace.
What a record came from and what it led to is read in any case, so that a page of it says nothing that is not so.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import msgspec

from clew.core.record import Record, Summary
from clew.log.parameters import ListRequest
from clew.log.query import Filter, Query
from clew.log.search import Search

MOST_CHAIN = 5_000
"""Records of a trace that are read, the oldest: each is read whole."""
MOST_NEAR = 5_000
"""Of a longer trace: records from the one that is asked about on, among which what it led to is looked for."""
MOST_BELOW = 1_000
"""Of a longer trace: records that it led to."""
MOST_ABOVE = 20
"""Of a longer trace: steps back to where it came from."""


class Focus(msgspec.Struct, frozen=True):
    """What a chain is asked for: a record, or a run that has none yet."""

    workspace: str
    trace_id: str
    id: str
    parent_id: str
    time: int


class Chain(msgspec.Struct, frozen=True):
    """Records of a trace, oldest first. `is_cut`: there are more; these are the first, and those around the focus."""

    records: tuple[Record, ...]
    is_cut: bool = False


async def find_chain(search: Search, record: Record) -> Chain:
    """The chain of a record, itself in it."""
    if not record.trace_id:
        return Chain((record,))
    chain = await read_chain(search, Focus(record.workspace, record.trace_id, record.id, record.parent_id, record.time))
    if any(one.id == record.id for one in chain.records):
        return chain
    return msgspec.structs.replace(chain, records=_in_order((*chain.records, record)))


async def read_chain(search: Search, focus: Focus) -> Chain:
    """The chain around a focus, which it lacks where that has no record or is behind the cut."""
    found = await search.trace(focus.workspace, focus.trace_id, limit=MOST_CHAIN + 1)
    if len(found) <= MOST_CHAIN:
        return Chain(tuple(found))
    known = {one.id: one for one in found[:MOST_CHAIN]}
    for one in (*await _find_above(search, focus, known), *await _find_below(search, focus, known)):
        known[one.id] = one
    return Chain(_in_order(known.values()), is_cut=True)


async def _find_above(search: Search, focus: Focus, known: Collection[str]) -> list[Record]:
    """What it came from, back to what is known."""
    found: dict[str, Record] = {}
    parent_id = focus.parent_id
    while parent_id and parent_id not in known and parent_id not in found and len(found) < MOST_ABOVE:
        parent = await search.find(focus.workspace, parent_id)
        if parent is None:
            break
        found[parent.id] = parent
        parent_id = parent.parent_id
    return list(found.values())


async def _find_below(search: Search, focus: Focus, known: Collection[str]) -> list[Record]:
    """What it led to, directly or not."""
    filter = Filter(workspace=focus.workspace, trace_id=(focus.trace_id,), from_ms=focus.time)
    asked = ListRequest(Query(filter=filter, limit=MOST_NEAR, sort="asc"), b"\0" * 8, ())
    below = _below(focus.id, (await search.page(asked)).page.items)
    wanted = [record_id for record_id in below if record_id not in known][:MOST_BELOW]
    return list((await search.find_all(focus.workspace, wanted)).values()) if wanted else []


def _below(record_id: str, items: Sequence[Summary]) -> list[str]:
    """The ids of those that this record led to, the near ones first."""
    children: dict[str, list[str]] = {}
    for item in items:
        children.setdefault(item.parent_id, []).append(item.id)
    found = children.pop(record_id, [])
    for one in found:  # it grows meanwhile; an id has one parent, so none comes twice
        found += children.pop(one, ())
    return found


def _in_order(records: Collection[Record]) -> tuple[Record, ...]:
    return tuple(sorted(records, key=lambda one: (one.time, one.id)))
