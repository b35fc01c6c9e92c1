"""A search for why something did not run that ended at a bound says so, whichever of its questions was cut."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from clew.core.clock import HOUR_MS, FakeClock
from clew.core.ids import new_id
from clew.core.record import Record, encode_line
from clew.diagnosis.why_not import WhyNot, build_why_not
from clew.diagnosis.why_not_asker import WhyNotAsker
from clew.diagnosis.why_not_facts import Question
from clew.flows.flow import Flow
from clew.log.cursor import CursorCodec
from clew.log.memory import MemoryStore
from clew.log.query import Filter, Page, Query
from clew.log.search import Search
from clew.log.store import Count

WORKSPACE = "w"


class Bounded(MemoryStore):
    """A store that finds nothing within its bounds of what `is_too_much` for it."""

    def __init__(self, is_too_much: Callable[[Filter], bool]) -> None:
        super().__init__()
        self._is_too_much = is_too_much

    def page(self, query: Query) -> Page:
        return Page((), False, False, truncated=True) if self._is_too_much(query.filter) else super().page(query)

    def count(self, filter: Filter, budget_ms: int | None = None) -> Count:
        return Count(0, truncated=True) if self._is_too_much(filter) else super().count(filter)


class Now:
    """A log that is never behind."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock

    def indexed_until_ms(self) -> int:
        return self._clock.now_ms()


async def explain(is_too_much: Callable[[Filter], bool], **asked: Any) -> WhyNot:
    clock = FakeClock()
    store = Bounded(is_too_much)
    old = Record(id=new_id(), time=clock.now_ms() - 50 * HOUR_MS, workspace=WORKSPACE, kind="external_webhook")
    store.insert(encode_line(old) + b"\n", "one")
    search = Search(store, progress=Now(clock), clock=clock, cursors=CursorCodec())
    question = Question(
        workspace=WORKSPACE,
        from_ms=clock.now_ms() - HOUR_MS,
        to_ms=clock.now_ms(),
        **{"event": "order.released", **asked},
    )
    try:
        facts = await WhyNotAsker(search, None, clock).find(question, title_of=lambda key: key)
    finally:
        search.close()
    return build_why_not(question, facts)


SOURCE = {"sources": ("orders",), "events": ("order.released",)}


@pytest.mark.parametrize("kind", ["external_webhook", "external_event", "integration_event"])
async def test_where_any_answer_was_cut_the_coverage_says_so(kind: str) -> None:
    whole = await explain(lambda filter: False, **SOURCE)
    assert not whole.coverage.truncated
    cut = await explain(lambda filter: kind in filter.kind, **SOURCE)
    assert cut.coverage.truncated


async def test_that_nothing_came_is_not_said_where_not_all_was_looked_at() -> None:
    whole = await explain(lambda filter: False, **SOURCE)
    assert [check.verdict for check in whole.checks if check.name == "received"] == ["no"]
    cut = await explain(lambda filter: "external_webhook" in filter.kind, **SOURCE)
    assert [check.verdict for check in cut.checks if check.name == "received"] == ["unknown"]


async def test_that_nobody_asked_for_it_is_not_said_where_not_all_was_looked_at() -> None:
    flow = Flow("by-hand")

    @flow.node
    def work() -> dict[str, str]:
        return {}

    whole = await explain(lambda filter: False, flow=flow, event="")
    assert [check.verdict for check in whole.checks if check.name == "happened"] == ["no"]
    cut = await explain(lambda filter: "flow_run" in filter.kind, flow=flow, event="")
    assert [check.verdict for check in cut.checks if check.name == "happened"] == ["unknown"]


async def test_one_question_that_was_cut_says_nothing_of_the_next_one() -> None:
    assert (await explain(lambda filter: True, **SOURCE)).coverage.truncated
    whole = await explain(lambda filter: False, **SOURCE)
    assert not msgspec.structs.asdict(whole.coverage)["truncated"]
