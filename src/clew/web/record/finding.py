"""The record that a page is about, and the records of its trace."""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from clew.core.clock import to_rfc3339
from clew.core.errors import NotFound
from clew.core.ids import is_id
from clew.core.record import Record
from clew.web.face import WebFace

MOST_CHAIN = 5_000
"""Records of a trace that one page reads, the oldest: each is read whole."""
MOST_NEAR = 1_000
"""Of a longer trace: records from the page's own on, among which what it led to is looked for."""
MOST_ANCESTORS = 20
"""Of a longer trace: steps from the page's own record back to where it came from."""


class Chain(msgspec.Struct, frozen=True):
    """The records of a trace, oldest first. `is_cut`: there are more, and these are the first, and those next to the
    record that was asked for."""

    records: tuple[Record, ...]
    is_cut: bool = False


async def find_record(face: WebFace, workspace: str, record_id: str) -> Record:
    """The record of an id. Raises `NotFound` where there is none, and for what is no id."""
    record = await face.search.find(workspace, record_id.lower()) if is_id(record_id) else None
    if record is None:
        raise NotFound(
            f"There is no record {record_id[:80]!r}.",
            hint="It may be older than what is kept, or not yet in the log: that takes up to a second.",
        )
    return record


async def find_chain(face: WebFace, record: Record) -> Chain:
    """The chain of a record, itself in it."""
    if not record.trace_id:
        return Chain((record,))
    found = await face.search.trace(record.workspace, record.trace_id, limit=MOST_CHAIN + 1)
    is_cut = len(found) > MOST_CHAIN
    known = {one.id: one for one in (*found[:MOST_CHAIN], record)}
    if is_cut:
        for one in (*await _find_ancestors(face, record, known), *await _find_children(face, record, known)):
            known.setdefault(one.id, one)
    return Chain(tuple(sorted(known.values(), key=lambda one: (one.time, one.id))), is_cut)


async def _find_ancestors(face: WebFace, record: Record, known: Collection[str]) -> list[Record]:
    """What it came from, back to what is known."""
    found: list[Record] = []
    parent_id = record.parent_id
    while parent_id and parent_id not in known and len(found) < MOST_ANCESTORS:
        parent = await face.search.find(record.workspace, parent_id)
        if parent is None or parent in found:
            break
        found.append(parent)
        parent_id = parent.parent_id
    return found


async def _find_children(face: WebFace, record: Record, known: Collection[str]) -> list[Record]:
    """What it led to soon after it."""
    asked = [
        ("trace_id", record.trace_id),
        ("from", to_rfc3339(record.time)),
        ("sort", "asc"),
        ("limit", str(MOST_NEAR)),
    ]
    page = (await face.search.page(face.parser.parse_list(asked, workspace=record.workspace))).page
    wanted = [item.id for item in page.items if item.parent_id == record.id and item.id not in known]
    return list((await face.search.find_all(record.workspace, wanted)).values()) if wanted else []
