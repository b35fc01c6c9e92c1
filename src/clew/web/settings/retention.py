"""How long records are kept, what was removed, and what is pinned, as the page of the logging shows it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from clew.core.clock import DAY_MS
from clew.log.removals import RECORDS, Removal, read_kinds_of
from clew.log.retention import Ages, RetentionStatus, read_ages
from clew.log.store import KindUse
from clew.registry.pins import Pin
from clew.registry.sessions import Session
from clew.web.face import WebFace, can_operate
from clew.web.layout import LOGS
from clew.web.links import filtered, record_href
from clew.web.settings.views import KindRow, PinRow, RemovedRow, RetentionView
from clew.web.time_zone import zone_words
from clew.web.wording import KIND_NAMES, cut, say_count, say_minute, say_size

MOST_REMOVED = 20
"""Removals that are shown."""

MOST_NAMED = 3
"""Kinds that one removal names."""

_REASONS = {"age": "its age", "budget": "the room on the disk"}
_PATHS = {log.kind: log.path for log in LOGS if log.kind}


async def build_retention(face: WebFace, session: Session) -> RetentionView:
    """All of it."""
    workspace = session.member.workspace
    uses = await face.search.kinds(workspace)
    pins = await asyncio.to_thread(face.registry.pins.list, workspace)
    removed: Sequence[Removal] = ()
    status = None
    if face.retention is not None:
        status = face.retention.status()
        removed = await asyncio.to_thread(face.retention.removals.list, MOST_REMOVED)
    return RetentionView(
        kinds=tuple(_kind_rows(read_ages(face.settings), uses)),
        room=" ".join(filter(None, (_say_room(status), _say_last_run(status)))),
        trouble=status.trouble if status else "",
        removed=tuple(map(_removed_row, removed)),
        pins=tuple(_pin_row(pin, may_unpin=can_operate(session)) for pin in pins),
    )


def _kind_rows(ages: Ages, uses: Sequence[KindUse]) -> Iterator[KindRow]:
    """The kinds that there are records of, and those that are kept for another time than the rest."""
    found = {use.kind: use for use in uses}
    for kind, name in KIND_NAMES.items():
        use = found.get(kind)
        if use is None and kind not in ages.by_kind:
            continue
        yield KindRow(
            name=name,
            href=_PATHS[kind] if kind in _PATHS else filtered("kind", kind),
            kept=_say_days(ages.days_of(kind)),
            records=say_count(use.records if use else 0, "record"),
            oldest=f"{say_minute(use.oldest_ms)} {zone_words()}" if use else "",
            size=f"about {say_size(use.bytes)}" if use else "",
        )


def _say_days(days: int) -> str:
    return say_count(days, "day") if days else "without end"


def _say_room(status: RetentionStatus | None) -> str:
    """How much room the log takes of what it may."""
    if status is None or status.last_run is None:
        return "How much room the log takes is measured a minute after a start."
    if not status.max_bytes:
        return f"The log takes {say_size(status.bytes)}; its room is not bounded (CLEW_LOG_MAX_BYTES)."
    share = round(100 * status.bytes / status.max_bytes)
    return f"The log takes {say_size(status.bytes)} of {say_size(status.max_bytes)}, {share} %."


def _say_last_run(status: RetentionStatus | None) -> str:
    if status is None or status.last_run is None:
        return ""
    return f"Looked at last {say_minute(status.last_run)} {zone_words()}."


def _removed_row(removal: Removal) -> RemovedRow:
    return RemovedRow(
        day=datetime.fromtimestamp(removal.day * DAY_MS // 1_000, UTC).date().isoformat(),
        what=_say_what(removal.what),
        count=_say_how_many(removal),
        size=f"about {say_size(removal.bytes)}" if removal.bytes or removal.is_counted else "",
        why=_REASONS[removal.reason],
        when=f"{say_minute(removal.removed_at)} {zone_words()}",
    )


def _say_how_many(removal: Removal) -> str:
    if removal.is_counted:
        return say_count(removal.records, "record")
    some = f"{say_count(removal.records, 'record')} or more" if removal.records else "not counted"
    return f"{some}: under way, or cut short by a crash"


def _say_what(what: str) -> str:
    if what == RECORDS:
        return "Everything"
    wanted = read_kinds_of(what)
    names = [f"{name}s" for kind, name in KIND_NAMES.items() if kind in wanted]
    more = len(names) - MOST_NAMED
    listed = ", ".join(names[:MOST_NAMED])
    return f"{listed} and {say_count(more, 'more kind')}" if more > 0 else listed or what.capitalize()


def _pin_row(pin: Pin, *, may_unpin: bool) -> PinRow:
    return PinRow(
        href=record_href(pin.record_id),
        title=cut(pin.title) or pin.record_id,
        by=pin.pinned_by,
        when=f"{say_minute(pin.pinned_at)} {zone_words()}",
        unpin_href=f"{record_href(pin.record_id)}/unpin" if may_unpin else "",
    )
