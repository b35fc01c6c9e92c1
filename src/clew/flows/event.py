"""The event a flow is started by, as its nodes and its filters see it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

import msgspec

from clew.core.record import Record

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Event(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """What came. `type` is the event's name, `time` when it happened (ms since the epoch), `id` its record's.

    `payload` is its body as values where it is JSON, else its text (base64 where it is no UTF-8), None where there was
    none. `source` is the key of the source it came from, empty for an event of our own product. It goes as JSON and
    comes back as it was.
    """

    id: str
    time: int
    type: str
    payload: Any = None
    keys: dict[str, str] = {}
    customer: str = ""
    connection: str = ""
    trace_id: str = ""
    source: str = ""
    integration: str = ""

    @property
    def datetime(self) -> datetime:
        """When it happened, in UTC."""
        return _EPOCH + timedelta(milliseconds=self.time)

    @cached_property
    def _cel(self) -> dict[str, Any]:
        values = {name: getattr(self, name) for name in self.__struct_fields__}
        return {**values, "time": self.datetime}

    def to_cel(self) -> dict[str, Any]:
        """What `event` is in a filter: the same fields, `time` as a timestamp. Made once; not to be changed."""
        return self._cel


def from_record(record: Record) -> Event:
    """The event of a record, its payload parsed. Parse once and keep it: every flow can use the same event."""
    return Event(
        id=record.id,
        time=record.time,
        type=record.event,
        payload=_parse(record),
        keys=record.keys,
        customer=record.customer,
        connection=record.connection,
        trace_id=record.trace_id,
        source=record.source,
        integration=record.integration,
    )


def _parse(record: Record) -> Any:
    if not record.payload:
        return None
    if record.payload_encoding != "utf-8":
        return record.payload
    try:
        return msgspec.json.decode(record.payload)
    except (msgspec.DecodeError, RecursionError):
        return record.payload
