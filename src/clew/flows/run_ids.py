"""The ids of flow runs: made from what launches them, so that the same cause is the same run, however often it is met.

An id has the form of a UUIDv7: its time is that of the event, so runs sort by time and the log finds a run by its id
alone; the rest is a digest of the event's id and the flow's key.
"""

from __future__ import annotations

from clew.core.ids import digest, time_of


def flow_run_id(event_id: str, flow: str) -> str:
    """The run of this flow for this event. `event_id` must have the form of an id."""
    return _shaped(time_of(event_id), digest("flow_run", event_id, flow))


def scheduled_event_id(workspace: str, flow: str, due_ms: int) -> str:
    """The event that a schedule makes at a moment (ms since the epoch)."""
    return _shaped(due_ms, digest("schedule", workspace, flow, str(due_ms)))


def _shaped(time_ms: int, hashed: bytes) -> str:
    """A UUIDv7 of this time whose 74 free bits are of the digest."""
    free = int.from_bytes(hashed[:10], "big")
    value = (time_ms & (2**48 - 1)) << 80 | 0x7 << 76 | (free >> 62 & 0xFFF) << 64 | 0b10 << 62 | free & (2**62 - 1)
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
