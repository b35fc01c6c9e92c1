"""What retention asks the table to forget, as SQL: whole records, or their bodies alone."""

from __future__ import annotations

from collections.abc import Sequence

from clew.core.clock import DAY_MS
from clew.core.record import HttpExchange, Kind, Status
from clew.core.removal import HTTP_BODIES, LOGS, PAYLOAD, mark_of, place_of_body
from clew.log.sql import UNBOUNDED, Conditions, Statement
from clew.log.store import Kept

DAYS = Statement(
    "SELECT toInt64(partition) AS day, sum(rows) AS records, sum(bytes_on_disk) AS bytes FROM system.parts "  # noqa: S608
    "WHERE database = currentDatabase() AND table = 'log' AND active AND rows > 0 GROUP BY partition ORDER BY day "
    f"{UNBOUNDED}",
    {},
)

_BYTES_BESIDE_PAYLOAD = 400
"""What a record weighs beside its payload, to share the disk between kinds: about what its other columns have."""

_HAS_BODY = {name: f"JSONExtractString(http, '{name}', 'text') != ''" for name in HTTP_BODIES}


def kinds(workspace: str) -> Statement:
    """How many records of each kind a workspace has, their oldest time, and how much they weigh among all records."""
    conditions = Conditions()
    mine = f"workspace = {conditions.bind(workspace, 'String')}"
    weight = f"payload_bytes + {_BYTES_BESIDE_PAYLOAD}"
    return Statement(
        f"SELECT kind, countIf({mine}) AS records, minIf(time, {mine}) AS oldest_ms, "  # noqa: S608  # values are bound
        f"sumIf({weight}, {mine}) AS weight, sum({weight}) AS weight_of_all FROM log GROUP BY kind ORDER BY kind",
        conditions.values,
    )


def forgotten(day: int, kinds: Sequence[Kind], kept: Kept) -> Conditions:
    """Which records of a day go: those of these kinds (of all where none is named) that are not kept."""
    conditions = _of_day(day)
    if kinds:
        conditions.add(f"kind IN {conditions.bind(list(kinds), 'Array(String)')}")
    _but(conditions, kept)
    return conditions


def emptied(day: int, statuses: Sequence[Status], kept: Kept) -> Conditions:
    """Which records of a day lose their bodies: those with one of these statuses that have any, and are not kept."""
    conditions = _of_day(day)
    conditions.add(f"status IN {conditions.bind(list(statuses), 'Array(String)')}")
    conditions.add(f"(payload != '' OR logs != '' OR (http != '' AND ({' OR '.join(_HAS_BODY.values())})))")
    _but(conditions, kept)
    return conditions


def count(conditions: Conditions) -> Statement:
    """How many records these are."""
    return Statement(f"SELECT count() AS count FROM log WHERE {conditions.where()}", conditions.values)  # noqa: S608


def delete(day: int, conditions: Conditions) -> Statement:
    """Write the day's parts anew without these records."""
    return Statement(f"ALTER TABLE log DELETE IN PARTITION {day:d} WHERE {conditions.where()}", conditions.values)


def empty(day: int, conditions: Conditions, date: str) -> Statement:
    """Write the day's parts anew with these records' bodies removed, as `remove_bodies` says. Marks name the date."""
    marks = [
        f"if(payload != '', {conditions.bind(mark_of(PAYLOAD, date), 'String')}, '')",
        f"if(logs != '', {conditions.bind(mark_of(LOGS, date), 'String')}, '')",
    ]
    for name, has_body in _HAS_BODY.items():
        marks.append(f"if({has_body}, {conditions.bind(mark_of(place_of_body(name), date), 'String')}, '')")
    return Statement(
        f"ALTER TABLE log UPDATE payload = '', logs = '', http = if(http = '', '', {_http_without_bodies()}), "
        f"redacted = arrayConcat(redacted, arrayFilter(mark -> mark != '', [{', '.join(marks)}])) "
        f"IN PARTITION {day:d} WHERE {conditions.where()}",
        conditions.values,
    )


def _of_day(day: int) -> Conditions:
    conditions = Conditions()
    conditions.add(f"time >= {day * DAY_MS:d} AND time < {(day + 1) * DAY_MS:d}")
    return conditions


def _but(conditions: Conditions, kept: Kept) -> None:
    if kept.records:
        conditions.add(f"id NOT IN {conditions.bind(list(kept.records), 'Array(FixedString(36))')}")
    if kept.traces:
        # A trace id has no space in it: the pair cannot be read in two ways.
        pairs = [f"{trace_id} {workspace}" for workspace, trace_id in kept.traces]
        conditions.add(f"concat(trace_id, ' ', workspace) NOT IN {conditions.bind(pairs, 'Array(String)')}")


def _http_without_bodies() -> str:
    """The exchange's JSON put together again, member by member: all but the bodies as it is."""
    members = ", ".join(_member(name) for name in HttpExchange.__struct_fields__)
    return f"concat('{{', arrayStringConcat(arrayFilter(member -> member != '', [{members}]), ','), '}}')"


def _member(name: str) -> str:
    whole = f"concat('\"{name}\":', JSONExtractRaw(http, '{name}'))"
    if name in HTTP_BODIES:
        size = f"toString(JSONExtractInt(http, '{name}', 'size'))"
        left = f"""concat('"{name}":{{"text":"","size":', {size}, ',"cut":true}}')"""
        whole = f"if({_HAS_BODY[name]}, {left}, {whole})"
    return f"if(JSONHas(http, '{name}'), {whole}, '')"
