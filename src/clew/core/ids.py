"""Ids. A record's id is a UUIDv7 whose time is the record's own, so an id alone tells where to look."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable, Sequence

import uuid_utils

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\Z", re.IGNORECASE)
_TRACE = re.compile(r"[0-9a-f]{32}\Z")
_NO_TRACE = "0" * 32


def new_id(time_ms: int | None = None) -> str:
    """A new UUIDv7 as text. `time_ms` is the record's time where that is not now (0.4 us each)."""
    if time_ms is None:
        return str(uuid_utils.uuid7())
    return str(uuid_utils.uuid7(nanoseconds=time_ms * 1_000_000))


def new_ids(times_ms: Sequence[int]) -> list[str]:
    """New UUIDv7s, one for each time, in the order given where times are equal: what comes first sorts first."""
    ids = [new_id(time_ms) for time_ms in times_ms]
    if len(ids) == 1:
        return ids
    by_time: dict[int, list[int]] = {}
    for place, time_ms in enumerate(times_ms):
        by_time.setdefault(time_ms, []).append(place)
    for places in by_time.values():
        for place, record_id in zip(places, sorted(ids[p] for p in places), strict=True):
            ids[place] = record_id
    return ids


def is_id(text: str) -> bool:
    """Whether the text has the form of an id."""
    return _UUID.match(text) is not None


def time_of(record_id: str) -> int:
    """The time inside a UUIDv7, in milliseconds since the epoch. The text must have the form of an id."""
    return int(record_id[:8] + record_id[9:13], 16)


def new_trace_id() -> str:
    """A new W3C trace id: 32 hex digits, never all zero."""
    return secrets.token_hex(16)


def trace_id_of(record_id: str) -> str:
    """The trace of a record that begins one: its own id without the dashes."""
    return record_id.replace("-", "")


def is_trace_id(text: str) -> bool:
    """Whether the text is a W3C trace id: 32 lower-case hex digits, not all zero."""
    return _TRACE.match(text) is not None and text != _NO_TRACE


def digest(*parts: str | bytes) -> bytes:
    """16 bytes that stand for these parts, each length-prefixed so that no two lists share a digest by their joints."""
    return hashlib.blake2b(b"".join(_prefixed(part) for part in parts), digest_size=16).digest()


def digester(*parts: str | bytes) -> Callable[[str], bytes]:
    """`digest` for many lists that differ in their last part alone: the function takes it (1 us each)."""
    begun = hashlib.blake2b(b"".join(_prefixed(part) for part in parts), digest_size=16)

    def finish(last: str) -> bytes:
        state = begun.copy()
        state.update(_prefixed(last))
        return state.digest()

    return finish


def _prefixed(part: str | bytes) -> bytes:
    data = part.encode() if isinstance(part, str) else part
    return len(data).to_bytes(4, "big") + data
