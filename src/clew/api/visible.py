"""What a caller may see of the log: with a key that belongs to a customer, that customer's records alone."""

from __future__ import annotations

from clew.core.errors import NotFound
from clew.core.ids import is_id
from clew.core.record import Kind, Record
from clew.diagnosis.chain import find_chain
from clew.log.search import Search
from clew.registry.keys import Principal


def may_see(principal: Principal, record: Record) -> bool:
    """Whether the caller may see this record of its workspace."""
    return not principal.customer or record.customer == principal.customer


async def find_visible(search: Search, principal: Principal, record_id: str, kind: Kind | None = None) -> Record:
    """The record, of this kind where one is given.

    Raises `NotFound` for one that is not there, and for one that the caller may not see.
    """
    record = await search.find(principal.workspace, record_id.lower()) if is_id(record_id) else None
    if record is None or not may_see(principal, record) or (kind and record.kind != kind):
        noun = kind.replace("_", " ") if kind else "record"
        raise NotFound(
            f"There is no {noun} {record_id[:80]!r}.",
            hint="A record can be read within a second of its acknowledgement, until retention removes it.",
        )
    return record


async def find_visible_chain(search: Search, principal: Principal, record: Record) -> list[Record]:
    """The records of a record's chain that the caller may see, itself among them, oldest first."""
    chain = await find_chain(search, record)
    return [other for other in chain.records if other.id == record.id or may_see(principal, other)]
