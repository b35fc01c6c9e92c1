"""Filters as SQL: the one compiler. A value is always a bound parameter and never a part of the text."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from clew.core.clock import DAY_MS
from clew.core.failure_class import CLASS_OF_STATUS, CLASS_OF_TYPE, FailureClass
from clew.core.record import Record, Summary
from clew.log.query import ACTIONS_OF_STEPS, EXACT_FILTERS, Filter, HttpStatusFilter, KeyFilter, Place
from clew.log.widening import Look
from clew.log.windows import Window
from clew.log.words import inner_words_of

WORDS = (
    r"lower(concat(message, '\n', error_message, '\n', arrayStringConcat(mapValues(keys), '\n'), '\n', "
    r"parameters, '\n', payload))"
)
"""The text index's expression. To the letter: an index is used for its own expression alone."""

TEXTS = ("message", "error_message", "parameters", "payload")
"""The columns that a text is looked for in, each by itself; so is each value of `keys`."""

MAX_WORDS_A_CALL = 64
"""How many words `hasAllTokens` and `hasAnyTokens` take."""

UNBOUNDED = "SETTINGS max_memory_usage = 0, max_execution_time = 0"
"""Behind a question of our own that is always small: a bound for questions must not keep the log from working."""

SUMMARY_COLUMNS = ", ".join(Summary.__struct_fields__)
RECORD_COLUMNS = ", ".join(Record.__struct_fields__)


class Statement(msgspec.Struct, frozen=True):
    """SQL with `{name:Type}` placeholders, and the values bound to them."""

    text: str
    values: dict[str, Any]


class Conditions:
    """Conditions that must all hold, with the values they bind."""

    def __init__(self, values: dict[str, Any] | None = None) -> None:
        """`values`: those of other conditions in the same question, to which these add their own."""
        self._texts: list[str] = []
        self.values: dict[str, Any] = {} if values is None else values

    def bind(self, value: Any, type_: str) -> str:
        """The placeholder of a value."""
        name = f"p{len(self.values)}"
        self.values[name] = value
        return f"{{{name}:{type_}}}"

    def add(self, text: str) -> None:
        """One more condition."""
        self._texts.append(text)

    def range_of(self, window: Window) -> str:
        """The condition of a window of time, empty where it is all time. It is not added."""
        ends = (
            "" if window.from_ms is None else f"time >= {self.bind(window.from_ms, 'Int64')}",
            "" if window.to_ms is None else f"time < {self.bind(window.to_ms, 'Int64')}",
        )
        return " AND ".join(end for end in ends if end)

    def where(self) -> str:
        """All of them."""
        return " AND ".join(self._texts)


def summaries(
    filter: Filter, look: Look, place: Place | None, *, later: bool, limit: int, budget_s: float
) -> Statement:
    """Summaries of a window in the order in which it is scanned: `later` from old to new, else from new to old.

    They begin behind `place`, in the direction of the scan.
    """
    conditions = _looked_at(filter, look)
    if place is not None:
        _begin_behind(conditions, place, later=later)
    order = "ASC" if later else "DESC"
    return Statement(
        f"SELECT {SUMMARY_COLUMNS} FROM log WHERE {conditions.where()} "  # noqa: S608  # conditions bind all values
        f"ORDER BY time {order}, id {order} LIMIT {limit:d} "
        f"SETTINGS optimize_read_in_order = {look.is_in_order:d}, max_execution_time = {budget_s:f}",
        conditions.values,
    )


def rows(cells: str, filter: Filter, window: Window, *, later: bool | None) -> Statement:
    """What `cells` make of each record of a window: from old to new where `later`, from new to old, None in any order.

    One thread and no bound of time: it is read as slowly as somebody downloads it, and leaves the other core alone.
    """
    conditions = within(filter, window)
    order = {None: "", True: "ORDER BY time ASC, id ASC", False: "ORDER BY time DESC, id DESC"}[later]
    return Statement(
        f"SELECT {cells} FROM log WHERE {conditions.where()} {order} "  # noqa: S608
        "SETTINGS max_threads = 1, max_execution_time = 0, prefer_column_name_to_alias = 1, "
        "output_format_json_escape_forward_slashes = 0",
        conditions.values,
    )


def record_of_id(workspace: str, record_id: str, time_ms: int) -> Statement:
    """One record whole, by the whole of the table's key."""
    conditions = Conditions()
    conditions.add(f"workspace = {conditions.bind(workspace, 'String')}")
    conditions.add(f"time = {conditions.bind(time_ms, 'Int64')}")
    conditions.add(f"id = {conditions.bind(record_id, 'String')}")
    return Statement(f"SELECT {RECORD_COLUMNS} FROM log WHERE {conditions.where()} LIMIT 1", conditions.values)  # noqa: S608


def records_of_ids(workspace: str, times_ms: Mapping[str, int]) -> Statement:
    """Records whole. `times_ms` are their ids with the times in them: together they are the table's key."""
    conditions = Conditions()
    conditions.add(f"workspace = {conditions.bind(workspace, 'String')}")
    conditions.add(f"time IN {conditions.bind(sorted(set(times_ms.values())), 'Array(Int64)')}")
    conditions.add(f"id IN {conditions.bind(list(times_ms), 'Array(FixedString(36))')}")
    return Statement(f"SELECT {RECORD_COLUMNS} FROM log WHERE {conditions.where()}", conditions.values)  # noqa: S608


def traces(filter: Filter, look: Look, *, limit: int, budget_s: float) -> Statement:
    """The traces of a window's records, that of the latest record first. No other column of theirs is read."""
    conditions = _looked_at(filter, look)
    return Statement(
        f"SELECT trace_id AS trace, max(time) AS latest FROM log WHERE {conditions.where()} AND trace_id != '' "  # noqa: S608
        f"GROUP BY trace_id ORDER BY latest DESC, trace LIMIT {limit:d} SETTINGS max_execution_time = {budget_s:f}",
        conditions.values,
    )


def records_of_trace(workspace: str, trace_id: str, limit: int) -> Statement:
    """The records of a trace whole, oldest first."""
    conditions = within(Filter(workspace=workspace, trace_id=(trace_id,)), Window())
    return Statement(
        f"SELECT {RECORD_COLUMNS} FROM log WHERE {conditions.where()} ORDER BY time, id LIMIT {limit:d}",  # noqa: S608
        conditions.values,
    )


def oldest_time(workspace: str) -> Statement:
    """The time of the oldest record: read in the order of the table, not a scan for the least."""
    conditions = Conditions()
    conditions.add(f"workspace = {conditions.bind(workspace, 'String')}")
    return Statement(
        f"SELECT time FROM log WHERE {conditions.where()} ORDER BY time LIMIT 1 {UNBOUNDED}",  # noqa: S608
        conditions.values,
    )


def ids_present(workspaces: Sequence[str], first_ms: int, last_ms: int, ids: Sequence[str]) -> Statement:
    """Which of these ids the log has."""
    conditions = Conditions()
    conditions.add(f"workspace IN {conditions.bind(list(workspaces), 'Array(String)')}")
    conditions.add(f"time >= {conditions.bind(first_ms, 'Int64')} AND time <= {conditions.bind(last_ms, 'Int64')}")
    conditions.add(f"id IN {conditions.bind(list(ids), 'Array(FixedString(36))')}")
    return Statement(f"SELECT id FROM log WHERE {conditions.where()}", conditions.values)  # noqa: S608


def _looked_at(filter: Filter, look: Look) -> Conditions:
    conditions = within(filter, look.window)
    if look.days is not None:
        conditions.add(f"intDiv(time, {DAY_MS}) IN {conditions.bind(list(look.days), 'Array(Int64)')}")
    return conditions


def within(filter: Filter, window: Window) -> Conditions:
    """A filter and a window of time. The window lies within the filter's own times."""
    conditions = Conditions()
    narrow(conditions, filter)
    if range_ := conditions.range_of(window):
        conditions.add(range_)
    return conditions


def narrow(conditions: Conditions, filter: Filter) -> None:
    """All that a filter asks but its times."""
    conditions.add(f"workspace = {conditions.bind(filter.workspace, 'String')}")
    for name in (*EXACT_FILTERS, "http_direction", "error_type"):
        if wanted := getattr(filter, name):
            conditions.add(_one_of(conditions, name, wanted))
    if filter.product:
        source, target = (_one_of(conditions, f"{end}_product", filter.product) for end in ("source", "target"))
        conditions.add(f"({source} OR {target})")
    if filter.keys:
        conditions.add("(" + " OR ".join(_key(conditions, key) for key in filter.keys) + ")")
    _narrow_by_text(conditions, filter)
    if filter.min_duration_ms is not None:
        conditions.add(f"duration_ms >= {conditions.bind(filter.min_duration_ms, 'Int64')}")
    if filter.http_status:
        conditions.add("(" + " OR ".join(_http_status(conditions, wanted) for wanted in filter.http_status) + ")")
    if filter.failure_class:
        conditions.add(_failure_class(conditions, filter.failure_class))
    if filter.role:
        conditions.add(_event_role(conditions))


def _narrow_by_text(conditions: Conditions, filter: Filter) -> None:
    """By words in the index first: also by those of a phrase and of a text, so that few rows are left to be read."""
    words = dict.fromkeys(filter.words)
    for phrase in filter.phrases:
        words |= dict.fromkeys(phrase)
    if filter.contains is not None:
        words |= dict.fromkeys(inner_words_of(filter.contains))
    for some in _some_at_a_time(list(words)):
        conditions.add(f"hasAllTokens({WORDS}, {conditions.bind(some, 'Array(String)')})")
    for some in _some_at_a_time(list(filter.without_words)):
        conditions.add(f"NOT hasAnyTokens({WORDS}, {conditions.bind(some, 'Array(String)')})")
    for phrase in filter.phrases:
        conditions.add(_phrase(conditions, phrase))
    for phrase in filter.without_phrases:
        conditions.add(f"NOT {_phrase(conditions, phrase)}")
    if filter.contains is not None:
        part = conditions.bind(filter.contains, "String")
        conditions.add(_in_any_text(lambda text: f"position(lower({text}), {part}) > 0"))


def _some_at_a_time(words: list[str]) -> list[list[str]]:
    return [words[start : start + MAX_WORDS_A_CALL] for start in range(0, len(words), MAX_WORDS_A_CALL)]


def _phrase(conditions: Conditions, phrase: tuple[str, ...]) -> str:
    """Text by text: in the index's expression a phrase could begin in one of them and end in the next."""
    words = conditions.bind(" ".join(phrase), "String")
    return _in_any_text(lambda text: f"hasPhrase(lower({text}), {words})")


def _in_any_text(holds: Callable[[str], str]) -> str:
    """What holds of at least one text of a record."""
    of_keys = f"arrayExists(value -> {holds('value')}, mapValues(keys))"
    return "(" + " OR ".join([*map(holds, TEXTS), of_keys]) + ")"


def _one_of(conditions: Conditions, column: str, wanted: tuple[str, ...]) -> str:
    if len(wanted) == 1:
        return f"{column} = {conditions.bind(wanted[0], 'String')}"
    return f"{column} IN {conditions.bind(list(wanted), 'Array(String)')}"


def _key(conditions: Conditions, key: KeyFilter) -> str:
    """A business key. `has(mapValues(...))` is there for its bloom filter, the look-up alone decides."""
    name = conditions.bind(key.name, "String")
    if key.value is None:
        return f"mapContains(keys, {name})"
    value = conditions.bind(key.value, "String")
    return f"(has(mapValues(keys), {value}) AND mapContains(keys, {name}) AND keys[{name}] = {value})"


def _http_status(conditions: Conditions, wanted: HttpStatusFilter) -> str:
    low, high = conditions.bind(wanted.low, "Int64"), conditions.bind(wanted.high, "Int64")
    return f"(http_status >= {low} AND http_status <= {high})"


def _failure_class(conditions: Conditions, wanted: tuple[FailureClass, ...]) -> str:
    """What `failure_class_of` says: the type where it can, else the status."""
    types = [type_ for type_, class_ in CLASS_OF_TYPE.items() if class_ in wanted]
    statuses = [status for status, class_ in CLASS_OF_STATUS.items() if class_ in wanted]
    by_status = f"http_status IN {conditions.bind(statuses, 'Array(Int64)')}"
    if "delivery" in wanted:
        by_status = f"({by_status} OR http_status >= 500)"
    return (
        f"(status = 'failure' AND (error_type IN {conditions.bind(types, 'Array(String)')} OR "
        f"(error_type NOT IN {conditions.bind(list(CLASS_OF_TYPE), 'Array(String)')} AND {by_status})))"
    )


def _event_role(conditions: Conditions) -> str:
    steps = conditions.bind(list(ACTIONS_OF_STEPS), "Array(String)")
    return (
        "(kind IN ('external_event', 'internal_event') OR "
        f"(kind = 'integration_event' AND (parent_id = '' OR action NOT IN {steps})))"
    )


def _begin_behind(conditions: Conditions, place: Place, *, later: bool) -> None:
    """Keyset: the bound on the time alone is there for the table's key, the pair decides among equal times."""
    sign = ">" if later else "<"
    time, record_id = conditions.bind(place.time, "Int64"), conditions.bind(place.id, "String")
    conditions.add(f"time {sign}= {time} AND (time {sign} {time} OR id {sign} {record_id})")
