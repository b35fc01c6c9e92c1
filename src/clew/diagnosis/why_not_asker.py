"""Asks the log what a question needs: about a dozen bounded questions, however much there is."""

from __future__ import annotations

import asyncio

import msgspec

from clew.core.clock import Clock
from clew.core.record import Kind, Record, Summary
from clew.diagnosis.cause import Cause, build_cause
from clew.diagnosis.decisions import Decision, read_decision
from clew.diagnosis.facts import TitleOf
from clew.diagnosis.why_not_facts import Arrivals, Nearby, Question, Waiting, WhyNotFacts
from clew.flows.runner import OpenRun, Runner
from clew.log.parameters import ListRequest
from clew.log.query import Filter, Query, Sort
from clew.log.search import Answer, Search

MAX_EVENTS = 50
"""Events of one question that are followed: enough for an hour of a customer, few enough for one look."""
MAX_DECISIONS = 1_000
MAX_RUNS = 500
MAX_REFUSED = 20
MAX_NEARBY = 20
_EVENTS: tuple[Kind, ...] = ("external_event", "internal_event")


class WhyNotAsker:
    """Asks the log and the runner for one question. `runner` is None where nothing can be open."""

    def __init__(self, search: Search, runner: Runner | None, clock: Clock) -> None:
        self._search = search
        self._runner = runner
        self._clock = clock
        self._is_cut = False

    async def find(self, question: Question, *, title_of: TitleOf) -> WhyNotFacts:
        """What the log and the runner know. `title_of` gives what people call a product.

        The coverage is truncated where any of the answers is: what was not found may be there.
        """
        facts = await (self._of_events(question) if question.is_by_event else self._of_flow(question))
        cause = await self._cause(question, facts.ended, title_of)
        coverage = msgspec.structs.replace(facts.coverage, truncated=self._is_cut)
        return msgspec.structs.replace(facts, cause=cause, coverage=coverage)

    async def _of_events(self, question: Question) -> WhyNotFacts:
        """Where events start it: what came, which of it counts, and what became of that."""
        now_ms = self._clock.now_ms()
        answer, arrivals = await asyncio.gather(self._events(question), self._arrivals(question))
        events = tuple(event for event in answer.page.items if question.is_wanted(event))
        facts = WhyNotFacts(
            now_ms=now_ms,
            coverage=answer.coverage,
            arrivals=arrivals,
            events=events,
            has_more_events=answer.page.has_next,
        )
        if not events:
            return msgspec.structs.replace(facts, nearby=await self._nearby(question))
        decisions, ended = await asyncio.gather(self._decisions(question, events), self._ended(question, events))
        waiting = self._waiting(question, {event.id for event in events})
        return msgspec.structs.replace(facts, decisions=decisions, ended=ended, waiting=waiting)

    async def _of_flow(self, question: Question) -> WhyNotFacts:
        """Where no event starts it: its runs in this time, and the moments it was passed over."""
        now_ms, flow = self._clock.now_ms(), question.flow
        assert flow is not None
        within = msgspec.structs.replace(_within(question), flow=(flow.key,))
        # A scheduled run is of no customer.
        mine = within if flow.schedule else msgspec.structs.replace(within, customer=_only(question.customer))
        ran, passed_over = await asyncio.gather(
            self._page(msgspec.structs.replace(mine, kind=("flow_run",)), MAX_RUNS),
            self._page(msgspec.structs.replace(within, kind=("decision",)), MAX_DECISIONS),
        )
        due = (
            flow.schedule.missed_between(question.from_ms - 1, min(question.to_ms - 1, now_ms)) if flow.schedule else []
        )
        waiting = (
            one for one in self._waiting(question, None) if question.from_ms <= one.run.queued_ms < question.to_ms
        )
        return WhyNotFacts(
            now_ms=now_ms,
            coverage=ran.coverage,
            decisions=tuple(read_decision(one) for one in passed_over.page.items),
            ended=ran.page.items,
            waiting=tuple(waiting),
            due_ms=tuple(due),
        )

    async def _events(self, question: Question) -> Answer:
        wanted = msgspec.structs.replace(_of_sources(question), kind=_EVENTS, event=question.events)
        return await self._page(msgspec.structs.replace(wanted, customer=_only(question.customer)), MAX_EVENTS)

    async def _arrivals(self, question: Question) -> Arrivals:
        """The webhooks of the sources in this time, of every customer, and the repeated ones of this one."""
        if question.is_confined:
            return Arrivals()
        came = msgspec.structs.replace(_of_sources(question), kind=("external_webhook",))
        failed = msgspec.structs.replace(came, status=("failure",))
        own = msgspec.structs.replace(came, customer=_only(question.customer), event=question.events)
        received, refused, latest, refusals, mine = await asyncio.gather(
            self._count(came),
            self._count(failed),
            self._page(came, 1),
            self._page(failed, MAX_REFUSED),
            self._page(own, MAX_EVENTS),
        )
        items = latest.page.items or (await self._page(_until(came), 1)).page.items
        return Arrivals(
            received=received,
            refused_count=refused,
            latest=items[0] if items else None,
            refused=refusals.page.items,
            repeats=tuple(one for one in mine.page.items if one.duplicate_of),
        )

    async def _nearby(self, question: Question) -> Nearby:
        """What happened instead."""
        events = msgspec.structs.replace(_of_sources(question), kind=_EVENTS)
        named = msgspec.structs.replace(events, event=question.events)
        own = msgspec.structs.replace(named, customer=_only(question.customer))
        others, siblings, before, after, unreadable, reported = await asyncio.gather(
            self._unless(question.is_confined or not question.customer, named),
            self._unless(not question.sources, msgspec.structs.replace(events, customer=_only(question.customer))),
            self._page(_until(own), 1),
            self._page(msgspec.structs.replace(own, from_ms=question.to_ms, to_ms=None), 1, "asc"),
            self._unless(question.is_confined, msgspec.structs.replace(events, status=("failure",))),
            self._reported(question),
        )
        return Nearby(
            others=others,
            other_names=tuple(one for one in siblings if not question.is_wanted(one) and one.event),
            before=_first(question, before),
            after=_first(question, after),
            unreadable=tuple(one for one in unreadable if not one.event),
            reported=reported,
        )

    async def _reported(self, question: Question) -> tuple[Summary, ...]:
        """Integration events of the name that is asked for."""
        asked = msgspec.structs.replace(_within(question), kind=("integration_event",), event=question.events)
        return await self._unless(
            not question.events, msgspec.structs.replace(asked, customer=_only(question.customer)), limit=1
        )

    async def _unless(self, is_pointless: bool, filter: Filter, limit: int = MAX_NEARBY) -> tuple[Summary, ...]:
        return () if is_pointless else (await self._page(filter, limit)).page.items

    async def _decisions(self, question: Question, events: tuple[Summary, ...]) -> tuple[Decision, ...]:
        """The decisions on these events, of the flow or of none, newest first."""
        answer = await self._page(_following(question, events, "decision"), MAX_DECISIONS)
        wanted = {event.id for event in events}
        key = question.flow.key if question.flow else None
        found = (read_decision(one) for one in answer.page.items)
        return tuple(one for one in found if one.event_id in wanted and (key is None or one.flow in (key, "")))

    async def _ended(self, question: Question, events: tuple[Summary, ...]) -> tuple[Summary, ...]:
        """The ended runs that came of these events."""
        filter = _following(question, events, "flow_run")
        if question.flow:
            filter = msgspec.structs.replace(filter, flow=(question.flow.key,))
        wanted = {event.id for event in events}
        return tuple(one for one in (await self._page(filter, MAX_RUNS)).page.items if one.parent_id in wanted)

    def _waiting(self, question: Question, events: set[str] | None) -> tuple[Waiting, ...]:
        """The open runs of these events (None: of any), each with how many it waits for."""
        if self._runner is None:
            return ()
        opened = self._runner.open_runs(question.workspace, flow=question.flow.key if question.flow else "")
        ahead: dict[tuple[str, str], int] = {}
        found = []
        for run in opened:  # in the order of their launches
            lane = (run.flow, _lane_of(run))
            if events is None or run.parent_id in events:
                found.append(Waiting(run, ahead.get(lane, 0)))
            ahead[lane] = ahead.get(lane, 0) + 1
        return tuple(found)

    async def _cause(self, question: Question, ended: tuple[Summary, ...], title_of: TitleOf) -> Cause | None:
        """Why the latest of the failed runs failed."""
        failed = next((run for run in ended if run.status == "failure"), None)
        if failed is None or not failed.trace_id:
            return None
        found: list[Record] = await self._search.trace(question.workspace, failed.trace_id)
        chain = [one for one in found if not question.is_confined or one.customer == question.customer]
        is_there = any(record.id == failed.id for record in chain)
        return build_cause(chain, failed.id, title_of) if is_there else None

    async def _page(self, filter: Filter, limit: int, sort: Sort = "desc") -> Answer:
        answer = await self._search.page(ListRequest(Query(filter=filter, limit=limit, sort=sort), b"", ()))
        self._is_cut |= answer.page.truncated
        return answer

    async def _count(self, filter: Filter) -> int:
        answer = await self._search.count(filter)
        self._is_cut |= answer.count.truncated
        return answer.count.count


def _within(question: Question) -> Filter:
    """All records of the time. With a confined question its customer's alone."""
    confined = _only(question.customer) if question.is_confined else ()
    return Filter(workspace=question.workspace, from_ms=question.from_ms, to_ms=question.to_ms, customer=confined)


def _of_sources(question: Question) -> Filter:
    return msgspec.structs.replace(_within(question), source=question.sources)


def _following(question: Question, events: tuple[Summary, ...], kind: Kind) -> Filter:
    """What came of these events, whenever: a run may take hours, and be repeated days later."""
    traces = tuple(dict.fromkeys(event.trace_id for event in events if event.trace_id))
    return msgspec.structs.replace(_within(question), kind=(kind,), trace_id=traces, to_ms=None)


def _until(filter: Filter) -> Filter:
    """The same before the time that it asks about."""
    return msgspec.structs.replace(filter, from_ms=None, to_ms=filter.from_ms)


def _only(customer: str) -> tuple[str, ...]:
    return (customer,) if customer else ()


def _first(question: Question, answer: Answer) -> Summary | None:
    return next((one for one in answer.page.items if question.is_wanted(one)), None)


def _lane_of(run: OpenRun) -> str:
    return run.event.connection or run.event.customer
