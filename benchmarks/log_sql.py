"""The same questions as SQL for a plain PostgreSQL table, see `postgres.sql`. Every value in it is one of ours."""

from __future__ import annotations

import json
from collections.abc import Iterable

from clew.core.record import STATUSES, Record
from clew.log.query import ACTIONS_OF_STEPS, Filter, KeyFilter, Query

WORDS = r"to_tsvector('simple', message || E'\n' || parameters || E'\n' || payload)"
"""The expression of the words' index, to the letter."""
TEXTS = ("message", "parameters", "payload")
COLUMNS = (
    "id",
    "time",
    "workspace",
    "kind",
    "type",
    "event",
    "source_product",
    "target_product",
    "direction",
    "action",
    "status",
    "message",
    "customer",
    "integration",
    "connection",
    "source",
    "trace_id",
    "parent_id",
    "keys",
    "parameters",
    "payload",
    "content_type",
    "http",
    "error",
    "duration_ms",
)
_LISTED = ", ".join(name for name in COLUMNS if name not in {"payload", "http", "error"})
_LISTED += ", http->>'url', http->>'status_code', error->>'type', error->>'message'"
_PLAIN = ("kind", "status", "customer", "source_product", "connection", "trace_id")


def page(query: Query) -> str:
    """A page, newest first, with one row more that says whether there is another page."""
    conditions = _conditions(query.filter)
    if query.place is not None:
        conditions.append(f"(time, id) < ({query.place.time}, {_text(query.place.id)})")
    where = " AND ".join(conditions)
    return f"SELECT {_LISTED} FROM log WHERE {where} ORDER BY time DESC, id DESC LIMIT {query.limit + 1}"


def count(filter: Filter) -> str:
    """How many records match."""
    return f"SELECT count(*) FROM log WHERE {' AND '.join(_conditions(filter))}"


def histogram(filter: Filter, step_ms: int) -> str:
    """How many records of each status match, by steps of time."""
    counts = ", ".join(f"count(*) FILTER (WHERE status = '{status}')" for status in STATUSES)
    return (
        f"SELECT time / {step_ms} * {step_ms} AS bar, {counts} FROM log "
        f"WHERE {' AND '.join(_conditions(filter))} GROUP BY bar ORDER BY bar"
    )


def facets(filter: Filter, limit: int) -> str:
    """The most frequent products, events, customers, states of success and types of errors, in one go over the rows."""
    names = ("source_product", "target_product", "event", "customer", "status", "error_type")
    sets = ", ".join(f"({name})" for name in names)
    return (
        f"SELECT * FROM (SELECT *, row_number() OVER (PARTITION BY place ORDER BY total DESC) AS rank FROM ("
        f"SELECT grouping({', '.join(names)}) AS place, {', '.join(names)}, count(*) AS total, "
        "count(*) FILTER (WHERE status = 'failure') AS failures FROM "
        f"(SELECT *, error->>'type' AS error_type FROM log WHERE {' AND '.join(_conditions(filter))}) AS matching "
        f"GROUP BY GROUPING SETS ({sets})) AS counted) AS ranked WHERE rank <= {limit}"
    )


def by_id(workspace: str, record: Record) -> str:
    """One record whole."""
    return f"SELECT * FROM log WHERE workspace = {_text(workspace)} AND id = {_text(record.id)}"


def trace(workspace: str, record: Record) -> str:
    """The records of a trace whole, oldest first."""
    return (
        f"SELECT * FROM log WHERE workspace = {_text(workspace)} AND trace_id = {_text(record.trace_id)} "
        "ORDER BY time, id LIMIT 5000"
    )


def _conditions(filter: Filter) -> list[str]:
    conditions = [f"workspace = {_text(filter.workspace)}"]
    conditions += [
        f"{name} = ANY({_array(values)})" if len(values) > 1 else f"{name} = {_text(values[0])}"
        for name in _PLAIN
        if (values := getattr(filter, name))
    ]
    conditions += [f"keys @> {_text(_key(key))}::jsonb" for key in filter.keys]
    conditions += [f"{WORDS} @@ plainto_tsquery('simple', {_text(word)})" for word in filter.words]
    conditions += [f"{WORDS} @@ phraseto_tsquery('simple', {_text(_phrase(phrase))})" for phrase in filter.phrases]
    if filter.contains is not None:
        wanted = _text(f"%{filter.contains}%")
        conditions.append("(" + " OR ".join(f"{column} ILIKE {wanted}" for column in TEXTS) + ")")
    if filter.from_ms is not None:
        conditions.append(f"time >= {filter.from_ms}")
    if filter.to_ms is not None:
        conditions.append(f"time < {filter.to_ms}")
    if filter.min_duration_ms is not None:
        conditions.append(f"duration_ms >= {filter.min_duration_ms}")
    if filter.role:
        conditions.append(
            "(kind IN ('external_event', 'internal_event') OR (kind = 'integration_event' AND "
            f"(parent_id = '' OR action <> ALL({_array(ACTIONS_OF_STEPS)}))))"
        )
    return conditions


def _key(key: KeyFilter) -> str:
    return json.dumps({key.name: key.value})


def _phrase(phrase: tuple[str, ...]) -> str:
    """As it stands in a record. To PostgreSQL the dash of `SO-1001` is a minus: a part of the number."""
    return ("-" if phrase[-1].isdigit() else " ").join(phrase)


def _array(values: Iterable[str]) -> str:
    return f"ARRAY[{', '.join(map(_text, values))}]"


def _text(value: str) -> str:
    """A text as SQL. Values are of our own records and questions: letters, digits, dashes and little else."""
    if "\\" in value or "\0" in value:
        raise ValueError(f"{value!r} is no value of the benchmark")
    return "'" + value.replace("'", "''") + "'"
