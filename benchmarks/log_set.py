"""The questions: what people ask of the log, each to a store and as the SQL that one would ask PostgreSQL.

Goals are those of the promises; a question without one was promised nothing but an answer.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import get_args

import msgspec

from benchmarks import log_sql as peer
from benchmarks.log_sample import WORKSPACE, Draw
from benchmarks.vocabulary import CITIES, FINISHES, GOODS, RARE_PRODUCT, STREETS, WORKSPACES
from clew.core.clock import DAY_MS, HOUR_MS
from clew.core.record import Kind
from clew.log.query import NO_ID, Filter, KeyFilter, Place, Query
from clew.log.steps import DEFAULT_BARS, choose_step_ms
from clew.log.store import LogStore
from clew.log.words import sequence_of

PAGE_GOAL_MS = 60.0
WORD_GOAL_MS = 100.0
DEEP_SHARE = 0.98
FACETS = ("product", "event", "customer", "status", "error_type")
FACET_VALUES = 8
SLOW_MS = 500
"""Few records took longer, and no sum of a day knows how long."""
KINDS: tuple[Kind, ...] = ("external_webhook", "external_event", "integration_event", "api_request")
assert set(KINDS) <= set(get_args(Kind))
_COMMON_WORDS = tuple(name.lower() for name in (*CITIES, "nylon", "brass", "uncoated", "galvanised"))
_PHRASES = tuple(words for text in (*STREETS, *GOODS, *FINISHES) if len(words := sequence_of(text)) > 1)


class Found(msgspec.Struct, frozen=True):
    """How many rows an answer has (a count: how many it tells), and whether it ended at a bound."""

    rows: int
    truncated: bool = False


class Question(msgspec.Struct, frozen=True):
    """One question: to a store, and as SQL to PostgreSQL.

    `is_empty`: there is no such record. Of the others each has an answer, at least to some of its values.
    """

    name: str
    ask: Callable[[LogStore, Draw], Found]
    peer: Callable[[Draw], str]
    goal_ms: float | None = None
    is_empty: bool = False


def reference_of(payload: str) -> str:
    """The word that only this payload has: 32 hexadecimal digits."""
    return str(json.loads(payload)["reference"])


def _page(
    name: str,
    filter: Callable[[Draw], Filter],
    *,
    goal_ms: float | None = PAGE_GOAL_MS,
    place: Callable[[Draw], Place] | None = None,
    is_empty: bool = False,
) -> Question:
    """A question for a page of 50."""

    def query(draw: Draw) -> Query:
        return Query(filter=filter(draw), place=place(draw) if place else None)

    def ask(store: LogStore, draw: Draw) -> Found:
        page = store.page(query(draw))
        return Found(len(page.items), page.truncated)

    return Question(name, ask, lambda draw: peer.page(query(draw)), goal_ms, is_empty)


def _count(name: str, filter: Callable[[Draw], Filter]) -> Question:
    def ask(store: LogStore, draw: Draw) -> Found:
        count = store.count(filter(draw))
        return Found(count.count, count.truncated)

    return Question(name, ask, lambda draw: peer.count(filter(draw)))


def _histogram(name: str, span_ms: int) -> Question:
    def filter(draw: Draw) -> Filter:
        return Filter(workspace=WORKSPACE, kind=(_kind(draw),), from_ms=draw.ago(span_ms), to_ms=draw.now_ms)

    def step_ms(draw: Draw) -> int:
        return choose_step_ms(draw.ago(span_ms), draw.now_ms, DEFAULT_BARS)

    def ask(store: LogStore, draw: Draw) -> Found:
        histogram = store.histogram(filter(draw), step_ms(draw))
        return Found(len(histogram.bars), histogram.truncated)

    return Question(name, ask, lambda draw: peer.histogram(filter(draw), step_ms(draw)))


def _facets(name: str, span_ms: int) -> Question:
    def filter(draw: Draw) -> Filter:
        return Filter(workspace=WORKSPACE, kind=(_kind(draw),), from_ms=draw.ago(span_ms), to_ms=draw.now_ms)

    def ask(store: LogStore, draw: Draw) -> Found:
        facets = store.facets(filter(draw), FACETS, FACET_VALUES)
        return Found(sum(map(len, facets.values.values())), facets.truncated)

    return Question(name, ask, lambda draw: peer.facets(filter(draw), FACET_VALUES))


def _substring(name: str, span_ms: int) -> Question:
    """Ten characters from inside a word of a payload: what no index of words finds."""

    def filter(draw: Draw) -> Filter:
        record = {HOUR_MS: draw.of_hour, DAY_MS: draw.of_day}.get(span_ms, draw.record)
        return Filter(workspace=WORKSPACE, contains=reference_of(record.payload)[11:21], from_ms=draw.ago(span_ms))

    return _page(name, filter, goal_ms=None)


def _kind(draw: Draw) -> Kind:
    return KINDS[draw.place % len(KINDS)]


def _workspace(draw: Draw) -> str:
    return WORKSPACES[draw.place % len(WORKSPACES)]


def _key(draw: Draw) -> KeyFilter:
    ((name, value),) = draw.record.keys.items()
    return KeyFilter(name, value)


def _deep_place(draw: Draw) -> Place:
    span_ms = draw.now_ms - draw.oldest_ms
    return Place(draw.now_ms - int(span_ms * DEEP_SHARE) + draw.place * 60_000, NO_ID)


def _find(store: LogStore, draw: Draw) -> Found:
    return Found(int(store.find(WORKSPACE, draw.record.id) is not None))


def _trace(store: LogStore, draw: Draw) -> Found:
    return Found(len(store.trace(WORKSPACE, draw.record.trace_id)))


QUESTIONS: tuple[Question, ...] = (
    _page("first page, no filter", lambda draw: Filter(workspace=_workspace(draw))),
    _page(
        "first page of a customer",
        lambda draw: Filter(workspace=WORKSPACE, customer=(draw.record.customer,)),
    ),
    _page(
        "first page of a kind's failures",
        lambda draw: Filter(workspace=_workspace(draw), kind=(_kind(draw),), status=("failure",)),
    ),
    _page(
        "failures of one in a million",
        lambda draw: Filter(workspace=_workspace(draw), source_product=(RARE_PRODUCT,), status=("failure",)),
    ),
    _page(
        "no hit, by a column without an index",
        lambda draw: Filter(workspace=_workspace(draw), kind=(_kind(draw),), connection=(f"nowhere-{draw.place}",)),
        is_empty=True,
    ),
    _page(
        "deep page of failures, 98 % back",
        lambda draw: Filter(workspace=WORKSPACE, status=("failure",)),
        place=_deep_place,
    ),
    _page(
        "application events of a customer",
        lambda draw: Filter(workspace=WORKSPACE, customer=(draw.record.customer,), role=("event",)),
    ),
    Question("one record by its id", _find, lambda draw: peer.by_id(WORKSPACE, draw.record), PAGE_GOAL_MS),
    Question("one trace", _trace, lambda draw: peer.trace(WORKSPACE, draw.record), PAGE_GOAL_MS),
    _page("one business key", lambda draw: Filter(workspace=WORKSPACE, keys=(_key(draw),))),
    _page(
        "a word that one payload has",
        lambda draw: Filter(workspace=WORKSPACE, words=(reference_of(draw.record.payload),)),
        goal_ms=WORD_GOAL_MS,
    ),
    _page(
        "a word that many payloads have",
        lambda draw: Filter(workspace=_workspace(draw), words=(_COMMON_WORDS[draw.place % len(_COMMON_WORDS)],)),
        goal_ms=WORD_GOAL_MS,
    ),
    _page(
        "a phrase that one trace has",
        lambda draw: Filter(workspace=WORKSPACE, phrases=(sequence_of(_key(draw).value or ""),)),
        goal_ms=WORD_GOAL_MS,
    ),
    _page(
        "a phrase that many payloads have",
        lambda draw: Filter(workspace=_workspace(draw), phrases=(_PHRASES[draw.place % len(_PHRASES)],)),
        goal_ms=WORD_GOAL_MS,
    ),
    _substring("part of a word, in 1 hour", HOUR_MS),
    _substring("part of a word, in 1 day", DAY_MS),
    _substring("part of a word, in 30 days", 30 * DAY_MS),
    _count(
        "count of a customer's failures",
        lambda draw: Filter(workspace=WORKSPACE, customer=(draw.record.customer,), status=("failure",)),
    ),
    _count(
        "count of slow ones, read row by row",
        lambda draw: Filter(workspace=WORKSPACE, min_duration_ms=SLOW_MS + draw.place),
    ),
    _histogram("histogram of 24 hours", DAY_MS),
    _histogram("histogram of 30 days", 30 * DAY_MS),
    _facets("facets of 24 hours", DAY_MS),
    _facets("facets of 30 days", 30 * DAY_MS),
)
