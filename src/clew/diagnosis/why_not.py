"""Why did it not run? The chain from the source to the end of the run, and its first broken link, with evidence.

What is read are the records of what happened and the decisions that the flows wrote down when it did: nothing is
guessed from how things are configured now.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import msgspec

from clew.core.clock import DAY_MS, Clock
from clew.core.errors import FieldError, Invalid, NotAllowed
from clew.diagnosis.rule import as_sentence
from clew.diagnosis.why_not_asker import WhyNotAsker
from clew.diagnosis.why_not_checks import build_case, build_checks
from clew.diagnosis.why_not_facts import Question, WhyNotFacts
from clew.diagnosis.why_not_words import Case, Check, CheckName
from clew.flows.flow import Flow
from clew.flows.flow_settings import FlowSettings
from clew.flows.runner import Runner
from clew.log.search import Coverage, Search
from clew.registry.declare import EventRef
from clew.registry.registry import Registry

MAX_NAMED = 10
"""Keys that an error names."""


class WhyNotRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked: keys as they were given, times in ms since the epoch.

    Without `to_ms` it is until now, without `from_ms` the day before that. `own_customer` is all that may be seen, ""
    where nothing is kept from who asks.
    """

    workspace: str
    customer: str = ""
    flow: str = ""
    event_type: str = ""
    from_ms: int | None = None
    to_ms: int | None = None
    own_customer: str = ""


class WhyNot(msgspec.Struct, frozen=True, kw_only=True):
    """The answer: `summary` in a sentence or two, the chain of checks, and the name of the first that is broken.

    `broken` is "" where none is: it did run, or it cannot be told. `advice` says what to do.
    """

    question: Question
    summary: str
    broken: CheckName | None
    advice: str
    checks: tuple[Check, ...]
    facts: WhyNotFacts

    @property
    def coverage(self) -> Coverage:
        """What was searched."""
        return self.facts.coverage

    def check(self, name: CheckName) -> Check | None:
        """One link of the chain; a flow that no event starts has fewer."""
        return next((check for check in self.checks if check.name == name), None)


class WhyNots:
    """Answers for both faces. `runner` and `flow_settings` are None where nothing runs."""

    def __init__(
        self,
        *,
        flows: Mapping[str, Flow],
        runner: Runner | None,
        flow_settings: FlowSettings | None,
        registry: Registry,
        search: Search,
        clock: Clock,
    ) -> None:
        self._flows = flows
        self._settings = flow_settings
        self._registry = registry
        self._clock = clock
        self._search = search
        self._runner = runner

    async def explain(self, asked: WhyNotRequest) -> WhyNot:
        """Walk the chain.

        Raises `Invalid` for a flow or customer that is not known, for both or neither of flow and event type, and for
        a time that ends before it begins; `NotAllowed` for a customer that may not be seen.
        """
        question = await asyncio.to_thread(self._read, asked)
        asker = WhyNotAsker(self._search, self._runner, self._clock)
        facts = await asker.find(question, title_of=lambda key: self._registry.products.title(asked.workspace, key))
        return build_why_not(question, self._with_settings(question, facts))

    def _with_settings(self, question: Question, facts: WhyNotFacts) -> WhyNotFacts:
        """The facts with what people decided, as it is now."""
        logged = self._registry.switches.read(question.workspace).webhook_logs
        if question.flow is None:
            return msgspec.structs.replace(facts, are_webhooks_logged=logged)
        setting = self._settings.find(question.workspace, question.flow.key) if self._settings else None
        is_enabled = setting.enabled if setting else question.flow.enabled
        return msgspec.structs.replace(facts, is_enabled=is_enabled, setting=setting, are_webhooks_logged=logged)

    def _read(self, asked: WhyNotRequest) -> Question:
        """The question in our own things. Blocks."""
        if asked.own_customer and asked.customer not in ("", asked.own_customer):
            raise NotAllowed("This key sees one customer's records alone.", hint=f"It is {asked.own_customer!r}.")
        customer = asked.own_customer or asked.customer
        errors = [*self._check_subject(asked), *self._check_customer(asked.workspace, customer)]
        to_ms = self._clock.now_ms() if asked.to_ms is None else asked.to_ms
        from_ms = to_ms - DAY_MS if asked.from_ms is None else asked.from_ms
        if from_ms >= to_ms:
            errors.append(FieldError("/from", "The time ends before it begins: `from` must be before `to`."))
        if errors:
            raise Invalid(
                " ".join(error.detail for error in errors),
                hint="Ask about a flow or an event type, for a customer where one is meant, and give a time.",
                errors=tuple(errors),
            )
        found = self._registry.customers.find(asked.workspace, customer) if customer else None
        sources, events = self._expected(asked)
        return Question(
            workspace=asked.workspace,
            customer=customer,
            customer_name=found.name if found else customer,
            flow=self._flows.get(asked.flow),
            event=asked.event_type,
            sources=sources,
            events=events,
            titles={key: self._title_of(asked.workspace, key) for key in sources},
            from_ms=from_ms,
            to_ms=to_ms,
            is_confined=bool(asked.own_customer),
        )

    def _check_subject(self, asked: WhyNotRequest) -> list[FieldError]:
        if asked.flow and asked.event_type:
            return [FieldError("/event_type", "A flow and an event type are given: give one of them.")]
        if not asked.flow and not asked.event_type:
            return [FieldError("/flow", "Neither a flow nor an event type is given.")]
        if asked.flow and asked.flow not in self._flows:
            known = ", ".join(list(self._flows)[:MAX_NAMED]) or "none"
            return [FieldError("/flow", f"There is no flow {asked.flow[:80]!r}. Declared now: {known}.")]
        return []

    def _check_customer(self, workspace: str, customer: str) -> list[FieldError]:
        if not customer or self._registry.customers.find(workspace, customer):
            return []
        near = self._registry.customers.list(workspace, starting=customer[:3], limit=MAX_NAMED)
        named = f" Those that begin like it: {', '.join(one.key for one in near)}." if near else ""
        said = f"There is no customer {customer[:80]!r}: no record ever named it.{named}"
        return [FieldError("/customer", said)]

    def _expected(self, asked: WhyNotRequest) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The sources that the events come from, and the events' names where only some count."""
        flow = self._flows.get(asked.flow)
        if flow is None:
            waiting = [one for other in self._flows.values() for one in other.subscriptions]
            named = [one.source for one in waiting if isinstance(one, EventRef) and one.event == asked.event_type]
            return tuple(dict.fromkeys(named)), (asked.event_type,)
        sources = [one.source if isinstance(one, EventRef) else one for one in flow.subscriptions]
        events = [one.event for one in flow.subscriptions if isinstance(one, EventRef)]
        is_all = len(events) < len(flow.subscriptions)
        return tuple(dict.fromkeys(sources)), () if is_all else tuple(dict.fromkeys(events))

    def _title_of(self, workspace: str, source: str) -> str:
        found = self._registry.sources.find(workspace, source)
        return self._registry.products.title(workspace, found.product) if found else source


def build_why_not(question: Question, facts: WhyNotFacts) -> WhyNot:
    """The answer of these facts."""
    case = build_case(question, facts)
    checks = build_checks(case)
    broken = next((check for check in checks if check.verdict == "no"), None)
    return WhyNot(
        question=question,
        summary=_say_broken(case, checks, broken) if broken else _say_unbroken(case, checks),
        broken=broken.name if broken else None,
        advice=broken.advice if broken else _advise_unbroken(checks),
        checks=checks,
        facts=facts,
    )


def _say_broken(case: Case, checks: tuple[Check, ...], broken: Check) -> str:
    """What did not run, for whom, when, and why."""
    where = f"{case.who} {case.when}"
    if broken.name == "completed":
        if sum(len(fate.runs) for fate in case.fates) == 1:
            return f"{case.subject} ran{where} and {broken.because}."
        return f"{case.subject} ran{where}: {broken.sentence}"
    if broken.name == "started":
        return f"{case.subject} was launched{where} and has not begun: {broken.because}."
    if case.question.flow is None and broken.name == "happened":
        return broken.sentence
    stopped = sum(fate.stopped_at == broken.name for fate in case.fates)
    part = f" for {stopped:,} of {len(case.fates):,} events" if 0 < stopped < len(case.fates) else ""
    verb = "did not run" if case.question.flow else "launched nothing"
    said = as_sentence(f"{case.subject} {verb}{part}{where}: {broken.because}")
    ended = checks[-1]
    return f"{said} Of the others: {ended.sentence}" if ended.verdict != "not_reached" else said


def _say_unbroken(case: Case, checks: tuple[Check, ...]) -> str:
    where, ended = f"{case.who} {case.when}", checks[-1]
    if ended.verdict == "yes":
        return f"{case.subject} did run{where}: {ended.sentence}"
    if ended.verdict == "unknown":
        return f"{case.subject} was launched{where}: {ended.sentence}"
    unknown = [check.sentence for check in checks if check.verdict == "unknown"]
    said = unknown[-1] if unknown else "Nothing is recorded about it."
    return f"It cannot be told whether {case.subject} was to run{where}. {said}"


def _advise_unbroken(checks: tuple[Check, ...]) -> str:
    if checks[-1].verdict == "yes":
        return "It ran. If it did the wrong thing, open the run and follow it step by step."
    if checks[-1].verdict == "unknown":
        return "Open the run to see how far it is."
    return "Ask for a time of which the log has something."
