"""The record that a page is about."""

from __future__ import annotations

from clew.core.errors import NotFound
from clew.core.ids import is_id
from clew.core.record import Record
from clew.web.face import WebFace


async def find_record(face: WebFace, workspace: str, record_id: str) -> Record:
    """The record of an id. Raises `NotFound` where there is none, and for what is no id."""
    record = await face.search.find(workspace, record_id.lower()) if is_id(record_id) else None
    if record is None:
        raise NotFound(
            f"There is no record {record_id[:80]!r}.",
            hint="It may be older than what is kept, or not yet in the log: that takes up to a second.",
        )
    return record
